"""Reading sessions and their logs."""

from dataclasses import replace

import pytest

from service.domain.errors import NotFoundError
from service.domain.ids import SessionId, TenantName
from service.domain.session import Cause, Segment, State
from service.ports import SessionFilter
from service.usecases.read_session import ListSessions, check_id, segments_of
from tests.support.api_bench import EPOCH, open_bench
from tests.support.losing import losing


@pytest.mark.parametrize("name", ["a#b", "x" * 65, "\x00", "a\nb"])
def test_what_cannot_be_an_id_is_not_found(name: str) -> None:
    with pytest.raises(NotFoundError):
        check_id(SessionId(name))


async def test_a_stranger_does_not_find_a_session() -> None:
    async with open_bench(serving=False) as bench:
        session_id = await bench.made()
        stranger = replace(await bench.caller(), tenant=TenantName("other"))

        with pytest.raises(NotFoundError):
            await bench.broker.read_session(stranger, session_id)


async def test_a_session_is_as_new_as_its_last_event() -> None:
    async with open_bench(serving=False) as bench:
        session_id = await bench.made()
        bench.clock.at = EPOCH + 60
        await bench.reply(await bench.table.sessions.load(session_id), "hello")

        shown = await bench.broker.read_session(await bench.caller(), session_id)

    assert shown["lastSequence"] == 2
    assert shown["updatedAt"] > shown["createdAt"]


@pytest.mark.parametrize(
    "wanted",
    [SessionFilter(external_id="é" * 129), SessionFilter(conversation_id="é" * 129)],
)
async def test_a_name_longer_than_any_lists_nothing(wanted: SessionFilter) -> None:
    async with open_bench(serving=False) as bench:
        sessions = losing(bench.table.sessions, list_sessions=[AssertionError("asked the table")])

        listed = await ListSessions(sessions=sessions)(
            await bench.caller(), wanted, cursor=None, limit=50
        )

    assert listed == {"items": [], "nextCursor": None}


async def test_a_session_without_events_has_sequence_zero() -> None:
    async with open_bench(serving=False) as bench:
        bench.visitor.opens = False
        session_id = await bench.made(patience=bench.patience(0))

        shown = await bench.broker.read_session(await bench.caller(), session_id)

    assert shown["lastSequence"] == 0
    assert shown["state"] == "opening"


async def test_segments_tell_every_guest_session_in_order() -> None:
    async with open_bench(serving=False) as bench:
        session_id = await bench.made()
        past = Segment(
            incarnation=1,
            client_id_hash="h",
            conversation_id="c-1",
            participant_id="p-1",
            replaced_at=EPOCH,
            cause=Cause.SESSION_NOT_FOUND,
        )
        session = await bench.put(session_id, State.LIVE, segments=(past,), incarnation=2)

    first, second = segments_of(session)
    assert first["cause"] == "session_not_found"
    assert first["conversationId"] == "c-1"
    assert second["incarnation"] == 2
    assert second["replacedAt"] is None


async def test_a_page_of_a_log_says_whether_there_is_more() -> None:
    async with open_bench(serving=False) as bench:
        session_id = await bench.made()
        session = await bench.table.sessions.load(session_id)
        for text in ("one", "two"):
            await bench.reply(session, text)
        key = await bench.caller()

        part = await bench.broker.read_events(
            key, session_id, after=0, limit=2, patience=bench.patience()
        )
        rest = await bench.broker.read_events(
            key, session_id, after=2, limit=2, patience=bench.patience()
        )

    assert (part.next_after, part.last_sequence, part.has_more) == (2, 3, True)
    assert (rest.next_after, rest.last_sequence, rest.has_more) == (3, 3, False)
