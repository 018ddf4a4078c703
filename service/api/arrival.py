"""The outermost layer: stamps when a request arrived, and stops reading a body that is too large.

Plain ASGI, so that nothing is buffered and no task is started for it.
"""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.problems import RefusedError
from service.ports.system import Clock

BODY_MAX: Final = 1024 * 1024
DRAIN_MAX: Final = 8 * BODY_MAX
"""So much is read and thrown away: a client that still writes would lose our answer to a reset."""

ARRIVED: Final = "broker.arrived"


class Arrival:
    """Wraps the application."""

    def __init__(self, app: ASGIApp, *, clock: Clock) -> None:
        self._app = app
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; other kinds of connection pass through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope[ARRIVED] = self._clock.monotonic()
        await self._app(scope, _Capped(receive), send)


class _Capped:
    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._size = 0

    async def __call__(self) -> Message:
        message = await self._receive()
        self._size += len(message.get("body", b""))
        if self._size <= BODY_MAX:
            return message
        while message.get("more_body") and self._size <= DRAIN_MAX:
            message = await self._receive()
            self._size += len(message.get("body", b""))
        raise RefusedError(
            status=413, code="body_too_large", detail=f"a body takes at most {BODY_MAX} bytes"
        )
