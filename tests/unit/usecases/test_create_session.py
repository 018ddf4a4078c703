"""Sessions made: one transaction, races over the externalId, and the wait for the opening."""

from dataclasses import replace

import pytest

from service.domain.errors import (
    AuthenticationFailedError,
    ExternalIdInUseError,
    InvalidRequestError,
    UnavailableError,
    UnknownDeploymentError,
    VersionConflictError,
)
from service.domain.ids import DeploymentName, SessionId
from service.domain.message import SendBody
from service.domain.session import State
from service.domain.sign_in import LoginProof
from service.usecases.create_session import free_holder, shard_of
from tests.support.api_bench import open_bench
from tests.support.losing import losing
from tests.support.simulated_login import PROOF


def test_a_session_belongs_to_the_same_shard_for_ever() -> None:
    shards = {shard_of(SessionId(f"ses_{number}"), 64) for number in range(2000)}

    assert shard_of(SessionId("ses_01J"), 64) == 63
    assert shards == set(range(64))


async def test_a_lost_race_for_the_name_is_run_again() -> None:
    async with open_bench(serving=False) as bench:
        sessions = losing(
            bench.table.sessions, create=[VersionConflictError(item="externalId")] * 3
        )
        create = replace(bench.broker.create_session, sessions=sessions)

        answer = await create(await bench.wish(external_id="a"))

    assert answer.status == 201


async def test_a_race_that_is_always_lost_is_told() -> None:
    async with open_bench(serving=False) as bench:
        sessions = losing(
            bench.table.sessions, create=[VersionConflictError(item="externalId")] * 99
        )
        create = replace(bench.broker.create_session, sessions=sessions)

        with pytest.raises(UnavailableError):
            await create(await bench.wish(external_id="a"))


async def test_the_loser_of_a_race_for_a_name_learns_who_won() -> None:
    async with open_bench(serving=False) as bench:
        winner = await bench.made(external_id="a")

        with pytest.raises(ExternalIdInUseError) as refused:
            await bench.made(external_id="a")

    assert refused.value.session_id == winner


async def test_a_name_whose_session_was_erased_is_free() -> None:
    async with open_bench(serving=False) as bench:
        erased = await bench.made(external_id="a")
        sessions = losing(bench.table.sessions)
        await bench.put(erased, State.ERASED)

        holder = await free_holder(sessions, (await bench.caller()).tenant, "a")

    assert holder in {erased, None}


async def test_an_unknown_deployment_is_the_callers_mistake() -> None:
    async with open_bench(serving=False) as bench:
        with pytest.raises(UnknownDeploymentError):
            await bench.made(deployment=DeploymentName("nowhere"))


@pytest.mark.parametrize("name", ["a" * 64, "A", "", "a#b", "é"])
async def test_what_can_be_no_deployments_name_is_not_looked_up(name: str) -> None:
    async with open_bench(serving=False) as bench:
        tenants = losing(bench.table.tenants, deployment=[AssertionError("asked the table")])
        create = replace(bench.broker.create_session, tenants=tenants)

        with pytest.raises(UnknownDeploymentError):
            await create(await bench.wish(deployment=DeploymentName(name)))


async def test_a_session_that_fails_to_open_ends_the_wait_whatever_becomes_of_its_message() -> None:
    async with open_bench(serving=False) as bench:
        bench.visitor.opens = False
        bench.visitor.settles = False

        async def fail(session_id: SessionId) -> None:
            await bench.put(session_id, State.FAILED)

        bench.visitor.before = fail
        began = bench.clock.monotonic()
        answer = await bench.broker.create_session(await bench.wish(message=SendBody(text="hello")))

    assert answer.body is not None
    assert answer.body["state"] == "failed"
    assert bench.clock.monotonic() == began


async def test_a_signed_in_guests_session_keeps_the_login() -> None:
    async with open_bench(serving=False) as bench:
        session_id = await bench.made(login=PROOF)
        stored = await bench.table.sessions.load(session_id)

    assert stored.authenticated
    assert stored.sign_in is not None
    assert (stored.sign_in.jwt, stored.sign_in.stepping_up) == ("jwt-1", False)


async def test_what_refuses_a_session_spends_no_code() -> None:
    async with open_bench(serving=False) as bench:
        await bench.made(external_id="a")

        with pytest.raises(ExternalIdInUseError):
            await bench.made(external_id="a", login=PROOF)
        with pytest.raises(UnknownDeploymentError):
            await bench.made(deployment=DeploymentName("none"), login=PROOF)
        with pytest.raises(InvalidRequestError):
            await bench.made(login=LoginProof(code="c"))

    assert bench.login.asked == []


async def test_a_login_that_is_refused_stores_nothing() -> None:
    async with open_bench(serving=False) as bench:
        bench.login.answers.append(AuthenticationFailedError(status=401))

        with pytest.raises(AuthenticationFailedError):
            await bench.made(external_id="a", login=PROOF)
        await bench.made(external_id="a")
