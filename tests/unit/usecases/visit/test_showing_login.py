"""What Genesys answers to a login, and to the anonymous attach before a step-up."""

from dataclasses import replace
from typing import Any, Final

import pytest

from service.domain.events import SignInWanted
from service.domain.session import Session, State
from service.domain.sign_in import SignIn, signed_in
from tests.support.simulated_login import proof
from tests.support.visit_stage import Stage, on_virtual_time, staged

AUTH: Final[dict[str, Any]] = {"auth": True, "step_up": True}


async def login(stage: Stage, code: str = "code-ann") -> SignIn:
    tokens = await stage.ports.login.exchange(await stage.deploy_now(), proof(code))
    return signed_in(tokens, at=stage.now)


async def stepping_up(stage: Stage, session: Session) -> Session:
    wanted = SignInWanted(sign_in=await login(stage))
    return await stage.assembly.change(session.id, wanted)


def sent(stage: Stage) -> list[str]:
    names = [frame["action"] for _, frame in stage.wires.sent]
    return [name for name in names if name.startswith("configure")]


@on_virtual_time
async def test_a_step_up_is_asked_on_a_socket_that_is_attached() -> None:
    async with staged(simulated=AUTH) as stage:
        session = await stage.chatted()
        await stepping_up(stage, session)
        await stage.visit(session, reconcile=True)

        after = await stage.load(session)
        assert after.authenticated
        assert after.sign_in is not None
        assert after.sign_in.name == "ann"
        assert sent(stage) == ["configureSession", "configureAuthenticatedSession"]
        assert stage.wires.opened == 2
        assert await stage.types(session) == [
            "message.accepted",
            "session.opened",
            "message.confirmed",
        ]


@on_virtual_time
async def test_a_step_up_that_another_visit_did_not_live_to_see_is_found_done() -> None:
    async with staged(simulated=AUTH) as stage:
        session = await stage.chatted()
        before = await stepping_up(stage, session)
        await stage.visit(session, reconcile=True)
        stored = await stage.load(session)
        await stage.broker.ports.sessions.commit(stored, replace(stored, sign_in=before.sign_in))
        stage.wires.sent.clear()
        await stage.visit(session, reconcile=True)

        after = await stage.load(session)
        assert (after.authenticated, after.incarnation) == (True, 1)
        assert sent(stage) == ["configureSession", "configureAuthenticatedSession"]


@on_virtual_time
async def test_a_guest_session_that_a_step_up_finds_new_is_told_as_new() -> None:
    async with staged(simulated=AUTH) as stage:
        session = await stage.chatted()
        stage.control.forget(session.client_id)
        await stepping_up(stage, session)
        begun = stage.now
        await stage.visit(session, reconcile=True)

        [replaced] = [e for e in await stage.log(session) if e.type.value == "session.replaced"]
        # What history does not show is believed only after seconds: the answer told it at once.
        assert replaced.at - begun < 1
        after = await stage.load(session)
        assert (after.authenticated, after.incarnation) == (True, 2)


@on_virtual_time
async def test_a_session_that_was_never_opened_steps_up_too() -> None:
    async with staged(simulated=AUTH) as stage:
        session = await stage.made()
        await stepping_up(stage, session)
        await stage.accept(session, "Hello")
        await stage.attend(session)

        assert (await stage.load(session)).authenticated
        assert stage.arrived() == ["Hello"]
        assert "session.opened" in await stage.types(session)


@on_virtual_time
async def test_a_guest_session_that_is_gone_is_replaced_as_the_same_guest() -> None:
    async with staged(simulated=AUTH, knobs={"configure_forgotten": "refused"}) as stage:
        session = await stage.chatted(sign_in=await login(stage))
        stage.control.forget(session.client_id)
        await stage.accept(session, "still here")
        await stage.attend(session)

        after = await stage.load(session)
        assert (after.authenticated, after.incarnation) == (True, 2)
        assert stage.arrived()[-1] == "still here"
        assert stage.frames("configureSession") == []


@on_virtual_time
async def test_other_refusals_of_the_anonymous_half_mean_what_they_always_mean() -> None:
    async with staged(simulated=AUTH) as stage:
        session = await stage.chatted()
        await stepping_up(stage, session)
        stage.control.knobs(configures_per_minute=1)
        await stage.visit(session, seconds=2)

        after = await stage.load(session)
        assert after.sign_in is not None
        assert after.sign_in.stepping_up


@on_virtual_time
async def test_a_refused_step_up_attaches_anew_as_anonymous() -> None:
    async with staged(simulated={"auth": True}) as stage:
        session = await stage.chatted()
        await stepping_up(stage, session)
        await stage.visit(session, reconcile=True)

        assert (await stage.load(session)).sign_in is None
        assert sent(stage) == [
            "configureSession",
            "configureAuthenticatedSession",
            "configureSession",
        ]


@on_virtual_time
async def test_a_stale_jwt_is_renewed_on_the_same_socket() -> None:
    async with staged(simulated=AUTH, knobs={"auth_jwt_seconds": 30}) as stage:
        session = await stage.chatted(sign_in=await login(stage))
        await stage.clock.sleep(60)
        await stage.visit(session, reconcile=True)

        assert sent(stage) == ["configureAuthenticatedSession"] * 2
        assert stage.wires.opened == 2
        assert (await stage.load(session)).state is State.DETACHED


@on_virtual_time
async def test_a_stale_jwt_that_cannot_be_renewed_asks_for_a_login() -> None:
    async with staged(simulated=AUTH, knobs={"auth_jwt_seconds": 30}) as stage:
        alone = replace(await login(stage), refresh_token=None)
        session = await stage.chatted(sign_in=alone)
        await stage.clock.sleep(60)
        await stage.visit(session, reconcile=True)

        assert (await stage.load(session)).state is State.FAILED
        assert sent(stage) == ["configureAuthenticatedSession"]


@on_virtual_time
async def test_a_jwt_is_refused_four_times_at_most() -> None:
    async with staged(simulated=AUTH) as stage:
        session = await stage.chatted(sign_in=await login(stage))
        stage.control.knobs(auth_jwt_seconds=0)
        await stage.clock.sleep(900)
        await stage.visit(session, reconcile=True)

        assert (await stage.load(session)).state is State.FAILED
        assert sent(stage) == ["configureAuthenticatedSession"] * 4
        assert stage.login.calls["refresh"] == 4


@on_virtual_time
@pytest.mark.parametrize("stale", [False, True], ids=["good", "stale"])
async def test_a_closed_chat_starts_anew_as_the_same_guest(*, stale: bool) -> None:
    knobs = {"auth_jwt_seconds": 30} if stale else {}
    async with staged(simulated=AUTH, knobs=knobs) as stage:
        session = await stage.chatted(sign_in=await login(stage))
        stage.control.disconnect(session.client_id)
        await stage.reconcile(session)
        assert (await stage.load(session)).state is State.READ_ONLY
        await stage.clock.sleep(60)
        await stage.accept(session, "again")
        await stage.attend(session)

        after = await stage.load(session)
        assert (after.incarnation, after.authenticated) == (2, True)
        assert stage.arrived() == ["Hello", "again"]
        assert stage.frames("configureSession") == []
        assert stage.frames("configureAuthenticatedSession")[-1]["startNew"] is True
