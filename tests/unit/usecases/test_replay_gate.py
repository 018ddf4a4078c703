"""Replays at the endpoint's gate: lanes go first, and half of the limits stays theirs."""

from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import pytest

from service.domain.health import RAMP_DOUBLINGS, RAMP_STEP, Health
from service.domain.ids import SessionId
from service.domain.log import EventType
from service.usecases.endpoint_gate import Pass, Turned
from service.usecases.read_strand import StrandHold, StrandRun
from service.usecases.replay_gate import ALONE_SECONDS, PLACE_MOMENT, PROBE_GRACE, ReplayGate
from tests.support.lane_world import Fields, LaneWorld
from tests.support.virtual_time import run_virtual

RAMP = RAMP_STEP * RAMP_DOUBLINGS


def play(story: Coroutine[Any, Any, None]) -> None:
    run_virtual(story)


async def at_the_gate(world: LaneWorld, **limits: Fields) -> tuple[ReplayGate, StrandHold]:
    session = await world.session()
    await world.append(session, EventType.MESSAGE_RECEIVED)
    endpoint = await world.endpoint(**limits)
    job = await world.replay(endpoint, session_id=SessionId("ses_1"))
    replayer = world.replayer()
    strand = await world.table.replays.strand(job.id, 0)
    assert strand is not None
    run = StrandRun(replay_id=job.id, number=0, hops=0, until=1e9)
    hold = await replayer.reader.find(run, strand)
    assert hold is not None
    return replayer.gate, hold


async def entered(gate: ReplayGate, hold: StrandHold, times: int) -> int:
    """How many of so many strands are let in."""
    holds = [replace(hold) for _ in range(times)]
    return sum([await gate.enter(one) is None for one in holds])


@pytest.mark.parametrize(("places", "let_in"), [(8, 4), (3, 1), (1, 1)])
def test_a_replay_has_half_of_the_places(places: int, let_in: int) -> None:
    async def story() -> None:
        world = LaneWorld()
        gate, hold = await at_the_gate(world, max_concurrency=places)

        assert await entered(gate, hold, 40) == let_in
        lanes = [await gate.gate.enter(hold.endpoint, hold.health) for _ in range(40)]
        assert sum(isinstance(one, Pass) for one in lanes) == places - let_in

    play(story())


@pytest.mark.parametrize(("rate", "most"), [(8, 4), (3, 1)])
def test_a_replay_has_half_of_the_rate(rate: int, most: int) -> None:
    async def story() -> None:
        world = LaneWorld()
        gate, hold = await at_the_gate(world, rate_limit=rate)
        await world.clock.sleep(1 - world.clock.now() % 1)

        turns = [await gate.take_turn(hold) for _ in range(rate + 2)]
        lanes = [await gate.gate.take_turn(hold.endpoint) for _ in range(rate + 2)]

        assert (turns.count(0.0), lanes.count(0.0)) == (most, rate - most)

    play(story())


def test_of_one_request_a_second_every_other_is_for_lanes_alone() -> None:
    async def story() -> None:
        world = LaneWorld()
        gate, hold = await at_the_gate(world, rate_limit=1)
        await world.clock.sleep(2 - world.clock.now() % 2)
        taken = []
        for _ in range(8):
            taken.append(await gate.take_turn(hold) == 0.0)
            await world.clock.sleep(0.5)

        assert taken == [True, False, False, False] * 2

    play(story())


def test_without_limits_nobody_waits() -> None:
    async def story() -> None:
        world = LaneWorld()
        gate, hold = await at_the_gate(world)

        assert await entered(gate, hold, 9) == 9
        assert await gate.take_turn(hold) == 0.0

    play(story())


def test_a_probe_is_for_lanes_until_none_of_them_sent_it() -> None:
    async def story() -> None:
        world = LaneWorld()
        gate, hold = await at_the_gate(world)
        now = world.clock.now()
        hold.health = await world.table.healths.change_health(
            hold.endpoint.id, Health(), Health(version=1, by="them", failed=5, probe_at=now)
        )

        early = await gate.enter(hold)
        await world.clock.sleep(PROBE_GRACE)

        assert early == Turned(now + PROBE_GRACE, down=True)
        assert await gate.enter(hold) is None
        probes = [hold.probes]
        assert await gate.enter(hold) is None
        await gate.give_way(hold)
        assert [*probes, hold.probes] == [True, False]
        turned = await gate.enter(hold)
        assert turned is not None
        assert turned.down

    play(story())


def test_after_an_outage_lanes_come_back_first() -> None:
    async def story() -> None:
        world = LaneWorld()
        gate, hold = await at_the_gate(world)
        now = world.clock.now()
        hold.health = Health(back_at=now)

        assert await gate.enter(hold) == Turned(now + RAMP)
        await world.clock.sleep(RAMP)
        assert await gate.enter(hold) is None

    play(story())


def test_who_is_paused_is_turned_away_by_the_endpoints_own_gate() -> None:
    async def story() -> None:
        world = LaneWorld()
        gate, hold = await at_the_gate(world)
        hold.health = Health(paused_until=world.clock.now() + 60)

        assert await gate.enter(hold) == Turned(world.clock.now() + 60)
        await gate.give_way(hold)
        await gate.leave(hold)
        assert hold.entry is None

    play(story())


def test_a_place_is_kept_for_a_moment_and_then_left_to_others() -> None:
    async def story() -> None:
        world = LaneWorld()
        gate, hold = await at_the_gate(world, max_concurrency=1)
        assert await gate.enter(hold) is None
        await gate.give_way(hold)
        kept = hold.entry is not None
        await world.clock.sleep(PLACE_MOMENT)
        before = world.clock.now()

        await gate.give_way(hold)

        assert kept
        assert hold.entry is None
        assert PLACE_MOMENT <= world.clock.now() - before <= 2 * PLACE_MOMENT
        lane = await gate.gate.enter(hold.endpoint, hold.health)
        assert isinstance(lane, Pass)

    play(story())


def test_the_only_place_is_for_lanes_alone_half_of_the_time() -> None:
    async def story() -> None:
        world = LaneWorld()
        gate, hold = await at_the_gate(world, max_concurrency=1)
        await world.clock.sleep(2 * ALONE_SECONDS - world.clock.now() % (2 * ALONE_SECONDS))
        let_in = []
        for _ in range(20):
            let_in.append(await gate.enter(hold) is None)
            await gate.leave(hold)
            await world.clock.sleep(1)

        assert let_in == ([True] * 5 + [False] * 5) * 2

    play(story())
