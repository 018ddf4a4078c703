"""Signing a guest in on a session that is there."""

from dataclasses import replace

import pytest

from service.domain.errors import (
    AuthenticationFailedError,
    ExternalIdInUseError,
    InvalidRequestError,
    LoginUnavailableError,
    SessionEndedError,
    StepUpRefusedError,
)
from service.domain.ids import SessionId
from service.domain.session import State
from service.domain.sign_in import LoginProof
from service.usecases.end_session import VerbRequest
from service.usecases.idempotency import Answer
from tests.support.api_bench import Bench, open_bench
from tests.support.simulated_login import PROOF


async def wish(bench: Bench, session_id: SessionId, **more: object) -> VerbRequest:
    made = VerbRequest(key=await bench.caller(), session_id=session_id, patience=bench.patience(0))
    return replace(made, **more)  # type: ignore[arg-type] # fields of VerbRequest


async def sign_in(bench: Bench, session_id: SessionId, **more: object) -> Answer:
    return await bench.broker.authenticate_session(await wish(bench, session_id, **more), PROOF)


async def genesys_takes_it(bench: Bench, session_id: SessionId) -> None:
    session = await bench.table.sessions.load(session_id)
    assert session.sign_in is not None
    signed = replace(session.sign_in, stepping_up=False, unproven=False)
    await bench.put(session_id, session.state, sign_in=signed)


async def test_a_login_is_under_way_until_genesys_took_it() -> None:
    async with open_bench(serving=False) as bench:
        session_id = await bench.made()
        first = await sign_in(bench, session_id)
        assert first.body is not None
        assert (first.status, first.body["authenticated"]) == (202, False)

        await genesys_takes_it(bench, session_id)
        again = await sign_in(bench, session_id)
        assert again.body is not None
        assert (again.status, again.body["authenticated"]) == (202, True)

        async def take(*_: object, **__: object) -> None:
            await genesys_takes_it(bench, session_id)

        taking = replace(bench.broker.authenticate_session, attend=take)  # type: ignore[arg-type] # one that takes it
        taken = await taking(await wish(bench, session_id), PROOF)

    assert taken.body is not None
    assert (taken.status, taken.body["authenticated"]) == (200, True)


async def test_a_repeat_answers_with_the_session_and_spends_no_code() -> None:
    async with open_bench(serving=False) as bench:
        session_id = await bench.made()
        ticket = bench.ticket()

        async def act() -> Answer:
            return await sign_in(bench, session_id, ticket=ticket)

        caller = await bench.caller()

        async def once() -> Answer:
            return await bench.broker.once(
                ticket,
                act=act,
                replay=lambda record: bench.broker.authenticate_session.replay(caller, record),
            )

        await once()
        repeat = await once()

    assert (repeat.status, repeat.replayed) == (202, True)
    assert len(bench.login.asked) == 1


async def test_a_refused_step_up_is_told() -> None:
    async with open_bench(serving=False) as bench:
        session_id = await bench.made()
        broker = bench.broker.authenticate_session

        async def refuse(*_: object, **__: object) -> None:
            await bench.put(session_id, State.LIVE, sign_in=None)

        refusing = replace(broker, attend=refuse)  # type: ignore[arg-type] # one that refuses
        ticket = bench.ticket()
        with pytest.raises(StepUpRefusedError):
            await refusing(await wish(bench, session_id, ticket=ticket), PROOF)

        record = await bench.table.tenants.idempotency(
            ticket.tenant, ticket.key, now=bench.clock.now()
        )
        assert record is not None
        with pytest.raises(StepUpRefusedError):
            await broker.replay(await bench.caller(), record)


async def test_a_session_that_needed_a_login_goes_on() -> None:
    async with open_bench(serving=False) as bench:
        session_id = await bench.made()
        await sign_in(bench, session_id)
        await genesys_takes_it(bench, session_id)
        await bench.put(session_id, State.FAILED)

        back = await sign_in(bench, session_id)

    assert back.body is not None
    assert (back.status, back.body["state"], back.body["failure"]) == (202, "recovering", None)


async def test_a_step_up_that_failed_or_ended_is_not_under_way() -> None:
    async with open_bench(serving=False) as bench:
        session_id = await bench.made()
        ticket = bench.ticket()
        await sign_in(bench, session_id, ticket=ticket)
        await bench.put(session_id, State.FAILED)
        caller = await bench.caller()
        record = await bench.table.tenants.idempotency(
            ticket.tenant, ticket.key, now=bench.clock.now()
        )
        assert record is not None

        answer = await bench.broker.authenticate_session.replay(caller, record)

    assert answer.status == 200


async def test_what_refuses_the_request_spends_no_code() -> None:
    async with open_bench(serving=False) as bench:
        ended = await bench.made()
        await bench.put(ended, State.ENDED)
        failed = await bench.made(external_id="a")
        await bench.put(failed, State.FAILED)
        await bench.made(external_id="a")
        ending = await bench.made()
        await bench.put(ending, State.ENDING)

        for over in (ended, ending):
            with pytest.raises(SessionEndedError):
                await sign_in(bench, over)
        with pytest.raises(ExternalIdInUseError):
            await sign_in(bench, failed)
        with pytest.raises(InvalidRequestError):
            await bench.broker.authenticate_session(await wish(bench, failed), LoginProof())

    assert bench.login.asked == []


@pytest.mark.parametrize(
    "error", [AuthenticationFailedError(status=401), LoginUnavailableError(status=None)]
)
async def test_a_login_that_is_not_proven_changes_nothing(error: Exception) -> None:
    async with open_bench(serving=False) as bench:
        session_id = await bench.made()
        before = await bench.table.sessions.load(session_id)
        bench.login.answers.append(error)

        with pytest.raises(type(error)):
            await sign_in(bench, session_id)

        assert (await bench.table.sessions.load(session_id)).version == before.version
