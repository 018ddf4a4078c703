"""When a visitor goes, and what it leaves: a time at which somebody looks again."""

import pytest

from service.domain.deployment import Mode
from service.domain.errors import LinkLostError
from service.domain.events import VisitEnded
from service.domain.ids import SessionId
from service.domain.lifecycle import is_legal
from service.domain.session import Cause, Outage, PublicState, State
from service.usecases.admit import Bid
from service.usecases.visit import Inbox, LeaveAsked
from tests.support.store_builders import TENANT
from tests.support.visit_stage import NAME, on_virtual_time, staged


@on_virtual_time
async def test_a_visit_on_demand_goes_at_its_time_whatever_is_left() -> None:
    async with staged(knobs={"answer_delay_seconds": 60}) as stage:
        session = await stage.made()
        await stage.accept(session, "Hello")
        begun = stage.now
        await stage.visit(session, seconds=10)

        assert stage.now - begun == pytest.approx(10, abs=0.1)
        assert (await stage.load(session)).public is PublicState.OPENING


@on_virtual_time
async def test_a_wish_is_not_fulfilled_before_it_is_known_what_became_of_the_guest_session() -> (
    None
):
    async with staged(knobs={"answer_delay_seconds": 2}) as stage:
        session = await stage.chatted()
        asked: list[State] = []

        async def satisfied() -> bool:
            asked.append((await stage.load(session)).state)
            return True

        begun = stage.now
        await stage.visit(session, satisfied=satisfied)

        assert stage.now - begun >= 4
        assert len(asked) == 1


@on_virtual_time
async def test_the_sweepers_visit_stays_for_the_second_read() -> None:
    async with staged(history_lag_seconds=5) as stage:
        session = await stage.chatted()
        begun = stage.now
        await stage.reconcile(session)

        assert 5 <= stage.now - begun < 6
        assert stage.history.calls["history"] == 2


@on_virtual_time
async def test_who_would_have_to_wait_longer_than_it_may_stay_goes_at_once() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        stage.wires.denied.extend(LinkLostError(code=1006, reason="") for _ in range(9))
        await stage.clock.sleep(60)
        await stage.accept(session, "More")
        await stage.visit(session, seconds=5)

        found = await stage.load(session)
        assert found.state is State.LOST
        assert found.outage is not None
        assert found.wake_at == found.outage.retry_at


@on_virtual_time
async def test_a_listener_waits_for_the_next_try_however_long() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        stage.wires.denied.extend(LinkLostError(code=1006, reason="") for _ in range(8))
        async with stage.held(session, settle=200):
            assert "session.recovered" in await stage.types(session)


@on_virtual_time
async def test_the_next_look_comes_after_a_quarter_of_the_quiet_but_not_before_five_seconds() -> (
    None
):
    async with staged(mode=Mode.TOUCH) as stage:
        session = await stage.chatted()
        soon = (session.wake_at or 0) - stage.now
        await stage.clock.sleep(1200)
        await stage.reconcile(session)
        later = (await stage.load(session)).wake_at or 0
        quiet = stage.now - (await stage.log(session))[-1].at

        assert soon == pytest.approx(5, abs=0.1)
        assert later - stage.now == pytest.approx(quiet / 4, rel=0.01)


@on_virtual_time
async def test_a_schedule_that_was_served_gives_way_to_the_next() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        await stage.ports.sessions.schedule(session.id, stage.now)
        await stage.clock.sleep(10)
        await stage.accept(session, "More")
        await stage.attend(session)

        found = await stage.load(session)
        assert found.wake_at is not None
        assert found.wake_at > stage.now


@on_virtual_time
async def test_nobody_looks_again_at_a_session_that_is_over() -> None:
    async with staged() as stage:
        session = await stage.made()
        stage.control.fault("deny_handshake", status=403)
        await stage.visit(session)

        found = await stage.load(session)
        assert (found.state, found.wake_at) == (State.FAILED, None)


