"""What a visit does when a time has come: attach, give up waiting, warn, ask."""

from dataclasses import replace

import pytest

from service.domain.errors import LinkDeniedError, LinkLostError
from service.domain.ids import SessionId
from service.domain.session import Cause, Outage, State
from service.usecases.admit import Bid
from service.usecases.visit import Inbox, LeaveAsked, Nudged
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


@on_virtual_time
async def test_who_waits_for_its_turn_is_sooner_when_somebody_speaks_in_it() -> None:
    async with staged() as stage:
        session = await stage.made()
        await stage.use_up(most=56)
        deployment = await stage.deploy(version=1)
        for number in range(300):
            busy = Bid(session_id=SessionId(f"ses_{number}"), last_active=stage.now + 1)
            await stage.assembly.admit(deployment, busy)
        inbox = Inbox()
        visit = stage.begin(session, inbox)
        await stage.clock.sleep(3)
        waited = await stage.assembly.admit(deployment, replace(busy, last_active=0.0))
        assert waited is not None
        assert waited - stage.now > 20

        await stage.accept(session, "Hello")
        inbox.put(Nudged())
        await stage.clock.sleep(4)

        assert stage.arrived() == ["Hello"]
        inbox.put(LeaveAsked())
        await visit


@on_virtual_time
async def test_who_backs_off_is_not_sooner_because_somebody_speaks() -> None:
    async with staged() as stage:
        session = await stage.made()
        stage.wires.denied.append(LinkDeniedError(status=503, retry_after_seconds=20))
        begun = stage.now
        async with stage.held(session, settle=1) as inbox:
            await stage.accept(session, "Hello")
            inbox.put(Nudged())
            await stage.clock.sleep(25)

            assert stage.times("configureSession") == [pytest.approx(begun + 20, abs=0.1)]
