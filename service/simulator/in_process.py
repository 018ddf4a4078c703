"""The simulator without sockets: for tests, and for a virtual clock.

It must not take the time from anywhere but the clock it is given.
"""

import asyncio
from collections.abc import Callable, Mapping
from itertools import count
from typing import Final, Protocol
from urllib.parse import parse_qsl, urlsplit

from service.simulator.control import Control
from service.simulator.events import (
    Accept,
    CloseConnection,
    ConnectionLost,
    ConnectionRequested,
    ConnId,
    Deny,
    FrameReceived,
    GoSilent,
    HttpReply,
    HttpRequested,
    Output,
    RequestId,
    ResetConnection,
    SendFrame,
    StartTimer,
)
from service.simulator.pump import Pump
from service.simulator.world import World

ABNORMAL: Final = 1006


class Clock(Protocol):
    """Time in epoch seconds, and waiting."""

    def now(self) -> float:
        """Return the time of now."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


class HandshakeDeniedError(Exception):
    """The upgrade was answered with an HTTP status."""

    def __init__(self, status: int, headers: Mapping[str, str]) -> None:
        """Keep status and headers."""
        super().__init__(f"upgrade denied with status {status}")
        self.status = status
        self.headers = headers


class ConnectionEndedError(Exception):
    """The connection is over; `clean` tells whether a close frame was seen."""

    def __init__(self, code: int, *, clean: bool, reason: str = "") -> None:
        """Keep code and reason."""
        super().__init__(f"connection ended with code {code}")
        self.code = code
        self.clean = clean
        self.reason = reason


class InProcessConnection:
    """One open connection, seen from the client."""

    def __init__(self, conn: ConnId, pump: Pump, left: Callable[[ConnId], object]) -> None:
        """Made by `InProcessSimulator.connect`; `left` is told when the client leaves."""
        self.id = conn
        self._left = left
        self._pump = pump
        self._inbox: asyncio.Queue[str | ConnectionEndedError] = asyncio.Queue()
        self._ended: ConnectionEndedError | None = None
        self._silent = False

    async def send(self, text: str) -> None:
        """Send a frame. Raises `ConnectionEndedError`; on a half-open line it vanishes."""
        if self._ended:
            raise self._ended
        if not self._silent:
            self._pump.feed(FrameReceived(conn=self.id, text=text))

    async def recv(self) -> str:
        """Wait for the next frame. Raises `ConnectionEndedError` when there will be none."""
        if self._ended and self._inbox.empty():
            raise self._ended
        item = await self._inbox.get()
        if isinstance(item, ConnectionEndedError):
            raise item
        return item

    async def ping(self) -> None:
        """Return when a pong would have come: at once, or never on a half-open line."""
        if self._ended:
            raise self._ended
        if self._silent:
            await asyncio.get_running_loop().create_future()

    async def close(self, code: int = 1000) -> None:
        """Close cleanly."""
        self._leave(ConnectionEndedError(code, clean=True))

    def abort(self) -> None:
        """Vanish without a close frame."""
        self._leave(ConnectionEndedError(ABNORMAL, clean=False))

    def _leave(self, ended: ConnectionEndedError) -> None:
        if self._ended is None:
            self.end(ended)
            self._left(self.id)
            self._pump.feed(ConnectionLost(conn=self.id))

    def take(self, text: str) -> None:
        """Put a frame into the inbox (for the simulator)."""
        self._inbox.put_nowait(text)

    def end(self, ended: ConnectionEndedError) -> None:
        """End the connection (for the simulator); frames already in the inbox can still be read."""
        if self._ended is None:
            self._ended = ended
            self._inbox.put_nowait(ended)

    def silence(self) -> None:
        """Leave the connection half-open (for the simulator)."""
        self._silent = True


class InProcessSimulator:
    """A world on a clock. `control` gives its orders; `aclose` stops its timers."""

    def __init__(self, world: World, clock: Clock) -> None:
        """Take the world to run and the clock to run it on."""
        self._clock = clock
        self._pump = Pump(world, now=clock.now, wake_at=self._wake_at, carry_out=self._carry_out)
        self._numbers = count(1)
        self._lines: dict[ConnId, InProcessConnection] = {}
        self._upgrades: dict[ConnId, asyncio.Future[InProcessConnection]] = {}
        self._replies: dict[RequestId, asyncio.Future[HttpReply]] = {}
        self._waker: asyncio.Task[None] | None = None
        self.control = Control(self._pump.order)

    async def connect(
        self, url: str, headers: Mapping[str, str] | None = None
    ) -> InProcessConnection:
        """Open a WebSocket. Raises `HandshakeDeniedError`; may wait for ever when so ordered."""
        parts = urlsplit(url)
        conn = ConnId(next(self._numbers))
        opened = asyncio.get_running_loop().create_future()
        self._upgrades[conn] = opened
        event = ConnectionRequested(
            conn=conn,
            path=parts.path,
            origin=_http_origin(url),
            query=dict(parse_qsl(parts.query)),
            headers=_lower(headers),
        )
        self._pump.feed(event)
        try:
            connection: InProcessConnection = await opened
        finally:
            del self._upgrades[conn]
        return connection

    async def http(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Make a request; return status, headers (lower case) and body."""
        parts = urlsplit(url)
        request = RequestId(next(self._numbers))
        answered = asyncio.get_running_loop().create_future()
        self._replies[request] = answered
        event = HttpRequested(
            request=request,
            method=method.upper(),
            path=parts.path,
            origin=_http_origin(url),
            query=dict(parse_qsl(parts.query)),
            headers=_lower(headers),
            body=body,
        )
        self._pump.feed(event)
        try:
            reply: HttpReply = await answered
        finally:
            del self._replies[request]
        return reply.status, reply.headers, reply.body

    async def aclose(self) -> None:
        """Stop the timers."""
        if self._waker is not None:
            self._waker.cancel()
            await asyncio.gather(self._waker, return_exceptions=True)

    def _wake_at(self, at: float) -> None:
        if self._waker is not None and self._waker is not asyncio.current_task():
            self._waker.cancel()
        self._waker = asyncio.get_running_loop().create_task(self._wake(at))

    async def _wake(self, at: float) -> None:
        await self._clock.sleep(max(0.0, at - self._clock.now()))
        self._pump.fire_due()

    def _carry_out(self, output: Output) -> None:
        match output:
            case Accept() | Deny():
                self._settle_upgrade(output)
            case HttpReply():
                self._settle_request(output)
            case SendFrame(conn=conn, text=text):
                self._lines[conn].take(text)
            case CloseConnection(conn=conn, code=code, reason=reason):
                self._end(conn, ConnectionEndedError(code, clean=True, reason=reason))
            case ResetConnection(conn=conn):
                self._end(conn, ConnectionEndedError(ABNORMAL, clean=False))
            case GoSilent(conn=conn):
                self._lines[conn].silence()
            case StartTimer():
                raise AssertionError(output)

    def _settle_upgrade(self, output: Accept | Deny) -> None:
        waiting = self._upgrades[output.conn]
        if isinstance(output, Deny):
            waiting.set_exception(HandshakeDeniedError(output.status, output.headers))
            return
        line = InProcessConnection(output.conn, self._pump, self._lines.pop)
        self._lines[output.conn] = line
        waiting.set_result(line)

    def _settle_request(self, output: HttpReply) -> None:
        if output.request in self._replies:
            self._replies[output.request].set_result(output)

    def _end(self, conn: ConnId, ended: ConnectionEndedError) -> None:
        if line := self._lines.pop(conn, None):
            line.end(ended)


def _lower(headers: Mapping[str, str] | None) -> dict[str, str]:
    return {name.lower(): value for name, value in (headers or {}).items()}


def _http_origin(url: str) -> str:
    parts = urlsplit(url)
    scheme = {"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme)
    return f"{scheme}://{parts.netloc}"
