"""A lane in a courier's hands: let go with its attempts, its time and a hint for what is near."""

from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import pytest

from service.domain.endpoint import EndpointState, Lane
from service.domain.ids import LOCK
from service.domain.log import EventType
from service.usecases.endpoint_gate import Turned
from service.usecases.keep_lane import (
    CLAIM_LEAST,
    HINT_SECONDS,
    HOPS_MAX,
    OUTSIDE_SECONDS,
    SPREAD_MOST,
    SPREAD_SHARE,
    KeepLane,
)
from service.usecases.read_lane import Hold, Run
from tests.support.lane_world import LaneWorld
from tests.support.virtual_time import run_virtual


def play(story: Coroutine[Any, Any, None]) -> None:
    run_virtual(story)


async def held(world: LaneWorld, *, hops: int = 0) -> tuple[KeepLane, Hold]:
    """A claimed lane with one event ahead."""
    endpoint, session = await world.endpoint(), await world.session()
    await world.append(session, EventType.MESSAGE_RECEIVED)
    courier = world.courier()
    run = Run(endpoint_id=endpoint.id, session_id=session.id, hops=hops, until=1e9)
    hold = await courier.reader.find(run)
    assert hold is not None
    now = world.clock.now()
    claimed = await world.table.lanes.claim(
        hold.lane, token=world.ids.ulid(LOCK), now=now, until=now + CLAIM_LEAST
    )
    assert claimed is not None
    hold.lane = claimed
    return courier.keep, hold


@pytest.mark.parametrize(("hops", "wait", "hints"), [(0, 30, 1), (HOPS_MAX, 30, 0), (0, 91, 0)])
def test_only_what_is_near_is_hinted_and_not_for_ever(hops: int, wait: int, hints: int) -> None:
    async def story() -> None:
        world = LaneWorld()
        keep, hold = await held(world, hops=hops)

        await keep.retry_later(hold, world.clock.now() + wait)

        assert len(world.hints.lanes) == hints
        assert all(h.hops == hops + 1 and h.delay == wait for h in world.hints.lanes)
        assert (hold.lane.attempt, hold.lane.claim) == (1, None)
        assert wait <= HINT_SECONDS or hints == 0

    play(story())


def test_who_waits_outside_keeps_its_attempts_and_comes_a_little_apart() -> None:
    async def story() -> None:
        world = LaneWorld()
        keep, hold = await held(world)
        now = world.clock.now()

        await keep.wait_outside(hold, Turned(now + 5, down=True))

        lane = hold.lane
        assert (lane.attempt, lane.parked, lane.claim) == (0, True, None)
        assert lane.due_at is not None
        assert OUTSIDE_SECONDS <= lane.due_at - now <= OUTSIDE_SECONDS * (1 + SPREAD_SHARE)

    play(story())


def test_when_probes_are_rare_everybody_comes_for_the_next_and_who_failed_comes_last() -> None:
    async def story() -> None:
        world = LaneWorld()
        keep, hold = await held(world)
        now = world.clock.now()
        await keep.wait_outside(hold, Turned(now + 500, down=True))
        assert hold.lane.due_at is not None
        assert 500 <= hold.lane.due_at - now <= 600

        world = LaneWorld()
        keep, hold = await held(world)
        hold.lane = replace(hold.lane, attempt=1)
        await keep.wait_outside(hold, Turned(world.clock.now() + 500, down=True))
        assert hold.lane.due_at is not None
        assert hold.lane.due_at - world.clock.now() >= 500 + SPREAD_MOST

    play(story())


def test_a_pause_that_is_over_soon_is_waited_for_and_no_longer() -> None:
    async def story() -> None:
        world = LaneWorld()
        keep, hold = await held(world)
        now = world.clock.now()

        await keep.wait_outside(hold, Turned(now + 5))

        assert hold.lane.due_at is not None
        assert 5 <= hold.lane.due_at - now <= 6

    play(story())


def test_a_claim_that_is_nearly_over_is_renewed_and_another_is_not_written() -> None:
    async def story() -> None:
        world = LaneWorld()
        keep, hold = await held(world)
        version = hold.lane.version

        await keep.keep_claim(hold)
        assert hold.lane.version == version

        await world.clock.sleep(CLAIM_LEAST - 5)
        await keep.keep_claim(hold)
        assert hold.lane.claim is not None
        assert hold.lane.claim.until == world.clock.now() + CLAIM_LEAST

    play(story())


def test_a_closed_endpoints_lane_without_a_backlog_is_never_looked_at_again() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint = await world.endpoint(state=EndpointState.PAUSED)
        old, behind = await world.session("ses_1"), await world.session("ses_2")
        for session in (old, behind):
            await world.append(session, EventType.MESSAGE_RECEIVED)
        done = Lane(endpoint_id=endpoint.id, session_id=old.id, cursor=1)
        claimed = await world.table.lanes.claim(done, token="t", now=0.0, until=1.0)
        assert claimed is not None
        # As it was left once: done, and with a time.
        due = world.clock.now() + 60
        await world.table.lanes.save(claimed, replace(claimed, claim=None, due_at=due, parked=True))
        await world.clock.sleep(61)
        for session in (old, behind):
            await world.courier()(endpoint.id, session.id)

        assert (await world.lane(endpoint, old)).due_at is None
        assert (await world.lane(endpoint, behind)).due_at is not None

    play(story())
