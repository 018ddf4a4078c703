"""Peers that need not speak HTTP, or listen at all."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

Peer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def peer_at(serve: Peer) -> AsyncIterator[int]:
    """Serve each connection on a free port of 127.0.0.1, and close it after."""

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(one, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


def fill(place: tuple[str, int]) -> list[socket.socket]:
    """Take all places of a listener that accepts nobody: Linux then drops each SYN."""
    waiting = [socket.socket() for _ in range(2)]
    for each in waiting:
        each.settimeout(0)
        each.connect_ex(place)
    return waiting


def tear_down(writer: asyncio.StreamWriter) -> None:
    """End a connection with RST."""
    sock: socket.socket = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
