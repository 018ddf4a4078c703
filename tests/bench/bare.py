"""The baseline: a client that stores nothing and recovers from nothing, on `websockets` alone."""

import json
import uuid
from types import TracebackType
from typing import Self

from websockets.asyncio.client import ClientConnection, connect

from service.simulator.deployments import DEFAULT_DEPLOYMENT_ID


class BareClient:
    """One guest on one socket."""

    def __init__(self, origin: str) -> None:
        self.url = f"{origin.replace('http', 'ws', 1)}/v1?deploymentId={DEFAULT_DEPLOYMENT_ID}"
        self.token = str(uuid.uuid4())
        self.socket: ClientConnection | None = None

    async def __aenter__(self) -> Self:
        self.socket = await connect(self.url, compression=None, proxy=None)
        await self._ask({"action": "configureSession", "deploymentId": DEFAULT_DEPLOYMENT_ID})
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.socket is not None:
            await self.socket.close()

    async def say(self, text: str) -> None:
        """Send one message and wait for it to come back."""
        await self._ask({"action": "onMessage", "message": {"type": "Text", "text": text}})

    async def _ask(self, request: dict[str, object]) -> None:
        if self.socket is None:
            raise RuntimeError("not connected")
        tracing_id = str(uuid.uuid4())
        await self.socket.send(
            json.dumps({**request, "token": self.token, "tracingId": tracing_id})
        )
        while json.loads(await self.socket.recv()).get("tracingId") != tracing_id:
            continue
