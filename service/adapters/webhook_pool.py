"""Kept connections: the last one given back to a place is the first one used there again.

Instead of httpcore2's own pool, which asks the socket of every idle connection at every request
whether it still lives: with twenty of them that is half of what a POST costs. Here only the one
that is about to be used is asked. All hosts share one pool, so that there is a bound to what is
kept, and a connection goes at its time, whether or not anybody asks for its host again.
"""

import asyncio
import ssl
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, cast

import httpcore2

from service.ports import Clock

IDLE_SECONDS: Final = 4.0
"""Shorter than most servers' patience (5 s), so that a kept connection is rarely a dead one."""
HOST_MOST: Final = 50
"""Kept connections to a host. There is no upper bound of those in use: a host that hangs on all its
connections must not delay its neighbour.
"""
KEPT_MOST: Final = 256
"""Kept connections to all hosts: each is a file descriptor, whose number the process is limited in.
"""

_Host = tuple[bytes, str, int]
"""Scheme, name and port: a certificate was checked for that name, no other must ride on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    host: _Host
    until: float


class KeptConnections:
    """Lends each connection to one request at a time."""

    def __init__(
        self,
        *,
        clock: Clock,
        backend: httpcore2.AsyncNetworkBackend,
        idle_seconds: float = IDLE_SECONDS,
        host_most: int = HOST_MOST,
        kept_most: int = KEPT_MOST,
    ) -> None:
        self._clock = clock
        self._backend = backend
        self._idle_seconds = idle_seconds
        self._host_most = host_most
        self._kept_most = kept_most
        # Both in the order in which they were given back, which is the order in which they go.
        self._kept: OrderedDict[httpcore2.AsyncHTTPConnection, _Kept] = OrderedDict()
        self._hosts: dict[_Host, OrderedDict[httpcore2.AsyncHTTPConnection, bytes]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._tidying: asyncio.Task[None] | None = None
        self._closed = False

    async def request(
        self, request: httpcore2.Request, *, name: str, tls: ssl.SSLContext | None
    ) -> httpcore2.Response:
        """Over a kept connection of that name, if one lives. Closing the answer gives it back."""
        await self._tidy()
        origin = request.url.origin
        host = (origin.scheme, name, origin.port)
        connection = await self._living(host, origin.host) or httpcore2.AsyncHTTPConnection(
            origin,
            ssl_context=tls,
            keepalive_expiry=self._idle_seconds,
            network_backend=self._backend,
        )
        try:
            response = await connection.handle_async_request(request)
        except BaseException:
            await connection.aclose()
            raise
        stream = cast("AsyncIterable[bytes]", response.stream)
        return httpcore2.Response(
            status=response.status,
            headers=response.headers,
            content=_Lent(stream, connection, (host, origin.host), self),
            extensions=response.extensions,
        )

    async def give_back(
        self, connection: httpcore2.AsyncHTTPConnection, host: _Host, address: bytes
    ) -> None:
        """Keep it for the next request, if it is fit for one, instead of the oldest."""
        if self._closed or not connection.is_idle():
            await connection.aclose()
            return
        until = self._clock.monotonic() + self._idle_seconds
        self._kept[connection] = _Kept(host=host, until=until)
        neighbours = self._hosts.setdefault(host, OrderedDict())
        neighbours[connection] = address
        self._arm()
        if len(neighbours) > self._host_most:
            await self._taken(next(iter(neighbours))).aclose()
        await self._tidy()

    async def aclose(self) -> None:
        """Close every kept connection; those in use are closed when they are given back."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        await self._tidy()

    async def _living(self, host: _Host, address: bytes) -> httpcore2.AsyncHTTPConnection | None:
        while (connection := self._latest(host, address)) is not None:
            self._taken(connection)
            if not connection.has_expired():
                return connection
            await connection.aclose()
        return None

    def _latest(self, host: _Host, address: bytes) -> httpcore2.AsyncHTTPConnection | None:
        neighbours = reversed(self._hosts.get(host, OrderedDict()).items())
        return next((connection for connection, at in neighbours if at == address), None)

    def _taken(self, connection: httpcore2.AsyncHTTPConnection) -> httpcore2.AsyncHTTPConnection:
        kept = self._kept.pop(connection)
        neighbours = self._hosts[kept.host]
        del neighbours[connection]
        if not neighbours:
            del self._hosts[kept.host]
        return connection

    async def _tidy(self) -> None:
        """Close what was kept too long, or is too much.

        One by one: others do the same meanwhile, and whoever is cancelled leaves the rest to them.
        """
        while (oldest := next(iter(self._kept), None)) is not None:
            fits = len(self._kept) <= self._kept_most and not self._closed
            if fits and self._clock.monotonic() < self._kept[oldest].until:
                return
            await self._taken(oldest).aclose()

    def _arm(self) -> None:
        """A timer, not a task that waits: in a function nothing is at work between two batches."""
        if self._timer is None and self._kept:
            left = next(iter(self._kept.values())).until - self._clock.monotonic()
            self._timer = asyncio.get_running_loop().call_later(max(0.0, left), self._ring)

    def _ring(self) -> None:
        self._timer = None
        self._tidying = asyncio.get_running_loop().create_task(self._tidy())
        self._tidying.add_done_callback(lambda _: self._arm())


class _Lent:
    """The body of an answer; closing it gives the connection back."""

    def __init__(
        self,
        stream: AsyncIterable[bytes],
        connection: httpcore2.AsyncHTTPConnection,
        place: tuple[_Host, bytes],
        pool: KeptConnections,
    ) -> None:
        self._stream = stream
        self._connection = connection
        self._place = place
        self._pool = pool
        self._closed = False

    async def __aiter__(self) -> AsyncGenerator[bytes]:
        async with aclosing(cast("AsyncGenerator[bytes]", aiter(self._stream))) as chunks:
            async for chunk in chunks:
                yield chunk

    async def aclose(self) -> None:
        """Close the answer, once."""
        if self._closed:
            return
        self._closed = True
        await self._stream.aclose()  # type: ignore[attr-defined]  # the transport's, which has it
        await self._pool.give_back(self._connection, *self._place)
