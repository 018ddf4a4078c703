"""A strand in somebody's hands: taken, let go with its time and a hint for what is near, ended."""

from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import pytest

from service.domain.endpoint import EndpointState
from service.domain.errors import VersionConflictError
from service.domain.health import Health
from service.domain.ids import SessionId
from service.domain.replay import Part, ReplayState, Strand
from service.usecases.endpoint_gate import Turned
from service.usecases.keep_lane import HINT_SECONDS, HOPS_MAX, PARKED_SECONDS, SPREAD_SHARE
from service.usecases.keep_strand import CLAIM_SECONDS, KeepStrand
from service.usecases.read_strand import StrandHold, StrandRun
from tests.support.lane_world import LaneWorld
from tests.support.virtual_time import run_virtual


def play(story: Coroutine[Any, Any, None]) -> None:
    run_virtual(story)


async def held(world: LaneWorld, *, hops: int = 0) -> tuple[KeepStrand, StrandHold]:
    """The one strand of a replay, read and not yet taken."""
    job = await world.replay(await world.endpoint(), strands=1)
    replayer = world.replayer()
    strand = await world.table.replays.strand(job.id, 0)
    assert strand is not None
    run = StrandRun(replay_id=job.id, number=0, hops=hops, until=1e9)
    hold = await replayer.reader.find(run, strand)
    assert hold is not None
    return replayer.keep, hold


async def taken(world: LaneWorld, *, hops: int = 0) -> tuple[KeepStrand, StrandHold]:
    keep, hold = await held(world, hops=hops)
    assert await keep.take(hold)
    return keep, hold


async def there(world: LaneWorld, hold: StrandHold) -> Strand:
    found = await world.table.replays.strand(hold.replay.id, 0)
    assert found is not None
    return found


def test_who_takes_a_strand_is_followed_should_it_die_and_nobody_else_takes_it() -> None:
    async def story() -> None:
        world = LaneWorld()
        keep, hold = await held(world)
        _, other = keep, replace(hold)

        assert await keep.take(hold)
        assert not await keep.take(other)

        strand = await there(world, hold)
        assert strand.claim is not None
        assert strand.due_at == strand.claim.until == world.clock.now() + CLAIM_SECONDS

    play(story())


def test_who_lost_a_strand_is_told() -> None:
    async def story() -> None:
        world = LaneWorld()
        keep, hold = await taken(world)
        mine = hold.strand
        await keep.run_out_of_time(hold)

        with pytest.raises(VersionConflictError):
            await keep.save(hold, mine, mine)

    play(story())


@pytest.mark.parametrize(
    ("hops", "wait", "hints"), [(0, 30, 1), (HOPS_MAX, 30, 0), (0, HINT_SECONDS + 1, 0)]
)
def test_only_what_is_near_is_hinted_and_not_for_ever(hops: int, wait: float, hints: int) -> None:
    async def story() -> None:
        world = LaneWorld()
        keep, hold = await taken(world, hops=hops)
        due = world.clock.now() + wait
        part = Part(session_id=SessionId("ses_1"), due_at=due)
        hold.strand = replace(hold.strand, walked=True, parts=(part,))

        await keep.rest(hold)

        assert [(one.due, one.hops) for one in world.hints.replays] == [(due, hops + 1)] * hints
        strand = await there(world, hold)
        assert (strand.due_at, strand.claim, strand.parked) == (due, None, False)

    play(story())


def test_what_is_set_aside_by_a_receiver_that_asked_for_a_pause_waits_for_it() -> None:
    async def story() -> None:
        world = LaneWorld()
        keep, hold = await taken(world)
        later = world.clock.now() + 60
        part = Part(session_id=SessionId("ses_1"), due_at=later)
        hold.strand = replace(hold.strand, walked=True, parts=(part,))
        hold.health = Health(paused_until=later)

        await keep.rest(hold)

        assert (await there(world, hold)).parked

    play(story())


@pytest.mark.parametrize("parts", [(), (Part(session_id=SessionId("ses_1")),)])
def test_what_could_go_on_is_left_for_the_next_run_at_once(parts: tuple[Part, ...]) -> None:
    async def story() -> None:
        world = LaneWorld()
        keep, hold = await taken(world)
        hold.strand = replace(hold.strand, walked=bool(parts), parts=parts)

        await keep.rest(hold)

        strand = await there(world, hold)
        assert (strand.due_at, strand.done) == (world.clock.now(), False)
        assert len(world.hints.replays) == 1

    play(story())


def test_a_strand_without_anything_left_ends_and_counts() -> None:
    async def story() -> None:
        world = LaneWorld()
        keep, hold = await taken(world)
        hold.strand = replace(hold.strand, walked=True)

        await keep.rest(hold)

        assert (await there(world, hold)).done
        assert (await world.replay_now(hold.replay)).state is ReplayState.DONE
        assert world.hints.replays == []

    play(story())


def test_a_closed_endpoint_is_waited_for_and_attempts_are_counted_anew() -> None:
    async def story() -> None:
        world = LaneWorld()
        keep, hold = await taken(world)
        part = Part(
            session_id=SessionId("ses_1"),
            after=4,
            attempt=3,
            due_at=9e12,
            failing_since=1,
            skipped=2,
        )
        hold.strand = replace(hold.strand, parts=(part,))
        hold.endpoint = replace(hold.endpoint, state=EndpointState.PAUSED)

        await keep.park(hold)

        strand = await there(world, hold)
        assert strand.parts == (Part(session_id=SessionId("ses_1"), after=4),)
        assert strand.due_at == world.clock.now() + PARKED_SECONDS[EndpointState.PAUSED]
        assert (strand.parked, strand.claim) == (True, None)

    play(story())


@pytest.mark.parametrize(("down", "least"), [(True, 90), (False, 60)])
def test_who_waits_outside_keeps_its_attempts_and_comes_after_the_lanes(
    least: float, *, down: bool
) -> None:
    async def story() -> None:
        world = LaneWorld()
        keep, hold = await taken(world)
        now = world.clock.now()
        part = Part(session_id=SessionId("ses_1"), attempt=3, failing_since=now)
        hold.strand = replace(hold.strand, parts=(part,))

        await keep.wait_outside(hold, Turned(now + 60, down=down), grace=30)

        strand = await there(world, hold)
        assert strand.parts == (Part(session_id=SessionId("ses_1"), attempt=3),)
        assert strand.due_at is not None
        assert least <= strand.due_at - now <= least * (1 + SPREAD_SHARE)
        assert strand.parked

    play(story())


def test_a_strand_of_what_is_over_is_closed() -> None:
    async def story() -> None:
        world = LaneWorld()
        keep, hold = await taken(world)

        await keep.close(hold)

        strand = await there(world, hold)
        assert (strand.done, strand.due_at, strand.claim) == (True, None, None)
        assert (await world.replay_now(hold.replay)).state is ReplayState.OPEN

    play(story())
