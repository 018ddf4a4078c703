"""Erasing: the stub and the tombstone stay, every other byte goes."""

import json
from dataclasses import replace

import pytest

from service.adapters.table import schema
from service.adapters.table.driver import Query
from service.domain.attempt import Decision
from service.domain.errors import NotFoundError, PlaceTakenError, VersionConflictError
from service.domain.ids import EndpointId
from service.domain.log import EventType
from service.domain.session import Cause, Segment, Session, State
from service.ports import SessionFilter
from tests.contract.store.conftest import Table
from tests.support.store_builders import (
    NOW,
    TENANT,
    a_lane,
    a_send,
    a_session,
    an_answer,
    an_attempt,
    an_event,
    unique,
)

SECRET = "sehr-persönlich"
HOOK = EndpointId("whk_1")


async def a_full_session(table: Table) -> Session:
    """One that has left something in every kind of item."""
    session = a_session(external_id=unique("ext"), metadata={"note": SECRET})
    await table.sessions.create(
        session,
        events=[an_event(session, 1, data={"text": SECRET})],
        sends=[],
        idempotency=an_answer(result=SECRET),
        may_replace=None,
    )
    await table.sessions.accept(
        an_event(session, 2), a_send(session, 2), an_answer(secret_answer=SECRET)
    )
    await table.lanes.claim(a_lane(session), token="t", now=NOW, until=NOW + 60)
    for how in (Decision.RETRY, Decision.DELIVERED):
        await table.attempts.record(
            an_attempt(endpoint_id=HOOK, session_id=session.id, answer=SECRET, decision=how)
        )
    ended = an_answer(result=json.dumps({"answer": {"id": session.id, "note": SECRET}}))
    await table.tenants.put_idempotency(ended, now=NOW)
    segment = Segment(
        incarnation=1,
        client_id_hash="abc",
        conversation_id=unique("old-conv"),
        participant_id=None,
        replaced_at=NOW,
        cause=Cause.CLEARED,
    )
    first = replace(session, conversation_id=segment.conversation_id)
    first = await table.sessions.commit(session, first)
    between = unique("between-conv")
    first = await table.sessions.commit(
        first, replace(first, conversation_id=between, segments=(segment,))
    )
    second = replace(
        first,
        conversation_id=unique("conv"),
        former_conversations=(between,),
        carry={"recap": SECRET},
    )
    return await table.sessions.commit(first, second)


async def erase(table: Table, session: Session) -> Session:
    tombstone = an_event(session, 3, type=EventType.ERASED, data={}, keys=frozenset())
    await table.sessions.erase(session, replace(session, state=State.ERASED), tombstone)
    erased = await table.sessions.load_erased(session.id)
    assert erased is not None
    return erased


async def purge(table: Table, session: Session) -> None:
    for _ in range(50):
        if await table.sessions.purge(session):
            return
    pytest.fail("the purge never ended")


async def test_an_erased_session_is_not_found_any_more(table: Table) -> None:
    session = await a_full_session(table)

    await erase(table, session)

    with pytest.raises(NotFoundError):
        await table.sessions.load(session.id)
    page = await table.sessions.list_sessions(TENANT, SessionFilter(), cursor=None, limit=5)
    assert list(page.items) == []
    assert await table.sessions.live_in_shard(session.shard) == []


async def test_what_is_not_erased_has_no_stub(table: Table) -> None:
    session = await a_full_session(table)

    assert await table.sessions.load_erased(session.id) is None
    assert await table.sessions.load_erased(a_session().id) is None


async def test_a_late_writer_runs_into_the_tombstone(table: Table) -> None:
    session = await a_full_session(table)
    await erase(table, session)

    with pytest.raises(PlaceTakenError):
        await table.sessions.append(an_event(session, 3))

    assert (await table.sessions.read_log(session.id, after=2, limit=5)).events == []
    assert [each.type for each in await table.sessions.tail(session.id, limit=1)] == [
        EventType.ERASED
    ]


async def test_a_stale_erasure_changes_nothing(table: Table) -> None:
    session = await a_full_session(table)
    stale = replace(session, version=1)

    with pytest.raises(VersionConflictError):
        await erase(table, stale)

    assert await table.sessions.load(session.id) == session


