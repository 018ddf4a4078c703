"""A session's item: made once, changed by version and authority, found again by its names."""

import asyncio
from dataclasses import replace

import pytest

from service.adapters.table.schema import conversation_partition, listing_key, session_key
from service.domain.deployment import OnReadOnly
from service.domain.errors import (
    IdempotencyInProgressError,
    LostRaceError,
    NotFoundError,
    PlaceTakenError,
    VersionConflictError,
)
from service.domain.ids import ClientId, SessionId
from service.domain.log import EventType
from service.domain.session import (
    Cause,
    Ended,
    EndedBy,
    FailureReason,
    Lock,
    Outage,
    Segment,
    Session,
    State,
)
from service.ports import Authority, SendChange, SessionFilter
from tests.contract.store.conftest import Table
from tests.support.store_builders import (
    NOW,
    TENANT,
    a_send,
    a_session,
    an_answer,
    an_event,
    unique,
)


async def create(table: Table, session: Session, may_replace: SessionId | None = None) -> Session:
    await table.sessions.create(
        session, events=[], sends=[], idempotency=None, may_replace=may_replace
    )
    return session


async def test_a_session_comes_back_as_it_was_made(table: Table) -> None:
    session = a_session(
        external_id=unique("ext"),
        custom_attributes={"näme": "väl"},
        metadata={"nested": {"list": [1, 2.5, None, True]}},
    )
    event, send, answer = an_event(session, 1), a_send(session, 1), an_answer()

    await table.sessions.create(
        session, events=[event], sends=[send], idempotency=answer, may_replace=None
    )

    assert await table.sessions.load(session.id) == session
    assert await table.sessions.last_event(session.id) == event
    assert list(await table.sessions.open_sends(session.id)) == [send]
    assert await table.tenants.idempotency(answer.tenant, answer.key, now=NOW) == answer
    assert await table.sessions.by_external_id(TENANT, session.external_id or "") == session.id


async def test_every_field_of_a_session_survives(table: Table) -> None:
    before = await create(table, a_session())
    after = replace(
        before,
        state=State.FAILED,
        incarnation=3,
        next_client_id=ClientId("9f1c9a52-0000-4222-8333-444455556666"),
        conversation_id="conv-1",
        participant_id="part-1",
        on_read_only=OnReadOnly.REFUSE,
        former_conversations=("conv-0",),
        identified_at=7,
        duration_seconds=10.0,
        expires_at=NOW + 3.5,
        warned_expiry_at=NOW,
        last_good_at=NOW - 1,
        held_by="listener-1",
        outage=Outage(cause=Cause.LINK_LOST, code="4007", last_good_at=NOW, attempts=2),
        ended=Ended(by=EndedBy.AGENT, resumable=True, at=NOW, verified=False),
        failure=FailureReason(code="forbidden", detail="why"),
        segments=(
            Segment(
                incarnation=1,
                client_id_hash="abc",
                conversation_id=None,
                participant_id=None,
                replaced_at=NOW,
                cause=Cause.CLEARED,
            ),
        ),
        joined=True,
        updated_at=NOW + 1,
    )

    kept = await table.sessions.commit(before, after)

    assert kept == replace(after, version=2)
    assert await table.sessions.load(before.id) == kept


async def test_an_unknown_session_is_not_found(table: Table) -> None:
    with pytest.raises(NotFoundError):
        await table.sessions.load(SessionId("ses_unknown"))


async def test_a_repeated_key_makes_no_second_session(table: Table) -> None:
    answer = an_answer()
    await table.sessions.create(
        a_session(), events=[], sends=[], idempotency=answer, may_replace=None
    )
    second = a_session()

    with pytest.raises(IdempotencyInProgressError):
        await table.sessions.create(
            second, events=[an_event(second, 1)], sends=[], idempotency=answer, may_replace=None
        )

    with pytest.raises(NotFoundError):
        await table.sessions.load(second.id)
    assert await table.sessions.last_event(second.id) is None


async def test_an_expired_key_may_be_used_again(table: Table) -> None:
    old = an_answer(expires_at=NOW)
    await table.sessions.create(a_session(), events=[], sends=[], idempotency=old, may_replace=None)
    again = replace(old, created_at=NOW, expires_at=NOW + 10, result="{}")

    await table.sessions.create(
        a_session(), events=[], sends=[], idempotency=again, may_replace=None
    )

    assert await table.tenants.idempotency(TENANT, old.key, now=NOW) == again


