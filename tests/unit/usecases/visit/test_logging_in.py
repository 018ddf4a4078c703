"""A guest's login kept good from visit to visit, and taken back at the end."""

import asyncio
from dataclasses import replace
from typing import Any, Final

import pytest

from service.domain.effects import Revoke
from service.domain.errors import (
    AuthenticationFailedError,
    LoginUnavailableError,
    SupersededError,
    UnavailableError,
    VersionConflictError,
)
from service.domain.events import LogoutRequested, ResumeRequested, SignInWanted
from service.domain.session import EndedBy, Lock, Session, State
from service.domain.sign_in import SignIn, signed_in
from service.usecases.visit import Inbox
from service.usecases.visit.desk import Desk
from service.usecases.visit.logging_in import RENEWAL_SECONDS, has_good_login, log_out
from service.usecases.visit.performing import perform
from tests.support.simulated_login import proof
from tests.support.visit_stage import Stage, on_virtual_time, staged

AUTH: Final[dict[str, Any]] = {"auth": True, "step_up": True}
QUARTER: Final = 15 * 60.0
DAY: Final = 24 * 3600.0


async def login(stage: Stage, code: str = "code-ann") -> SignIn:
    deployment = await stage.deploy_now()
    tokens = await stage.ports.login.exchange(deployment, proof(code))
    return signed_in(tokens, at=stage.now)


async def begun(stage: Stage, session: Session) -> Desk:
    """A desk at which an attach is about to be made."""
    desk = await stage.desk(session)
    desk.session = replace(desk.session, state=State.RESUMING)
    return desk


async def signed(stage: Stage, **changes: Any) -> Session:  # noqa: ANN401 - fields of Session
    return await stage.chatted(sign_in=await login(stage), **changes)


@on_virtual_time
async def test_a_young_jwt_is_shown_as_it_is_and_an_old_one_is_renewed_first() -> None:
    async with staged(simulated=AUTH) as stage:
        session = await signed(stage)
        await stage.visit(session, reconcile=True)
        assert stage.login.calls["refresh"] == 0
        await stage.clock.sleep(QUARTER)
        await stage.visit(session, reconcile=True)

        first, second = stage.frames("configureAuthenticatedSession")[-2:]
        after = await stage.load(session)
        assert after.sign_in is not None
        assert stage.login.calls["refresh"] == 1
        assert first["data"] != second["data"] == {"code": after.sign_in.jwt}


@on_virtual_time
async def test_a_refresh_that_nobody_answers_is_tried_again_later() -> None:
    async with staged(simulated=AUTH) as stage:
        session = await signed(stage)
        await stage.clock.sleep(QUARTER)
        stage.login.fail("refresh", LoginUnavailableError(status=503, retry_after_seconds=7.0))
        begun_at = stage.now
        await stage.accept(session, "two")
        await stage.attend(session)

        assert stage.arrived() == ["Hello", "two"]
        assert stage.times("configureAuthenticatedSession")[0] - begun_at >= 7
        assert (await stage.load(session)).incarnation == 1


@on_virtual_time
async def test_a_refresh_that_is_refused_asks_for_a_login() -> None:
    async with staged(simulated=AUTH) as stage:
        session = await signed(stage)
        await stage.clock.sleep(DAY + 1)
        await stage.visit(session)

        failed = await stage.load(session)
        assert failed.state is State.FAILED
        assert failed.failure is not None
        assert failed.failure.code == "authentication_required"
        assert stage.frames("configureSession") == []
        assert stage.frames("configureAuthenticatedSession") == []


@on_virtual_time
async def test_who_steps_up_with_a_login_that_lapsed_goes_on_anonymous() -> None:
    async with staged(simulated=AUTH) as stage:
        session = await stage.chatted()
        stale = replace(await login(stage), jwt="", refresh_token=None)
        await stage.assembly.change(session.id, SignInWanted(sign_in=stale))
        await stage.visit(session, reconcile=True)

        after = await stage.load(session)
        assert (after.sign_in, after.public) == (None, session.public)


