"""Several listeners over one table and one simulator: generations, deaths, clocks that differ.

Each is a process of its own as far as the table can tell. Inside `run_virtual` only.
"""

import asyncio
from dataclasses import dataclass, field, replace
from typing import Final

from service.bootstrap import assemble
from service.domain.budget import MINUTE_LIMIT
from service.domain.ids import ListenerName
from service.domain.lease import Term
from service.usecases.hold_links import HoldLinks
from service.usecases.serve_term import ServeTerm
from tests.support.mortal_broker import SHARDS, Process, settings, start
from tests.support.virtual_broker import VirtualBroker

MOST: Final = 800
COLD_START_SECONDS: Final = 2.0


@dataclass(frozen=True, kw_only=True)
class Member:
    """One listener, and its end."""

    process: Process
    listener: HoldLinks
    stopping: asyncio.Event
    task: "asyncio.Task[str]"

    @property
    def name(self) -> str:
        return self.listener.name

    async def stop(self) -> str:
        """As on SIGTERM; why it ended."""
        self.stopping.set()
        return await self.task

    async def die(self) -> None:
        """As on SIGKILL: nothing of it acts any more."""
        self.process.life.end()
        visits = list(self.listener.visits.values())
        for task in (self.task, *visits):
            task.cancel()
        await asyncio.gather(self.task, *visits, return_exceptions=True)


@dataclass(frozen=True)
class Begin:
    """The Starter port of the fleet's processes."""

    fleet: "Fleet"

    async def start(self, count: int) -> None:
        await self.fleet.begin(count)


@dataclass
class Fleet:
    """Starts listeners; they share one queue service, as they share the table."""

    broker: VirtualBroker
    generation: float | None = None
    max_links: int = MOST
    idle: float | None = None
    connections_per_minute: int = MINUTE_LIMIT
    members: list[Member] = field(default_factory=list)
    sweeper: Process | None = None
    asked: "list[float]" = field(default_factory=list)
    """When a listener was asked for by whoever needs one."""
    answers: bool = False
    """Whether who asks for a listener gets one."""
    arriving: "set[asyncio.Task[None]]" = field(default_factory=set)

    @property
    def alive(self) -> list[Member]:
        """Those that have not ended."""
        return [member for member in self.members if not member.task.done()]

    async def begin(self, count: int) -> None:
        """The Starter port's `start`: a listener comes after its cold start, if one does."""
        for _ in range(count):
            self.asked.append(self.broker.clock.now())
            if self.answers:
                task = asyncio.create_task(self._arrive())
                self.arriving.add(task)
                task.add_done_callback(self.arriving.discard)

    async def _arrive(self) -> None:
        await self.broker.clock.sleep(COLD_START_SECONDS)
        self.start()

    async def sweep(self) -> None:
        """One sweep, by a process that is no listener."""
        if self.sweeper is None:
            self.sweeper = self.door()
        await self.sweeper.assembly.sweep()

    def start(self) -> Member:
        """A new listener; its generation begins now."""
        process = self.door()
        ports = process.assembly.ports
        now = ports.clock.now()
        term = Term(
            name=ListenerName(f"own_{len(self.members) + 1}"),
            shards=SHARDS,
            max_links=self.max_links,
            generation_seconds=self.generation,
            retires_at=None if self.generation is None else now + self.generation,
            idle_seconds=self.idle,
        )
        listener = process.assembly.listener(self.broker.hints.mailboxes, term)
        stopping = asyncio.Event()
        serve = ServeTerm(clock=ports.clock, listener=listener)
        member = Member(
            process=process,
            listener=listener,
            stopping=stopping,
            task=asyncio.create_task(serve(stopping)),
        )
        self.members.append(member)
        return member

    def door(self) -> Process:
        """A process that is no listener, unless one is made of it."""
        process = start(self.broker)
        hints = self.broker.hints
        ports = replace(process.assembly.ports, hints=hints, starter=Begin(self))
        assembly = assemble(settings(self.connections_per_minute), ports)
        return replace(process, assembly=assembly, hints=hints)
