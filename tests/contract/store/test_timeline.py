"""Pages of notes and the attempts of a session: kept, read in order, gone with the session."""

from dataclasses import replace

from service.adapters.table import schema
from service.adapters.table.driver import Query
from service.adapters.table.notes import KEPT_SECONDS
from service.domain.drafts import tombstone
from service.domain.ids import EventId, MessageId, SessionId
from service.domain.session import Session, State
from service.domain.timeline import PAGE_NOTES, Kind, Note, NotePage
from tests.contract.store.conftest import Table
from tests.support.store_builders import NOW, a_session, an_attempt, unique


def a_page(session: Session, begun: float, writer: str = "own_1", count: int = 1) -> NotePage:
    note = Note(
        at=begun,
        kind=Kind.FRAME,
        what="sent",
        message_id=MessageId("msg_1"),
        facts={"name": "onMessage", "size": 12, "clean": True, "seconds": 0.25},
    )
    notes = tuple(replace(note, at=begun + number / 8) for number in range(count))
    return NotePage(session_id=session.id, begun=begun, writer=writer, notes=notes, left_out=2)


async def a_stored_session(table: Table) -> Session:
    session = a_session(id=SessionId(unique("ses")))
    await table.sessions.create(session, events=(), sends=(), idempotency=None, may_replace=None)
    return session


async def erased(table: Table, session: Session) -> Session:
    after = replace(session, state=State.ERASED)
    stone = tombstone().at_place(after, sequence=1, event_id=EventId(unique("evt")), at=NOW)
    await table.sessions.erase(session, after, replace(stone, data={}))
    return replace(after, version=session.version + 1)


async def test_pages_come_back_whole_and_in_the_order_they_were_begun(table: Table) -> None:
    session, other = await a_stored_session(table), await a_stored_session(table)
    early, late = a_page(session, NOW - 70, count=PAGE_NOTES), a_page(session, NOW)
    beside = a_page(session, NOW, "own_2")
    for page in (late, beside, early, a_page(other, NOW)):
        await table.timeline.keep(page)

    pages = await table.timeline.pages(session.id, since=0.0, limit=10)

    assert [(p.begun, p.writer) for p in pages] == [
        (early.begun, "own_1"),
        (NOW, "own_1"),
        (NOW, "own_2"),
    ]
    assert tuple(pages[0].notes) == early.notes
    assert pages[0].left_out == 2


async def test_pages_are_read_from_a_time_on_and_so_many(table: Table) -> None:
    session = await a_stored_session(table)
    begins = [9.5, NOW - 0.000001, NOW, NOW + 60]
    for begun in begins:
        await table.timeline.keep(a_page(session, begun))

    async def found(since: float, limit: int) -> list[float]:
        pages = await table.timeline.pages(session.id, since=since, limit=limit)
        return [page.begun for page in pages]

    assert await found(0.0, 9) == begins
    assert await found(NOW, 9) == begins[2:]
    assert await found(0.0, 2) == begins[:2]
    assert await found(NOW + 61, 9) == []


async def test_a_page_takes_the_place_of_what_its_writer_kept_of_that_minute(table: Table) -> None:
    session = await a_stored_session(table)
    await table.timeline.keep(a_page(session, NOW, count=1))
    await table.timeline.keep(a_page(session, NOW, count=3))

    [page] = await table.timeline.pages(session.id, since=NOW, limit=9)

    assert len(page.notes) == 3


async def test_a_page_is_one_write_in_no_index_and_expires(table: Table) -> None:
    session = await a_stored_session(table)
    before = table.driver.meter.write_units
    await table.timeline.keep(a_page(session, NOW, count=20))

    key = schema.notes_key(session.id, NOW, "own_1")
    item = await table.driver.get(key)
    assert item is not None
    assert item[schema.TTL] == int(NOW) + KEPT_SECONDS
    assert not {name for index in schema.INDEXES for name in (index.pk, index.sk)} & set(item)
    assert table.driver.meter.write_units - before == 1


async def test_pages_go_with_their_session(table: Table) -> None:
    session = await a_stored_session(table)
    await table.timeline.keep(a_page(session, NOW))
    gone = await erased(table, session)
    while not await table.sessions.purge(gone):
        pass

    assert await table.timeline.pages(session.id, since=0.0, limit=9) == []


async def test_nothing_is_kept_of_a_session_that_is_erased(table: Table) -> None:
    """Who held its link writes a last page when its visit ends."""
    session = await a_stored_session(table)
    gone = await erased(table, session)
    await table.timeline.keep(a_page(session, NOW))
    assert await table.timeline.pages(session.id, since=0.0, limit=9) == []

    while not await table.sessions.purge(gone):
        pass
    await table.timeline.keep(a_page(session, NOW))
    await table.timeline.keep(a_page(a_session(id=SessionId(unique("ses"))), NOW))

    left = await table.driver.query(Query(partition=schema.session_partition(session.id)))
    assert [item["sk"] for item in left.items if str(item["sk"]).startswith(schema.NOTES)] == []


async def test_attempts_at_every_endpoint_are_found_by_their_session(table: Table) -> None:
    session, other = await a_stored_session(table), await a_stored_session(table)
    made = [
        an_attempt(session_id=session.id, endpoint_id=endpoint, sequence=sequence)
        for endpoint in ("whk_a", "whk_b")
        for sequence in (1, 2)
    ]
    for attempt in (*made, an_attempt(session_id=other.id)):
        await table.attempts.record(attempt)

    assert await table.attempts.of_session(session.id, most=4) == (made, True)
    assert await table.attempts.of_session(session.id, most=3) == (made[:3], False)
    assert await table.attempts.of_session(SessionId("ses_none"), most=3) == ([], True)