@on_virtual_time
async def test_a_refresh_token_that_changed_survives_a_lost_race() -> None:
    async with staged(simulated=AUTH, knobs={"refresh_rotates": True}) as stage:
        session = await signed(stage)
        desk = await begun(stage, session)
        await stage.clock.sleep(QUARTER)

        async def somebody_writes() -> None:
            stored = await stage.broker.ports.sessions.load(session.id)
            changed = replace(stored, custom_attributes={"a": "b"})
            await stage.broker.ports.sessions.commit(stored, changed)

        stage.sessions.before("commit", somebody_writes)
        stage.sessions.before("commit", somebody_writes, nth=2)
        superseded = False
        try:
            await has_good_login(desk)
        except SupersededError:
            superseded = True

        after = await stage.load(session)
        assert superseded
        assert after.custom_attributes == {"a": "b"}
        assert after.sign_in is not None
        assert session.sign_in is not None
        assert after.sign_in.refresh_token not in {None, session.sign_in.refresh_token}
        assert after.sign_in.is_good(stage.now)


@on_virtual_time
async def test_a_login_that_came_meanwhile_stays() -> None:
    async with staged(simulated=AUTH) as stage:
        session = await signed(stage)
        desk = await begun(stage, session)
        await stage.clock.sleep(QUARTER)
        other = await login(stage, "code-ann.2")

        async def another_login() -> None:
            stored = await stage.broker.ports.sessions.load(session.id)
            await stage.broker.ports.sessions.commit(stored, replace(stored, sign_in=other))

        stage.sessions.before("commit", another_login)
        superseded = False
        try:
            await has_good_login(desk)
        except SupersededError:
            superseded = True

        assert superseded
        assert (await stage.load(session)).sign_in == other


@on_virtual_time
async def test_a_race_that_is_always_lost_is_given_up() -> None:
    async with staged(simulated=AUTH) as stage:
        session = await signed(stage)
        desk = await begun(stage, session)
        await stage.clock.sleep(QUARTER)
        stage.sessions.fail("commit", *[VersionConflictError(item="session")] * 9)
        superseded = False
        try:
            await has_good_login(desk)
        except SupersededError:
            superseded = True

        assert superseded
        assert (await stage.load(session)).sign_in == session.sign_in


@on_virtual_time
async def test_a_refresh_token_that_changed_survives_the_end_of_its_visit() -> None:
    """A listener that gives a shard away cancels visits that have no link yet."""
    async with staged(simulated=AUTH, knobs={"refresh_rotates": True}) as stage:
        session = await signed(stage)
        await stage.clock.sleep(QUARTER)
        answered = stage.login.calls["refresh"]

        async def slow() -> None:
            await stage.clock.sleep(1.0)

        stage.sessions.before("commit", slow)
        visit = asyncio.create_task(stage.visit(session))
        while stage.login.calls["refresh"] == answered:
            await stage.clock.sleep(0.01)
        visit.cancel()
        await asyncio.wait({visit})

        after = await stage.load(session)
        assert visit.cancelled()
        assert after.sign_in is not None
        assert session.sign_in is not None
        assert after.sign_in.refresh_token not in {None, session.sign_in.refresh_token}
        await stage.accept(session, "two")
        await stage.attend(session)
        assert stage.arrived() == ["Hello", "two"]


@pytest.mark.parametrize("silent", [1, 3])
@on_virtual_time
async def test_a_refresh_token_that_changed_survives_a_table_that_does_not_answer(
    silent: int,
) -> None:
    async with staged(simulated=AUTH, knobs={"refresh_rotates": True}) as stage:
        session = await signed(stage)
        desk = await begun(stage, session)
        await stage.clock.sleep(QUARTER)
        stage.sessions.fail("commit", *[UnavailableError(what="the table")] * silent)
        with pytest.raises(UnavailableError):
            await has_good_login(desk)

        after = await stage.load(session)
        assert after.sign_in is not None
        assert after.sign_in.is_good(stage.now)


