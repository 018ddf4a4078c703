"""Signing a guest out."""

import pytest

from service.domain.errors import NotSignedInError
from service.domain.ids import SessionId
from service.domain.session import EndedBy, EndMode, State
from service.domain.sign_in import SignIn
from service.usecases.end_session import VerbRequest
from service.usecases.idempotency import Answer, Ticket
from tests.support.api_bench import Bench, open_bench

LOGIN = SignIn(jwt="jwt-1", refresh_token="refresh-1", issued_at=0.0)


async def signed_in(bench: Bench) -> SessionId:
    session_id = await bench.made()
    await bench.put(session_id, State.LIVE, sign_in=LOGIN)
    return session_id


async def log_out(bench: Bench, session_id: SessionId, ticket: Ticket | None = None) -> Answer:
    wish = VerbRequest(
        key=await bench.caller(),
        session_id=session_id,
        patience=bench.patience(0),
        ticket=ticket,
    )
    return await bench.broker.log_out_session(wish)


async def test_a_logout_is_an_intent_until_genesys_was_told() -> None:
    async with open_bench(serving=False) as bench:
        bench.visitor.clears = False
        session_id = await signed_in(bench)
        answer = await log_out(bench, session_id)
        stored = await bench.table.sessions.load(session_id)

    assert answer.body is not None
    assert (answer.status, answer.body["ended"]) == (202, None)
    assert stored.state is State.ENDING
    assert stored.sign_in is not None
    assert stored.sign_in.leaving


async def test_a_repeat_tells_how_it_came_out() -> None:
    async with open_bench(serving=False) as bench:
        bench.visitor.clears = False
        session_id = await signed_in(bench)
        ticket = bench.ticket()
        await log_out(bench, session_id, ticket)
        session = await bench.table.sessions.load(session_id)
        await bench.end(session, EndMode.LEAVE, verified=True)
        record = await bench.table.tenants.idempotency(
            ticket.tenant, ticket.key, now=bench.clock.now()
        )
        assert record is not None

        repeat = await bench.broker.log_out_session.replay(await bench.caller(), record)
        again = await log_out(bench, session_id)

    assert repeat.body is not None
    assert (repeat.status, repeat.body["endedBy"]) == (200, EndedBy.CALLER.value)
    assert again.status == 200


async def test_nobody_is_signed_out_of_an_anonymous_session() -> None:
    async with open_bench(serving=False) as bench:
        session_id = await bench.made()

        with pytest.raises(NotSignedInError):
            await log_out(bench, session_id)
