"""The transcript."""

from dataclasses import replace

import pytest

from service.domain.errors import InvalidRequestError
from service.domain.message import SendBody
from service.domain.send import SendStatus
from service.usecases.read_transcript import cursor_at, sequence_of
from tests.support.api_bench import open_bench


def test_a_cursor_names_a_place() -> None:
    assert sequence_of(None) == 0
    assert sequence_of(cursor_at(7)) == 7
    assert "7" not in cursor_at(7)


@pytest.mark.parametrize(
    "cursor", ["", "x", "bTE6LTU", "bTE6", "ä", cursor_at(10**13), cursor_at(1) + "!", "NTU"]
)
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidRequestError):
        sequence_of(cursor)


async def test_a_pending_message_shows_how_far_it_is() -> None:
    async with open_bench(serving=False) as bench:
        bench.visitor.settles = False
        session_id = await bench.made(message=SendBody(text="hello"))
        [send] = await bench.table.sessions.open_sends(session_id)
        await bench.table.sessions.change_send(send, replace(send, status=SendStatus.UNKNOWN))

        page = await bench.broker.read_transcript(
            await bench.caller(), session_id, cursor=None, limit=10
        )

    assert [message["status"] for message in page["items"]] == ["unknown"]
    assert page["nextCursor"] is None


async def test_a_message_that_settles_while_it_is_read_is_shown_settled() -> None:
    """The log is read, then the message settles, then the pending sends are read."""
    async with open_bench(serving=False) as bench:
        bench.visitor.settles = False
        session_id = await bench.made(message=SendBody(text="hello"))
        session = await bench.table.sessions.load(session_id)
        early = await bench.table.sessions.read_log(session_id, after=0, limit=10)
        await bench.visitor.settle(session)

        message = early.events[0].data["message"]
        [told] = await bench.broker.read_transcript.settled(session_id, early.events, [message])

    assert message["status"] == "accepted"
    assert told["status"] == "confirmed"


async def test_a_message_whose_end_nobody_knows_stays_as_it_was() -> None:
    """Neither the log nor a pending send tells: the session was erased under the reader."""
    async with open_bench(serving=False) as bench:
        bench.visitor.settles = False
        session_id = await bench.made(message=SendBody(text="hello"))
        early = await bench.table.sessions.read_log(session_id, after=0, limit=10)
        await bench.broker.erase_session(await bench.caller(), session_id)

        message = early.events[0].data["message"]
        [told] = await bench.broker.read_transcript.settled(session_id, early.events, [message])

    assert told == message


async def test_a_full_page_may_need_more_than_one_page_of_the_log() -> None:
    async with open_bench(serving=False) as bench:
        session_id = await bench.made()
        session = await bench.table.sessions.load(session_id)
        for number in range(230):
            await bench.reply(session, str(number))
        key = await bench.caller()

        first = await bench.broker.read_transcript(key, session_id, cursor=None, limit=200)
        rest = await bench.broker.read_transcript(
            key, session_id, cursor=first["nextCursor"], limit=200
        )

    texts = [message["text"] for message in first["items"] + rest["items"]]
    assert len(first["items"]) == 200
    assert texts == [str(number) for number in range(230)]
