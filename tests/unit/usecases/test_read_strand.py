"""What a strand finds to do: its sessions one after the other, and of each what is asked for."""

from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import pytest

from service.domain.endpoint import Claim, Endpoint, EndpointState
from service.domain.health import Health
from service.domain.ids import SessionId, TenantName
from service.domain.log import EventType
from service.domain.replay import PAST_SECONDS, Replay, ReplayState, Strand
from service.usecases.read_strand import (
    FRESH_SECONDS,
    PAGE,
    SOON_SECONDS,
    ReadStrand,
    StrandHold,
    StrandRun,
)
from tests.support.lane_world import TENANT, LaneWorld
from tests.support.virtual_time import run_virtual

RECEIVED, ACCEPTED = EventType.MESSAGE_RECEIVED, EventType.MESSAGE_ACCEPTED


def play(story: Coroutine[Any, Any, None]) -> None:
    run_virtual(story)


def reader(world: LaneWorld) -> ReadStrand:
    return world.replayer().reader


def run_of(job: Replay, number: int = 0) -> StrandRun:
    return StrandRun(replay_id=job.id, number=number, hops=0, until=1e9)


async def strand_of(world: LaneWorld, job: Replay) -> Strand:
    found = await world.table.replays.strand(job.id, 0)
    assert found is not None
    return found


async def found(world: LaneWorld, job: Replay) -> StrandHold | None:
    return await reader(world).find(run_of(job), await strand_of(world, job))


async def held(world: LaneWorld, job: Replay) -> StrandHold:
    hold = await found(world, job)
    assert hold is not None
    return hold


async def read_all(world: LaneWorld, job: Replay) -> list[tuple[str, int]]:
    """Sessions and places of all that comes, each taken at once; of every strand."""
    every: list[tuple[str, int]] = []
    for number in range(job.strands):
        strand = await world.table.replays.strand(job.id, number)
        assert strand is not None
        hold = await reader(world).find(run_of(job, number), strand)
        assert hold is not None
        while event := await reader(world).head(hold):
            every.append((event.session_id, event.sequence))
            (part,) = [one for one in hold.strand.parts if one.session_id == event.session_id]
            hold.strand = hold.strand.delivered(part, event.sequence, at=world.clock.now())
            hold.ahead.popleft()
        assert hold.strand.walked
        assert hold.strand.tally.found == hold.strand.tally.done
    return every


async def spoken(world: LaneWorld, name: str, *kinds: EventType, **fields: Any) -> None:  # noqa: ANN401 - fields of any type
    await world.append(await world.session(name, **fields), *kinds)


def test_every_session_is_read_whole_by_one_strand() -> None:
    async def story() -> None:
        world = LaneWorld()
        for number in range(6):
            await spoken(world, f"ses_{number}", RECEIVED, ACCEPTED, RECEIVED)
            await world.clock.sleep(1)
        await spoken(world, "ses_other", RECEIVED, tenant=TenantName("other"))
        job = await world.replay(await world.endpoint(), strands=3)

        every = await read_all(world, job)

        assert sorted(every) == [(f"ses_{number}", n) for number in range(6) for n in (1, 2, 3)]
        assert [name for name, n in every if n == 1] == [name for name, n in every if n == 3]

    play(story())


def test_what_is_not_asked_for_is_passed_and_a_long_log_is_read_page_by_page() -> None:
    async def story() -> None:
        world = LaneWorld()
        await spoken(world, "ses_0", *[RECEIVED] * PAGE, *[ACCEPTED] * PAGE, RECEIVED)
        endpoint = await world.endpoint(event_types=("message.received", "session.*"))
        job = await world.replay(endpoint, types=("message.*",))

        every = await read_all(world, job)

        assert [n for _, n in every] == [*range(1, PAGE + 1), 2 * PAGE + 1]

    play(story())


def test_a_log_that_ended_before_the_range_costs_one_read_and_what_follows_it_none() -> None:
    async def story() -> None:
        world = LaneWorld()
        await spoken(world, "ses_old", RECEIVED)
        await world.session("ses_silent")
        await world.clock.sleep(60)
        since = world.clock.now()
        session = await world.session("ses_both")
        await world.append(session, RECEIVED)
        await world.clock.sleep(60)
        until = world.clock.now()
        await world.clock.sleep(PAST_SECONDS + 1)
        await world.append(session, RECEIVED, RECEIVED, first=2)
        await spoken(world, "ses_new", RECEIVED)
        job = await world.replay(await world.endpoint(), since=since, until=until)

        assert await read_all(world, job) == [("ses_both", 1)]

    play(story())


def test_what_was_erased_or_is_somebody_elses_is_passed() -> None:
    async def story() -> None:
        world = LaneWorld()
        await spoken(world, "ses_theirs", RECEIVED, tenant=TenantName("other"))
        endpoint = await world.endpoint()

        for name in ("ses_theirs", "ses_erased"):
            job = await world.replay(endpoint, session_id=SessionId(name))
            assert await read_all(world, job) == []

    play(story())


