"""Few requests at a time, and no session waits for the backlog of another, nor for a replay."""

from collections import Counter
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import pytest

from service.domain.ids import EndpointId
from service.domain.log import EventType
from service.usecases.endpoint_gate import EndpointGate, Pass, Turned
from service.usecases.read_lane import Hold, Run
from service.usecases.share_places import (
    AWAY_MOST,
    KEPT_SECONDS,
    LEAST_SECONDS,
    PATIENCE_SECONDS,
    SHORT_SECONDS,
    give_way,
    wait_inside,
)
from tests.support.delivery_yard import Reply, Yard, scripted, yard
from tests.support.lane_world import Fields, LaneWorld
from tests.support.virtual_time import run_virtual

HOOK = EndpointId("whk_1")


def play(story: Coroutine[Any, Any, None]) -> None:
    run_virtual(story)


async def waits(stage: Yard, session: str, times: int) -> list[float]:
    """How long each of so many events of that session waits for its first POST."""
    found: list[float] = []
    for _ in range(times):
        said, before = stage.world.clock.now(), len(stage.attempts)
        await stage.say(session)
        event_id = stage.logs[session][-1].id
        while not (
            got := [a for a in stage.attempts[before:] if a.headers["webhook-id"] == event_id]
        ):
            await stage.world.clock.sleep(0.1)
        found.append(got[0].at - said)
        await stage.world.clock.sleep(5)
    return found


@pytest.mark.parametrize(("places", "backlogs"), [(1, 1), (1, 2), (2, 2)])
def test_the_backlog_of_one_session_holds_up_no_other(places: int, backlogs: int) -> None:
    async def story() -> None:
        stage = yard(couriers=8)
        await stage.endpoint(HOOK, scripted(then=Reply(takes=1.0)), max_concurrency=places)
        for number in range(backlogs):
            await stage.session(f"ses_{number}", events=300)
        await stage.session("ses_live")
        async with stage.at_work():
            await stage.world.clock.sleep(3)
            assert max(await waits(stage, "ses_live", 6)) <= 2 * PATIENCE_SECONDS
            await stage.finish(within=3600)

        ends = sorted(attempt.ended for attempt in stage.attempts)
        assert len(ends) == 300 * backlogs + 6
        assert ends[-1] - ends[0] < 3 * 300 * backlogs
        assert await stage.judged() == []

    play(story())


def test_a_replay_with_the_only_place_leaves_it_to_lanes() -> None:
    async def story() -> None:
        stage = yard(couriers=8, replayers=16)
        await stage.endpoint(HOOK, scripted(then=Reply(takes=2.0)), max_concurrency=1)
        for number in range(20):
            await stage.session(f"ses_{number}", events=5)
        async with stage.at_work():
            await stage.finish(within=4000)
            job = await stage.world.replay(stage.endpoints[HOOK], strands=16)
            for strand in await stage.world.table.replays.strands_of(job.id):
                await stage.line.replay(job.id, strand.number)
            await stage.world.clock.sleep(5)
            assert max(await waits(stage, "ses_1", 8)) <= PATIENCE_SECONDS

        assert len(Counter(a.session for a in stage.replayed)) > 1
        every = [*stage.attempts, *stage.replayed]
        assert max(sum(o.at <= each.at < o.ended for o in every) for each in every) == 1

    play(story())


async def inside(world: LaneWorld, **limits: Fields) -> tuple[EndpointGate, Hold]:
    """A lane that was let in."""
    endpoint, session = await world.endpoint(**limits), await world.session()
    await world.append(session, EventType.MESSAGE_RECEIVED)
    courier = world.courier()
    until = world.clock.monotonic() + 50
    run = Run(endpoint_id=endpoint.id, session_id=session.id, hops=0, until=until)
    hold = await courier.reader.find(run)
    assert hold is not None
    entry = await courier.gate.enter(endpoint, hold.health)
    assert isinstance(entry, Pass)
    hold.entry = entry
    return courier.gate, hold


@pytest.mark.parametrize(("kept", "away"), [(0.9, 0.0), (1.5, 1.5), (15, AWAY_MOST), (34.5, 0.0)])
def test_who_had_a_place_for_a_moment_leaves_it_and_stays_away(kept: float, away: float) -> None:
    async def story() -> None:
        world = LaneWorld()
        gate, hold = await inside(world, max_concurrency=1)
        await world.clock.sleep(kept)
        before = world.clock.monotonic()

        await give_way(gate, hold)

        assert world.clock.monotonic() - before == pytest.approx(away)
        assert (hold.entry is None) == (kept >= KEPT_SECONDS)
        other = await gate.enter(hold.endpoint, hold.health)
        assert isinstance(other, Pass) == (kept >= KEPT_SECONDS)

    play(story())


@pytest.mark.parametrize(("limits", "probes"), [({}, False), ({"max_concurrency": 1}, True)])
def test_without_a_limit_or_with_a_probe_nobody_leaves(
    limits: dict[str, int], *, probes: bool
) -> None:
    async def story() -> None:
        world = LaneWorld()
        gate, hold = await inside(world, **limits)
        assert hold.entry is not None
        hold.entry = replace(hold.entry, probes=probes)
        await world.clock.sleep(5)

        await give_way(gate, hold)

        assert hold.entry is not None

    play(story())


def test_a_short_wait_is_waited_for_a_while_and_a_longer_one_is_not() -> None:
    async def story() -> None:
        world = LaneWorld()
        gate, hold = await inside(world, max_concurrency=1)
        now = world.clock.now()

        assert wait_inside(gate, hold, Turned(now + 1)) == pytest.approx(1)
        assert wait_inside(gate, hold, Turned(now - 1)) == LEAST_SECONDS
        assert wait_inside(gate, hold, Turned(now + 1, down=True)) is None
        free = replace(hold, endpoint=replace(hold.endpoint, max_concurrency=None))
        assert wait_inside(gate, free, Turned(now + 1)) is None
        assert wait_inside(gate, hold, Turned(now + SHORT_SECONDS + 0.1)) is None
        await world.clock.sleep(PATIENCE_SECONDS - 0.5)
        assert wait_inside(gate, hold, Turned(world.clock.now() + 1)) is None

    play(story())
