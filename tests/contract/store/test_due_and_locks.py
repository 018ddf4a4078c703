"""What makes a session due, who may visit it, and who holds a shard."""

import asyncio
from dataclasses import replace

import pytest

from service.domain.errors import LockHeldError, NotFoundError
from service.domain.ids import ListenerName, SessionId
from service.domain.session import Lock, Session, State
from tests.contract.store.conftest import Table
from tests.support.store_builders import NOW, a_session, an_event

TAKERS = 16
SHARD = 7


@pytest.fixture
async def session(table: Table) -> Session:
    made = a_session(shard=SHARD)
    await table.sessions.create(made, events=[], sends=[], idempotency=None, may_replace=None)
    return made


async def due(table: Table, before: float) -> list[SessionId]:
    return [
        found for found, _ in (await table.sessions.due_sessions(before=before, limit=50)).items
    ]


async def test_a_work_mark_makes_the_session_due(table: Table, session: Session) -> None:
    await table.sessions.mark_work(session.id, NOW + 60)

    assert (await table.sessions.load(session.id)).look_at == NOW + 60
    assert await due(table, NOW + 59) == []
    assert (await table.sessions.due_sessions(before=NOW + 60, limit=5)).items == [
        (session.id, SHARD)
    ]


async def test_a_work_mark_never_moves_back(table: Table, session: Session) -> None:
    await table.sessions.mark_work(session.id, NOW + 60)
    await table.sessions.mark_work(session.id, NOW + 30)
    assert (await table.sessions.load(session.id)).look_at == NOW + 60

    await table.sessions.mark_work(session.id, NOW + 90)

    assert (await table.sessions.load(session.id)).look_at == NOW + 90
    assert await due(table, NOW + 89) == []


async def test_a_mark_that_moved_is_not_cleared(table: Table, session: Session) -> None:
    await table.sessions.mark_work(session.id, NOW + 60)
    await table.sessions.mark_work(session.id, NOW + 90)

    assert not await table.sessions.clear_work_mark(session.id, NOW + 60)

    assert await due(table, NOW + 90) == [session.id]


async def test_a_cleared_mark_makes_nothing_due(table: Table, session: Session) -> None:
    await table.sessions.mark_work(session.id, NOW + 60)

    assert await table.sessions.clear_work_mark(session.id, NOW + 60)

    assert (await table.sessions.load(session.id)).look_at is None
    assert await due(table, NOW + 999) == []
    assert not await table.sessions.clear_work_mark(session.id, NOW + 60)


async def test_a_schedule_makes_it_due_without_moving_the_mark(
    table: Table, session: Session
) -> None:
    await table.sessions.mark_work(session.id, NOW + 60)

    await table.sessions.schedule(session.id, NOW + 10)

    assert await due(table, NOW + 10) == [session.id]
    assert (await table.sessions.load(session.id)).look_at == NOW + 60


async def test_a_mark_does_not_put_off_what_is_scheduled(table: Table, session: Session) -> None:
    await table.sessions.schedule(session.id, NOW + 10)

    await table.sessions.mark_work(session.id, NOW + 60)

    assert await due(table, NOW + 10) == [session.id]


async def test_the_earlier_of_two_schedules_holds(table: Table, session: Session) -> None:
    for at in (NOW + 20, NOW + 10, NOW + 30):
        await table.sessions.schedule(session.id, at)

    assert await due(table, NOW + 10) == [session.id]
    found = await table.sessions.load(session.id)
    assert (found.look_at, found.wake_at) == (None, NOW + 10)


async def test_clearing_the_mark_serves_what_was_scheduled_before_it(
    table: Table, session: Session
) -> None:
    await table.sessions.schedule(session.id, NOW + 10)
    await table.sessions.mark_work(session.id, NOW + 60)

    assert await table.sessions.clear_work_mark(session.id, NOW + 60)

    assert await due(table, NOW + 999) == []


async def test_clearing_the_mark_keeps_what_is_scheduled_later(
    table: Table, session: Session
) -> None:
    await table.sessions.mark_work(session.id, NOW + 60)
    await table.sessions.schedule(session.id, NOW + 3600)

    assert await table.sessions.clear_work_mark(session.id, NOW + 60)

    assert await due(table, NOW + 3599) == []
    assert await due(table, NOW + 3600) == [session.id]


async def test_a_schedule_that_was_served_gives_way_to_the_next(
    table: Table, session: Session
) -> None:
    await table.sessions.schedule(session.id, NOW + 10)

    await table.sessions.schedule(session.id, NOW + 300, now=NOW + 10)

    assert await due(table, NOW + 299) == []
    assert await due(table, NOW + 300) == [session.id]


async def test_a_schedule_beside_a_mark_that_is_known_is_one_request(
    table: Table, session: Session
) -> None:
    await table.sessions.mark_work(session.id, NOW + 60)
    before = table.driver.meter.calls["write"]

    await table.sessions.schedule(session.id, NOW + 10, mark=NOW + 60)

    assert table.driver.meter.calls["write"] == before + 1
    found = await table.sessions.load(session.id)
    assert (found.look_at, found.wake_at) == (NOW + 60, NOW + 10)


@pytest.mark.parametrize("believed", [None, NOW + 30, NOW + 90])
async def test_a_schedule_leaves_a_mark_that_is_not_where_it_was_believed(
    table: Table, session: Session, believed: float | None
) -> None:
    await table.sessions.mark_work(session.id, NOW + 60)

    await table.sessions.schedule(session.id, NOW + 10, mark=believed)

    found = await table.sessions.load(session.id)
    assert (found.look_at, found.wake_at) == (NOW + 60, NOW + 10)