@on_virtual_time
async def test_a_chat_that_was_closed_is_read_to_its_end_and_left() -> None:
    async with staged(history_lag_seconds=5) as stage:
        session = await stage.chatted()
        stage.say(session, "Bye")
        stage.control.disconnect(session.client_id)
        inbox = Inbox()
        await stage.begin(session, inbox)

        found = await stage.load(session)
        assert (found.state, found.held_by) == (State.READ_ONLY, None)
        assert await stage.texts(session) == ["Bye"]
        assert stage.control.connections() == []


@on_virtual_time
async def test_a_chat_that_was_closed_is_looked_at_again_when_it_expires() -> None:
    async with staged(simulated={"session_seconds": 7200}) as stage:
        session = await stage.chatted()
        stage.control.disconnect(session.client_id)
        await stage.reconcile(session)

        found = await stage.load(session)
        assert found.state is State.READ_ONLY
        assert found.wake_at is not None
        assert found.expires_at is not None
        assert stage.now < found.wake_at <= found.expires_at + 2


@on_virtual_time
async def test_a_session_that_was_never_spoken_in_is_quiet_since_it_was_made() -> None:
    async with staged() as stage:
        session = await stage.made()
        stage.wires.denied.append(LinkLostError(code=1006, reason=""))
        await stage.clock.sleep(100)
        inbox = Inbox()
        inbox.put(LeaveAsked())
        await stage.begin(session, inbox)

        found = await stage.load(session)
        assert found.wake_at is not None
        assert found.public is PublicState.OPENING


def test_a_visit_may_end_in_every_state() -> None:
    assert all(is_legal(state, VisitEnded) for state in State)


@on_virtual_time
async def test_who_waits_for_its_turn_can_be_told_to_leave_and_is_not_waited_for_any_more() -> None:
    async with staged() as stage:
        session = await stage.made()
        await stage.use_up(most=70, slots=100)
        deployment = await stage.deploy(version=1)
        async with stage.held(session, settle=1):
            assert (await stage.assembly.admit.standing(deployment)).waiting == 1
            begun = stage.now

        assert stage.now == begun
        assert (await stage.assembly.admit.standing(deployment)).waiting == 0
        assert stage.wires.opened == 0


@on_virtual_time
async def test_the_sweeper_does_not_stay_for_a_turn_that_comes_too_late_and_looks_again_then() -> (
    None
):
    async with staged() as stage:
        session = await stage.made()
        begun = stage.now
        await stage.assembly.admit.throttled(await stage.deploy(version=1), session.id, 60)
        for number in range(400):
            busy = Bid(session_id=SessionId(f"ses_{number}"), last_active=begun + 1)
            await stage.assembly.admit(await stage.ports.tenants.deployment(TENANT, NAME), busy)

        await stage.reconcile(session)

        assert stage.now == begun
        wake_at = (await stage.load(session)).wake_at
        assert wake_at is not None
        assert wake_at > begun + 30


@on_virtual_time
async def test_a_caller_waits_for_its_turn_with_one_visit() -> None:
    async with staged() as stage:
        session = await stage.made()
        await stage.accept(session, "Hello")
        await stage.use_up(most=70, slots=100)
        begun = stage.now
        await stage.attend(session, seconds=10)

        assert stage.now - begun == pytest.approx(10, abs=0.1)
        assert stage.sessions.calls["take_lock"] == 1
        assert (await stage.load(session)).public is PublicState.OPENING


@on_virtual_time
async def test_a_caller_of_a_chat_in_an_outage_does_not_begin_anew_all_the_time() -> None:
    async with staged() as stage:
        outage = Outage(cause=Cause.LINK_LOST, code=None, last_good_at=stage.now, attempts=1)
        session = await stage.made(state=State.LOST, outage=outage, opened_at=stage.now)
        await stage.accept(session, "Hello")
        await stage.use_up(most=70, slots=100)
        await stage.attend(session, seconds=18)

        assert stage.wires.opened == 0
        assert 1 < stage.sessions.calls["take_lock"] < 10
        assert (await stage.load(session)).state is State.LOST
