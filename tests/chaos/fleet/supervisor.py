"""Keeps about so many listeners alive, each a process: new ones for those that retire or die."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from signal import SIGKILL, SIGTERM, Signals
from typing import Final

from tests.support.machine import eventually
from tests.support.real_process import READY_SECONDS, STOP_SECONDS, BrokerProcess

DOOR: Final = "tests.support.fleet_process"
START_SECONDS: Final = 3.0
"""How long a process may need until it can take over: it is started so much before its time."""
LOOK_SECONDS: Final = 0.25


@dataclass(slots=True, kw_only=True)
class Listener:
    """One process."""

    process: BrokerProcess
    generation: float | None
    ready_at: float | None = None
    """On the loop's clock; None while it starts."""
    killed: bool = False
    """By us."""

    @property
    def status(self) -> int | None:
        """Its exit status; None while it runs, or starts."""
        return None if self.process.process is None else self.process.process.returncode

    @property
    def works(self) -> bool:
        """Whether it holds links, or only hands over; not while it starts."""
        return self.ready_at is not None and self.status is None and not self.killed

    def lasts(self, now: float) -> bool:
        """Whether it need not be replaced yet."""
        if self.status is not None or self.killed:
            return False
        if self.ready_at is None or self.generation is None:
            return True
        return now - self.ready_at < self.generation - START_SECONDS

    def ended_well(self) -> bool:
        """Whether it ended as it was told to, or by itself and in order."""
        if self.killed:
            return self.status == -SIGKILL
        # One that has ended its term and is about to exit has no handler any more.
        retired = self.status == -SIGTERM and '"event":"listener.ended"' in self.process.log()
        return self.status == 0 or retired

    async def start(self) -> None:
        """Return when it works; fails when it never does."""
        await self.process.start()
        self.ready_at = asyncio.get_running_loop().time()

    async def end(self, how: Signals) -> None:
        """End it, if it has not ended by itself, and wait for that."""
        running = self.process.process
        if running is None:
            return
        if running.returncode is None:
            running.send_signal(how)
        async with asyncio.timeout(STOP_SECONDS):
            await running.wait()

    async def close(self) -> None:
        """Whatever became of it: nothing of it is left."""
        await self.end(SIGKILL)
        await self.process.http.aclose()


@dataclass(kw_only=True)
class Supervisor:
    """Starts, kills and stops listeners."""

    folder: Path
    environment: Mapping[str, str]
    count: int
    generation: float | None
    """That of whoever is started from now on; None: they stay."""
    chance: Random = field(default_factory=lambda: Random(7))
    listeners: list[Listener] = field(default_factory=list)
    starting: "set[asyncio.Task[None]]" = field(default_factory=set)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Begin with so many, and start whoever is missing until `stop`.

        Fails with who never becomes ready.
        """
        try:
            async with asyncio.TaskGroup() as group:
                await asyncio.gather(*(self._new().start() for _ in range(self.count)))
                keeping = group.create_task(self._keep(group))
                try:
                    yield
                finally:
                    keeping.cancel()
        finally:
            await asyncio.gather(*(each.close() for each in self.listeners))

    async def kill_one(self) -> None:
        """SIGKILL to one of those that work."""
        await eventually(
            lambda: bool(self._works()), within=READY_SECONDS, what="a listener to kill"
        )
        victim = self.chance.choice(self._works())
        victim.killed = True
        await victim.end(SIGKILL)

    async def stop(self) -> None:
        """SIGTERM to all, and their end; nobody is started any more."""
        self.stopping.set()
        await asyncio.gather(*self.starting)
        await asyncio.gather(*(each.end(SIGTERM) for each in self.listeners))

    def _works(self) -> list[Listener]:
        return [each for each in self.listeners if each.works]

    def faults(self) -> list[str]:
        """Who ended otherwise than it was told to, or by itself in order."""
        return [
            f"{each.process.folder.name} ended with {each.status}: {each.process.log()}"
            for each in self.listeners
            if not each.ended_well()
        ]

    async def _keep(self, group: asyncio.TaskGroup) -> None:
        while not self.stopping.is_set():
            now = asyncio.get_running_loop().time()
            lasting = [each for each in self.listeners if each.lasts(now)]
            for _ in range(self.count - len(lasting)):
                task = group.create_task(self._new().start())
                self.starting.add(task)
                task.add_done_callback(self.starting.discard)
            await asyncio.sleep(LOOK_SECONDS)

    def _new(self) -> Listener:
        folder = self.folder / f"listener-{len(self.listeners) + 1}"
        folder.mkdir()
        environment = dict(self.environment)
        if self.generation is not None:
            environment["BROKER_GENERATION_SECONDS"] = str(self.generation)
        process = BrokerProcess(folder=folder, door=DOOR, environment=environment)
        self.listeners.append(Listener(process=process, generation=self.generation))
        return self.listeners[-1]