async def test_a_schedule_makes_no_mark_of_one_that_is_gone(table: Table, session: Session) -> None:
    await table.sessions.schedule(session.id, NOW + 10, mark=NOW + 60)

    found = await table.sessions.load(session.id)
    assert (found.look_at, found.wake_at) == (None, NOW + 10)


async def test_what_was_only_scheduled_can_be_cleared(table: Table, session: Session) -> None:
    await table.sessions.schedule(session.id, NOW + 10)

    assert await table.sessions.clear_work_mark(session.id, NOW + 10)

    assert await due(table, NOW + 999) == []


async def test_what_does_not_exist_cannot_be_marked(table: Table) -> None:
    unknown = SessionId("ses_unknown")

    with pytest.raises(NotFoundError):
        await table.sessions.mark_work(unknown, NOW)
    with pytest.raises(NotFoundError):
        await table.sessions.schedule(unknown, NOW)
    assert not await table.sessions.clear_work_mark(unknown, NOW)


async def test_the_oldest_is_due_first_over_all_buckets(table: Table) -> None:
    made = [a_session() for _ in range(20)]
    for number, session in enumerate(made):
        await table.sessions.create(
            session, events=[], sends=[], idempotency=None, may_replace=None
        )
        await table.sessions.mark_work(session.id, NOW + 100 - number)

    assert await due(table, NOW + 200) == [session.id for session in reversed(made)]
    found = (await table.sessions.due_sessions(before=NOW + 200, limit=3)).items
    assert [name for name, _ in found] == [session.id for session in reversed(made[-3:])]


async def test_of_sixteen_visits_one_gets_the_lock(table: Table, session: Session) -> None:
    locks = [Lock(token=f"lck_{number}", until=NOW + 35) for number in range(TAKERS)]

    results = await asyncio.gather(
        *(table.sessions.take_lock(session, lock, now=NOW) for lock in locks),
        return_exceptions=True,
    )

    winners = [result for result in results if isinstance(result, Session)]
    losers = [result for result in results if isinstance(result, LockHeldError)]
    assert (len(winners), len(losers)) == (1, TAKERS - 1)
    assert (await table.sessions.load(session.id)).lock == winners[0].lock


async def test_a_held_lock_says_until_when(table: Table, session: Session) -> None:
    await table.sessions.take_lock(session, Lock(token="a", until=NOW + 35), now=NOW)

    with pytest.raises(LockHeldError) as held:
        await table.sessions.take_lock(session, Lock(token="b", until=NOW + 50), now=NOW + 34)

    assert held.value.until == NOW + 35


async def test_a_lock_whose_time_is_over_may_be_taken(table: Table, session: Session) -> None:
    await table.sessions.take_lock(session, Lock(token="a", until=NOW + 35), now=NOW)

    taken = await table.sessions.take_lock(session, Lock(token="b", until=NOW + 70), now=NOW + 35)

    assert taken.lock == Lock(token="b", until=NOW + 70)


async def test_taking_a_lock_twice_with_one_token_is_a_win(table: Table, session: Session) -> None:
    lock = Lock(token="a", until=NOW + 35)
    await table.sessions.take_lock(session, lock, now=NOW)

    again = await table.sessions.take_lock(session, lock, now=NOW)

    assert again.lock == lock


async def test_only_the_holder_releases_a_lock(table: Table, session: Session) -> None:
    await table.sessions.take_lock(session, Lock(token="a", until=NOW + 35), now=NOW)

    await table.sessions.release_lock(session.id, "b")
    assert (await table.sessions.load(session.id)).lock is not None

    await table.sessions.release_lock(session.id, "a")
    assert (await table.sessions.load(session.id)).lock is None


async def test_who_lets_go_says_what_had_no_answer_and_changes_no_version(
    table: Table, session: Session
) -> None:
    for token, after in (("a", 7), ("b", None)):
        locked = await table.sessions.take_lock(session, Lock(token=token, until=NOW + 35), now=NOW)
        await table.sessions.release_lock(session.id, "other", unanswered_after=9)
        await table.sessions.release_lock(session.id, token, unanswered_after=after)
        found = await table.sessions.load(session.id)
        assert found == replace(locked, lock=None, unanswered_after=7)
    await table.sessions.commit(found, replace(found, state=State.LIVE, unanswered_after=0))
    assert (await table.sessions.load(session.id)).unanswered_after == 7


async def test_who_has_no_lock_says_it_too(table: Table, session: Session) -> None:
    await table.sessions.note_unanswered(session.id, 3)
    found = await table.sessions.load(session.id)
    assert found == replace(session, unanswered_after=3)

    erased = replace(session, state=State.ERASED)
    await table.sessions.erase(session, erased, an_event(session, 1))
    before = await table.sessions.load_erased(session.id)
    for name in (session.id, a_session().id):
        await table.sessions.note_unanswered(name, 9)
    assert await table.sessions.load_erased(session.id) == before


async def test_no_lock_while_a_listener_holds_the_shard(table: Table, session: Session) -> None:
    await table.shards.acquire(SHARD, ListenerName("listener"), now=NOW, until=NOW + 15)

    with pytest.raises(LockHeldError) as held:
        await table.sessions.take_lock(session, Lock(token="a", until=NOW + 35), now=NOW)

    assert held.value.until == NOW + 15
    await table.sessions.take_lock(session, Lock(token="a", until=NOW + 50), now=NOW + 15)


async def test_nothing_that_is_not_there_is_locked(table: Table, session: Session) -> None:
    erased = replace(session, state=State.ERASED)
    await table.sessions.erase(session, erased, an_event(session, 1))

    for target in (session, a_session()):
        with pytest.raises(NotFoundError):
            await table.sessions.take_lock(target, Lock(token="a", until=NOW + 35), now=NOW)