async def test_nothing_is_left_after_the_purge(table: Table) -> None:
    session = await a_full_session(table)
    erased = await erase(table, session)

    await purge(table, erased)

    rows = await table.driver.query(Query(partition=schema.session_partition(session.id)))
    assert [row["sk"] for row in rows.items] == [schema.event_sort(3), schema.META]
    assert all(schema.TTL in row for row in rows.items)
    assert SECRET not in str(rows.items)
    failed = await table.attempts.failed_attempts(HOOK, now=NOW, cursor=None, limit=9)
    assert failed.items == []
    assert str(session.external_id) not in str(rows.items)
    assert await table.sessions.by_external_id(TENANT, session.external_id or "") is None
    for partition in _lookups(session):
        assert (await table.driver.query(Query(partition=partition))).items == []


async def test_the_answers_of_an_erased_session_are_gone(table: Table) -> None:
    answers = [an_answer(), an_answer(), an_answer(result=json.dumps({"answer": ["ses_x"]}))]
    session = a_session(id="ses_x")
    await table.sessions.create(
        session, events=[], sends=[], idempotency=answers[0], may_replace=None
    )
    await table.sessions.accept(an_event(session, 1), a_send(session, 1), answers[1])
    await table.tenants.put_idempotency(answers[2], now=NOW)
    tombstone = an_event(session, 2, type=EventType.ERASED, data={})
    erased = replace(session, state=State.ERASED)
    await table.sessions.erase(session, erased, tombstone)

    await purge(table, replace(erased, version=2))

    found = [await table.tenants.idempotency(TENANT, each.key, now=NOW) for each in answers]
    assert found == [None, None, None]


async def test_a_reference_that_names_another_session_stays(table: Table) -> None:
    session = await a_full_session(table)
    other = a_session(external_id=session.external_id)
    await table.sessions.create(
        other, events=[], sends=[], idempotency=None, may_replace=session.id
    )

    await purge(table, await erase(table, session))

    assert await table.sessions.by_external_id(TENANT, session.external_id or "") == other.id


async def test_a_long_log_is_purged_page_by_page(table: Table) -> None:
    session = a_session()
    events = [an_event(session, place) for place in range(1, 131)]
    await table.sessions.create(
        session, events=events[:90], sends=[], idempotency=None, may_replace=None
    )
    await table.sessions.commit(session, session, events=events[90:])
    stone = an_event(session, 131, type=EventType.ERASED, data={})
    before = replace(session, version=2)
    await table.sessions.erase(before, replace(before, state=State.ERASED), stone)
    erased = await table.sessions.load_erased(session.id)
    assert erased is not None

    assert not await table.sessions.purge(erased)
    await purge(table, erased)

    left = await table.sessions.seen_after(session.id, after=0)
    assert [each.sequence for each in left] == [131]


async def test_a_purge_may_be_repeated_and_finds_what_came_late(table: Table) -> None:
    session = await a_full_session(table)
    erased = await erase(table, session)
    await purge(table, erased)
    await table.lanes.claim(a_lane(session), token="late", now=NOW, until=NOW + 60)
    await table.attempts.record(an_attempt(endpoint_id=HOOK, session_id=session.id))

    await purge(table, erased)

    assert await table.lanes.lanes_of(session.id) == []
    left = await table.attempts.attempts_of(HOOK, session.id, cursor=None, limit=9)
    assert left.items == []


def _lookups(session: Session) -> list[str]:
    external_id, now, before = session.external_id, session.conversation_id, session.segments[0]
    assert external_id
    assert now
    assert before.conversation_id
    return [
        schema.external_partition(TENANT, external_id),
        schema.conversation_partition(TENANT, now),
        schema.conversation_partition(TENANT, before.conversation_id),
        schema.conversation_partition(TENANT, *session.former_conversations),
    ]


async def test_a_courier_that_comes_after_the_erasing_leaves_no_lane_behind(table: Table) -> None:
    session = a_session()
    await table.sessions.create(
        session, events=[an_event(session, 1)], sends=[], idempotency=None, may_replace=None
    )
    await erase(table, session)

    found = await table.lanes.claim(a_lane(session), token="late", now=NOW, until=NOW + 60)

    assert found is None
    assert await table.lanes.lanes_of(session.id) == []
