"""A guest on a real `websockets` client, for the tests of this folder."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import httpx2
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin

from service.simulator.deployments import DEFAULT_DEPLOYMENT_ID, Bot, Deployment
from service.simulator.knobs import Knobs
from service.simulator.server import SimulatorServer
from service.simulator.settings import changed
from service.simulator.state import WorldConfig

D: Final = DEFAULT_DEPLOYMENT_ID
T: Final = "7f6c1f0e-4b7d-4a53-8a55-2f0e6f1f9c21"
PATIENCE: Final = 60.0

Frame = dict[str, Any]


def simulator(deployment: Deployment | None = None, **knobs: object) -> SimulatorServer:
    """Build a simulator without a bot."""
    config = WorldConfig(
        deployments=(deployment or Deployment(bot=Bot.SILENT),), knobs=changed(Knobs(), knobs)
    )
    return SimulatorServer(config)


@dataclass(frozen=True, slots=True)
class Line:
    """One socket of a guest."""

    sim: SimulatorServer
    socket: ClientConnection

    async def send(self, action: str, **fields: object) -> None:
        """Send a request."""
        await self.socket.send(json.dumps({"action": action, **fields}))

    async def hear(self) -> Frame:
        """Wait for a frame."""
        async with asyncio.timeout(PATIENCE):
            frame: Frame = json.loads(await self.socket.recv())
        return frame

    async def ask(self, action: str, **fields: object) -> Frame:
        """Send a request and wait for a frame."""
        await self.send(action, **fields)
        return await self.hear()

    async def configure(self, token: str = T, **fields: object) -> Frame:
        """Attach."""
        asked = {"token": token, "deploymentId": D, **fields}
        return await self.ask("configureSession", **asked)

    async def say(self, text: str, token: str = T, **fields: object) -> None:
        """Send a message."""
        await self.send("onMessage", token=token, message={"type": "Text", "text": text}, **fields)

    async def history(self, **query: str) -> httpx2.Response:
        """Read history with a fresh bearer."""
        jwt = (await self.ask("getJwt", token=T))["body"]["jwt"]
        headers = {"Authorization": f"bearer {jwt}"}
        async with httpx2.AsyncClient(base_url=self.sim.origin, timeout=PATIENCE) as http:
            path = "/api/v2/webmessaging/messages"
            return await http.get(path, params=query, headers=headers)


@asynccontextmanager
async def opened(
    sim: SimulatorServer,
    *,
    origin: str | None = None,
) -> AsyncIterator[Line]:
    """Open a socket that does not ping."""
    async with connect(
        f"{sim.ws_url}?deploymentId={D}",
        origin=Origin(origin) if origin else None,
        open_timeout=PATIENCE,
        ping_interval=None,
        close_timeout=0.2,
    ) as socket:
        yield Line(sim, socket)


@asynccontextmanager
async def joined(sim: SimulatorServer, *, origin: str | None = None) -> AsyncIterator[Line]:
    """Open a socket and attach it."""
    async with opened(sim, origin=origin) as line:
        await line.configure()
        yield line
