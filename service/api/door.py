"""Before any route, in this order: who calls, may he, is the body JSON, is it a repeat.

Routes get it as a `Call`. Nothing of a request is stored here.
"""

import hashlib
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from service.api.arrival import ARRIVED
from service.api.errors import failed_send
from service.api.following import Follow, headers_of
from service.api.problems import FailedError, RefusedError
from service.api.strict_json import canonical, parsed
from service.api.tracing import TRACE
from service.domain.access import ApiKey, Scope
from service.domain.errors import (
    FieldFault,
    InsufficientScopeError,
    InvalidRequestError,
    NotFoundError,
)
from service.domain.trace import Trace
from service.usecases.broker import Broker
from service.usecases.idempotency import Answer, Ticket
from service.usecases.waiting import Patience

KEY_MAX: Final = 255
PATH_MAX: Final = 256
"""No path of ours is as long; with the caller's key it names a record, and names have a limit."""
FAILED: Final = 400
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that came through the door."""

    key: ApiKey
    ticket: Ticket | None
    arrived: float
    trace: Trace
    """Of what this request causes."""

    def patience(self, seconds: float) -> Patience:
        """So long the caller wants to wait."""
        return Patience(arrived=self.arrived, seconds=seconds)


def call_of(request: Request) -> Call:
    """The call behind a request."""
    call: Call = request.state.call
    return call


def guarded(broker: Broker, *, read: Scope, write: Scope, raw: bool = False) -> type[APIRoute]:
    """A class of routes that need one scope for GET and one for everything else.

    `raw`: their bodies are bytes, not JSON.
    """

    class GuardedRoute(_GuardedRoute):
        door = _Door(broker=broker, read=read, write=write, raw=raw)

    return GuardedRoute


class _GuardedRoute(APIRoute):
    door: ClassVar["_Door"]

    def get_route_handler(self) -> Handler:
        """FastAPI's own handler, behind the door."""
        inside = super().get_route_handler()

        async def handle(request: Request) -> Response:
            request.state.call = await self.door(request)
            return await inside(request)

        return handle


@dataclass(frozen=True, slots=True, kw_only=True)
class _Door:
    broker: Broker
    read: Scope
    write: Scope
    raw: bool = False

    async def __call__(self, request: Request) -> Call:
        arrived: float = request.scope[ARRIVED]
        trace: Trace = request.scope[TRACE]
        key = await self.broker.authenticate(_bearer(request))
        request.state.tenant = key.tenant
        scope = self.read if request.method == "GET" else self.write
        if not key.allows(scope):
            raise InsufficientScopeError(scope=scope.value)
        if request.method == "GET":
            return Call(key=key, ticket=None, arrived=arrived, trace=trace)
        body = await request.body() if self.raw else canonical(await _json(request))
        digest = hashlib.sha256(body).hexdigest()
        ticket = self._ticket(request, key, digest)
        return Call(key=key, ticket=ticket, arrived=arrived, trace=trace)

    def _ticket(self, request: Request, key: ApiKey, digest: str) -> Ticket | None:
        given = request.headers.get("idempotency-key")
        if given is None:
            return None
        if not 1 <= len(given) <= KEY_MAX or not (given.isascii() and given.isprintable()):
            fault = f"is 1 to {KEY_MAX} printable ASCII characters"
            raise InvalidRequestError(FieldFault(pointer="/header/idempotency-key", detail=fault))
        if len(request.url.path) > PATH_MAX:
            raise NotFoundError(kind="path", name=request.url.path[:PATH_MAX])
        return Ticket(
            tenant=key.tenant,
            key=f"{request.method} {request.url.path} {given}",
            request_hash=digest,
            at=self.broker.clock.now(),
        )


async def _json(request: Request) -> Any:  # noqa: ANN401 - the JSON edge
    """The body, checked; FastAPI reads it again from the request's cache. Empty counts as {}."""
    body = await request.body()
    if not body:
        return {}
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise RefusedError(
            status=415,
            code="unsupported_media_type",
            detail="a body must be application/json",
        )
    return parsed(body)


def _bearer(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


async def respond(answering: Awaitable[Answer], follow: Follow | None = None) -> Response:
    """An answer on the wire; one that tells of a failed message becomes its problem.

    `follow` says where the outcome of one that is only accepted will be.
    """
    answer = await answering
    headers = {"Idempotency-Replayed": "true"} if answer.replayed else {}
    headers |= headers_of(answer.status, answer.body, follow)
    if answer.body is None:
        return Response(status_code=answer.status, headers=headers)
    if answer.status >= FAILED:
        problem = failed_send(answer.body.get("message", answer.body))
        raise FailedError(replace(problem, headers={**problem.headers, **headers}))
    return JSONResponse(answer.body, status_code=answer.status, headers=headers)
