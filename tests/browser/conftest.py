"""A browser, and a broker with its console on a port. Says so loudly when there is no browser."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from socket import create_server
from typing import Final

import pytest
import uvicorn

from service.api.app import create_app
from service.console.routes import console_router
from tests.browser.devtools import Chromium, Page, browser, chromium_path
from tests.support.machine import ADMIN, Machine, eventually, running

NO_BROWSER: Final = (
    "NO CHROMIUM on this machine: the console was not looked at (Debian: apt-get install chromium)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """A broker with an address, and a tab that can show it."""

    machine: Machine
    page: Page
    origin: str

    async def enter(self, at: str = "#/") -> None:
        """Open the console at a place, and give the key."""
        await self.page.go(f"{self.origin}/console{at}")
        await self.page.until("document.activeElement.id === 'key'")
        await self.page.type(ADMIN)
        await self.page.press("Enter")
        await self.page.until("!document.getElementById('desk').hidden")


@pytest.fixture(name="machine")
async def _machine(tmp_path: Path) -> AsyncIterator[Machine]:
    async with running(tmp_path) as machine:
        yield machine


@pytest.fixture(name="origin")
async def _origin(machine: Machine) -> AsyncIterator[str]:
    app = create_app(machine.assembly.broker)
    app.include_router(console_router())
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    listening = create_server(("127.0.0.1", 0))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    await eventually(lambda: server.started, what="serving")
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    # A long poll of the page that is gone would be waited for.
    server.should_exit = server.force_exit = True
    await serving
    listening.close()


@pytest.fixture(name="chromium")
async def _chromium() -> AsyncIterator[Chromium]:
    path = chromium_path()
    if path is None:
        pytest.skip(NO_BROWSER)
    async with browser(path) as chromium:
        yield chromium


@pytest.fixture(name="console")
async def _console(machine: Machine, chromium: Chromium, origin: str) -> AsyncIterator[Console]:
    async with chromium.page() as page:
        yield Console(machine=machine, page=page, origin=origin)