@on_virtual_time
async def test_of_two_who_would_renew_one_login_the_second_waits_for_the_first() -> None:
    async with staged(simulated=AUTH, knobs={"refresh_rotates": True}) as stage:
        session = await signed(stage)
        await stage.clock.sleep(QUARTER)
        asked = stage.login.calls["refresh"]

        async def slow() -> None:
            await stage.clock.sleep(3.0)

        stage.sessions.before("commit", slow)
        # Its lease lapsed: nobody has told it yet.
        first = stage.begin(session, Inbox())
        await stage.clock.sleep(1.0)
        begun_at = stage.now
        await stage.accept(session, "two")
        await stage.attend(session)
        [superseded] = await asyncio.gather(first, return_exceptions=True)

        after = await stage.load(session)
        assert isinstance(superseded, SupersededError)
        assert stage.login.calls["refresh"] == asked + 1
        assert 1 <= stage.times("onMessage")[-1] - begun_at < 4
        assert (after.failure, stage.arrived()) == (None, ["Hello", "two"])


@on_virtual_time
async def test_who_would_renew_a_login_that_another_one_has_renewed_takes_that() -> None:
    async with staged(simulated=AUTH, knobs={"refresh_rotates": True}) as stage:
        session = await signed(stage)
        await stage.clock.sleep(QUARTER)
        one, other = [await begun(stage, session) for _ in range(2)]
        assert await has_good_login(one)

        with pytest.raises(SupersededError):
            await has_good_login(other)
        assert stage.login.calls["refresh"] == 1


@on_virtual_time
async def test_who_died_over_a_renewal_holds_up_the_next_for_as_long_as_it_may_take() -> None:
    async with staged(simulated=AUTH) as stage:
        session = await signed(stage)
        await stage.clock.sleep(QUARTER)
        claim = Lock(token="dead", until=stage.now + RENEWAL_SECONDS)
        await stage.ports.sessions.claim_renewal(session, claim, now=stage.now)
        begun_at = stage.now
        await stage.accept(session, "two")
        await stage.attend(session)

        assert stage.times("onMessage")[-1] - begun_at == pytest.approx(RENEWAL_SECONDS, abs=1)


@pytest.mark.parametrize("silent", [False, True])
@on_virtual_time
async def test_a_renewal_that_came_to_nothing_holds_up_nobody(*, silent: bool) -> None:
    async with staged(simulated=AUTH) as stage:
        session = await signed(stage)
        await stage.clock.sleep(QUARTER)
        stage.login.fail("refresh", LoginUnavailableError(status=503, retry_after_seconds=1.0))
        if silent:
            stage.sessions.fail("release_renewal", UnavailableError(what="the table"))
        begun_at = stage.now
        await stage.visit(session, seconds=0.5)
        await stage.accept(session, "two")
        await stage.attend(session)

        took = stage.times("onMessage")[-1] - begun_at
        assert took == pytest.approx(RENEWAL_SECONDS if silent else 1, abs=1)


@on_virtual_time
async def test_who_signs_out_waits_for_a_renewal_too() -> None:
    async with staged(simulated=AUTH, knobs={"auth_jwt_seconds": 30}) as stage:
        session = await signed(stage)
        await stage.clock.sleep(QUARTER)
        left = await leaving(stage, session)
        claim = Lock(token="dead", until=stage.now + 5)
        await stage.ports.sessions.claim_renewal(left, claim, now=stage.now)
        await stage.reconcile(session)

        ended = await stage.load(session)
        assert ended.ended is not None
        assert (ended.state, ended.ended.verified) == (State.ENDED, True)


async def leaving(stage: Stage, session: Session) -> Session:
    return await stage.assembly.change(session.id, LogoutRequested())


@on_virtual_time
async def test_a_logout_renews_a_jwt_that_lapsed_and_ends_verified() -> None:
    async with staged(simulated=AUTH, knobs={"auth_jwt_seconds": 30}) as stage:
        session = await signed(stage)
        await stage.clock.sleep(60)
        await leaving(stage, session)
        await stage.reconcile(session)

        ended = await stage.load(session)
        assert ended.ended is not None
        assert (ended.state, ended.ended.by) == (State.ENDED, EndedBy.CALLER)
        assert ended.ended.verified is True
        assert stage.login.calls["revoke"] == 2
        assert stage.wires.opened == 1


