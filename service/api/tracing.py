"""Around everything else: which trace a request belongs to, and the one line that tells of it.

Plain ASGI. The trace is the caller's (`traceparent`), or AWS's where a gateway began one, or a new
one. Each answer names it, also that of our own mistakes.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.gateway import EVENT
from service.domain.trace import (
    TRACEPARENT,
    Trace,
    trace_id,
    trace_of_header,
    trace_of_name,
    trace_of_xray,
)
from service.ports.system import Clock, Ids

TRACE: Final = "broker.trace"
TRACE_HEADER: Final = "broker-trace-id"
XRAY: Final = "x-amzn-trace-id"
"""Put there by API Gateway (X-Ray developer guide, "Tracing header"), for callers without one."""
HEALTH: Final = frozenset({"/healthz", "/readyz"})
"""Asked every few seconds: lines that all is well would hide the others."""
PATH_MOST: Final = 256

_log = logging.getLogger(__name__)


class Tracing:
    """Wraps the application."""

    def __init__(self, app: ASGIApp, *, clock: Clock, ids: Ids) -> None:
        self._app = app
        self._clock = clock
        self._ids = ids

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; other kinds of connection pass through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope[TRACE] = trace = _trace_of(scope) or trace_of_name(self._ids.uuid())
        begun, sending = self._clock.monotonic(), _Sending(send, trace)
        error: str | None = None
        try:
            await self._app(scope, receive, sending)
        except Exception as mistake:
            # Only its name: its text may hold what people wrote. The server has the traceback.
            error = type(mistake).__name__
            raise
        finally:
            _tell(scope, sending.status, error, seconds=self._clock.monotonic() - begun)


@dataclass(slots=True)
class _Sending:
    send: Send
    trace: Trace
    status: int | None = None
    """None: nobody was answered, for the request was cut off."""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            name = (TRACE_HEADER.encode(), trace_id(self.trace).encode())
            message = {**message, "headers": [*message.get("headers", ()), name]}
        await self.send(message)


def _trace_of(scope: Scope) -> Trace | None:
    """The trace that the request names. A header that stands twice is none (W3C, 3.2)."""
    return trace_of_header(_only(scope, TRACEPARENT)) or trace_of_xray(_only(scope, XRAY))


def _only(scope: Scope, name: str) -> str:
    found = [value for each, value in scope["headers"] if each == name.encode()]
    return found[0].decode("latin-1") if len(found) == 1 else ""


def _tell(scope: Scope, status: int | None, error: str | None, *, seconds: float) -> None:
    """Never the query, a header or a body, nor a path that is none of ours."""
    route, state = scope.get("route"), scope.get("state", {})
    is_known = route is not None
    facts = {
        **_ids_in(scope),
        "method": scope["method"],
        "path": scope["path"][:PATH_MOST] if is_known else None,
        "route": getattr(route, "path", None),
        "status": status,
        "outcome": _outcome(status),
        "code": state.get("code"),
        "error": state.get("error", error),
        "seconds": round(seconds, 4),
        "tenant": state.get("tenant"),
        "trace_id": trace_id(scope[TRACE]),
        "request_id": scope.get(EVENT, {}).get("requestContext", {}).get("requestId"),
    }
    is_dull = scope["path"] in HEALTH and status == HTTPStatus.OK
    _log.log(logging.DEBUG if is_dull else _level_of(status), "api.served", extra=facts)


def _level_of(status: int | None) -> int:
    """A mistake of ours is an error; that something was away is a warning."""
    if status is None or status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return logging.INFO
    return logging.ERROR if status == HTTPStatus.INTERNAL_SERVER_ERROR else logging.WARNING


def _ids_in(scope: Scope) -> Mapping[str, Any]:
    """What the request is about, by the names that other lines have for it."""
    params, state = scope.get("path_params", {}), scope.get("state", {})
    endpoint_id = params.get("webhook_id")
    about = {
        "session_id": params.get("session_id") or state.get("session_id"),
        "endpoint_id": endpoint_id,
    }
    return {name: str(value)[:PATH_MOST] for name, value in about.items() if value is not None}


def _outcome(status: int | None) -> str:
    if status is None:
        return "cut"
    return "failed" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "answered"
