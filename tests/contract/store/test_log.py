"""The log: one writer per place, and everything that was written is read back in order."""

import asyncio
from dataclasses import replace

import pytest

from service.domain.errors import PlaceTakenError, VersionConflictError
from service.domain.ids import SessionId
from service.domain.log import EventType, seen
from service.domain.trace import Trace
from service.ports import SendChange
from tests.contract.store.conftest import Table
from tests.support.store_builders import a_send, a_session, an_event, unique

WRITERS = 16


@pytest.fixture
def session_id() -> SessionId:
    return SessionId(unique("ses"))


async def test_what_is_appended_is_read_back_whole(table: Table, session_id: SessionId) -> None:
    trace = Trace("4bf92f3577b34da6a3ce929d0e0e4736-01")
    events = [
        an_event(session_id, 1),
        an_event(session_id, 2, keys=frozenset(), channel_time=None),
        an_event(session_id, 3, trace=trace),
    ]
    for event in events:
        await table.sessions.append(event)

    page = await table.sessions.read_log(session_id, after=0, limit=10)

    assert list(page.events) == events
    assert page.last_sequence == 3


async def test_the_loser_of_a_place_is_told(table: Table, session_id: SessionId) -> None:
    await table.sessions.append(an_event(session_id, 1))

    with pytest.raises(PlaceTakenError) as lost:
        await table.sessions.append(an_event(session_id, 1))

    assert lost.value.sequence == 1


async def test_a_put_whose_winner_is_itself_is_a_win(table: Table, session_id: SessionId) -> None:
    event = an_event(session_id, 1)
    await table.sessions.append(event)

    await table.sessions.append(event)

    page = await table.sessions.read_log(session_id, after=0, limit=10)
    assert list(page.events) == [event]


async def test_a_repeated_append_that_settles_a_send_is_a_win(table: Table) -> None:
    session = a_session()
    send = a_send(session, 1)
    await table.sessions.accept(an_event(session, 1), send, None)
    event = an_event(session, 2, type=EventType.MESSAGE_CONFIRMED)
    settled = [SendChange(before=send, after=None)]
    await table.sessions.append(event, sends=settled)

    await table.sessions.append(event, sends=settled)

    assert await table.sessions.open_sends(session.id) == []


async def test_an_append_fails_whole_when_its_send_changed(table: Table) -> None:
    session = a_session()
    send = a_send(session, 1)
    await table.sessions.accept(an_event(session, 1), send, None)
    await table.sessions.change_send(send, replace(send, attempt=1))

    with pytest.raises(VersionConflictError):
        await table.sessions.append(
            an_event(session, 2), sends=[SendChange(before=send, after=None)]
        )

    assert (await table.sessions.read_log(session.id, after=0, limit=9)).last_sequence == 1
    assert len(await table.sessions.open_sends(session.id)) == 1


async def test_sixteen_writers_leave_no_hole_and_share_no_place(
    table: Table, session_id: SessionId
) -> None:
    each = 3

    async def write(_: int) -> None:
        for _ in range(each):
            await _append_somewhere(table, session_id)

    await asyncio.gather(*(write(number) for number in range(WRITERS)))

    page = await table.sessions.read_log(session_id, after=0, limit=WRITERS * each + 1)
    assert [event.sequence for event in page.events] == list(range(1, WRITERS * each + 1))
    assert len({event.id for event in page.events}) == WRITERS * each


async def _append_somewhere(table: Table, session_id: SessionId) -> None:
    """As a writer does: at the end it knows, and on when somebody else was there."""
    while True:
        last = await table.sessions.last_event(session_id)
        place = 1 if last is None else last.sequence + 1
        try:
            await table.sessions.append(an_event(session_id, place))
        except PlaceTakenError:
            continue
        return


async def test_reading_goes_on_after_a_place(table: Table, session_id: SessionId) -> None:
    events = [an_event(session_id, place) for place in range(1, 6)]
    for event in events:
        await table.sessions.append(event)

    page = await table.sessions.read_log(session_id, after=2, limit=2)

    assert list(page.events) == events[2:4]
    assert page.last_sequence == 5


async def test_reading_beyond_the_end_tells_the_end(table: Table, session_id: SessionId) -> None:
    await table.sessions.append(an_event(session_id, 1))

    page = await table.sessions.read_log(session_id, after=9, limit=2)

    assert (list(page.events), page.last_sequence) == ([], 1)


async def test_an_empty_log_ends_at_zero(table: Table, session_id: SessionId) -> None:
    page = await table.sessions.read_log(session_id, after=0, limit=2)

    assert (list(page.events), page.last_sequence) == ([], 0)
    assert await table.sessions.last_event(session_id) is None
    assert await table.sessions.tail(session_id, limit=3) == []


async def test_the_tail_is_the_last_events_in_order(table: Table, session_id: SessionId) -> None:
    events = [an_event(session_id, place) for place in range(1, 6)]
    for event in events:
        await table.sessions.append(event)

    tail = await table.sessions.tail(session_id, limit=3)

    assert list(tail) == [seen(event) for event in events[2:]]
    assert list(await table.sessions.seen_after(session_id, after=3)) == [
        seen(event) for event in events[3:]
    ]


async def test_a_log_of_more_than_a_megabyte_is_read_whole(
    table: Table, session_id: SessionId
) -> None:
    text = "x" * 300_000
    for place in range(1, 7):
        await table.sessions.append(an_event(session_id, place, data={"text": text}))

    assert len(await table.sessions.seen_after(session_id, after=0)) == 6
    assert len(await table.sessions.tail(session_id, limit=5)) == 5
    page = await table.sessions.read_log(session_id, after=0, limit=6)
    assert 1 <= len(page.events) < 6
    assert page.last_sequence == 6
    found = await table.sessions.find_keys(session_id, frozenset({f"b:{session_id}-1", "b:other"}))
    assert found == 1


async def test_a_key_nobody_has_is_not_found(table: Table, session_id: SessionId) -> None:
    await table.sessions.append(an_event(session_id, 1))

    assert await table.sessions.find_keys(session_id, frozenset({"b:unknown"})) is None


async def test_places_beyond_a_million_keep_their_order(
    table: Table, session_id: SessionId
) -> None:
    for place in (999_999, 1_000_000, 1_000_001):
        await table.sessions.append(an_event(session_id, place))

    tail = await table.sessions.tail(session_id, limit=2)

    assert [event.sequence for event in tail] == [1_000_000, 1_000_001]


async def test_text_that_utf8_cannot_spell_survives(table: Table, session_id: SessionId) -> None:
    event = an_event(session_id, 1, data={"text": "half a pair: \ud83d", "n": [1.0, 1, 10**30]})
    await table.sessions.append(event)

    last = await table.sessions.last_event(session_id)

    assert last == event


async def test_a_writer_that_lost_its_place_does_not_win_by_a_send_that_moved_alike(
    table: Table,
) -> None:
    session = a_session()
    send = a_send(session, 1)
    await table.sessions.accept(an_event(session, 1), send, None)
    moved = [SendChange(before=send, after=replace(send, attempt=1))]
    await table.sessions.append(an_event(session, 2), sends=moved)

    with pytest.raises(PlaceTakenError):
        await table.sessions.append(an_event(session, 2), sends=moved)
