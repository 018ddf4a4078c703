"""A real HTTP receiver on loopback that writes down what came and answers as told, also very badly.

`sink.script` holds one reply for each request to come; when it is empty, `sink.reply` answers. A
reply is any coroutine function over the writer; the functions below make the usual ones.
"""

import asyncio
import json
import socket
import ssl
import struct
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

from standardwebhooks.webhooks import Webhook

Reply = Callable[[asyncio.StreamWriter], Awaitable[bool]]
"""Writes an answer; whether the connection may be kept."""

PATIENCE: Final = 60.0
"""A busy machine may stand still for seconds; nothing that comes waits for it."""

_BROKEN: Final = (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One request as it came over the wire."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float
    connection: int

    @property
    def event(self) -> dict[str, Any]:
        """The body as JSON."""
        parsed: dict[str, Any] = json.loads(self.body)
        return parsed

    def verify(self, secret: str) -> None:
        """Check the signature with the public verifier; raises what that raises."""
        Webhook(secret).verify(self.body, dict(self.headers))


def answer(
    status: int = 200, *, headers: Mapping[str, str] | None = None, body: bytes = b"ok"
) -> Reply:
    """A proper answer."""
    lines = [f"HTTP/1.1 {status} Whatever", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return raw("\r\n".join(lines).encode() + b"\r\n\r\n" + body, keep=True)


def raw(text: bytes, *, keep: bool = False) -> Reply:
    """Exactly these bytes; then the connection is closed unless it is kept."""

    async def reply(writer: asyncio.StreamWriter) -> bool:
        writer.write(text)
        await writer.drain()
        return keep

    return reply


def hang(first: bytes = b"") -> Reply:
    """Write something, or nothing, and then stay silent for ever."""

    async def reply(writer: asyncio.StreamWriter) -> bool:
        writer.write(first)
        await asyncio.Event().wait()
        return False

    return reply


def drip(first: bytes, piece: bytes, *, every: float) -> Reply:
    """Write something, and then a piece again and again without end."""

    async def reply(writer: asyncio.StreamWriter) -> bool:
        writer.write(first)
        while True:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(every)

    return reply


def reset(first: bytes = b"") -> Reply:
    """Write something, or nothing, and then tear the connection down with RST."""

    async def reply(writer: asyncio.StreamWriter) -> bool:
        writer.write(first)
        await writer.drain()
        await asyncio.sleep(0.02)
        sock: socket.socket = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
        return False

    return reply


@dataclass(slots=True, kw_only=True)
class WebhookSink:
    """The receiver. `requests` grows in the order of arrival."""

    port: int = 0
    scheme: str = "http"
    requests: list[Received] = field(default_factory=list)
    script: deque[Reply] = field(default_factory=deque)
    reply: Reply = field(default_factory=answer)
    connections: int = 0
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        """Where to POST to."""
        return f"{self.scheme}://127.0.0.1:{self.port}/hook"

    @property
    def open_connections(self) -> int:
        """Those that nobody has closed."""
        return len(self._tasks)

    @property
    def events(self) -> list[dict[str, Any]]:
        """The bodies that came, as JSON, in order."""
        return [request.event for request in self.requests]

    async def received(self, count: int, *, within: float = PATIENCE) -> list[Received]:
        """Wait until that many requests have come."""
        async with asyncio.timeout(within):
            while len(self.requests) < count:
                self._arrived.clear()
                await self._arrived.wait()
        return self.requests[:count]

    def verify_all(self, secret: str) -> None:
        """Check every signature so far."""
        for request in self.requests:
            request.verify(secret)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, request after request."""
        self.connections += 1
        number = self.connections
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with suppress(*_BROKEN):
                while await self._one(reader, writer, number):
                    pass
        except asyncio.CancelledError:
            pass  # the sink is closing; asyncio's server would report the cancelled task
        finally:
            self._tasks.discard(task)
            writer.close()

    async def close(self) -> None:
        """End every connection."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _one(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int
    ) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.rstrip("\r\n").split("\r\n")
        headers: dict[str, str] = {}
        for line in lines:
            name, _, value = line.partition(":")
            assert name.lower() not in headers, f"{name} came twice"
            headers[name.lower()] = value.strip()
        body = await reader.readexactly(int(headers["content-length"]))
        method, path, _ = first.split(" ")
        self.requests.append(
            Received(
                method=method,
                path=path,
                headers=headers,
                body=body,
                at=time.monotonic(),
                connection=number,
            )
        )
        self._arrived.set()
        return await (self.script.popleft() if self.script else self.reply)(writer)


@asynccontextmanager
async def webhook_sink(
    *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[WebhookSink]:
    """A sink that listens on a free port of 127.0.0.1, or of all addresses."""
    sink = WebhookSink(scheme="https" if tls else "http")
    server = await asyncio.start_server(sink.serve, host, 0, ssl=tls, limit=2**22)
    sink.port = server.sockets[0].getsockname()[1]
    try:
        yield sink
    finally:
        server.close()
        await sink.close()
        await server.wait_closed()