async def test_an_external_id_names_one_session(table: Table) -> None:
    first = await create(table, a_session(external_id=unique("ext")))

    with pytest.raises(VersionConflictError) as lost:
        await create(table, a_session(external_id=first.external_id))

    assert lost.value.item == "externalId"
    assert await table.sessions.by_external_id(TENANT, first.external_id or "") == first.id


async def test_an_external_id_is_taken_over_from_the_session_that_was_read(table: Table) -> None:
    first = await create(table, a_session(external_id=unique("ext")))
    second = await create(table, a_session(external_id=first.external_id), may_replace=first.id)

    with pytest.raises(VersionConflictError):
        await create(table, a_session(external_id=first.external_id), may_replace=first.id)

    assert await table.sessions.by_external_id(TENANT, first.external_id or "") == second.id
    assert await table.sessions.by_external_id(TENANT, "nobody") is None


async def test_a_failed_session_takes_its_external_id_back_when_it_resumes(table: Table) -> None:
    session = await create(table, a_session(external_id=unique("ext")))
    failed = await table.sessions.commit(session, replace(session, state=State.FAILED))

    resumed = await table.sessions.commit(failed, replace(failed, state=State.OPENING))

    assert resumed.state is State.OPENING
    assert await table.sessions.by_external_id(TENANT, session.external_id or "") == session.id


async def test_a_failed_session_may_not_resume_while_another_has_its_external_id(
    table: Table,
) -> None:
    session = await create(table, a_session(external_id=unique("ext")))
    failed = await table.sessions.commit(session, replace(session, state=State.FAILED))
    await create(table, a_session(external_id=session.external_id), may_replace=session.id)

    with pytest.raises(VersionConflictError) as lost:
        await table.sessions.commit(failed, replace(failed, state=State.OPENING))

    assert lost.value.item == "externalId"
    assert (await table.sessions.load(session.id)).state is State.FAILED


async def test_a_commit_is_state_and_events_or_nothing(table: Table) -> None:
    session = await create(table, a_session())
    await table.sessions.append(an_event(session, 1))

    with pytest.raises(PlaceTakenError):
        await table.sessions.commit(
            session, replace(session, state=State.LIVE), events=[an_event(session, 1)]
        )

    assert await table.sessions.load(session.id) == session


async def test_of_two_commits_on_one_version_one_wins(table: Table) -> None:
    session = await create(table, a_session())
    results = await asyncio.gather(
        *(
            table.sessions.commit(
                session,
                replace(session, participant_id=f"p{number}"),
                events=[an_event(session, 1, type=EventType.SESSION_OPENED)],
            )
            for number in range(16)
        ),
        return_exceptions=True,
    )

    winners = [result for result in results if isinstance(result, Session)]
    losers = [result for result in results if isinstance(result, LostRaceError)]
    assert (len(winners), len(losers)) == (1, 15)
    assert await table.sessions.load(session.id) == winners[0]


async def test_a_repeated_commit_whose_event_is_there_is_a_win(table: Table) -> None:
    session = await create(table, a_session())
    event = an_event(session, 1)
    after = replace(session, state=State.LIVE)
    first = await table.sessions.commit(session, after, events=[event])

    second = await table.sessions.commit(session, after, events=[event])

    assert second == first == await table.sessions.load(session.id)


async def test_a_commit_settles_and_makes_sends(table: Table) -> None:
    session = await create(table, a_session())
    old, new = a_send(session, 1), a_send(session, 3)
    await table.sessions.accept(an_event(session, 1), old, None)

    await table.sessions.commit(
        session,
        replace(session, state=State.LIVE),
        events=[an_event(session, 2)],
        sends=[SendChange(before=old, after=None), SendChange(before=None, after=new)],
    )

    assert list(await table.sessions.open_sends(session.id)) == [new]


async def test_a_commit_leaves_lock_and_work_mark_alone(table: Table) -> None:
    session = await create(table, a_session())
    await table.sessions.mark_work(session.id, NOW + 60)
    lock = Lock(token="lck_1", until=NOW + 35)
    locked = await table.sessions.take_lock(session, lock, now=NOW)

    await table.sessions.commit(locked, replace(locked, state=State.LIVE, lock=None, look_at=None))

    found = await table.sessions.load(session.id)
    assert (found.lock, found.look_at, found.state) == (lock, NOW + 60, State.LIVE)


