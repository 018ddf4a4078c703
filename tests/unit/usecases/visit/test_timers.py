"""What a visit does when a time has come: attach, give up waiting, warn, ask."""

import pytest

from service.domain.errors import LinkLostError
from service.domain.session import Cause, Outage, State
from tests.support.visit_stage import on_virtual_time, staged

DAY = 86_400
TWO_HOURS = 7200


@on_virtual_time
async def test_a_warning_comes_an_hour_before_a_long_session_expires_and_only_once() -> None:
    async with staged(simulated={"session_seconds": 3 * DAY}) as stage:
        session = await stage.chatted()
        expires = session.expires_at or 0
        async with stage.held(session, settle=3 * DAY - 3500):
            [warned] = [e for e in await stage.log(session) if e.type.value == "session.expiring"]
            await stage.clock.sleep(1000)

        assert warned.at == pytest.approx(expires - 3600, abs=1)
        assert (await stage.types(session)).count("session.expiring") == 1


@on_virtual_time
async def test_a_warning_comes_a_tenth_before_a_session_of_hours_expires() -> None:
    async with staged(simulated={"session_seconds": TWO_HOURS}) as stage:
        session = await stage.chatted()
        expires = session.expires_at or 0
        async with stage.held(session, settle=TWO_HOURS - 600):
            [warned] = [e for e in await stage.log(session) if e.type.value == "session.expiring"]

        assert warned.at == pytest.approx(expires - 720, abs=1)


@on_virtual_time
async def test_who_speaks_after_the_warning_is_warned_again() -> None:
    async with staged(simulated={"session_seconds": TWO_HOURS}) as stage:
        session = await stage.chatted()
        async with stage.held(session, settle=TWO_HOURS - 600):
            stage.say(session, "Hi")
            await stage.clock.sleep(TWO_HOURS - 600)

            assert (await stage.types(session)).count("session.expiring") == 2


@on_virtual_time
async def test_an_echo_asks_two_seconds_after_the_expiry_whether_it_is_true() -> None:
    async with staged(simulated={"session_seconds": TWO_HOURS}) as stage:
        session = await stage.chatted()
        expires = session.expires_at or 0
        async with stage.held(session, settle=TWO_HOURS + 60):
            asked = stage.times("echo")

        assert asked == [pytest.approx(expires + 2, abs=0.1)]
        assert (await stage.load(session)).state is State.ENDED


@on_virtual_time
async def test_an_echo_on_a_link_that_is_gone_is_left_to_the_next_attach() -> None:
    async with staged(simulated={"session_seconds": TWO_HOURS}) as stage:
        session = await stage.chatted()
        stage.wires.fails["echo"] = LinkLostError(code=1006, reason="")
        async with stage.held(session, settle=TWO_HOURS + 60):
            assert len(stage.times("echo")) == 1

        [ended] = await stage.of(session, "session.ended")
        assert ended["session"]["endedBy"] == "expired"


@on_virtual_time
async def test_an_answer_to_configure_that_never_comes_is_given_up_after_fifteen_seconds() -> None:
    async with staged() as stage:
        session = await stage.made()
        await stage.accept(session, "Hello")
        stage.control.fault("swallow_write", action="configureSession")
        await stage.attend(session)

        first, second = stage.times("configureSession")
        assert second - first >= 15
        assert stage.arrived() == ["Hello"]


@on_virtual_time
async def test_the_next_attach_waits_for_its_time() -> None:
    async with staged() as stage:
        session = await stage.made()
        stage.control.fault("throttle", action="configureSession", retry_after=9)
        async with stage.held(session, settle=30):
            first, second = stage.times("configureSession")

        assert second - first == pytest.approx(9, abs=0.1)


@on_virtual_time
async def test_who_comes_before_the_next_try_is_due_waits_for_it() -> None:
    async with staged() as stage:
        due = stage.now + 20
        outage = Outage(
            cause=Cause.LINK_LOST, code=None, last_good_at=stage.now, attempts=3, retry_at=due
        )
        session = await stage.made(state=State.LOST, outage=outage, opened_at=stage.now)
        async with stage.held(session, settle=25):
            assert stage.times("configureSession") == [pytest.approx(due, abs=0.01)]
