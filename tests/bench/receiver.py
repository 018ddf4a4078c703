"""A webhook receiver in a process of its own: answers 200 at once and keeps when each word began.

Orders: none of its fields matter; the answer is the moment at which each word's POST began, by its
text, and everything is forgotten. What it is sent is an event of the broker, or the frame itself.
"""

import asyncio
import re
import time
from typing import cast

import uvloop

from tests.bench.conversing import Order, obey

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
LENGTH = re.compile(rb"content-length: *([0-9]+)", re.IGNORECASE)
WORD = re.compile(r'"text": ?"([^"]+)"')


class Post(asyncio.Protocol):
    """One kept connection, one request at a time."""

    def __init__(self, begun: dict[str, float]) -> None:
        self.begun = begun
        self.came: float | None = None
        self.data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none of asyncio's classes.
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self.came is None:
            self.came = time.time()
        self.data += data
        head, mark, body = self.data.partition(b"\r\n\r\n")
        length = LENGTH.search(head)
        if not mark or length is None or len(body) < int(length[1]):
            return
        for word in WORD.findall(body.decode()):
            self.begun.setdefault(word, self.came)
        self.came, self.data = None, b""
        self.transport.write(ANSWER)


async def serve() -> None:
    """Receive until there are no more orders."""
    begun: dict[str, float] = {}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Post(begun), "127.0.0.1", 0)

    async def carry_out(_: Order) -> object:
        told = dict(begun)
        begun.clear()
        return told

    port = server.sockets[0].getsockname()[1]
    await obey(f"http://127.0.0.1:{port}/", carry_out)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve())