async def test_only_the_holder_of_the_lock_commits_with_its_token(table: Table) -> None:
    session = await create(table, a_session())
    locked = await table.sessions.take_lock(session, Lock(token="mine", until=NOW + 35), now=NOW)
    change = replace(locked, state=State.LIVE)

    with pytest.raises(VersionConflictError):
        await table.sessions.commit(locked, change, authority=Authority(lock_token="other"))

    kept = await table.sessions.commit(locked, change, authority=Authority(lock_token="mine"))
    assert kept.version == 2


async def test_a_released_lock_gives_no_authority(table: Table) -> None:
    session = await create(table, a_session())
    locked = await table.sessions.take_lock(session, Lock(token="mine", until=NOW + 35), now=NOW)
    await table.sessions.release_lock(session.id, "mine")

    with pytest.raises(VersionConflictError):
        await table.sessions.commit(locked, locked, authority=Authority(lock_token="mine"))


async def test_a_listener_commits_unless_a_lock_is_live(table: Table) -> None:
    session = await create(table, a_session())
    locked = await table.sessions.take_lock(session, Lock(token="visit", until=NOW + 35), now=NOW)

    with pytest.raises(VersionConflictError):
        await table.sessions.commit(
            locked, locked, authority=Authority(listener="one", now=NOW + 34)
        )

    kept = await table.sessions.commit(
        locked, locked, authority=Authority(listener="one", now=NOW + 35)
    )
    assert kept.version == 2


async def test_a_session_is_found_by_the_conversation_it_was_given(table: Table) -> None:
    session = await create(table, a_session())
    name = unique("conv")
    kept = await table.sessions.commit(session, replace(session, conversation_id=name))

    page = await table.sessions.list_sessions(
        TENANT, SessionFilter(conversation_id=name), cursor=None, limit=5
    )

    assert list(page.items) == [kept]


async def test_a_conversation_finds_every_session_that_ever_had_it(table: Table) -> None:
    shared, next_one = unique("conv"), unique("conv")
    first = await create(table, a_session())
    first = await table.sessions.commit(first, replace(first, conversation_id=shared))
    moved = replace(first, conversation_id=next_one, former_conversations=(shared,))
    first = await table.sessions.commit(first, moved)
    second = await create(table, a_session(created_at=NOW + 1))
    second = await table.sessions.commit(second, replace(second, conversation_id=shared))

    async def found(name: str) -> list[Session]:
        wanted = SessionFilter(conversation_id=name)
        page = await table.sessions.list_sessions(TENANT, wanted, cursor=None, limit=5)
        return list(page.items)

    assert {each.id for each in await found(shared)} == {first.id, second.id}
    assert await found(next_one) == [first]
    assert await found(unique("conv")) == []


async def test_a_conversation_that_is_forgotten_leaves_nothing_behind(table: Table) -> None:
    """Erasing finds what it removes by the session alone."""
    old, middle, last = (unique("conv") for _ in range(3))
    session = await create(table, a_session())
    steps: list[tuple[str, tuple[str, ...]]] = [(old, ()), (middle, (old,)), (last, (middle,))]
    for name, former in steps:
        after = replace(session, conversation_id=name, former_conversations=former)
        session = await table.sessions.commit(session, after)

    async def is_listed(name: str) -> bool:
        key = listing_key(conversation_partition(TENANT, name), session.id)
        return await table.driver.get(key) is not None

    assert [await is_listed(name) for name in (old, middle, last)] == [False, True, True]
    # Nothing takes its place where a guest session is replaced.
    session = await table.sessions.commit(session, replace(session, former_conversations=()))
    assert [await is_listed(name) for name in (old, middle, last)] == [False, False, True]
    # It may come again.
    again = replace(session, conversation_id=old, former_conversations=(last,))
    await table.sessions.commit(session, again)
    assert [await is_listed(name) for name in (old, middle, last)] == [True, False, True]


async def test_the_client_id_is_nowhere_in_the_table_in_the_clear(table: Table) -> None:
    session = await create(
        table, a_session(client_id=ClientId("very-secret"), next_client_id=ClientId("next-secret"))
    )

    item = await table.driver.get(session_key(session.id))

    assert item is not None
    assert "very-secret" not in str(item)
    assert "next-secret" not in str(item)
    assert (await table.sessions.load(session.id)).client_id == "very-secret"
