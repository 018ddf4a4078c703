"""Which messages an answer may mean, found from the end of the log."""

from dataclasses import replace
from typing import Any, Final

import pytest

from service.domain.choice import ButtonChoice, Choice, DateChoice, ListChoice
from service.domain.errors import UnknownMessageError
from service.domain.ids import SessionId
from service.domain.message import AuthorKind, ButtonReply
from service.domain.session import State
from service.simulator.canned import CANNED
from service.usecases.read_offers import BACK_EVENTS, BUTTONS_BACK, PAGE, ReadOffers
from tests.support.api_bench import Bench, open_bench

PRESS: Final = ButtonChoice(button=ButtonReply(type="Button", text="x", payload="y"))
QUICK: Final = CANNED["/quick"].content


async def offered(bench: Bench, session_id: SessionId, choice: Choice) -> list[str]:
    session = await bench.table.sessions.load(session_id)
    offers = await ReadOffers(sessions=bench.table.sessions)(session, choice)
    return [offer.message_id for offer in offers]


async def said(bench: Bench, session_id: SessionId, **more: Any) -> str:  # noqa: ANN401 - as reply
    session = await bench.table.sessions.load(session_id)
    return await bench.reply(session, "pick one", **{"content": QUICK, **more})


async def chatter(bench: Bench, session_id: SessionId, times: int) -> None:
    for _ in range(times):
        await said(bench, session_id, content=())


async def test_a_bare_button_may_mean_the_last_few_messages_with_options() -> None:
    async with open_bench(serving=False) as bench:
        session_id = await bench.made()
        shown = [await said(bench, session_id) for _ in range(BUTTONS_BACK + 1)]
        await said(bench, session_id, content=CANNED["/form"].content)
        await chatter(bench, session_id, 2)

        found = await offered(bench, session_id, PRESS)

    assert found == list(reversed(shown[1:]))


async def test_an_empty_log_offers_nothing() -> None:
    async with open_bench(serving=False) as bench:
        bench.visitor.opens = False
        session_id = await bench.made()

        assert await offered(bench, session_id, PRESS) == []


async def test_a_message_is_found_by_our_name_and_by_that_of_genesys() -> None:
    async with open_bench(serving=False) as bench:
        session_id = await bench.made()
        name = await said(bench, session_id, body_id="b-1", content=CANNED["/list"].content)
        await chatter(bench, session_id, PAGE + 3)

        for naming in ({"message_id": name}, {"originating_message_id": "b-1"}):
            assert await offered(bench, session_id, ListChoice(item_ids=(), **naming)) == [name]


async def test_the_name_that_genesys_gave_is_known_to_the_answer() -> None:
    async with open_bench(serving=False) as bench:
        session_id = await bench.made()
        names = [await said(bench, session_id, body_id="b-1"), await said(bench, session_id)]
        session = await bench.table.sessions.load(session_id)
        read = ReadOffers(sessions=bench.table.sessions)

        found = [(await read(session, replace(PRESS, message_id=name)))[0] for name in names]

    assert [offer.body_id for offer in found] == ["b-1", None]


@pytest.mark.parametrize(
    ("naming", "field"),
    [
        ({"message_id": "msg_x"}, "messageId"),
        ({"originating_message_id": "b-x"}, "originatingMessageId"),
        ({}, "originatingMessageId"),
    ],
)
async def test_a_message_that_nobody_knows_is_named(naming: dict[str, str], field: str) -> None:
    async with open_bench(serving=False) as bench:
        session_id = await bench.made()
        await said(bench, session_id)

        with pytest.raises(UnknownMessageError) as told:
            await offered(bench, session_id, DateChoice(date_time="x", **naming))

    assert told.value.pointer == f"/datePicker/{field}"


async def test_neither_the_guest_nor_another_guest_session_offers_anything() -> None:
    async with open_bench(serving=False) as bench:
        session_id = await bench.made()
        await said(bench, session_id, kind=AuthorKind.GUEST)
        await said(bench, session_id)
        await bench.put(session_id, State.LIVE, incarnation=2)

        assert await offered(bench, session_id, PRESS) == []


async def test_what_was_said_long_ago_is_not_looked_for() -> None:
    async with open_bench(serving=False) as bench:
        session_id = await bench.made()
        name = await said(bench, session_id)
        await chatter(bench, session_id, BACK_EVENTS - 1)
        assert await offered(bench, session_id, replace(PRESS, message_id=name)) == [name]
        await chatter(bench, session_id, 1)

        with pytest.raises(UnknownMessageError):
            await offered(bench, session_id, replace(PRESS, message_id=name))


async def test_pages_that_come_short_are_read_on() -> None:
    async with open_bench(serving=False) as bench:
        session_id = await bench.made()
        name = await said(bench, session_id)
        await chatter(bench, session_id, 5)
        sessions = bench.table.sessions

        class Short:
            empty = False

            def __getattr__(self, called: str) -> object:
                return getattr(sessions, called)

            async def read_log(self, log: SessionId, *, after: int, limit: int) -> object:
                page = await sessions.read_log(log, after=after, limit=min(limit, 2))
                return replace(page, events=()) if self.empty else page

        short = Short()
        read = ReadOffers(sessions=short)  # type: ignore[arg-type] # a store by delegation
        session = await sessions.load(session_id)

        assert [offer.message_id for offer in await read(session, PRESS)] == [name]
        short.empty = True
        assert await read(session, PRESS) == []