@pytest.mark.parametrize("case", ["done", "held", "later", "job gone"])
def test_what_is_nobodys_turn_is_left_alone(case: str) -> None:
    async def story() -> None:
        world = LaneWorld()
        job = await world.replay(await world.endpoint(), due=0 if case != "later" else 60)
        now, strand = world.clock.now(), await strand_of(world, job)
        if case == "done":
            await world.table.replays.save(strand, strand.closed())
        if case == "held":
            claim = Claim(token="mine", until=now + 9)
            await world.table.replays.save(strand, replace(strand, claim=claim))
        run, reading = run_of(job), await strand_of(world, job)
        if case == "job gone":
            await world.table.replays.drop_replays(job.endpoint_id)

        assert await reader(world).find(run, reading) is None

    play(story())


def test_a_claim_whose_time_is_over_keeps_nobody_away() -> None:
    async def story() -> None:
        world = LaneWorld()
        job = await world.replay(await world.endpoint())
        strand = await strand_of(world, job)
        lapsed = Claim(token="theirs", until=world.clock.now())
        await world.table.replays.save(strand, replace(strand, claim=lapsed))

        assert (await held(world, job)).strand.claim == lapsed

    play(story())


def test_who_comes_a_moment_early_waits_here() -> None:
    async def story() -> None:
        world = LaneWorld()
        job = await world.replay(await world.endpoint(), due=SOON_SECONDS)
        due = world.clock.now() + SOON_SECONDS

        assert await found(world, job) is not None
        assert world.clock.now() == due

    play(story())


@pytest.mark.parametrize(
    ("parked", "state", "pause", "comes"),
    [
        (True, EndpointState.ACTIVE, 0, True),
        (False, EndpointState.ACTIVE, 0, False),
        (True, EndpointState.PAUSED, 0, False),
        (True, EndpointState.ACTIVE, 60, False),
    ],
)
def test_who_waits_for_its_endpoint_comes_as_soon_as_that_is_open_and_well(
    state: EndpointState, pause: float, *, parked: bool, comes: bool
) -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint = await world.endpoint(state=state)
        job = await world.replay(endpoint, due=600)
        strand = await strand_of(world, job)
        await world.table.replays.save(strand, replace(strand, parked=parked))
        if pause:
            paused = Health(version=1, paused_until=world.clock.now() + pause)
            await world.table.healths.change_health(endpoint.id, Health(), paused)

        assert (await found(world, job) is not None) is comes

    play(story())


def test_what_a_strand_waits_for_ends_when_its_endpoint_is_opened() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint = await world.endpoint()
        job = await world.replay(endpoint, due=600)
        before = await found(world, job)
        await world.change(endpoint.id, openings=endpoint.openings + 1)

        assert before is None
        assert await found(world, job) is not None

    play(story())


def test_the_end_of_a_replay_is_found_at_once_and_within_a_second_by_who_is_at_work() -> None:
    async def story() -> None:
        world = LaneWorld()
        job = await world.replay(await world.endpoint(), due=600)
        early = await found(world, job)
        over = job.over(ReplayState.CANCELLED, at=world.clock.now())
        await world.table.replays.change(job, over)
        hold = await held(world, job)

        seen = [hold.replay.state]
        hold.replay = job
        await reader(world).refresh(hold)
        seen.append(hold.replay.state)
        await world.clock.sleep(FRESH_SECONDS + 0.1)
        await reader(world).refresh(hold)
        seen.append(hold.replay.state)
        await world.table.replays.drop_replays(job.endpoint_id)
        await world.clock.sleep(FRESH_SECONDS + 0.1)
        await reader(world).refresh(hold)

        assert early is None
        assert [*seen, hold.replay.state] == ["cancelled", "open", "cancelled", "cancelled"]

    play(story())


def test_no_search_goes_on_when_no_time_is_left() -> None:
    async def story() -> None:
        world = LaneWorld()
        await spoken(world, "ses_0", RECEIVED)
        endpoint: Endpoint = await world.endpoint()
        job = await world.replay(endpoint, strands=1)
        strand = await strand_of(world, job)
        until = world.clock.monotonic() + endpoint.timeout_seconds
        hold = await reader(world).find(replace(run_of(job), until=until), strand)
        assert hold is not None

        assert await reader(world).head(hold) is None
        assert (hold.strand.walked, hold.endpoint.tenant) == (False, TENANT)

    play(story())


def test_a_strand_with_its_hands_full_looks_for_no_more_sessions() -> None:
    async def story() -> None:
        world = LaneWorld()
        await spoken(world, "ses_0", RECEIVED)
        job = await world.replay(await world.endpoint(), strands=1)
        hold = await held(world, job)
        later = world.clock.now() + 60
        for number in range(10):
            hold.strand = hold.strand.found(SessionId(f"ses_x{number}"))
        parts = tuple(replace(part, due_at=later) for part in hold.strand.parts)
        hold.strand = replace(hold.strand, parts=parts)

        assert await reader(world).head(hold) is None
        assert not hold.strand.walked

    play(story())
