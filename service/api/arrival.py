"""The outermost layer: stamps when a request arrived, stops reading a body that is too large.

And answers our own deliveries that came back to us, before anybody asks for a key.

Plain ASGI, so that nothing is buffered and no task is started for it.
"""

import re
from collections.abc import Mapping
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.problems import Problem, RefusedError, answer
from service.ports.system import Clock
from service.webhook.loops import is_delivery

BODY_MAX: Final = 1024 * 1024
CONTENT_MAX: Final = 4_500_000
"""Of the bytes of a file: a function's event takes 6 MB (AWS Lambda quotas), in which base64 makes
four of three. The same limit stands everywhere, so that what works on one machine does on AWS.
"""
DRAIN_MAX: Final = 8 * BODY_MAX
"""So much is read and thrown away: a client that still writes would lose our answer to a reset."""

_CONTENT: Final = re.compile(r"/v1/sessions/[^/]+/attachments/[^/]+/content")
ARRIVED: Final = "broker.arrived"
LOOP: Final = Problem(
    status=508,
    code="loop_detected",
    detail="this is a delivery of a webhook, and its URL leads back to the broker's own API",
)
"""RFC 5842, 7.2. To its courier it is a failure like any other: tried again by the schedule."""


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
        if scope["method"] == "POST" and is_delivery(_headers(scope)):
            await answer(LOOP)(scope, receive, send)
            return
        # A gateway's request is older than it looks from here.
        scope.setdefault(ARRIVED, self._clock.monotonic())
        await self._app(scope, _Capped(receive, most=_most(scope)), send)


def _most(scope: Scope) -> int:
    is_file = scope["method"] == "PUT" and _CONTENT.fullmatch(scope["path"])
    return CONTENT_MAX if is_file else BODY_MAX


def _headers(scope: Scope) -> Mapping[str, str]:
    """By name, of several one."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


class _Capped:
    def __init__(self, receive: Receive, *, most: int) -> None:
        self._receive = receive
        self._most = most
        self._size = 0

    async def __call__(self) -> Message:
        message = await self._receive()
        self._size += len(message.get("body", b""))
        if self._size <= self._most:
            return message
        while message.get("more_body") and self._size <= DRAIN_MAX:
            message = await self._receive()
            self._size += len(message.get("body", b""))
        raise RefusedError(
            status=413, code="body_too_large", detail=f"this body takes at most {self._most} bytes"
        )
