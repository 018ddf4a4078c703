"""A small HTTP server on loopback that answers what a test tells it and keeps what it was asked."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.contract.guest.loopback import LOOPBACK, raw_server


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request as it arrived."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What to answer; `stall_seconds` passes between head and body."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    stall_seconds: float = 0.0


def json_reply(content: object, *, status: int = 200) -> Reply:
    """Answer with JSON."""
    return Reply(status=status, body=json.dumps(content).encode())


@dataclass(slots=True)
class HttpPeer:
    """Where it answers, and what it was asked."""

    endpoint: str = ""
    asked: list[Asked] = field(default_factory=list)


@asynccontextmanager
async def http_peer(
    answer: Callable[[Asked], Reply],
    *,
    host: str = LOOPBACK,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[HttpPeer]:
    """Serve HTTP, one request per connection, as `host`."""
    peer = HttpPeer()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await _read(reader)
        peer.asked.append(asked)
        reply = answer(asked)
        writer.write(_head(reply))
        await asyncio.sleep(reply.stall_seconds)
        writer.write(reply.body)
        writer.close()

    async with raw_server(serve, host=host, tls=tls) as endpoint:
        peer.endpoint = endpoint
        yield peer


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.rstrip("\r\n").split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(method=method, target=target, headers=headers, body=body)


def _head(reply: Reply) -> bytes:
    headers = {"Content-Length": str(len(reply.body)), "Connection": "close"} | dict(reply.headers)
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {reply.status} X\r\n{lines}\r\n".encode()
