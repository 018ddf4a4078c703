"""Messages accepted: places in the log, races, the work mark."""

from dataclasses import replace

import pytest

from service.domain.errors import (
    NotFoundError,
    PlaceTakenError,
    SessionEndedError,
    UnavailableError,
)
from service.domain.events import LeaveRequested
from service.domain.ids import SessionId
from service.domain.message import SendBody
from service.domain.session import State
from service.usecases.send_message import SendRequest
from tests.support.api_bench import Bench, open_bench
from tests.support.losing import losing

BODY = SendBody(text="hello")


async def _request(bench: Bench, session_id: SessionId) -> SendRequest:
    return SendRequest(
        key=await bench.caller(), session_id=session_id, body=BODY, patience=bench.patience()
    )


async def test_a_lost_place_is_asked_for_again() -> None:
    async with open_bench(serving=False) as bench:
        session_id = await bench.made()
        sessions = losing(bench.table.sessions, accept=[PlaceTakenError(sequence=2)] * 3)
        send = replace(bench.broker.send_message, sessions=sessions)

        answer = await send(await _request(bench, session_id))

    assert answer.status == 201
    assert answer.body is not None
    assert answer.body["sequence"] == 2


async def test_a_place_that_is_always_lost_is_told() -> None:
    async with open_bench(serving=False) as bench:
        session_id = await bench.made()
        sessions = losing(bench.table.sessions, accept=[PlaceTakenError(sequence=2)] * 99)
        send = replace(bench.broker.send_message, sessions=sessions)

        with pytest.raises(UnavailableError):
            await send(await _request(bench, session_id))


async def test_a_session_that_ends_between_reading_and_writing_takes_no_message() -> None:
    """The end takes the place that the message wanted: the loser reads again and is refused."""
    async with open_bench(serving=False) as bench:
        session_id = await bench.made()
        sessions = bench.table.sessions

        class EndsFirst:
            ended = False

            def __getattr__(self, name: str) -> object:
                return getattr(sessions, name)

            async def mark_work(self, session: SessionId, look_at: float) -> None:
                await sessions.mark_work(session, look_at)
                if not self.ended:
                    self.ended = True
                    await bench.change(session, LeaveRequested())

        bench.clock.at += 40
        send = replace(bench.broker.send_message, sessions=EndsFirst())  # type: ignore[arg-type] # a store by delegation
        with pytest.raises(SessionEndedError):
            await send(await _request(bench, session_id))

        assert await sessions.open_sends(session_id) == []


async def test_the_work_mark_is_set_only_when_too_little_of_it_is_left() -> None:
    async with open_bench(serving=False) as bench:
        session_id = await bench.made()
        await bench.broker.send_message(await _request(bench, session_id))
        early = (await bench.table.sessions.load(session_id)).look_at
        bench.clock.at += 31
        await bench.broker.send_message(await _request(bench, session_id))
        late = (await bench.table.sessions.load(session_id)).look_at

    assert early is not None
    assert late == early + 31


async def test_a_failed_session_without_a_reason_is_refused_all_the_same() -> None:
    async with open_bench(serving=False) as bench:
        session_id = await bench.made()
        await bench.put(session_id, State.FAILED)

        with pytest.raises(Exception, match="for an unknown reason"):
            await bench.broker.send_message(await _request(bench, session_id))


async def test_an_id_that_cannot_be_one_is_not_asked_for() -> None:
    async with open_bench(serving=False) as bench:
        sessions = losing(bench.table.sessions, tail=[AssertionError("asked for")])
        send = replace(bench.broker.send_message, sessions=sessions)

        with pytest.raises(NotFoundError):
            await send(await _request(bench, SessionId("a#b")))
