"""Genesys is gone for a minute while links are held: everybody comes back, within the budget.

On virtual time. What the simulator counted is what is judged. `make storm` is the story in full,
with 2,000 sessions: it takes longer than the suite can wait.
"""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from random import Random
from statistics import mean
from typing import Final

import pytest

from service.adapters.bell import InProcessBell
from service.adapters.embedded.hints import InProcessHints
from service.bootstrap import assemble
from service.config import LocalSettings
from service.domain.budget import MINUTE_LIMIT, allowance, slot_of
from service.domain.ids import ListenerName
from service.domain.lease import Term
from service.domain.session import Session, State
from service.usecases.hold_links import HoldLinks
from tests.support.virtual_time import FakeIds, VirtualClock, run_virtual
from tests.support.visit_stage import Stage, staged

SHARDS: Final = 4
CROWD: Final = int(os.environ.get("STORM_SESSIONS", "600"))
PAIR: Final = 200
OUTAGE_SECONDS: Final = 60.0
GENESYS: Final = allowance(MINUTE_LIMIT)
PER_SECOND: Final = 1 / GENESYS.spacing


@dataclass(kw_only=True)
class Story:
    """Sessions whose links are held by listeners, and what the simulator saw of that."""

    stage: Stage
    listeners: Sequence[HoldLinks]
    sessions: Sequence[Session]

    def handshakes(self, *, since: float = 0.0) -> list[float]:
        """When somebody wanted to connect, whatever came of it."""
        return sorted(
            float(str(shake["at"]))
            for shake in self.stage.control.handshakes()
            if float(str(shake["at"])) >= since
        )

    def came_back(self, since: float) -> list[str]:
        """The client ids that were attached since then, in that order."""
        back = [c for c in self.stage.control.configures() if float(str(c["at"])) >= since]
        return list(dict.fromkeys(str(configure["token"]) for configure in back))

    async def all_held(self) -> float:
        """Wait until every session has its link; when that was."""
        while sum(bool(c["attached"]) for c in self.stage.control.connections()) < len(
            self.sessions
        ):
            await self.stage.clock.sleep(2.5)
        return self.stage.now

    def go_down(self) -> None:
        self.stage.control.fault("deny_handshake", status=503, retry_after=0, count=0)
        self.stage.control.drop()

    def come_back(self) -> float:
        self.stage.control.clear_faults()
        return self.stage.now


def busiest(times: Sequence[float], seconds: float) -> int:
    """The most of them within any so many seconds."""
    most = first = 0
    for last, at in enumerate(times):
        while times[first] <= at - seconds:
            first += 1
        most = max(most, last - first + 1)
    return most


@asynccontextmanager
async def story(count: int, skews: Sequence[float]) -> AsyncIterator[Story]:
    """So many sessions, held by as many processes as there are skews, each with half of them."""
    async with staged() as stage:
        sessions = [await stage.made(shard=number % SHARDS) for number in range(count)]
        now = stage.now
        listeners = []
        for number, skew in enumerate(skews):
            name = ListenerName(f"own_{number}")
            for shard in range(number, SHARDS, len(skews)):
                await stage.ports.shards.acquire(shard, name, now=now, until=now + 15)
            listeners.append(process(stage, name, skew))
        tasks = [asyncio.create_task(listener.run()) for listener in listeners]
        told = Story(stage=stage, listeners=listeners, sessions=sessions)
        await told.all_held()
        yield told
        for listener in listeners:
            await listener.drain()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def process(stage: Stage, name: ListenerName, skew: float) -> HoldLinks:
    """A listener with a process, a clock and a chance of its own, over the one table."""
    clock = VirtualClock(skew=skew)
    hints = InProcessHints(clock)
    ports = replace(
        stage.broker.ports,
        clock=clock,
        ids=FakeIds(int(name[-1]) + 100, now=clock.now),
        hints=hints,
        bell=InProcessBell(clock),
    )
    assembly = assemble(LocalSettings(shards=SHARDS), ports)
    return assembly.listener(hints.mailboxes, Term(name=name, shards=SHARDS, max_links=2 * CROWD))


@pytest.mark.timeout(900)
def test_after_a_minute_of_outage_all_sessions_are_back_within_the_budget() -> None:
    run_virtual(a_crowd_comes_back())


