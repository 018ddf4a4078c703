"""Effects on the wire: attach, and what an attach that fails means."""

import pytest

from service.domain.budget import SLOT_SECONDS
from service.domain.effects import Attach, SendClear
from service.domain.errors import LinkDeniedError, LinkLostError
from service.domain.events import ClearRequested
from service.domain.session import State
from service.usecases.visit.performing import perform
from tests.support.visit_stage import Stage, on_virtual_time, staged

PLAIN = 56


async def _pause_after(stage: Stage, *errors: Exception) -> float:
    """Seconds from a first attach that met these to the first that did not."""
    session = await stage.made()
    stage.wires.denied.extend(errors)
    begun = stage.now
    async with stage.held(session, settle=60):
        return stage.times("configureSession")[0] - begun


@on_virtual_time
async def test_an_upgrade_that_is_denied_fails_the_session_and_says_what_to_check() -> None:
    async with staged() as stage:
        session = await stage.made()
        stage.wires.denied.append(LinkDeniedError(status=403))
        await stage.visit(session)

        found = await stage.load(session)
        assert found.state is State.FAILED
        assert found.failure is not None
        assert "allowed domains" in found.failure.detail
        assert stage.wires.opened == 1


@on_virtual_time
async def test_too_many_connections_are_waited_out_as_told() -> None:
    async with staged() as stage:
        denied = LinkDeniedError(status=429, retry_after_seconds=17.0)

        assert await _pause_after(stage, denied) == pytest.approx(17, abs=0.1)


@on_virtual_time
async def test_too_many_connections_without_a_time_mean_ten_seconds() -> None:
    async with staged() as stage:
        assert await _pause_after(stage, LinkDeniedError(status=429)) == pytest.approx(10, abs=0.1)


@on_virtual_time
async def test_other_refusals_and_lost_links_back_off() -> None:
    async with staged() as stage:
        lost = LinkLostError(code=1006, reason="")
        pause = await _pause_after(stage, LinkDeniedError(status=503), lost, lost)

        assert 0 < pause < 0.5 + 1 + 2


@on_virtual_time
async def test_a_visit_whose_turn_has_not_come_opens_nothing_until_it_has() -> None:
    async with staged() as stage:
        session = await stage.made()
        begun = stage.now
        await stage.use_up(most=PLAIN)
        async with stage.held(session, settle=SLOT_SECONDS + 1):
            assert stage.times("configureSession") == [pytest.approx(begun + SLOT_SECONDS)]

        assert stage.wires.opened == 1


@on_virtual_time
async def test_a_caller_need_not_wait_for_links_that_nobody_waits_for() -> None:
    async with staged() as stage:
        session = await stage.made()
        await stage.accept(session, "Hello")
        begun = stage.now
        await stage.use_up(most=PLAIN)
        await stage.attend(session)

        assert stage.now - begun < 0.1
        assert stage.arrived() == ["Hello"]


@on_virtual_time
async def test_five_failed_openings_keep_every_session_of_the_deployment_away() -> None:
    async with staged() as stage:
        first, second = await stage.made(), await stage.made()
        lost, ill = LinkLostError(code=1006, reason="refused"), LinkDeniedError(status=503)
        stage.wires.denied.extend([lost, ill, lost, ill, lost])
        async with stage.held(first, settle=0):
            while stage.wires.denied:
                await stage.clock.sleep(0.1)
            standing = await stage.assembly.admit.standing(await stage.deploy(version=1))
            assert standing.trips == 1
            async with stage.held(second, settle=0.1):
                assert stage.wires.opened == 5
                await stage.clock.sleep(10)

            assert len(stage.control.connections()) == 1
        assert (await stage.load(second)).state is State.DETACHED


@on_virtual_time
async def test_a_plain_no_is_no_illness() -> None:
    async with staged() as stage:
        stage.wires.denied.extend([LinkDeniedError(status=403)] * 5)
        for _ in range(5):
            await stage.visit(await stage.made())
        session = await stage.chatted()

        assert session.state is State.DETACHED
        assert (await stage.assembly.admit.standing(await stage.deploy(version=1))).trips == 0


@on_virtual_time
async def test_too_many_connections_are_waited_out_by_every_session_of_the_deployment() -> None:
    async with staged() as stage:
        first, second = await stage.made(), await stage.made()
        stage.wires.denied.append(LinkDeniedError(status=429, retry_after_seconds=17.0))
        begun = stage.now
        async with stage.held(first, settle=1), stage.held(second, settle=30):
            assert min(stage.times("configureSession")) == pytest.approx(begun + 17, abs=0.1)
            assert len(stage.control.connections()) == 2


@on_virtual_time
async def test_a_link_that_breaks_under_the_first_frame_is_replaced_by_another() -> None:
    async with staged() as stage:
        session = await stage.made()
        await stage.accept(session, "Hello")
        stage.wires.fails["configureSession"] = LinkLostError(code=1006, reason="")
        await stage.attend(session)

        assert stage.wires.opened == 2
        assert stage.arrived() == ["Hello"]


@on_virtual_time
async def test_attaching_lets_go_of_the_link_before() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        desk = await stage.desk(session)
        await perform(desk, Attach())
        await perform(desk, Attach())

        assert len(stage.control.connections()) == 1
        assert desk.link is not None
        await desk.link.close()


@on_virtual_time
async def test_asking_without_a_link_is_a_link_that_failed() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        await stage.assembly.change(session.id, ClearRequested())
        desk = await stage.desk(session)
        await perform(desk, SendClear())

        assert desk.session.outage is not None
        assert desk.session.outage.attempts == 1


@on_virtual_time
async def test_what_was_pushed_to_a_guest_session_that_is_gone_since_is_logged_all_the_same() -> (
    None
):
    async with staged() as stage:
        session = await stage.chatted()
        stage.control.knobs(rest_delay_seconds=3)
        async with stage.held(session, settle=1):
            stage.say(session, "while history was read")
            stage.control.forget(session.client_id)
            stage.control.drop()
            await stage.clock.sleep(20)

        assert (await stage.load(session)).incarnation == 2
        assert await stage.texts(session) == ["while history was read"]


@on_virtual_time
async def test_what_was_pushed_on_a_link_that_broke_is_logged_once() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        stage.control.knobs(rest_delay_seconds=3)
        async with stage.held(session, settle=1):
            stage.say(session, "while history was read")
            stage.control.drop()
            await stage.clock.sleep(30)

        assert await stage.texts(session) == ["while history was read"]
