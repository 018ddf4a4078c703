"""A lane in a courier's hands: let go with its attempts, its time and a hint for what is near."""

from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import pytest

from service.domain.endpoint import EndpointState, Lane
from service.domain.ids import LOCK, EndpointId, SessionId
from service.domain.log import EventType
from service.ports import WebhookAnswer
from service.usecases.endpoint_gate import Turned
from service.usecases.keep_lane import (
    BEHIND_SECONDS,
    CLAIM_LEAST,
    COMING_MOST,
    FIRST_SECONDS,
    HINT_SECONDS,
    HOPS_MAX,
    OUTSIDE_SECONDS,
    SPREAD_MOST,
    SPREAD_SHARE,
    KeepLane,
)
from service.usecases.read_lane import Hold, Run
from tests.support.delivery_yard import Reply, scripted, yard
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
        hold.lane = replace(hold.lane, attempt=2)
        now = world.clock.now()

        await keep.wait_outside(hold, Turned(now + 5, down=True))

        lane = hold.lane
        assert (lane.attempt, lane.parked, lane.claim) == (2, True, None)
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


NEAR = [(0, None, True), (1, None, False), (1, 5.0, False), (1, 0.0, True)]


@pytest.mark.parametrize(("attempt", "due", "comes"), NEAR)
def test_for_a_probe_that_is_near_comes_one_that_never_failed_and_one_whose_time_was_over(
    attempt: int, due: float | None, *, comes: bool
) -> None:
    async def story() -> None:
        world = LaneWorld()
        keep, hold = await held(world)
        now = world.clock.now()
        due_at = None if due is None else now + due
        hold.lane = replace(hold.lane, attempt=attempt, due_at=due_at)

        await keep.wait_outside(hold, Turned(now + 60, down=True))

        assert hold.lane.due_at is not None
        apart = SPREAD_SHARE * 60 if attempt else FIRST_SECONDS
        assert (60 <= hold.lane.due_at - now <= 60 + apart) == comes
        assert (hold.lane.due_at - now >= OUTSIDE_SECONDS) != comes

    play(story())


def test_only_one_of_many_comes_for_a_probe_and_endpoints_are_remembered_for_a_while() -> None:
    async def story() -> None:
        world = LaneWorld()
        keep, hold = await held(world)
        now = world.clock.now()

        async def waits(session: str, until: float, endpoint: str = "whk_1") -> float:
            run = replace(hold.run, session_id=SessionId(session))
            lane = replace(hold.lane, due_at=None)
            place = replace(hold.endpoint, id=EndpointId(endpoint))
            other = replace(hold, run=run, lane=lane, endpoint=place)
            await keep.wait_outside(other, Turned(now + until, down=True))
            hold.lane = other.lane
            assert other.lane.due_at is not None
            return other.lane.due_at - now

        found = [await waits(*each) for each in (("ses_1", 9), ("ses_2", 9), ("ses_1", 9))]
        found += [await waits(*each) for each in (("ses_2", 20), ("ses_1", 20))]
        for number in range(COMING_MOST):
            await waits("ses_3", 20, f"whk_other_{number}")
        found.append(await waits("ses_1", 20))

        assert [wait < OUTSIDE_SECONDS for wait in found] == [True, False, True, True, False, True]
        assert len(keep.coming) == COMING_MOST

    play(story())


@pytest.mark.parametrize("later", [45, 60, 80, 100])
def test_two_sessions_whose_events_break_the_receiver_hold_up_no_third(later: int) -> None:
    async def story() -> None:
        stage = yard(seed=3, couriers=8)
        await stage.endpoint("whk_1", scripted(then=Reply(takes=0.1)))
        await stage.session("ses_good", events=3)
        broken: set[str] = set()
        error = WebhookAnswer(status=500)
        stage.refuses = lambda event: error if event in broken else None
        async with stage.at_work():
            await stage.world.clock.sleep(5)
            for name in ("ses_a", "ses_b"):
                await stage.session(name)
                await stage.say(name)
                broken.add(stage.logs[name][0].id)
            assert len(stage.attempts) == 3
            await stage.world.clock.sleep(later)
            health = await stage.world.table.healths.health(EndpointId("whk_1"))
            assert health.probe_at is not None
            next_probe = health.probe_at
            await stage.say("ses_good")
            await stage.world.clock.sleep(120)

        got = [each.at for each in stage.attempts if each.session == "ses_good"]
        assert len(got) == 4
        assert got[-1] <= next_probe + BEHIND_SECONDS

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