async def a_crowd_comes_back() -> None:
    chance = Random(5)
    async with story(CROWD, skews=[0.0]) as told:
        stage, clock = told.stage, told.stage.clock
        lively = chance.sample(told.sessions, CROWD // 10)
        for session in lively:
            stage.say(session, f"before {session.id}")
            await clock.sleep(0.05)
        heard = chance.sample(told.sessions, 40)
        spoke = chance.sample([s for s in told.sessions if s not in heard], 20)
        up = await both_sides_speak_in_an_outage(told, heard, spoke)
        await clock.sleep(15)
        await a_caller_need_not_wait(stage)
        back = await told.all_held()
        await clock.sleep(30)

        assert back - up < 1.1 * CROWD / PER_SECOND + 15
        within_budget(told, since=0.0)
        who_spoke_comes_first(told, {s.client_id for s in spoke}, since=up, of=1)
        who_spoke_comes_first(told, {s.client_id for s in lively}, since=up, of=10)
        await nothing_is_lost(told, heard, spoke)


async def both_sides_speak_in_an_outage(
    told: Story, heard: Sequence[Session], spoke: Sequence[Session]
) -> float:
    """When it was over."""
    stage, down = told.stage, told.stage.now
    told.go_down()
    await stage.clock.sleep(OUTAGE_SECONDS / 2)
    for session in heard:
        stage.say(session, f"meanwhile {session.id}")
    for session in spoke:
        await stage.accept(session, f"caller {session.id}")
        told.listeners[0].look(session.id, session.shard)
    await stage.clock.sleep(OUTAGE_SECONDS / 2)
    assert len(told.handshakes(since=down)) < OUTAGE_SECONDS / 2
    return told.come_back()


async def a_caller_need_not_wait(stage: Stage) -> None:
    """While the crowd uses up every slot, a new chat of another process is opened at once."""
    begun = stage.now
    session = await stage.made(shard=SHARDS)
    await stage.accept(session, "new here")
    await stage.attend(session)

    assert stage.arrived()[-1] == "new here"
    assert stage.now - begun < 1


def within_budget(told: Story, since: float) -> None:
    times = told.handshakes(since=since)
    slots = Counter(slot_of(at) for at in times)
    tens = Counter(at // 10 for at in times)

    assert max(slots.values()) <= GENESYS.most(urgent=False) + 1  # the caller's
    assert max(tens.values()) <= 2 * GENESYS.most(urgent=False) + 1
    assert busiest(times, 60) <= 13 * GENESYS.most(urgent=False) + 1 < MINUTE_LIMIT


def who_spoke_comes_first(told: Story, few: set[str], *, since: float, of: int) -> None:
    """Within the first of so many parts of a hundredth, on average."""
    ours = {session.client_id for session in told.sessions}
    order = [token for token in told.came_back(since) if token in ours]
    places = [order.index(token) for token in few]

    assert len(order) == CROWD
    assert mean(places) < len(few) / 2 + CROWD * of / 100


async def nothing_is_lost(told: Story, heard: Sequence[Session], spoke: Sequence[Session]) -> None:
    for session in heard:
        texts = await told.stage.texts(session)
        assert texts.count(f"meanwhile {session.id}") == 1
    arrived = Counter(told.stage.arrived())
    for session in spoke:
        assert arrived[f"caller {session.id}"] == 1
        assert not await told.stage.ports.sessions.open_sends(session.id)
    states = Counter([(await told.stage.load(session)).public for session in told.sessions])
    assert set(states) == {"active"}


def test_two_processes_with_clocks_four_seconds_apart_share_the_budget() -> None:
    run_virtual(a_pair_comes_back())


async def a_pair_comes_back() -> None:
    async with story(PAIR, skews=[2.0, -2.0]) as told:
        down = told.stage.now
        told.go_down()
        await told.stage.clock.sleep(OUTAGE_SECONDS)
        assert len(told.handshakes(since=down)) < OUTAGE_SECONDS

        up = told.come_back()
        back = await told.all_held()
        await told.stage.clock.sleep(30)

        assert back - up < 1.2 * PAIR / PER_SECOND + 20
        assert busiest(told.handshakes(), 60) <= 14 * GENESYS.most(urgent=False) < MINUTE_LIMIT
        shares = Counter(s.shard % 2 for s in told.sessions)
        assert len(shares) == 2
        for session in told.sessions:
            assert (await told.stage.load(session)).state is State.DETACHED
