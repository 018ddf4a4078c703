"""The visit's loop: opening, being nudged, hearing late things, leaving."""

from asyncio import gather
from dataclasses import replace

import pytest

from service.domain.deployment import OnReadOnly
from service.domain.errors import SupersededError
from service.domain.instants import rfc3339
from service.domain.session import State
from service.usecases.visit import Inbox, LeaveAsked, Nudged
from service.usecases.visit.inbox import FrameArrived
from tests.support.hint_ends import next_lanes
from tests.support.store_builders import an_endpoint
from tests.support.visit_stage import LISTENER, on_virtual_time, staged


@on_virtual_time
async def test_a_visit_on_demand_opens_sends_and_goes_as_soon_as_the_message_is_proven() -> None:
    async with staged() as stage:
        session = await stage.made()
        await stage.accept(session, "Hello")
        begun = stage.now
        await stage.attend(session)

        assert await stage.types(session) == [
            "message.accepted",
            "session.opened",
            "message.confirmed",
        ]
        assert stage.now - begun < 0.1
        assert stage.arrived() == ["Hello"]
        assert [f["action"] for _, f in stage.wires.sent] == ["configureSession", "onMessage"]
        assert stage.control.connections() == []


@on_virtual_time
async def test_a_listener_keeps_the_link_and_says_that_it_does() -> None:
    async with staged() as stage:
        session = await stage.made()
        async with stage.held(session):
            assert (await stage.load(session)).held_by == LISTENER
            assert len(stage.control.connections()) == 1

        left = await stage.load(session)
        assert (left.state, left.held_by) == (State.DETACHED, None)
        assert stage.control.connections() == []


@on_virtual_time
async def test_a_nudge_makes_the_listener_send_what_was_accepted_elsewhere() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        async with stage.held(session) as inbox:
            await stage.accept(session, "More")
            await stage.clock.sleep(30)
            unheard = stage.arrived()
            inbox.put(Nudged())
            await stage.clock.sleep(0.1)

            assert unheard == ["Hello"]
            assert stage.arrived() == ["Hello", "More"]
            assert await stage.ports.sessions.open_sends(session.id) == []


@on_virtual_time
async def test_a_nudge_wakes_the_lanes_for_what_others_logged() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        endpoint = an_endpoint(tenant=session.tenant)
        await stage.ports.tenants.put_endpoint(endpoint, expected_version=None, idempotency=None)
        async with stage.held(session) as inbox:
            await next_lanes(stage.broker.hints.deliveries)
            await stage.foreign(session, "logged elsewhere")
            inbox.put(Nudged())
            await stage.clock.sleep(0.1)

            assert stage.broker.hints.waiting[1] == 1


@on_virtual_time
async def test_a_nudge_about_a_session_that_somebody_changed_ends_the_visit() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        inbox = Inbox()
        task = stage.begin(session, inbox)
        await stage.clock.sleep(8)
        stored = await stage.load(session)
        await stage.broker.ports.sessions.commit(stored, replace(stored, evictions=3))
        inbox.put(Nudged())

        with pytest.raises(SupersededError):
            await task
        assert stage.control.connections() == []


@on_virtual_time
async def test_what_a_link_brought_that_was_let_go_is_passed_over() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        async with stage.held(session) as inbox:
            stage.control.say(session.client_id, "heard")
            inbox.put(FrameArrived("lnk_of_before", "no frame at all"))
            await stage.clock.sleep(0.1)

        assert await stage.texts(session) == ["heard"]


@on_virtual_time
async def test_a_message_on_a_chat_that_was_closed_starts_a_new_one() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        stage.control.disconnect(session.client_id)
        await stage.accept(session, "Still there?")
        await stage.attend(session)

        found = await stage.load(session)
        assert (found.state, found.incarnation) == (State.DETACHED, 2)
        assert await stage.ports.sessions.open_sends(session.id) == []
        assert stage.arrived() == ["Hello", "Still there?"]
        assert "session.replaced" in await stage.types(session)


@on_virtual_time
async def test_a_message_on_a_chat_that_was_closed_is_refused_where_the_deployment_says_so() -> (
    None
):
    async with staged(on_read_only=OnReadOnly.REFUSE) as stage:
        session = await stage.chatted()
        stage.control.disconnect(session.client_id)
        await stage.accept(session, "Still there?")
        await stage.attend(session)

        [failed] = await stage.of(session, "message.failed")
        assert failed["message"]["failure"]["code"] == "session_read_only"
        assert (await stage.load(session)).state is State.READ_ONLY
        assert stage.arrived() == ["Hello"]


@on_virtual_time
async def test_a_link_that_died_of_an_unanswered_ping_was_good_until_its_last_pong() -> None:
    async with staged(heartbeat_seconds=15) as stage:
        session = await stage.chatted()
        async with stage.held(session, settle=100):
            died = stage.now
            stage.control.drop(how="close", code=1011, reason="keepalive ping timeout")
            await stage.clock.sleep(30)

        [told] = await stage.of(session, "session.recovered")
        assert told["receipt"]["lastGoodAt"] == rfc3339(died - 23)


@on_virtual_time
async def test_a_link_that_was_cut_was_good_until_then() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        async with stage.held(session, settle=100):
            cut = stage.now
            stage.control.drop()
            await stage.clock.sleep(30)

        [told] = await stage.of(session, "session.recovered")
        assert told["receipt"]["lastGoodAt"] == rfc3339(cut)


@on_virtual_time
async def test_a_link_that_breaks_before_it_is_configured_proves_nothing_good() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        good = session.last_good_at
        stage.control.fault("drop", action="configureSession", when="before")
        await stage.clock.sleep(100)
        async with stage.held(session, settle=30):
            [told] = await stage.of(session, "session.recovered")

        assert good is not None
        assert told["receipt"]["lastGoodAt"] == rfc3339(good)


@on_virtual_time
async def test_asked_to_leave_while_it_attaches_it_leaves_the_session_as_it_was() -> None:
    async with staged(knobs={"answer_delay_seconds": 5}) as stage:
        session = await stage.chatted()
        inbox = Inbox()
        task = stage.begin(session, inbox)
        await stage.clock.sleep(1)
        inbox.put(LeaveAsked())
        await task

        assert (await stage.load(session)).state is State.DETACHED
        assert stage.control.connections() == []


@on_virtual_time
async def test_a_holder_that_died_was_good_until_it_last_logged_something() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        dying = stage.begin(session, Inbox())
        await stage.clock.sleep(8)
        for number in range(60):
            stage.say(session, f"m{number}")
            await stage.clock.sleep(60)
        dying.cancel()
        await gather(dying, return_exceptions=True)
        async with stage.held(session):
            [recovered] = await stage.of(session, "session.recovered")

        assert 60 <= recovered["receipt"]["outageSeconds"] < 75


@on_virtual_time
async def test_a_chat_that_was_kept_alive_by_talk_has_not_expired_when_its_holder_dies() -> None:
    async with staged(simulated={"session_seconds": 900}) as stage:
        session = await stage.chatted()
        dying = stage.begin(session, Inbox())
        await stage.clock.sleep(8)
        for number in range(40):
            stage.say(session, f"m{number}")
            await stage.clock.sleep(60)
        dying.cancel()
        await gather(dying, return_exceptions=True)
        stage.control.forget(session.client_id)
        async with stage.held(session):
            after = await stage.load(session)

        assert (after.state, after.incarnation) == (State.DETACHED, 2)
