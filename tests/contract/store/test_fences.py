"""Who changes a session of a shard that changed hands, and the last word of who gave it away."""

from dataclasses import replace

import pytest

from service.domain.errors import VersionConflictError
from service.domain.ids import SessionId
from service.domain.log import EventType
from service.domain.session import Farewell, Lock, Session, State
from service.ports import Authority
from tests.contract.store.conftest import Table
from tests.support.store_builders import NOW, a_session, an_event


async def create(table: Table) -> Session:
    session = a_session()
    await table.sessions.create(session, events=(), sends=(), idempotency=None, may_replace=None)
    return session


async def change(table: Table, session: Session, fence: int | None) -> Session:
    authority = Authority(listener=f"own_{fence}", fence=fence, now=NOW)
    changed = replace(session, held_by=f"own_{fence}")
    return await table.sessions.commit(session, changed, authority=authority)


async def test_a_stale_fence_changes_nothing_and_says_nothing(table: Table) -> None:
    session = await change(table, await create(table), 7)
    event = an_event(session, 1)

    with pytest.raises(VersionConflictError):
        await table.sessions.commit(
            session,
            replace(session, state=State.LOST),
            events=[event],
            authority=Authority(listener="own_6", fence=6, now=NOW),
        )

    assert await table.sessions.load(session.id) == session
    assert await table.sessions.tail(session.id, limit=5) == []


async def test_an_equal_or_higher_fence_changes_it_and_is_kept(table: Table) -> None:
    session = await create(table)
    for fence in (5, 5, 9):
        session = await change(table, session, fence)

    assert (session.version, session.held_by) == (4, "own_9")
    with pytest.raises(VersionConflictError):
        await change(table, session, 8)


async def test_who_has_no_fence_neither_minds_nor_moves_it(table: Table) -> None:
    """A visit on demand has the lock, and an API call only the version."""
    session = await change(table, await create(table), 7)
    session = await table.sessions.commit(session, replace(session, state=State.LOST))
    locked = await table.sessions.take_lock(session, Lock(token="lck", until=NOW + 35), now=NOW)
    locked = await table.sessions.commit(
        locked, replace(locked, state=State.DETACHED), authority=Authority(lock_token="lck")
    )
    await table.sessions.release_lock(session.id, "lck")

    with pytest.raises(VersionConflictError):
        await change(table, locked, 6)
    assert (await change(table, locked, 7)).version == 5


async def test_a_fence_does_not_outweigh_the_version_or_a_lock(table: Table) -> None:
    first = await create(table)
    second = await change(table, first, 7)

    with pytest.raises(VersionConflictError):
        await change(table, first, 8)
    await table.sessions.take_lock(second, Lock(token="lck", until=NOW + 35), now=NOW)
    with pytest.raises(VersionConflictError):
        await change(table, second, 8)


@pytest.mark.parametrize("drained", [True, False])
async def test_a_last_word_stands_on_the_session_and_changes_no_version(
    table: Table,
    drained: bool,  # noqa: FBT001 - a column of the table above
) -> None:
    session = await create(table)
    word = Farewell(fence=3, drained=drained)

    await table.sessions.say_farewell(session.id, word)

    found = await table.sessions.load(session.id)
    assert found == replace(session, farewell=word)
    kept = await change(table, found, 3)
    assert (await table.sessions.load(session.id)).farewell == word
    assert kept.version == 2


async def test_a_later_last_word_wins_over_an_earlier_one_whichever_comes_first(
    table: Table,
) -> None:
    session = await create(table)
    early, late = Farewell(fence=3, drained=True), Farewell(fence=4, drained=False)

    await table.sessions.say_farewell(session.id, early)
    await table.sessions.say_farewell(session.id, late)
    forward = (await table.sessions.load(session.id)).farewell
    await table.sessions.say_farewell(session.id, early)

    assert forward == late
    assert (await table.sessions.load(session.id)).farewell == late


async def test_who_spoke_may_speak_again(table: Table) -> None:
    """The answer to the first try may have been lost."""
    session = await create(table)
    for drained in (False, True):
        await table.sessions.say_farewell(session.id, Farewell(fence=3, drained=drained))

    assert (await table.sessions.load(session.id)).farewell == Farewell(fence=3, drained=True)


async def test_an_erased_session_and_one_that_never_was_take_no_last_word(table: Table) -> None:
    session = await create(table)
    ended = await table.sessions.commit(session, replace(session, state=State.ENDED))
    tombstone = an_event(session, 1, type=EventType.ERASED)
    await table.sessions.erase(ended, replace(ended, state=State.ERASED), tombstone)
    erased = await table.sessions.load_erased(session.id)

    for name in (session.id, SessionId("ses_never")):
        await table.sessions.say_farewell(name, Farewell(fence=3, drained=True))

    assert await table.sessions.load_erased(session.id) == erased
    assert await table.sessions.load_erased(SessionId("ses_never")) is None
