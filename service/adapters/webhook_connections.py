"""Connections to strangers: how much an answer may cost us, and what one leaves behind."""

import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from operator import attrgetter
from typing import Any, Final

import httpcore2

from service.ports import Clock

PIECE: Final = 8 * 1024
"""Bytes read at a time: what they parse to is worked off before anybody else gets a turn."""
ANSWER_MAX: Final = 192 * 1024
"""Bytes read in answer to one request: the transport's limit of one head (100 KiB) and our 64 KiB.

Interim heads have no limit of their own: an endless row of them would keep a processor busy until
the deadline.
"""
_PARSER: Final = attrgetter("stream._stream._connection._h11_state")
"""Where the transport keeps the parser of an answer's connection; it has no public way to it."""
_STREAM: Final = attrgetter("_inner._stream")
_QUEUE: Final = attrgetter("_protocol.read_queue")
_RECORDS: Final = attrgetter("_read_bio.pending")
"""anyio takes up to 256 KiB from a socket at once and hands out what was asked for. The rest waits
in a queue, and what TLS has not looked at yet in a buffer; neither is public.
"""

_SocketOption = (
    tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]
)


class EndlessAnswerError(httpcore2.RemoteProtocolError):
    """An answer went on beyond what we read of one."""

    def __init__(self) -> None:
        super().__init__(f"more than {ANSWER_MAX} bytes in answer to one request")


class BoundedBackend(httpcore2.AsyncNetworkBackend):
    """Opens connections that read no more than an answer may have."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._inner = httpcore2.AnyIOBackend()

    async def connect_tcp(  # noqa: D102 - the transport's own interface
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the transport's own interface
        local_address: str | None = None,
        socket_options: Iterable[_SocketOption] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        stream = await self._inner.connect_tcp(
            host,
            port,
            timeout=timeout,
            local_address=local_address,
            socket_options=socket_options,
        )
        return _BoundedStream(stream, self._clock)


class _BoundedStream(httpcore2.AsyncNetworkStream):
    """Counts what was read since the last write, which is when an answer can begin.

    What is written waits for more of it, or for the first read: head and body leave together.
    """

    def __init__(self, inner: httpcore2.AsyncNetworkStream, clock: Clock) -> None:
        self._inner = inner
        self._clock = clock
        self._taken = 0
        self._unsent = bytearray()

    async def read(
        self,
        max_bytes: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the transport's own interface
    ) -> bytes:
        if self._unsent:
            with suppress(httpcore2.WriteError):
                # A peer may answer before it has read everything, and close (RFC 9112, 9.5).
                await self._send()
        elif self._taken:
            await self._clock.sleep(0)  # what is there already is read without a turn for others
        with _broken_tls_as(httpcore2.ReadError):
            data = await self._inner.read(min(max_bytes, PIECE), timeout=timeout)
        self._taken += len(data)
        if self._taken > ANSWER_MAX:
            raise EndlessAnswerError
        return data

    async def write(
        self,
        buffer: bytes,
        timeout: float | None = None,  # noqa: ASYNC109 - the transport's own interface
    ) -> None:
        self._taken = 0
        self._unsent += buffer
        if len(self._unsent) >= PIECE:
            await self._send(timeout)

    async def _send(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - passed on
        waiting, self._unsent = bytes(self._unsent), bytearray()
        with _broken_tls_as(httpcore2.WriteError):
            await self._inner.write(waiting, timeout=timeout)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the transport's own interface
    ) -> httpcore2.AsyncNetworkStream:
        secured = await self._inner.start_tls(
            ssl_context, server_hostname=server_hostname, timeout=timeout
        )
        return _BoundedStream(secured, self._clock)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - the transport's own interface
        return self._inner.get_extra_info(info)


@contextmanager
def _broken_tls_as(error: type[httpcore2.NetworkError]) -> Iterator[None]:
    """Once the handshake is over, the transport passes on what TLS raises as it is."""
    try:
        yield
    except ssl.SSLError as exc:
        raise error(str(exc)) from exc


def has_leftover(response: httpcore2.Response) -> bool:
    """Whether bytes came after the end of the answer.

    The parser would take them for the answer to the next request, which would then count as
    delivered or as failed before its receiver saw it (RFC 9112, 6.3: never to be used). What is
    still in the socket the transport sees itself, before it uses a connection again.
    """
    try:
        leftover, _ = _PARSER(response).trailing_data
        connection = response.extensions["network_stream"]
        secured = connection.get_extra_info("ssl_object")
        stream = _STREAM(connection)
        unread = 0 if secured is None else _RECORDS(stream)
        queue = _QUEUE(stream if secured is None else stream.transport_stream)
    except (AttributeError, KeyError):
        return True  # another transport than we know: trust nothing
    return bool(leftover or unread or queue) or (secured is not None and _has_record(secured))


def _has_record(secured: ssl.SSLObject) -> bool:
    """Whether a record is left that came with the last one, or the peer has closed."""
    try:
        secured.read(1)
    except ssl.SSLError as exc:
        return not isinstance(exc, ssl.SSLWantReadError)
    return True
