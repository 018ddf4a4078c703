"""The baseline of delivery: a bare relay that POSTs each frame as it comes and keeps nothing.

Arguments: the simulator's origin, and where to POST. Orders: `open` brings the links to that many
and answers all tokens.
"""

import asyncio
import sys

import httpx2
import uvloop
from websockets.asyncio.client import ClientConnection

from tests.bench.bare_links import Links
from tests.bench.conversing import obey

MOST = 64


class Relay(Links):
    """Guests on sockets of their own, and a pool of connections to the receiver."""

    def __init__(self, origin: str, target: str) -> None:
        super().__init__(origin, None)
        self.target = target
        limits = httpx2.Limits(max_connections=MOST, max_keepalive_connections=MOST)
        self.http = httpx2.AsyncClient(limits=limits, trust_env=False)

    async def _read(self, socket: ClientConnection) -> None:
        headers = {"content-type": "application/json"}
        async for frame in socket:
            text = frame if isinstance(frame, str) else frame.decode()
            await self.http.post(self.target, content=text.encode(), headers=headers)
            self.frames += 1


async def serve(origin: str, target: str) -> None:
    """Relay until there are no more orders."""
    await obey("", Relay(origin, target).carry_out)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(*sys.argv[1:]))
