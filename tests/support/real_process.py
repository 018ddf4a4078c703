"""The broker as it is really started, `python -m service.entrypoints.local`, in its own process.

Or another of its doors. For tests that kill it. What it logs is kept in the data directory's
parent, for the failing test.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx2

ROOT: Final = Path(__file__).parents[2]
KEY: Final = "the-key-of-the-killed"
READY: Final = "ready "
READY_SECONDS: Final = 90.0
STOP_SECONDS: Final = 90.0


@dataclass(slots=True, kw_only=True)
class BrokerProcess:
    """One process after another on one data directory."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    door: str = "service.entrypoints.local"
    process: "asyncio.subprocess.Process | None" = None
    url: str = ""
    http: httpx2.AsyncClient = field(default_factory=lambda: httpx2.AsyncClient(trust_env=False))

    async def start(self) -> str:
        """Start it and wait for its line; that line. Fails with what it logged when it ends."""
        self.process = await self.spawn()
        try:
            async with asyncio.timeout(READY_SECONDS):
                line = await _ready_line(self.process)
        except TimeoutError:
            line = ""
        assert line, f"never ready: {self.log()}"
        self.url = line.removeprefix(READY)
        return line

    async def spawn(self) -> "asyncio.subprocess.Process":
        """Start a process on the data directory, ready or not."""
        given = {
            "BROKER_PORT": "0",
            "BROKER_ADMIN_KEY": KEY,
            "BROKER_DATA_DIR": str(self.folder / "data"),
            "BROKER_SIMULATOR": "off",
            "BROKER_SHARDS": "4",
            "BROKER_RETRY_SCALE": "0.05",
        }
        with (self.folder / "log").open("ab") as log:
            return await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", self.door),
                cwd=ROOT,
                env={**os.environ, **given, **self.environment},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )

    async def kill(self) -> None:
        """SIGKILL: no handler, no farewell."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> int:
        """SIGTERM; the exit status."""
        return await self._end(signal.SIGTERM)

    async def call(
        self, method: str, path: str, body: object = None, *, key: str | None = None
    ) -> dict[str, Any]:
        """One request that must succeed."""
        answer = await self.request(method, path, body, key=key)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        found: dict[str, Any] = answer.json()
        return found

    async def request(
        self, method: str, path: str, body: object = None, *, key: str | None = None
    ) -> httpx2.Response:
        """One request. Raises httpx2.TransportError."""
        headers = {"authorization": f"Bearer {KEY}"}
        if key is not None:
            headers["idempotency-key"] = key
        url = self.url + path
        return await self.http.request(method, url, json=body, headers=headers, timeout=90)

    async def events(self, session_id: str) -> list[dict[str, Any]]:
        """The log of a session."""
        page = await self.call("GET", f"/v1/sessions/{session_id}/events?limit=200")
        assert not page["hasMore"]
        items: list[dict[str, Any]] = page["items"]
        return items

    def log(self) -> str:
        """What all of them logged, its end."""
        return (self.folder / "log").read_text(encoding="utf-8")[-4000:]

    async def _end(self, number: signal.Signals) -> int:
        process, self.process = self.process, None
        assert process is not None
        process.send_signal(number)
        async with asyncio.timeout(STOP_SECONDS):
            return await process.wait()


async def _ready_line(process: "asyncio.subprocess.Process") -> str:
    stream = process.stdout
    assert stream is not None
    while line := (await stream.readline()).decode():
        if line.startswith(READY):
            return line.strip()
    return ""


@asynccontextmanager
async def broker_process(
    folder: Path, *, door: str = "service.entrypoints.local", **environment: str
) -> AsyncIterator[BrokerProcess]:
    """A broker that is running; whatever still runs at the end is killed."""
    broker = BrokerProcess(folder=folder, environment=environment, door=door)
    await broker.start()
    try:
        yield broker
    finally:
        await broker.http.aclose()
        if broker.process is not None:
            await broker.kill()
