"""The baseline for many links: bare `websockets` on uvloop that reads frames and keeps nothing.

Orders: `open` brings the links to that many and answers all tokens; otherwise how many frames came.
"""

import asyncio
import json
import ssl
import sys
import uuid

import uvloop
from websockets.asyncio.client import ClientConnection, connect

from service.simulator.deployments import DEFAULT_DEPLOYMENT_ID
from tests.bench.conversing import Order, obey

AT_ONCE = 20


class Links:
    """Guests on sockets of their own."""

    def __init__(self, origin: str, authority: str | None) -> None:
        self.url = f"{origin.replace('http', 'ws', 1)}/v1?deploymentId={DEFAULT_DEPLOYMENT_ID}"
        self.trust = authority and ssl.create_default_context(cafile=authority)
        self.tokens: list[str] = []
        self.readers: list[asyncio.Task[None]] = []
        self.frames = 0

    async def carry_out(self, order: Order) -> object:
        if "open" not in order:
            return self.frames
        room = asyncio.Semaphore(AT_ONCE)

        async def one() -> None:
            async with room:
                await self._open()

        await asyncio.gather(*(one() for _ in range(order["open"] - len(self.tokens))))
        return self.tokens

    async def _open(self) -> None:
        socket = await connect(
            self.url, ssl=self.trust, compression=None, proxy=None, ping_interval=15
        )
        token = str(uuid.uuid4())
        configure = {
            "action": "configureSession",
            "deploymentId": DEFAULT_DEPLOYMENT_ID,
            "token": token,
            "tracingId": str(uuid.uuid4()),
        }
        await socket.send(json.dumps(configure))
        json.loads(await socket.recv())
        self.tokens.append(token)
        self.readers.append(asyncio.create_task(self._read(socket)))

    async def _read(self, socket: ClientConnection) -> None:
        async for frame in socket:
            json.loads(frame)
            self.frames += 1


async def serve(origin: str, authority: str) -> None:
    """Hold links until there are no more orders."""
    await obey("", Links(origin, authority).carry_out)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(*sys.argv[1:]))
