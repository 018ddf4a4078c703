"""Kept connections to one host: the last one given back is the first one used again.

Instead of httpcore2's own pool, which asks the socket of every idle connection at every request
whether it still lives: with twenty of them that is half of what a POST costs. Here only the one
that is about to be used is asked.
"""

import ssl
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing
from typing import Final, cast

import httpcore2

IDLE_SECONDS: Final = 4.0
"""Shorter than most servers' patience (5 s), so that a kept connection is rarely a dead one."""
IDLE_MOST: Final = 50
"""Kept connections to a host; what is given back beyond is closed. There is no upper bound of those
in use: a host that hangs on all its connections must not delay its neighbour.
"""

_Place = tuple[bytes, bytes, int]
_Kept = deque[httpcore2.AsyncHTTPConnection]


class KeptConnections:
    """Lends each connection to one request at a time."""

    def __init__(
        self,
        *,
        tls: ssl.SSLContext,
        backend: httpcore2.AsyncNetworkBackend,
        idle_seconds: float = IDLE_SECONDS,
        idle_most: int = IDLE_MOST,
    ) -> None:
        self._tls = tls
        self._backend = backend
        self._idle_seconds = idle_seconds
        self._idle_most = idle_most
        self._idle: defaultdict[_Place, _Kept] = defaultdict(deque)
        self._closed = False

    async def handle_async_request(self, request: httpcore2.Request) -> httpcore2.Response:
        """Over a kept connection, if one lives. Whoever closes the answer gives it back."""
        origin = request.url.origin
        place = (origin.scheme, origin.host, origin.port)
        connection = await self._living(self._idle[place]) or httpcore2.AsyncHTTPConnection(
            origin,
            ssl_context=self._tls,
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
            content=_Lent(stream, connection, place, self),
            extensions=response.extensions,
        )

    async def give_back(self, connection: httpcore2.AsyncHTTPConnection, place: _Place) -> None:
        """Keep it for the next request, if it is fit for one; those that were kept too long go."""
        kept = self._idle[place]
        while kept and kept[0].has_expired():
            await kept.popleft().aclose()
        if connection.is_idle() and len(kept) < self._idle_most and not self._closed:
            kept.append(connection)
        else:
            await connection.aclose()

    async def aclose(self) -> None:
        """Close every kept connection; those in use are closed when they are given back."""
        self._closed = True
        while self._idle:
            _, kept = self._idle.popitem()
            for connection in kept:
                await connection.aclose()

    @staticmethod
    async def _living(kept: _Kept) -> httpcore2.AsyncHTTPConnection | None:
        while kept:
            connection = kept.pop()
            if not connection.has_expired():
                return connection
            await connection.aclose()
        return None


class _Lent:
    """The body of an answer; closing it gives the connection back."""

    def __init__(
        self,
        stream: AsyncIterable[bytes],
        connection: httpcore2.AsyncHTTPConnection,
        place: _Place,
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
        await self._pool.give_back(self._connection, self._place)
