"""Each frame in each phase: taken, kept for later, or passed over, and never a crash."""

import json
import logging
from asyncio import create_task
from collections.abc import Mapping
from typing import Any

import pytest

from service.domain.deployment import OnReadOnly
from service.domain.events import ClearAndEndRequested, ClearRequested
from service.domain.session import EndedBy, State
from service.simulator.knobs import Reattach
from service.usecases.visit import Inbox, Nudged
from service.usecases.visit.frames import frame_arrived
from service.usecases.visit.inbox import FrameArrived
from tests.support.visit_stage import Stage, on_virtual_time, staged
from tests.support.wire_story import tells


def _text(text: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    body = {"type": "Text", "text": text, "direction": "Outbound", "id": text} | more
    return {"type": "message", "class": "StructuredMessage", "code": 200, "body": body}


def _event(name: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return {"type": "message", "class": name, "code": 200, "body": dict(body or {})}


def _error(code: int, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {"type": "response", "class": "string", "code": code, "body": "no"} | more


@on_virtual_time
async def test_what_is_no_frame_is_passed_over() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        async with stage.held(session):
            stage.control.inject(session.client_id, "{broken")
            stage.control.inject(session.client_id, _event("SomethingNew"))
            stage.control.inject(session.client_id, {"action": "echo", "message": {}})
            stage.control.inject(session.client_id, _event("GetConfigurationResponse"))
            stage.say(session, "Hi")
            await stage.clock.sleep(1)

            assert await stage.texts(session) == ["Hi"]
            assert stage.wires.opened == 2


@on_virtual_time
async def test_the_log_names_a_few_unknown_things_and_nothing_of_anybody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    names = {f"new{letter}": 1 for letter in "bacdefghijkl"}
    strange = {"ann.mueller@example.test": 1, **names}
    async with staged() as stage:
        session = await stage.chatted()
        async with stage.held(session):
            stage.control.inject(session.client_id, _text("Hi", **strange))
            await stage.clock.sleep(1)

    [line] = [each for each in caplog.records if each.message == "guest.frame_unknown"]
    assert vars(line)["labels"] == ["field:body.*", *(f"field:body.new{x}" for x in "abcdefghi")]
    assert vars(line)["count"] == 13


@on_virtual_time
async def test_what_is_said_before_the_answer_to_configure_is_kept() -> None:
    async with staged(knobs={"answer_delay_seconds": 2}) as stage:
        session = await stage.made()
        async with stage.held(session, settle=1):
            stage.control.inject(None, _text("early"))
            await stage.clock.sleep(3)

            assert await stage.texts(session) == ["early"]


@on_virtual_time
async def test_a_frame_between_two_links_is_passed_over() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        desk = await stage.desk(session)
        await frame_arrived(desk, FrameArrived("lnk_gone", json.dumps(_text("late"))))

        assert await stage.texts(session) == []
        assert desk.backlog == []


@on_virtual_time
async def test_an_evicted_listener_comes_back_after_five_seconds() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        async with stage.held(session):
            evicted = stage.now
            stage.control.evict(session.client_id, which="all")
            await stage.clock.sleep(30)

        [told] = await stage.of(session, "session.recovered")
        assert told["receipt"]["cause"] == "evicted"
        assert stage.times("configureSession")[1] - evicted >= 5


@on_virtual_time
async def test_a_message_on_a_guest_session_that_is_gone_is_carried_over_to_the_next() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        async with stage.held(session) as inbox:
            stage.control.forget(session.client_id)
            await stage.accept(session, "More")
            inbox.put(Nudged())
            await stage.clock.sleep(10)

        [told] = await stage.of(session, "session.replaced")
        assert told["receipt"]["cause"] == "session_not_found"
        assert told["receipt"]["sends"]["resent"] == 1
        assert stage.arrived() == ["Hello", "More"]


@on_virtual_time
async def test_an_expiry_that_is_announced_is_looked_into_at_once() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        async with stage.held(session):
            stage.control.expire(session.client_id, announce=True)
            await stage.clock.sleep(10)

        [told] = await stage.of(session, "session.replaced")
        assert told["receipt"]["cause"] == "session_expired"


@on_virtual_time
async def test_a_logout_means_a_new_client_id() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        async with stage.held(session):
            stage.control.inject(session.client_id, _event("LogoutEvent"))
            await stage.clock.sleep(10)

        found = await stage.load(session)
        assert (found.incarnation, found.client_id == session.client_id) == (2, False)


@on_virtual_time
async def test_an_unclear_error_without_a_name_casts_doubt_on_what_is_in_flight() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        await stage.accept(session, "More")
        stage.control.fault("swallow_write", action="onMessage")
        async with stage.held(session, settle=1):
            stage.control.inject(session.client_id, _error(5000))
            await stage.clock.sleep(20)

        first, second = stage.times("onMessage")
        assert second - first >= 5
        assert stage.arrived() == ["Hello", "More"]


@on_virtual_time
async def test_an_error_about_nothing_of_ours_changes_nothing() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        async with stage.held(session):
            stage.control.inject(session.client_id, _error(4011, tracingId="somebody-elses"))
            stage.control.inject(session.client_id, _error(5000, tracingId="somebody-elses"))
            await stage.clock.sleep(1)

            assert len(stage.frames("configureSession")) == 1


@on_virtual_time
async def test_a_message_that_meets_a_closed_chat_opens_a_new_one() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        stage.control.fault("refuse", action="onMessage", code=409)
        stage.control.fault("swallow_frame", frame_class="StructuredMessage", count=1)
        async with stage.held(session) as inbox:
            stage.control.disconnect(session.client_id)
            await stage.accept(session, "More")
            inbox.put(Nudged())
            await stage.clock.sleep(20)

        assert (await stage.load(session)).incarnation == 2
        assert stage.arrived() == ["Hello", "More"]


@on_virtual_time
async def test_a_message_that_meets_a_closed_chat_is_refused_where_the_deployment_says_so() -> None:
    async with staged(on_read_only=OnReadOnly.REFUSE) as stage:
        session = await stage.chatted()
        stage.control.fault("refuse", action="onMessage", code=409)
        await stage.accept(session, "More")
        await stage.attend(session)

        [failed] = await stage.of(session, "message.failed")
        assert failed["message"]["failure"]["code"] == "session_read_only"
        assert (await stage.load(session)).state is State.READ_ONLY


@on_virtual_time
async def test_what_arrived_just_before_the_chat_was_closed_is_not_sent_again() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        late: dict[str, Any] = {"frame_class": "StructuredMessage", "seconds": 1.0}
        async with stage.held(session) as inbox:
            stage.control.fault("delay", **late)
            await stage.accept(session, "before")
            inbox.put(Nudged())
            await stage.clock.sleep(0.05)
            stage.control.fault("swallow_frame", frame_class="StructuredMessage")
            stage.control.disconnect(session.client_id)
            await stage.accept(session, "after")
            inbox.put(Nudged())
            await stage.clock.sleep(20)

        assert stage.arrived() == ["Hello", "before", "after"]
        assert (await stage.types(session)).count("message.confirmed") == 3


@on_virtual_time
async def test_a_close_session_that_is_refused_is_tried_again() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        stage.control.disconnect(session.client_id)
        stage.control.fault("refuse", action="closeSession", code=500)
        stage.control.fault("unknown_class", action="closeSession")
        await stage.accept(session, "More")
        await stage.attend(session)

        assert len(stage.frames("closeSession")) == 2
        assert stage.arrived() == ["Hello", "More"]


@pytest.mark.parametrize("code", [400, 403, 409, 4006, 4007])
@tells("closeSession", "string")
@on_virtual_time
async def test_a_closed_chat_that_genesys_will_not_close_is_followed_by_another_all_the_same(
    code: int,
) -> None:
    async with staged() as stage:
        session = await stage.chatted()
        stage.control.disconnect(session.client_id)
        stage.control.fault("refuse", action="closeSession", code=code, count=0)
        await stage.accept(session, "More")
        await stage.attend(session)

        assert len(stage.frames("closeSession")) == 1
        begun = [frame["startNew"] for frame in stage.frames("configureSession")]
        assert begun == [False, False, True]
        assert stage.arrived() == ["Hello", "More"]


@on_virtual_time
async def test_a_close_session_that_is_never_answered_is_left_out_the_third_time() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        stage.control.disconnect(session.client_id)
        stage.control.fault("swallow_write", action="closeSession", count=0)
        await stage.accept(session, "More")
        async with stage.held(session, settle=60):
            pass

        assert len(stage.frames("closeSession")) == 2
        assert stage.arrived() == ["Hello", "More"]
        assert (await stage.types(session)).count("session.replaced") == 1


@pytest.mark.parametrize(
    "odd",
    [
        {"type": "response", "class": "SessionResponse", "code": 200, "body": {"connected": False}},
        {"type": "message", "class": "ConnectionClosedEvent", "code": 200, "body": {}},
        {"type": "response", "class": "string", "code": 409, "body": "no", "tracingId": "another"},
    ],
    ids=["no readOnly", "a connection closed", "another request refused"],
)
@tells("SessionResponse", "ConnectionClosedEvent")
@on_virtual_time
async def test_what_comes_between_the_two_steps_changes_nothing(odd: dict[str, Any]) -> None:
    async with staged(knobs={"answer_delay_seconds": 1}) as stage:
        session = await stage.chatted()
        stage.control.disconnect(session.client_id)
        await stage.accept(session, "More")
        attending = create_task(stage.attend(session))
        while not stage.frames("closeSession"):
            await stage.clock.sleep(0.1)
        stage.control.inject(session.client_id, odd)
        await attending

        assert stage.arrived() == ["Hello", "More"]
        assert (await stage.types(session)).count("session.replaced") == 1
        assert (await stage.load(session)).incarnation == 2


async def _clearing(stage: Stage, *, ends: bool = False, **fault: Any) -> State:  # noqa: ANN401 - fields of Fault
    """The state after a wish to clear that met that fault."""
    session = await stage.chatted()
    wish = ClearAndEndRequested() if ends else ClearRequested()
    await stage.assembly.change(session.id, wish)
    if fault:
        stage.control.fault(**fault, action="onMessage")
    async with stage.held(session, settle=30):
        return (await stage.load(session)).state


@on_virtual_time
async def test_a_cleared_chat_goes_on_with_the_next_incarnation() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        await stage.assembly.change(session.id, ClearRequested())
        async with stage.held(session, settle=30):
            [told] = await stage.of(session, "session.replaced")

        assert told["receipt"]["cause"] == "cleared"
        assert (await stage.load(session)).incarnation == 2


@on_virtual_time
async def test_a_chat_that_is_gone_and_stays_gone_goes_on_under_another_client_id() -> None:
    async with staged(knobs={"configure_forgotten": Reattach.REFUSED}) as stage:
        session = await stage.chatted()
        stage.control.forget(session.client_id)
        await stage.assembly.change(session.id, ClearRequested())
        await stage.accept(session, "More")
        async with stage.held(session, settle=30):
            [told] = await stage.of(session, "session.replaced")

        assert told["receipt"]["cause"] == "session_not_found"
        assert stage.arrived() == ["Hello", "More"]


@on_virtual_time
async def test_a_deployment_that_does_not_clear_goes_on_as_it_was() -> None:
    async with staged(simulated={"clear": False}) as stage:
        assert await _clearing(stage) is State.DETACHED


@pytest.mark.parametrize("code", [400, 401, 403, 404, 409])
@on_virtual_time
async def test_a_clear_that_is_refused_for_good_is_not_tried_again(code: int) -> None:
    async with staged() as stage:
        ended = await _clearing(stage, ends=True, kind="refuse", code=code, count=0)

        assert ended is State.ENDED
        assert len(stage.frames("onMessage")) == 1


@pytest.mark.parametrize("fault", [{}, {"kind": "refuse", "code": 409}])
@on_virtual_time
async def test_a_closed_chat_that_may_not_be_cleared_is_closed_as_before(
    fault: dict[str, Any],
) -> None:
    async with staged(simulated={"clear": False}) as stage:
        session = await stage.chatted()
        stage.control.disconnect(session.client_id)
        await stage.assembly.change(session.id, ClearRequested())
        if fault:
            stage.control.fault(**fault, action="onMessage")
        await stage.reconcile(session)
        refused = await stage.load(session)
        await stage.accept(refused, "More")
        await stage.attend(refused)

        assert refused.state is State.READ_ONLY
        assert (await stage.types(session)).count("session.readOnly") == 1
        assert stage.arrived() == ["Hello", "More"]
        assert (await stage.load(session)).incarnation == 2


@on_virtual_time
async def test_a_clear_that_comes_too_soon_is_tried_again_when_it_may_be() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        await stage.assembly.change(session.id, ClearAndEndRequested())
        stage.control.fault("throttle", action="onMessage", retry_after=7)
        async with stage.held(session, settle=12):
            assert (await stage.load(session)).state is State.ENDED

        first, second = stage.times("onMessage")
        assert 7 <= second - first < 8


@on_virtual_time
async def test_a_close_session_that_comes_too_soon_is_tried_again_when_it_may_be() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        stage.control.disconnect(session.client_id)
        stage.control.fault("throttle", action="closeSession", retry_after=7)
        await stage.accept(session, "More")
        await stage.attend(session)

        first, second = stage.times("closeSession")
        assert 7 <= second - first < 8
        assert stage.arrived() == ["Hello", "More"]


@on_virtual_time
async def test_a_clear_that_meets_trouble_is_tried_again() -> None:
    async with staged() as stage:
        assert await _clearing(stage, ends=True, kind="refuse", code=500) is State.ENDED
        assert len(stage.frames("onMessage")) == 2


@on_virtual_time
async def test_a_clear_of_what_is_gone_has_nothing_to_verify() -> None:
    async with staged() as stage:
        assert await _clearing(stage, ends=True, kind="refuse", code=4007) is State.ENDED


@on_virtual_time
async def test_while_it_clears_only_what_concerns_the_guest_session_is_heard() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        await stage.assembly.change(session.id, ClearAndEndRequested())
        stage.control.fault("swallow_write", action="onMessage")
        async with stage.held(session, settle=1):
            stage.control.inject(session.client_id, _text("said meanwhile"))
            stage.control.inject(session.client_id, _error(4011, tracingId="somebody-elses"))
            stage.control.inject(session.client_id, _closed())
            await stage.clock.sleep(1)
            before = await stage.types(session)
            stage.control.inject(session.client_id, _event("SessionExpiredEvent"))
            await stage.clock.sleep(1)

        assert "session.ended" not in before
        [ended] = await stage.of(session, "session.ended")
        assert ended["session"]["endedBy"] == "caller"


@on_virtual_time
async def test_a_guest_session_that_is_taken_away_while_it_is_cleared_ends_unverified() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        await stage.assembly.change(session.id, ClearAndEndRequested())
        stage.control.fault("swallow_write", action="onMessage")
        async with stage.held(session, settle=1):
            stage.control.inject(session.client_id, _event("LogoutEvent"))
            await stage.clock.sleep(1)

        found = await stage.load(session)
        assert (found.state, found.ended.verified if found.ended else None) == (State.ENDED, False)


@on_virtual_time
async def test_a_late_refusal_of_what_is_settled_changes_nothing() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        async with stage.held(session) as inbox:
            before = await stage.types(session)
            late = json.dumps(_error(4011, tracingId="settled-long-ago"))
            inbox.put(FrameArrived("lnk_of_before", late))
            await stage.clock.sleep(1)

            assert await stage.types(session) == before


def _closed() -> dict[str, Any]:
    presence = {"eventType": "Presence", "presence": {"type": "Disconnect"}}
    body = {
        "type": "Event",
        "direction": "Outbound",
        "id": "closed",
        "events": [presence],
        "metadata": {"readOnly": "true"},
    }
    return {"type": "message", "class": "StructuredMessage", "code": 200, "body": body}


@on_virtual_time
async def test_an_agent_who_closes_the_chat_while_we_listen_leaves_it_read_only() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        task = stage.begin(session, Inbox())
        await stage.clock.sleep(8)
        stage.say(session, "Bye", nickname="Dana")
        stage.control.disconnect(session.client_id, nickname="Dana")
        await task

        found = await stage.load(session)
        assert (found.state, found.ended.by if found.ended else None) == (
            State.READ_ONLY,
            EndedBy.AGENT,
        )


@on_virtual_time
async def test_a_refusal_that_comes_after_the_close_it_speaks_of_changes_nothing_more() -> None:
    async with staged(on_read_only=OnReadOnly.REFUSE, knobs={"answer_delay_seconds": 1}) as stage:
        session = await stage.chatted()
        task = stage.begin(session, inbox := Inbox())
        await stage.clock.sleep(12)
        stage.control.disconnect(session.client_id)
        stage.control.fault("refuse", action="onMessage", code=409)
        await stage.clock.sleep(0.5)
        await stage.accept(session, "More")
        inbox.put(Nudged())
        await task

        types = await stage.types(session)
        assert types.count("session.readOnly") == 1
        assert types.count("message.failed") == 1


@on_virtual_time
async def test_what_is_said_while_a_closed_chat_is_left_is_not_heard() -> None:
    async with staged(knobs={"answer_delay_seconds": 1}) as stage:
        session = await stage.chatted()
        stage.control.disconnect(session.client_id)
        await stage.accept(session, "More")
        attending = create_task(stage.attend(session))
        while not stage.frames("closeSession"):
            await stage.clock.sleep(0.1)
        stage.control.inject(None, _text("to nobody"))
        await attending

        assert await stage.texts(session) == []
        assert stage.arrived() == ["Hello", "More"]


@on_virtual_time
async def test_what_was_missed_is_read_before_the_chat_is_cleared() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        stage.say(session, "while nobody listened")
        await stage.assembly.change(session.id, ClearAndEndRequested())
        await stage.attend(session, seconds=10)
        await stage.reconcile(session)

        assert await stage.texts(session) == ["while nobody listened"]
        assert (await stage.load(session)).state is State.ENDED


@on_virtual_time
async def test_a_history_that_does_not_answer_keeps_no_chat_from_being_cleared() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        stage.control.fault("fail_history", action="history", count=0)
        await stage.assembly.change(session.id, ClearRequested())
        await stage.reconcile(session)

        assert (await stage.load(session)).incarnation == 2


@on_virtual_time
async def test_what_is_said_while_a_chat_is_being_cleared_is_logged() -> None:
    async with staged(knobs={"answer_delay_seconds": 1}) as stage:
        session = await stage.chatted()
        await stage.assembly.change(session.id, ClearAndEndRequested())
        ending = create_task(stage.reconcile(session))
        while not stage.frames("onMessage"):
            await stage.clock.sleep(0.05)
        stage.control.inject(session.client_id, _text("last words"))
        await ending

        assert await stage.texts(session) == ["last words"]


@pytest.mark.parametrize("code", [4007, 4017])
@on_virtual_time
async def test_a_message_on_a_closed_chat_that_is_gone_opens_a_new_one(code: int) -> None:
    async with staged() as stage:
        session = await stage.chatted()
        stage.control.disconnect(session.client_id)
        await stage.reconcile(session)
        await stage.accept(await stage.load(session), "More")
        gone = {"action": "configureSession", "token": session.client_id}
        stage.control.fault("refuse", code=code, count=0, **gone)
        await stage.attend(session)

        assert stage.arrived() == ["Hello", "More"]
        assert (await stage.load(session)).incarnation == 2


@on_virtual_time
async def test_messages_that_met_a_lost_guest_session_together_all_go_out_again_in_order() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        async with stage.held(session) as inbox:
            stage.control.forget(session.client_id)
            for text in ("one", "two", "three"):
                await stage.accept(session, text)
            inbox.put(Nudged())
            await stage.clock.sleep(15)

        assert stage.arrived() == ["Hello", "one", "two", "three"]
        assert "message.failed" not in await stage.types(session)


@on_virtual_time
async def test_an_end_without_a_name_does_not_refuse_what_went_out_on_an_earlier_link() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        stage.control.fault("swallow_echo")
        async with stage.held(session) as inbox:
            stage.control.fault("fail_history", status=500, count=0)
            await stage.accept(session, "More")
            inbox.put(Nudged())
            await stage.clock.sleep(1)
            stage.control.drop()
            await stage.clock.sleep(3)
            stage.control.expire(session.client_id, announce=True)
            await stage.clock.sleep(10)

        [failed] = await stage.of(session, "message.failed")
        assert failed["message"]["failure"]["code"] == "outcome_unknown"
        assert stage.arrived() == ["Hello", "More"]


@on_virtual_time
async def test_a_wish_to_wait_that_no_clock_can_tell_is_heeded_for_a_day_at_most() -> None:
    async with staged(history_lag_seconds=1) as stage:
        session = await stage.chatted()
        async with stage.held(session) as inbox:
            stage.control.fault("throttle", action="onMessage", retry_after=10**12, count=1)
            await stage.accept(session, "Later")
            inbox.put(Nudged())
            await stage.clock.sleep(60)
            [send] = await stage.ports.sessions.open_sends(session.id)
            await stage.clock.sleep(86_400)

        assert send.retry_at == pytest.approx(send.accepted_at + 86_400, abs=1)
        assert stage.arrived()[-1] == "Later"
