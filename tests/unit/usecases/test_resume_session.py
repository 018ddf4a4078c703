"""Resuming a session."""

import pytest

from service.domain.errors import ExternalIdInUseError, SessionEndedError
from service.domain.ids import SessionId
from service.domain.session import State
from service.usecases.end_session import VerbRequest
from tests.support.api_bench import Bench, open_bench


async def _wish(bench: Bench, session_id: SessionId) -> VerbRequest:
    return VerbRequest(key=await bench.caller(), session_id=session_id, patience=bench.patience(0))


async def test_a_failed_session_that_was_open_once_recovers() -> None:
    async with open_bench(serving=False) as bench:
        session_id = await bench.made()
        await bench.put(session_id, State.FAILED)

        answer = await bench.broker.resume_session(await _wish(bench, session_id))

    assert answer.body is not None
    assert answer.body["state"] == "recovering"
    assert answer.body["failure"] is None


async def test_a_failed_session_that_was_never_open_opens() -> None:
    async with open_bench(serving=False) as bench:
        bench.visitor.opens = False
        session_id = await bench.made(patience=bench.patience(0))
        await bench.put(session_id, State.FAILED)

        answer = await bench.broker.resume_session(await _wish(bench, session_id))

    assert answer.body is not None
    assert answer.body["state"] == "opening"


async def test_a_name_that_another_session_took_stays_with_it() -> None:
    async with open_bench(serving=False) as bench:
        first = await bench.made(external_id="a")
        await bench.put(first, State.FAILED)
        second = await bench.made(external_id="a")
        await bench.put(second, State.FAILED)

        with pytest.raises(ExternalIdInUseError):
            await bench.broker.resume_session(await _wish(bench, first))
        answer = await bench.broker.resume_session(await _wish(bench, second))

    assert answer.status == 200


async def test_what_has_ended_is_not_resumed() -> None:
    async with open_bench(serving=False) as bench:
        session_id = await bench.made()
        await bench.put(session_id, State.ENDED)

        with pytest.raises(SessionEndedError):
            await bench.broker.resume_session(await _wish(bench, session_id))
