"""What was said gets one place in the log: nothing twice, nothing lost, strangers last."""

import json
from typing import Any, Final

from service.domain.instants import rfc3339
from service.domain.sends import marked
from service.domain.session import PublicState, Session
from service.simulator.deployments import Disconnect
from service.usecases.visit import Nudged
from service.usecases.visit.absorbing import take_history, take_rest, take_strangers
from tests.support.playbook import by_guest
from tests.support.visit_stage import Stage, on_virtual_time, staged
from tests.support.wire_story import tells

_GONE: Final = {"type": "message", "class": "SessionExpiredEvent", "code": 200, "body": {}}
_CLEARED: Final = {"type": "message", "class": "SessionClearedEvent", "code": 200, "body": {}}


def _frame(text: str, *, at: str | None, body_id: str | None, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    channel: dict[str, Any] = {} if at is None else {"time": at}
    body: dict[str, Any] = {
        "type": "Text",
        "text": text,
        "direction": "Outbound",
        "channel": channel,
        "originatingEntity": "Human",
    }
    if body_id is not None:
        body["id"] = body_id
    body |= more
    return {"type": "message", "class": "StructuredMessage", "code": 200, "body": body}


def _at(stage: Stage, seconds: float) -> str:
    return rfc3339(stage.now + seconds)


@on_virtual_time
async def test_what_is_pushed_twice_is_logged_once() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        async with stage.held(session):
            stage.control.fault("duplicate", action="", times=2)
            stage.say(session, "Hi")
            await stage.clock.sleep(1)

        assert await stage.texts(session) == ["Hi"]


@on_virtual_time
async def test_what_was_said_while_nobody_listened_is_recovered_in_the_order_it_was_said() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        for text in ("one", "two", "three"):
            await stage.clock.sleep(1)
            stage.say(session, text)
        async with stage.held(session):
            messages = [m["message"] for m in await stage.of(session, "message.received")]

        assert [(m["text"], m["recovered"]) for m in messages] == [
            ("one", True),
            ("two", True),
            ("three", True),
        ]


@on_virtual_time
async def test_after_disorder_the_hold_puts_the_next_ones_right() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        token = session.client_id
        async with stage.held(session):
            stage.control.inject(token, _frame("b", at=_at(stage, 0.2), body_id="b"))
            await stage.clock.sleep(0.05)
            stage.control.inject(token, _frame("a", at=_at(stage, 0.0), body_id="a"))
            await stage.clock.sleep(1)
            stage.control.inject(token, _frame("d", at=_at(stage, 0.2), body_id="d"))
            await stage.clock.sleep(0.05)
            stage.control.inject(token, _frame("c", at=_at(stage, 0.0), body_id="c"))
            await stage.clock.sleep(3)

        messages = [m["message"] for m in await stage.of(session, "message.received")]
        assert [(m["text"], m["late"]) for m in messages] == [
            ("b", False),
            ("a", True),
            ("c", False),
            ("d", False),
        ]


@on_virtual_time
async def test_a_message_without_any_id_or_time_is_told_apart_by_what_it_says() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        async with stage.held(session):
            bare = _frame("no id", at=None, body_id=None)
            for frame in (bare, bare, _frame("another", at=None, body_id=None)):
                stage.control.inject(session.client_id, frame)
            await stage.clock.sleep(1)

        assert await stage.texts(session) == ["no id", "another"]


@on_virtual_time
async def test_what_the_guest_says_elsewhere_is_logged_as_the_guests() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        other = await stage.accept(await stage.made(), "from another tab")
        async with stage.held(session):
            await stage.write_as_guest(session, other)
            await stage.clock.sleep(1)

        [said] = await stage.of(session, "message.received")
        assert (said["message"]["text"], said["message"]["author"]["kind"]) == (
            "from another tab",
            "guest",
        )


@on_virtual_time
async def test_a_stranger_waits_while_a_send_is_unproven() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        other = await stage.accept(await stage.made(), "from another tab")
        await stage.accept(session, "ours")
        stage.control.fault("delay", seconds=3, frame_class="StructuredMessage")
        async with stage.held(session, settle=1):
            await stage.write_as_guest(session, other)
            await stage.clock.sleep(1)
            before = await stage.types(session)
            await stage.clock.sleep(8)

        after = await stage.types(session)
        assert "message.received" not in before
        assert after.index("message.received") > len(before) - 1
        assert after[-2:] == ["message.confirmed", "message.received"]


@on_virtual_time
async def test_a_stranger_that_history_shows_is_kept_once_and_logged_as_recovered() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        desk = await stage.desk(session)
        ours = await stage.accept(session, "ours")
        mark = marked(ours, now=stage.now, incarnation=1, writer="w", link="l")
        desk.keep(await stage.ports.sessions.change_send(ours, mark))
        stranger = by_guest("tab", text="from another tab", channel_time=stage.now)
        for _ in range(2):
            await take_history(desk, [stranger])
        kept = len(desk.strangers)
        await stage.ports.sessions.drop_send(*desk.sends.values())
        desk.forget(ours)
        await take_strangers(desk)

        [said] = await stage.of(session, "message.received")
        assert (kept, said["message"]["recovered"]) == (1, True)


@on_virtual_time
async def test_a_message_that_was_to_go_out_again_and_arrived_late_is_not_sent_twice() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        send = await stage.accept(session, "ours", attempt=1, retry_at=stage.now + 60)
        async with stage.held(session):
            await stage.write_as_guest(session, send)
            await stage.clock.sleep(1)

        assert (await stage.types(session))[-1] == "message.confirmed"
        assert stage.frames("onMessage") == []
        assert await stage.texts(session) == []


@on_virtual_time
async def test_every_message_moves_the_known_expiry() -> None:
    async with staged(simulated={"session_seconds": 7200}) as stage:
        session = await stage.chatted()
        async with stage.held(session, settle=600):
            stage.say(session, "Hi")
            await stage.clock.sleep(1)
            said = stage.now - 1

        found = await stage.load(session)
        assert found.expires_at is not None
        assert abs(found.expires_at - (said + 7200)) < 2


@on_virtual_time
async def test_the_guests_join_is_no_message() -> None:
    async with staged(simulated={"auto_start": True}) as stage:
        session = await stage.chatted()
        async with stage.held(session):
            assert "message.received" not in await stage.types(session)


async def _log_of(stage: Stage, session: Session) -> list[tuple[int, str]]:
    """Incarnation and text of what was received, and where one guest session replaced another."""
    return [
        (event.incarnation, event.data.get("message", {}).get("text", event.type.value))
        for event in await stage.log(session)
        if event.type.value in {"message.received", "session.replaced", "session.ended"}
    ]


@on_virtual_time
async def test_what_waited_for_history_is_logged_in_the_guest_session_it_was_said_in() -> None:
    async with staged(knobs={"rest_delay_seconds": 2}) as stage:
        session = await stage.chatted()
        async with stage.held(session, settle=1):
            stage.say(session, "while it was read")
            await stage.clock.sleep(0.5)
            stage.control.drop()
            stage.control.forget(session.client_id)
            await stage.clock.sleep(20)
            # Were it taken for something of the new guest session, whose history does not show it,
            # this would look like one more replacement.
            stage.control.drop()
            await stage.clock.sleep(30)

        assert await _log_of(stage, session) == [(1, "while it was read"), (2, "session.replaced")]


@on_virtual_time
async def test_what_was_held_is_logged_in_the_guest_session_it_was_said_in() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        async with stage.held(session):
            for text, seconds in (("b", 1.0), ("a", 0.0)):
                body = _frame(text, at=_at(stage, seconds), body_id=text)
                stage.control.inject(session.client_id, body)
            await stage.clock.sleep(3)
            held = _frame("held", at=_at(stage, 0), body_id="held")
            stage.control.inject(session.client_id, held)
            stage.control.forget(session.client_id)
            stage.control.inject(session.client_id, _GONE)
            await stage.clock.sleep(20)

        assert (await _log_of(stage, session))[-2:] == [(1, "held"), (2, "session.replaced")]


@on_virtual_time
async def test_a_stranger_is_logged_in_the_guest_session_it_was_said_in() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        other = await stage.accept(await stage.made(), "from another tab")
        async with stage.held(session) as inbox:
            stage.control.fault("swallow_echo")
            await stage.accept(session, "ours")
            inbox.put(Nudged())
            await stage.clock.sleep(0.5)
            await stage.write_as_guest(session, other)
            stage.control.drop()
            stage.control.forget(session.client_id)
            await stage.clock.sleep(20)

        assert await _log_of(stage, session) == [(1, "from another tab"), (2, "session.replaced")]
        [failed] = await stage.of(session, "message.failed")
        assert failed["message"]["text"] == "ours"


@on_virtual_time
async def test_what_still_waits_is_logged_before_somebody_else_clears_the_chat() -> None:
    async with staged(knobs={"rest_delay_seconds": 2}) as stage:
        session = await stage.chatted()
        async with stage.held(session, settle=1):
            stage.say(session, "last words")
            stage.control.inject(session.client_id, _CLEARED)
            await stage.clock.sleep(5)

            assert await _log_of(stage, session) == [(1, "last words"), (1, "session.ended")]


@on_virtual_time
async def test_a_proof_that_waited_is_taken_before_its_guest_session_is_left() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        desk = await stage.desk(session)
        send = await stage.accept(session, "ours")
        desk.keep(marked(send, now=stage.now, incarnation=1, writer="w", link="l"))
        desk.overheard.append(by_guest("x", tracing_id=send.tracing_id, channel_time=stage.now))

        assert await take_rest(desk) is True
        assert await take_rest(desk) is False
        assert (await stage.types(session))[-1] == "message.confirmed"


@on_virtual_time
async def test_a_history_that_tells_neither_name_nor_time_still_proves_what_arrived() -> None:
    async with staged(knobs={"history_metadata": False, "history_times": False}) as stage:
        session = await stage.chatted()
        stage.control.fault("swallow_echo", count=2)
        async with stage.held(session) as inbox:
            for _ in range(2):
                await stage.accept(session, "the same")
            inbox.put(Nudged())
            await stage.clock.sleep(30)

        assert stage.arrived() == ["Hello", "the same", "the same"]
        assert (await stage.types(session)).count("message.confirmed") == 3
        assert await stage.texts(session) == []


SENDS = {"disconnect": Disconnect.SEND}


@tells("Disconnect")
@on_virtual_time
async def test_an_end_that_leaves_the_chat_open_is_told_with_who_ended_it() -> None:
    async with staged(simulated=SENDS) as stage:
        session = await stage.chatted()
        async with stage.held(session):
            stage.say(session, "Bye")
            stage.control.disconnect(session.client_id, nickname="Dana")
            await stage.clock.sleep(10)
            await stage.accept(session, "One more thing")

        [told] = await stage.of(session, "conversation.disconnected")
        assert (told["endedBy"], told["recovered"], told["incarnation"]) == ("agent", False, 1)
        assert told["conversationId"] is None
        assert told["occurredAt"].endswith("Z")
        assert (await stage.types(session))[-3:] == [
            "message.received",
            "conversation.disconnected",
            "message.accepted",
        ]
        assert (await stage.load(session)).public is PublicState.ACTIVE


@tells("Disconnect")
@on_virtual_time
async def test_an_end_that_nobody_heard_is_found_in_history_once_and_in_its_place() -> None:
    async with staged(simulated=SENDS, history_lag_seconds=2) as stage:
        session = await stage.chatted()
        stage.say(session, "Bye")
        stage.control.disconnect(session.client_id)
        await stage.clock.sleep(1)
        stage.say(session, "An afterthought")
        await stage.clock.sleep(100)
        for _ in range(2):
            async with stage.held(session):
                await stage.clock.sleep(10)

        [told] = await stage.of(session, "conversation.disconnected")
        assert (told["endedBy"], told["recovered"]) == ("bot", True)
        assert (await stage.types(session))[-3:] == [
            "message.received",
            "conversation.disconnected",
            "message.received",
        ]


@on_virtual_time
async def test_an_end_that_waits_while_its_guest_session_is_left_is_told_of_that_one() -> None:
    async with staged(simulated=SENDS) as stage:
        session = await stage.chatted()
        async with stage.held(session):
            stage.control.disconnect(session.client_id)
            stage.control.wipe()
            stage.control.drop(session.client_id)
            await stage.clock.sleep(20)

        [told] = await stage.of(session, "conversation.disconnected")
        assert told["incarnation"] == 1
        assert (await stage.load(session)).incarnation == 2


@on_virtual_time
async def test_what_others_say_of_the_client_id_is_masked_and_what_is_too_large_is_left_out() -> (
    None
):
    async with staged() as stage:
        session = await stage.chatted()
        token = session.client_id
        async with stage.held(session):
            item = {"contentType": "Hologram", "hologram": {"of": f"<{token}>"}}
            stage.say(session, "look", content=[item])
            await stage.clock.sleep(1)
            stage.say(session, "huge", content=[{**item, "more": "x" * 70_000}])
            await stage.clock.sleep(1)

        look, huge = [data["message"] for data in await stage.of(session, "message.received")]
        assert look["content"] == [{"contentType": "Hologram", "hologram": {"of": "<[redacted]>"}}]
        assert look["raw"]["content"] == look["content"]
        assert token not in json.dumps([look, huge])
        assert (huge["raw"], len(huge["content"])) == (None, 1)
        assert huge["omitted"]["rawBytes"] > 70_000
