"""Effects on the wire: attach, and what an attach that fails means."""

import pytest

from service.domain.effects import Attach, SendClear
from service.domain.errors import LinkDeniedError, LinkLostError
from service.domain.events import ClearRequested
from service.domain.session import State
from service.usecases.visit.performing import perform
from tests.support.visit_stage import Stage, on_virtual_time, staged


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
