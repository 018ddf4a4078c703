"""What is special about a request that AWS's HTTP API handed to a function.

It is older than it looks, and whoever answers too late is ended. Plain ASGI, around the
application and inside of its tracing, so that what is given up has its line and its trace too.
Mangum puts event and context into the scope.
"""

from collections.abc import Mapping
from typing import Any, Final, Protocol

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.arrival import ARRIVED
from service.api.problems import Problem, answer
from service.ports.system import Clock
from service.usecases.fit_run import fit_request

EVENT: Final = "aws.event"
CONTEXT: Final = "aws.context"
TOO_LONG: Final = Problem(
    status=503,
    code="unavailable",
    detail=(
        "the request took too long and was given up; what it began may be done: "
        "repeat it with the same Idempotency-Key, or look"
    ),
    headers={"Retry-After": "1"},
)
"""Before the gateway answers by itself, and before the function is ended with its clients."""


GIVEN_UP: Final = "TimeoutError: given up before the gateway would have"


class Remaining(Protocol):
    """What Lambda's context tells."""

    def get_remaining_time_in_millis(self) -> int:
        """Until the function is ended (developer guide, "Lambda context object in Python")."""
        ...


class Gateway:
    """Wraps the application."""

    def __init__(self, app: ASGIApp, *, clock: Clock) -> None:
        self._app = app
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, within the time that is left of it."""
        context: Remaining = scope[CONTEXT]
        span = fit_request(
            context.get_remaining_time_in_millis() / 1000,
            age_seconds=self._clock.now() - _taken_at(scope[EVENT], self._clock.now()),
        )
        scope[ARRIVED] = self._clock.monotonic() - span.arrived_ago
        sending = _Sending(send)
        try:
            async with self._clock.timeout(span.cut_after):
                await self._app(scope, receive, sending)
        except TimeoutError:
            if sending.begun:
                raise
            scope.setdefault("state", {}).update(code=TOO_LONG.code, error=GIVEN_UP)
            await answer(TOO_LONG)(scope, receive, send)


class _Sending:
    def __init__(self, send: Send) -> None:
        self._send = send
        self.begun = False

    async def __call__(self, message: Message) -> None:
        self.begun = True
        await self._send(message)


def _taken_at(event: Mapping[str, Any], otherwise: float) -> float:
    """When the gateway took it, in seconds (API Gateway, "Payload format version 2.0")."""
    taken = event["requestContext"].get("timeEpoch")
    return taken / 1000 if isinstance(taken, int) else otherwise
