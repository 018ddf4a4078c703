"""Several listeners over one table and one simulator: generations, deaths, clocks that differ.

Each is a process of its own as far as the table can tell. Inside `run_virtual` only.
"""

import asyncio
from dataclasses import dataclass, field, replace
from typing import Final

from service.bootstrap import assemble
from service.domain.ids import ListenerName
from service.domain.lease import Term
from service.usecases.hold_links import HoldLinks
from service.usecases.serve_term import ServeTerm
from tests.support.mortal_broker import SHARDS, Process, settings, start
from tests.support.virtual_broker import VirtualBroker

MOST: Final = 800


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


@dataclass
class Fleet:
    """Starts listeners; they share one queue service, as they share the table."""

    broker: VirtualBroker
    generation: float | None = None
    max_links: int = MOST
    idle: float | None = None
    members: list[Member] = field(default_factory=list)
    sweeper: Process | None = None

    async def sweep(self) -> None:
        """One sweep, by a process that is no listener."""
        if self.sweeper is None:
            self.sweeper = self._process()
        await self.sweeper.assembly.sweep()

    def start(self) -> Member:
        """A new listener; its generation begins now."""
        process = self._process()
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

    def _process(self) -> Process:
        process = start(self.broker)
        hints = self.broker.hints
        ports = replace(process.assembly.ports, hints=hints)
        return replace(process, assembly=assemble(settings(), ports), hints=hints)
