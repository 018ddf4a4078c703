"""No two listeners ever hold a shard for certain, whatever becomes of their calls and clocks.

Each is slowed, paused and cut off from the table on its own, and their clocks differ by up to 4 s.
Calls that a listener gave up may still be carried out later.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from hypothesis import given
from hypothesis import strategies as st

from service.domain.errors import BrokerError
from service.domain.ids import ListenerName
from service.domain.lease import LEASE_SECONDS, RENEW_SECONDS, Term
from service.usecases.hold_links import BRISK_SECONDS
from service.usecases.leases import Leases
from tests.support.late_shards import Beliefs, Fate, LateShards
from tests.support.virtual_broker import VirtualBroker, virtual_broker
from tests.support.virtual_time import VirtualClock, run_virtual

SHARDS: Final = 2
GENERATION: Final = 40.0
STORM: Final = 75.0
LONGEST: Final = 20.0
MOST_SKEW: Final = 2.0
RECOVERED: Final = LEASE_SECONDS + 2 * MOST_SKEW + 2 * RENEW_SECONDS + 1
"""A lease of somebody dead lapses, seen by a clock that is behind, at the second next look."""
LOOK: Final = 0.2

FATES: Final = st.sampled_from(
    [
        Fate(),
        Fate(),
        Fate(before=2.0),
        Fate(after=2.0),
        Fate(before=6.0),
        Fate(after=6.0),
        Fate(before=LONGEST),
        Fate(after=LONGEST),
        Fate(fails=0.5, never=True),
        Fate(fails=0.5),
        Fate(fails=0.5, before=3.0),
        Fate(fails=0.5, before=9.0),
        Fate(fails=0.5, before=LONGEST),
    ]
)


@dataclass(frozen=True, kw_only=True)
class Part:
    """What one listener is and meets."""

    begins: float
    skew: float
    patient: bool
    """Its calls last as long as they last: as of a process that is paused, not only its table."""
    tidy: bool
    """It gives its shards back at its end; or else it just dies."""
    fates: list[Fate]


PARTS: Final = st.builds(
    Part,
    begins=st.sampled_from([0.0, 1.0, 12.0, 28.0]),
    skew=st.sampled_from([-MOST_SKEW, 0.0, MOST_SKEW]),
    patient=st.booleans(),
    tidy=st.booleans(),
    fates=st.lists(FATES, max_size=40),
)


@dataclass(frozen=True, kw_only=True)
class Listener:
    """The leases of one process, looked after as a listener looks after them."""

    leases: Leases
    shards: LateShards
    part: Part

    async def live(self) -> None:
        """From its beginning to its end; the last one stays."""
        clock, term = self.leases.ports.clock, self.leases.term
        await clock.sleep(self.part.begins)
        loops = [asyncio.create_task(self._keep()), asyncio.create_task(self._watch())]
        try:
            ends = float("inf") if term.retires_at is None else term.retires_at
            await clock.sleep(min(ends - clock.now(), 10 * STORM))
            assert not any(loop.done() for loop in loops)
            if self.part.tidy:
                with suppress(BrokerError):
                    await self.leases.release()
        finally:
            for loop in loops:
                loop.cancel()
            self.leases.held.clear()

    async def _keep(self) -> None:
        clock = self.leases.ports.clock
        while True:
            with suppress(BrokerError, TimeoutError):
                async with clock.timeout(None if self.part.patient else RENEW_SECONDS):
                    await self.leases.renew({})
                    await self.leases.take(0)
            await clock.sleep(BRISK_SECONDS if self.leases.is_changing() else RENEW_SECONDS)

    async def _watch(self) -> None:
        clock = self.leases.ports.clock
        while True:
            certain = self.leases.certain_for()
            await clock.sleep(RENEW_SECONDS if certain is None else certain)
            self.leases.let_go_of_doubtful()


class Watch:
    """Looks at all of them whenever something was written, and every moment."""

    def __init__(self, broker: VirtualBroker) -> None:
        self.broker = broker
        self.beliefs = Beliefs()
        self.listeners: list[Listener] = []

    def admit(self, part: Part, *, stays: bool) -> Listener:
        clock = VirtualClock(skew=part.skew)
        shards = LateShards(self.broker.ports.shards, list(part.fates), self.look)
        term = Term(
            name=ListenerName(f"own_{len(self.listeners) + 1}"),
            shards=SHARDS,
            max_links=100,
            generation_seconds=GENERATION,
            retires_at=None if stays else clock.now() + part.begins + GENERATION,
        )
        ports = replace(self.broker.ports, clock=clock, shards=cast("Any", shards))
        listener = Listener(leases=Leases(ports=ports, term=term), shards=shards, part=part)
        self.listeners.append(listener)
        return listener

    async def look(self) -> None:
        for lease in await self.broker.ports.shards.leases(SHARDS):
            self.beliefs.saw(lease.shard, lease.fence)
        self.compare()

    def compare(self) -> None:
        for shard in range(SHARDS):
            found = ((each.leases.term.name, each.leases.of(shard)) for each in self.listeners)
            self.beliefs.believe(shard, [(name, held.fence) for name, held in found if held])

    async def look_for(self, seconds: float) -> None:
        for _ in range(round(seconds / LOOK)):
            self.compare()
            await self.broker.clock.sleep(LOOK)


@given(st.lists(PARTS, min_size=2, max_size=3))
def test_no_two_hold_a_shard_and_somebody_does_once_all_is_well(parts: list[Part]) -> None:
    async def story() -> None:
        async with virtual_broker() as broker:
            watch = Watch(broker)
            lives = [
                asyncio.create_task(watch.admit(part, stays=number == len(parts)).live())
                for number, part in enumerate(parts, start=1)
            ]
            await watch.look_for(STORM)
            for listener in watch.listeners:
                listener.shards.calm()
            # What was begun in the storm may be carried out until then.
            await watch.look_for(LONGEST)
            await watch.look_for(RECOVERED)

            assert watch.beliefs.wrong == []
            assert set(watch.listeners[-1].leases.held) == set(range(SHARDS))
            assert [life for life in lives[:-1] if life.result() is not None] == []
            lives[-1].cancel()
            await asyncio.gather(lives[-1], return_exceptions=True)
            for listener in watch.listeners:
                await listener.shards.settle()

    run_virtual(story())
