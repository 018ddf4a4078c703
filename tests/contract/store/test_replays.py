"""Replays and their strands: made together, moved on by version, counted when they end."""

import asyncio
from dataclasses import replace

import pytest

from service.domain.endpoint import Claim
from service.domain.errors import (
    IdempotencyInProgressError,
    InvalidRequestError,
    VersionConflictError,
)
from service.domain.ids import EndpointId, EventId, ReplayId, SessionId, TenantName
from service.domain.log import EventType
from service.domain.replay import (
    OVERDUE,
    Part,
    Range,
    Replay,
    ReplayState,
    Skipped,
    Strand,
    Tally,
    first_strands,
)
from tests.contract.store.conftest import Table
from tests.support.store_builders import NOW, a_replay, a_session, an_answer, unique

MINUTE = 60.0


async def kept(table: Table, wanted: Replay | None = None) -> Replay:
    job = wanted or a_replay()
    return await table.replays.create(job, first_strands(job, due_at=NOW), idempotency=None)


async def strand_of(table: Table, job: Replay, number: int = 0) -> Strand:
    found = await table.replays.strand(job.id, number)
    assert found is not None
    return found


async def test_every_field_of_a_replay_survives(table: Table) -> None:
    full = a_replay(
        range=Range(
            session_id=SessionId("ses_1"),
            from_sequence=7,
            since=NOW - 0.25,
            until=NOW,
            types=("message.*", "session.ended"),
        )
    )
    over = full.over(ReplayState.FAILED, at=NOW + 5, failure=OVERDUE)

    made = await kept(table, full)

    assert made == replace(full, version=1)
    assert await table.replays.replay(full.endpoint_id, full.id) == made
    ended = await table.replays.change(made, over)
    assert ended == replace(over, version=2)
    assert await table.replays.replay(full.endpoint_id, full.id) == ended


async def test_every_field_of_a_strand_survives(table: Table) -> None:
    job = await kept(table)
    before = await strand_of(table, job, 1)
    skipped = Skipped(
        session_id=SessionId("ses_2"),
        sequence=3,
        event_id=EventId("evt_1"),
        event_type=EventType.MESSAGE_RECEIVED,
        at=NOW,
        attempts=6,
        status=500,
        error="timeout",
    )
    full = replace(
        before,
        place="000000000001.000000#ses_1",
        walked=True,
        parts=(
            Part(
                session_id=SessionId("ses_1"),
                after=4,
                attempt=2,
                due_at=NOW + 0.5,
                failing_since=NOW,
                skipped=1,
                gone_at=NOW,
            ),
        ),
        tally=Tally(found=5, done=4, delivered=30, skipped=1),
        named=(skipped,),
        succeeded_at=NOW - 1,
        due_at=NOW + MINUTE,
        parked=True,
        openings=2,
        updated_at=NOW + 1,
        claim=Claim(token="mine", until=NOW + MINUTE),
    )

    saved = await table.replays.save(before, full)

    assert saved == replace(full, version=2)
    assert await table.replays.strand(job.id, 1) == saved
    done = await table.replays.save(saved, saved.closed())
    assert await table.replays.strand(job.id, 1) == done
    assert (done.claim, done.due_at, done.done) == (None, None, True)


async def test_what_nobody_made_is_absent(table: Table) -> None:
    nobody = ReplayId("rpl_x")

    assert await table.replays.replay(EndpointId("whk_x"), nobody) is None
    assert await table.replays.strand(nobody, 0) is None
    assert await table.replays.strands_of(nobody) == []


async def test_strands_come_by_their_numbers(table: Table) -> None:
    job = await kept(table, a_replay(strands=12, unfinished=12))

    numbers = [strand.number for strand in await table.replays.strands_of(job.id)]

    assert numbers == list(range(12))


async def test_a_replay_is_made_once_for_each_key_and_the_same_again_is_a_win(table: Table) -> None:
    job, answer = a_replay(), an_answer()
    strands = first_strands(job, due_at=NOW)
    made = await table.replays.create(job, strands, idempotency=answer)

    other = a_replay()
    with pytest.raises(IdempotencyInProgressError):
        await table.replays.create(
            other, first_strands(other, due_at=NOW), idempotency=replace(answer, result='{"id":2}')
        )

    assert await table.replays.create(job, strands, idempotency=None) == made
    assert await table.replays.replay(other.endpoint_id, other.id) is None
    assert await table.replays.strands_of(other.id) == []


