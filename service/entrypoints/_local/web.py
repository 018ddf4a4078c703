"""uvicorn inside a process that owns its signals.

By itself uvicorn would raise them again after it stopped, and the process end with 143.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from socket import AF_INET, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET, socket
from typing import Final

import uvicorn
from fastapi import FastAPI

from service.domain.errors import ConfigurationError

HOST: Final = "127.0.0.1"
DRAIN_SECONDS: Final = 5


class _Quiet(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.serving = asyncio.Event()

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Say when requests are served."""
        await super().startup(sockets=sockets)
        self.serving.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield


class WebServer:
    """The API on a port of this machine."""

    def __init__(self, app: FastAPI, *, port: int) -> None:
        config = uvicorn.Config(
            app,
            host=HOST,
            port=port,
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=DRAIN_SECONDS,
            server_header=False,
        )
        self._server = _Quiet(config)
        self._task: asyncio.Task[None] | None = None
        self.port = port

    async def start(self) -> None:
        """Listen; returns when requests are served.

        Raises ConfigurationError when the port is taken.
        """
        listening = socket(AF_INET, SOCK_STREAM)
        listening.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
        try:
            listening.bind((HOST, self.port))
        except OSError as exc:
            listening.close()
            fault = f"BROKER_PORT: port {self.port} is taken"
            raise ConfigurationError(fault) from exc
        self.port = listening.getsockname()[1]
        self._task = asyncio.create_task(self._server.serve(sockets=[listening]))
        serving = asyncio.create_task(self._server.serving.wait())
        await asyncio.wait({serving, self._task}, return_when=asyncio.FIRST_COMPLETED)
        serving.cancel()

    async def stop(self) -> None:
        """Stop accepting, let running requests end, then cancel what waits."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task
