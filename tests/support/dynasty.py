"""One broker process after another on one table: each holds links, delivers and sweeps.

A caller repeats a request that a death swallowed, under the same key, once the heir is there.
Inside `run_virtual` only.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

from service.domain.ids import ListenerName
from service.domain.lease import MOST_LINKS, Term
from service.entrypoints._local.loops import courier_loop
from service.usecases.hold_links import HoldLinks
from tests.support.mortal_broker import SHARDS, Death, Process, start
from tests.support.virtual_broker import VirtualBroker

SWEEP_SECONDS: Final = 5.0
AGAIN_SECONDS: Final = 1.0
Json = dict[str, Any]


@dataclass(slots=True)
class Dynasty:
    """The process that reigns now, if any."""

    broker: VirtualBroker
    number: int = 0
    reigns: asyncio.Event = field(default_factory=asyncio.Event)
    process: Process = field(init=False)
    listener: HoldLinks = field(init=False)
    tasks: "list[asyncio.Task[None]]" = field(default_factory=list)

    def begin(self) -> None:
        """Crown the next process."""
        self.number += 1
        self.process = start(self.broker)
        assembly, hints = self.process.assembly, self.process.hints
        self.listener = assembly.listener(hints.mailboxes, self._term())
        courier = courier_loop(assembly, hints.deliveries)
        loops = (self.listener.run(), courier, self._sweep(self.process))
        self.tasks = [asyncio.create_task(loop) for loop in loops]
        self.reigns.set()

    def _term(self) -> Term:
        name = ListenerName(f"listener-{self.number}")
        return Term(name=name, shards=SHARDS, max_links=MOST_LINKS)

    async def die(self) -> None:
        """Kill the one that reigns: nothing of it acts any more."""
        self.reigns.clear()
        self.process.life.end()
        tasks = [*self.tasks, *self.listener.visits.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def post(self, path: str, body: object = None, *, key: str) -> Json:
        """One write under an Idempotency-Key, repeated for as long as processes die of it."""
        return await self._ask(lambda process: process.post(path, body, key=key))

    async def get(self, path: str) -> Json:
        """One read, likewise."""
        return await self._ask(lambda process: process.get(path))

    async def _ask(self, ask: Callable[[Process], Awaitable[Json]]) -> Json:
        while True:
            await self.reigns.wait()
            process = self.process
            try:
                return await ask(process)
            except Death:
                await self.broker.clock.sleep(AGAIN_SECONDS)

    async def _sweep(self, process: Process) -> None:
        while True:
            await process.assembly.sweep()
            await self.broker.clock.sleep(SWEEP_SECONDS)
