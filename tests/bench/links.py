"""Many links over TLS in one process, beside as many of a bare client in another, in one run.

Memory is what a process grows by from few links to many, each after agents spoke on all of them.
The broker keeps a session for each link, the bare client nothing. Linux only.
"""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from tests.bench.conversing import Obedient, obedient
from tests.bench.processes import broker_on, processor_seconds, resident_kib
from tests.bench.report import Line, table
from tests.bench.sessions import Caller, caller
from tests.support.certificates import Certificates, certificates

FEW = 50
MANY = 800
WARM_UP_EACH = 3
RATE = 100.0
SECONDS = 10.0
SETTLE = 3.0

Opening = Callable[[int], Awaitable[list[str]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What links cost a process."""

    kib_each: float
    ms_a_message: float
    idle_percent: float
    opened_a_second: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Talked:
    """What it took to hear agents speak: so many words, and the process once all had arrived."""

    words: int
    processor_seconds: float
    kib: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A process that holds links, and the simulator at their other ends."""

    pid: int
    sim: Obedient
    opening: Opening
    heard: Callable[[], Awaitable[int]]
    """A count that grows by one with each word that it took in."""

    async def measure(self) -> Cost:
        """Open few, open many, let agents speak, and look at the process each time."""
        few = await self._warm(await self.opening(FEW))
        begun = time.perf_counter()
        tokens = await self.opening(MANY)
        opened = time.perf_counter() - begun
        many = await self._warm(tokens)
        used = processor_seconds(self.pid)
        await asyncio.sleep(SECONDS)
        idle = (processor_seconds(self.pid) - used) / SECONDS
        talked = await self._talk(tokens, SECONDS)
        spent = talked.processor_seconds - idle * (SECONDS + SETTLE)
        return Cost(
            kib_each=(many - few) / (MANY - FEW),
            ms_a_message=1000 * spent / talked.words,
            idle_percent=100 * idle,
            opened_a_second=(MANY - FEW) / opened,
        )

    async def _warm(self, tokens: list[str]) -> float:
        return (await self._talk(tokens, WARM_UP_EACH * len(tokens) / RATE)).kib

    async def _talk(self, tokens: list[str], seconds: float) -> Talked:
        """Let agents speak, and look at the process once all of it had time to arrive.

        Only then is it asked what arrived: the question costs the broker more than the words.
        """
        before = await self.heard()
        used = processor_seconds(self.pid)
        said = await self.sim.order(tokens=tokens, rate=RATE, seconds=seconds)
        await asyncio.sleep(SETTLE)
        used = processor_seconds(self.pid) - used
        kib = resident_kib(self.pid)
        heard = await self.heard() - before
        if heard < len(said):
            raise RuntimeError(f"{len(said)} words, {heard} of them arrived within {SETTLE:g} s")
        return Talked(words=len(said), processor_seconds=used, kib=kib)


async def ours(folder: str, files: Certificates, sim: Obedient) -> tuple[Cost, float]:
    """The broker; and how fast it attaches to all of them after a restart."""
    trusting = {"BROKER_CA_FILE": str(files.authority)}
    with broker_on(folder, **trusting) as held:
        async with caller(held.address, sim.ready) as guests:
            subject = Subject(
                pid=held.pid,
                sim=sim,
                opening=lambda count: _opened(guests, count),
                heard=guests.events_in_all,
            )
            cost = await subject.measure()
    before = await sim.order()
    begun = time.perf_counter()
    with broker_on(folder, **trusting):
        links = 0
        while links < MANY:
            await asyncio.sleep(0.05)
            links = await sim.order()
        took = time.perf_counter() - begun
    if before:
        raise RuntimeError(f"{before} links outlived their process")
    return cost, MANY / took


async def _opened(guests: Caller, count: int) -> list[str]:
    await guests.open(count)
    return list(guests.tokens.values())


async def bare(files: Certificates, sim: Obedient) -> Cost:
    """The bare client."""
    async with obedient("tests.bench.bare_links", sim.ready, str(files.authority)) as links:

        async def opening(count: int) -> list[str]:
            tokens: list[str] = await links.order(open=count)
            return tokens

        subject = Subject(pid=links.process.pid, sim=sim, opening=opening, heard=links.order)
        return await subject.measure()


async def run() -> list[Line]:
    """Ours, then bare, each against a simulator of its own."""
    with tempfile.TemporaryDirectory() as folder:
        files = certificates(Path(folder))
        arguments = (str(files.chain), str(files.key))
        async with obedient("tests.bench.talking_simulator", *arguments) as sim:
            mine, attached = await ours(f"{folder}/data", files, sim)
        async with obedient("tests.bench.talking_simulator", *arguments) as sim:
            theirs = await bare(files, sim)
    return [
        Line(what="memory a link", unit="KiB", ours=mine.kib_each, bare=theirs.kib_each),
        Line(
            what="processor time a message received",
            unit="ms",
            ours=mine.ms_a_message,
            bare=theirs.ms_a_message,
        ),
        Line(
            what=f"processor, {MANY} links at rest",
            unit="% of a core",
            ours=mine.idle_percent,
            bare=theirs.idle_percent,
        ),
        Line(
            what="opened (ours: sessions made by POST)",
            unit="a second",
            ours=mine.opened_a_second,
            bare=theirs.opened_a_second,
        ),
        Line(
            what="attached again by a new process, its start included",
            unit="a second",
            ours=attached,
        ),
    ]


show = table
