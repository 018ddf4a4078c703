"""A message followed to its end."""

import pytest

from service.domain.errors import NotFoundError
from service.domain.message import SendBody
from service.usecases.follow_message import Wanted
from tests.support.api_bench import open_bench


async def test_an_open_message_has_no_end_yet() -> None:
    async with open_bench(serving=False) as bench:
        bench.visitor.settles = False
        session_id = await bench.made(message=SendBody(text="hello"))
        session = await bench.table.sessions.load(session_id)

        followed = await bench.broker.send_message.follow.look(Wanted(session=session, sequence=1))

    assert followed.settled_at is None
    assert followed.message["status"] == "accepted"
    assert followed.turn_complete is False


async def test_a_message_of_an_erased_session_is_not_found() -> None:
    async with open_bench(serving=False) as bench:
        session_id = await bench.made(message=SendBody(text="hello"))
        session = await bench.table.sessions.load(session_id)
        await bench.broker.erase_session(await bench.caller(), session_id)

        with pytest.raises(NotFoundError):
            await bench.broker.send_message.follow.look(Wanted(session=session, sequence=1))