@on_virtual_time
async def test_a_logout_whose_jwts_are_all_refused_ends_unverified() -> None:
    async with staged(simulated=AUTH) as stage:
        session = await signed(stage)
        await leaving(stage, session)
        stage.control.knobs(auth_jwt_seconds=0)
        await stage.clock.sleep(QUARTER)
        await stage.reconcile(session)

        ended = await stage.load(session)
        assert ended.ended is not None
        assert ended.ended.verified is False
        assert (stage.login.calls["revoke"], stage.login.calls["refresh"]) == (4, 4)


@on_virtual_time
async def test_a_logout_that_nobody_answers_waits_and_is_finished() -> None:
    async with staged(simulated=AUTH) as stage:
        session = await signed(stage)
        await leaving(stage, session)
        stage.login.fail("revoke", LoginUnavailableError(status=None))
        await stage.attend(session, seconds=0.1)
        waits = await stage.load(session)
        await stage.clock.sleep(30)
        await stage.reconcile(session)

        assert (waits.state, waits.outage is not None) == (State.ENDING, True)
        assert (await stage.load(session)).state is State.ENDED


@on_virtual_time
async def test_a_logout_without_a_refresh_token_ends_unverified_once_the_jwt_lapsed() -> None:
    async with staged(simulated=AUTH) as stage:
        alone = replace(await login(stage), refresh_token=None)
        session = await stage.chatted(sign_in=alone)
        await stage.clock.sleep(QUARTER)
        await leaving(stage, session)
        await stage.reconcile(session)

        ended = await stage.load(session)
        assert ended.ended is not None
        assert ended.ended.verified is False
        assert stage.login.calls["revoke"] == 0


@on_virtual_time
async def test_a_logout_of_nobody_ends_unverified() -> None:
    async with staged(simulated=AUTH) as stage:
        session = await stage.chatted()
        desk = await stage.desk(session)
        desk.session = replace(desk.session, state=State.ENDING)
        await perform(desk, Revoke())

        assert (await stage.load(session)).state is State.ENDED
        assert stage.login.calls["revoke"] == 0


@on_virtual_time
async def test_a_refused_refresh_in_a_logout_ends_unverified() -> None:
    async with staged(simulated=AUTH) as stage:
        session = await signed(stage)
        await stage.clock.sleep(QUARTER)
        await leaving(stage, session)
        stage.login.fail("refresh", AuthenticationFailedError(status=401))
        desk = await stage.desk(session)
        await log_out(desk)

        assert (await stage.load(session)).state is State.ENDED


@on_virtual_time
async def test_a_logout_before_a_step_up_was_taken_clears_nothing() -> None:
    async with staged(simulated=AUTH, knobs={"auth_jwt_seconds": 30}) as stage:
        session = await stage.chatted("Hello")
        alone = replace(await login(stage), refresh_token=None)
        await stage.assembly.change(session.id, SignInWanted(sign_in=alone))
        await stage.clock.sleep(QUARTER)
        await leaving(stage, session)
        await stage.reconcile(session)

        ended = await stage.load(session)
        assert ended.ended is not None
        assert (ended.state, ended.ended.mode) == (State.ENDED, None)
        assert stage.arrived() == ["Hello"]
        assert stage.wires.opened == 1


@on_virtual_time
async def test_a_resume_without_a_new_login_says_what_is_missing() -> None:
    async with staged(simulated=AUTH) as stage:
        session = await signed(stage)
        await stage.clock.sleep(DAY + QUARTER)
        await stage.reconcile(session)
        await stage.assembly.change(session.id, ResumeRequested())
        await stage.reconcile(session)

        failure = (await stage.load(session)).failure
        assert failure is not None
        assert failure.code == "authentication_required"
        assert "refresh token" not in failure.detail