async def test_replays_are_listed_newest_first_page_by_page(table: Table) -> None:
    hook = EndpointId(unique("whk"))
    names = [ReplayId(f"rpl_{number}") for number in range(5)]
    for name in names:
        await kept(table, a_replay(id=name, endpoint_id=hook))
    await kept(table)

    found: list[ReplayId] = []
    cursor = None
    while True:
        page = await table.replays.list_replays(hook, cursor=cursor, limit=2)
        found += [one.id for one in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break

    assert found == names[::-1]
    with pytest.raises(InvalidRequestError):
        await table.replays.list_replays(hook, cursor="made-up", limit=2)


async def test_who_read_an_older_replay_changes_nothing(table: Table) -> None:
    job = await kept(table)
    cancelled = await table.replays.change(job, job.over(ReplayState.CANCELLED, at=NOW))

    with pytest.raises(VersionConflictError):
        await table.replays.change(job, job.over(ReplayState.FAILED, at=NOW, failure=OVERDUE))

    assert await table.replays.replay(job.endpoint_id, job.id) == cancelled


async def test_of_sixteen_who_claim_a_strand_one_has_it(table: Table) -> None:
    before = await strand_of(table, await kept(table))

    async def claim(number: int) -> Strand | None:
        taken = replace(before, claim=Claim(token=f"who-{number}", until=NOW + MINUTE))
        try:
            return await table.replays.save(before, taken)
        except VersionConflictError:
            return None

    claims = await asyncio.gather(*(claim(number) for number in range(16)))

    (winner,) = [each for each in claims if each is not None]
    assert await table.replays.strand(before.replay_id, 0) == winner


async def test_the_same_save_again_is_a_win_and_anothers_is_not(table: Table) -> None:
    before = await strand_of(table, await kept(table))
    mine = replace(before, claim=Claim(token="mine", until=NOW + MINUTE))
    saved = await table.replays.save(before, mine)

    assert await table.replays.save(before, mine) == saved
    with pytest.raises(VersionConflictError):
        await table.replays.save(before, replace(mine, claim=Claim(token="yours", until=NOW + 60)))


async def test_the_last_strand_that_ends_ends_the_replay(table: Table) -> None:
    job = await kept(table)
    first, second = await table.replays.strands_of(job.id)

    await table.replays.finish(first, first.closed(), now=NOW + 1)
    between = await table.replays.replay(job.endpoint_id, job.id)
    await table.replays.finish(second, second.closed(), now=NOW + 2)
    after = await table.replays.replay(job.endpoint_id, job.id)

    assert between == replace(job, unfinished=1, updated_at=NOW + 1, version=2)
    assert after is not None
    assert (after.unfinished, after.state, after.finished_at) == (0, ReplayState.DONE, NOW + 2)
    assert [strand.done for strand in await table.replays.strands_of(job.id)] == [True, True]


async def test_strands_that_end_together_are_all_counted(table: Table) -> None:
    job = await kept(table, a_replay(strands=8, unfinished=8))
    strands = await table.replays.strands_of(job.id)

    await asyncio.gather(
        *(table.replays.finish(strand, strand.closed(), now=NOW) for strand in strands)
    )

    after = await table.replays.replay(job.endpoint_id, job.id)
    assert after is not None
    assert (after.unfinished, after.state) == (0, ReplayState.DONE)


async def test_an_end_is_counted_once_also_when_it_is_written_again(table: Table) -> None:
    job = await kept(table)
    first = await strand_of(table, job)
    ended = await table.replays.finish(first, first.closed(), now=NOW)

    with pytest.raises(VersionConflictError):
        await table.replays.finish(first, replace(first.closed(), updated_at=NOW + 9), now=NOW)

    after = await table.replays.replay(job.endpoint_id, job.id)
    assert after is not None
    assert (after.unfinished, ended.version) == (1, 2)


async def test_a_strand_of_what_is_over_ends_and_changes_it_no_more(table: Table) -> None:
    job = await kept(table)
    over = await table.replays.change(job, job.over(ReplayState.CANCELLED, at=NOW))
    strand = await strand_of(table, job)

    await table.replays.finish(strand, strand.closed(), now=NOW)

    assert await table.replays.replay(job.endpoint_id, job.id) == over
    assert (await strand_of(table, job)).done


async def test_strands_are_due_apart_from_lanes_the_oldest_first(table: Table) -> None:
    job = await kept(table)
    first, second = await table.replays.strands_of(job.id)
    await table.replays.save(first, replace(first, due_at=NOW + 2))
    await table.replays.save(second, replace(second, due_at=NOW + 1))

    async def due(before: float) -> list[tuple[ReplayId, int, float]]:
        found = (await table.replays.due_strands(before=before, limit=10)).items
        return [(one.replay_id, one.number, one.due_at) for one in found]

    assert await due(NOW + 3) == [(job.id, 1, NOW + 1), (job.id, 0, NOW + 2)]
    assert await due(NOW + 1.5) == [(job.id, 1, NOW + 1)]
    assert (await table.lanes.due_lanes(before=NOW + 3, limit=10)).items == []
    assert (await table.sessions.due_sessions(before=NOW + 3, limit=10)).items == []


async def test_a_strand_that_ended_is_not_due(table: Table) -> None:
    job = await kept(table)
    first, second = await table.replays.strands_of(job.id)
    await table.replays.finish(first, first.closed(), now=NOW)

    found = (await table.replays.due_strands(before=NOW + 1, limit=10)).items

    assert [one.number for one in found] == [second.number]


async def test_sessions_are_walked_in_the_order_of_their_creation(table: Table) -> None:
    tenant = TenantName("walked")
    ages = (5, 3, 1, 1, 0, -1)
    made = [a_session(tenant=tenant, created_at=NOW - age) for age in ages]
    for session in [*made[::-1], a_session(created_at=NOW - 2)]:
        await table.sessions.create(
            session, events=[], sends=[], idempotency=None, may_replace=None
        )

    found: list[SessionId] = []
    place = ""
    while page := await table.replays.sessions_from(tenant, place=place, until=NOW, limit=2):
        assert len(page) <= 2
        found += [one.session_id for one in page]
        place = page[-1].place

    wanted = sorted(made[:5], key=lambda session: (session.created_at, session.id))
    assert found == [session.id for session in wanted]


async def test_replays_of_a_deleted_endpoint_are_dropped_with_their_strands(table: Table) -> None:
    hook = EndpointId(unique("whk"))
    jobs = [await kept(table, a_replay(endpoint_id=hook)) for _ in range(7)]
    other = await kept(table)

    rounds = 1
    while not await table.replays.drop_replays(hook):
        rounds += 1

    assert rounds == 3
    for job in jobs:
        assert await table.replays.replay(hook, job.id) is None
        assert await table.replays.strands_of(job.id) == []
    assert len(await table.replays.strands_of(other.id)) == 2
