"""Clearing a session."""

import pytest

from service.domain.errors import ClearRefusedError, SessionEndedError, SessionFailedError
from service.domain.ids import SessionId
from service.domain.session import FailureReason, State
from service.usecases.end_session import VerbRequest
from tests.support.api_bench import open_bench


@pytest.mark.parametrize(("clears", "status"), [(True, 200), (False, 202)])
async def test_the_answer_says_whether_it_is_done(clears: bool, status: int) -> None:  # noqa: FBT001 - a parameter
    async with open_bench(serving=False) as bench:
        session_id = await bench.made()
        bench.visitor.clears = clears
        wish = VerbRequest(
            key=await bench.caller(), session_id=session_id, patience=bench.patience(1)
        )

        answer = await bench.broker.clear_session(wish)

    assert answer.status == status


@pytest.mark.parametrize(
    ("state", "error"), [(State.ENDED, SessionEndedError), (State.FAILED, SessionFailedError)]
)
async def test_a_session_that_is_over_is_not_cleared(state: State, error: type[Exception]) -> None:
    async with open_bench(serving=False) as bench:
        session_id = await bench.made()
        reason = FailureReason(code="403", detail="not allowed")
        await bench.put(session_id, state, failure=reason)
        wish = VerbRequest(
            key=await bench.caller(), session_id=session_id, patience=bench.patience()
        )

        with pytest.raises(error):
            await bench.broker.clear_session(wish)

        assert (await bench.table.sessions.load(session_id)).state is state


async def test_a_repeat_clears_what_the_first_did_not_live_to_clear() -> None:
    async with open_bench(serving=False) as bench:
        session_id = await bench.made()
        ticket = bench.ticket()
        wish = VerbRequest(
            key=await bench.caller(),
            session_id=session_id,
            patience=bench.patience(1),
            ticket=ticket,
        )
        before = await bench.table.sessions.load(session_id)
        record = ticket.record(status=200, result={"incarnation": before.incarnation})

        answer = await bench.broker.clear_session.replay(wish, record)

        assert answer.status == 200
        assert (await bench.table.sessions.load(session_id)).incarnation == before.incarnation + 1


async def test_a_repeat_does_not_clear_what_came_after() -> None:
    async with open_bench(serving=False) as bench:
        session_id = await bench.made()
        ticket = bench.ticket()
        wish = VerbRequest(
            key=await bench.caller(),
            session_id=session_id,
            patience=bench.patience(1),
            ticket=ticket,
        )
        await bench.broker.clear_session(wish)
        cleared = await bench.table.sessions.load(session_id)
        record = await bench.table.tenants.idempotency(ticket.tenant, ticket.key, now=ticket.at)
        assert record is not None

        await bench.broker.clear_session.replay(wish, record)

        assert (await bench.table.sessions.load(session_id)).incarnation == cleared.incarnation


async def test_clearing_that_genesys_refuses_on_a_closed_chat_is_an_error() -> None:
    async with open_bench(serving=False) as bench:
        session_id = await bench.made()

        async def refused(session_id: SessionId) -> None:
            await bench.put(session_id, State.READ_ONLY)

        bench.visitor.before = refused
        wish = VerbRequest(
            key=await bench.caller(), session_id=session_id, patience=bench.patience(1)
        )

        with pytest.raises(ClearRefusedError):
            await bench.broker.clear_session(wish)


async def test_clearing_that_genesys_refuses_is_an_error() -> None:
    async with open_bench(serving=False) as bench:
        session_id = await bench.made()
        bench.visitor.refuses_to_clear = True
        wish = VerbRequest(
            key=await bench.caller(), session_id=session_id, patience=bench.patience(1)
        )

        with pytest.raises(ClearRefusedError):
            await bench.broker.clear_session(wish)
