"""Sends: one mark and one frame at a time, in order, and never a silent second copy."""

import json
from dataclasses import replace

import pytest

from service.domain.errors import LinkLostError
from service.domain.send import PendingSend, SendStatus, Written
from service.domain.session import Session
from service.usecases.visit import Nudged
from service.usecases.visit.sending import plan_reads
from tests.support.visit_stage import Stage, on_virtual_time, staged


def _texts(stage: Stage) -> list[str]:
    return [frame["message"].get("text", "") for frame in stage.frames("onMessage")]


async def _left_in_flight(stage: Stage, session: Session, text: str) -> PendingSend:
    """What a writer leaves that died after it marked: nobody knows whether the frame went out."""
    send = await stage.accept(session, text)
    mark = Written(at=stage.now, incarnation=1, writer="dead", link="lnk_dead")
    dead = replace(send, status=SendStatus.WRITTEN, attempt=1, written=mark)
    return await stage.ports.sessions.change_send(send, dead)


@on_virtual_time
async def test_messages_go_out_in_accept_order_and_at_most_five_a_second() -> None:
    async with staged() as stage:
        session = await stage.made()
        texts = [f"{n}" for n in range(12)]
        for text in texts:
            await stage.accept(session, text)
        await stage.attend(session)

        times = stage.times("onMessage")
        assert _texts(stage) == texts
        assert all(later - early >= 1.0 for early, later in zip(times, times[5:], strict=False))
        assert times[-1] - times[0] < 2.5
        assert stage.arrived() == texts


@on_virtual_time
async def test_a_mark_that_took_longer_than_two_seconds_is_abandoned_unwritten() -> None:
    async with staged() as stage:
        session = await stage.made()
        await stage.accept(session, "Hello")

        async def slow() -> None:
            await stage.clock.sleep(2.5)

        stage.sessions.before("change_send", slow)
        await stage.attend(session)

        [confirmed] = await stage.of(session, "message.confirmed")
        assert confirmed["message"]["text"] == "Hello"
        assert stage.arrived() == ["Hello"]
        assert len(stage.frames("onMessage")) == 1
        # marked, abandoned, marked again
        assert stage.sessions.calls["change_send"] == 3


@on_virtual_time
async def test_a_mark_that_was_abandoned_does_not_use_up_an_attempt() -> None:
    async with staged() as stage:
        session = await stage.made()
        await stage.accept(session, "Hello")
        seen: list[int] = []

        async def slow() -> None:
            await stage.clock.sleep(2.5)

        async def look() -> None:
            seen.extend(s.attempt for s in await stage.ports.sessions.open_sends(session.id))

        stage.sessions.before("change_send", slow)
        stage.sessions.before("change_send", look, nth=3)
        await stage.attend(session)

        assert seen == [0]


@on_virtual_time
async def test_a_throttled_message_waits_as_told_and_keeps_its_attempts() -> None:
    async with staged() as stage:
        session = await stage.made()
        send = await stage.accept(session, "Hello")
        stage.control.fault("throttle", retry_after=7, count=1)
        attempts: list[int] = []

        async def look() -> None:
            attempts.extend(s.attempt for s in await stage.ports.sessions.open_sends(session.id))

        stage.sessions.before("change_send", look, nth=3)
        await stage.attend(session)

        first, second = stage.times("onMessage")
        assert second - first == pytest.approx(7, abs=0.2)
        assert attempts == [0]
        assert {f["tracingId"] for f in stage.frames("onMessage")} == {send.tracing_id}
        assert stage.arrived() == ["Hello"]


@on_virtual_time
async def test_what_a_dead_writer_left_is_proven_by_history_and_not_sent_again() -> None:
    async with staged(history_lag_seconds=5) as stage:
        session = await stage.chatted()
        send = await _left_in_flight(stage, session, "Did it arrive?")
        await stage.write_as_guest(session, send)
        await stage.clock.sleep(60)
        await stage.attend(session)

        *_, confirmed = await stage.of(session, "message.confirmed")
        assert (confirmed["message"]["id"], confirmed["message"]["recovered"]) == (
            send.message_id,
            True,
        )
        assert stage.frames("onMessage") == []


@on_virtual_time
async def test_what_a_dead_writer_left_goes_out_once_two_reads_do_not_show_it() -> None:
    async with staged(history_lag_seconds=5) as stage:
        session = await stage.chatted()
        await _left_in_flight(stage, session, "Did it arrive?")
        await stage.accept(session, "And this after it")
        await stage.clock.sleep(60)
        begun = stage.now
        await stage.attend(session)

        assert _texts(stage) == ["Did it arrive?", "And this after it"]
        assert stage.times("onMessage")[0] - begun >= 5
        assert stage.arrived() == ["Hello", "Did it arrive?", "And this after it"]
        assert stage.history.calls["history"] >= 2


@on_virtual_time
async def test_what_the_log_has_as_said_elsewhere_is_not_sent_again() -> None:
    """Whoever logged it did not know of the send, and no history shows it any more."""
    async with staged(history_lag_seconds=5) as stage:
        session = await stage.chatted()
        send = await _left_in_flight(stage, session, "Did it arrive?")
        await stage.foreign(session, "Did it arrive?", key=f"t:{send.tracing_id}")
        await stage.clock.sleep(60)
        await stage.attend(session)

        *_, confirmed = await stage.of(session, "message.confirmed")
        assert confirmed["message"]["id"] == send.message_id
        assert stage.frames("onMessage") == []
        assert await stage.ports.sessions.open_sends(session.id) == []


@on_virtual_time
async def test_a_message_whose_echo_is_swallowed_is_proven_by_history() -> None:
    async with staged() as stage:
        session = await stage.made()
        await stage.accept(session, "Hello")
        stage.control.fault("swallow_echo")
        await stage.attend(session)

        [confirmed] = await stage.of(session, "message.confirmed")
        assert confirmed["message"]["recovered"] is True
        assert stage.arrived() == ["Hello"]
        assert len(stage.frames("onMessage")) == 1


@on_virtual_time
async def test_a_message_that_was_swallowed_on_its_way_is_sent_again_once_absence_is_proven() -> (
    None
):
    async with staged() as stage:
        session = await stage.made()
        await stage.accept(session, "Hello")
        stage.control.fault("swallow_write", action="onMessage")
        await stage.attend(session)

        first, second = stage.times("onMessage")
        assert second - first >= 4 + 5
        assert stage.arrived() == ["Hello"]


@on_virtual_time
async def test_a_write_that_fails_leaves_a_question_that_history_answers() -> None:
    async with staged() as stage:
        session = await stage.made()
        await stage.accept(session, "Hello")

        stage.wires.fails["onMessage"] = LinkLostError(code=1006, reason="")
        async with stage.held(session, settle=30):
            [told] = await stage.of(session, "session.recovered")

        assert told["receipt"]["sends"] == {"proven": 0, "resent": 1, "unproven": 0}
        assert stage.arrived() == ["Hello"]
        assert len(stage.frames("onMessage")) == 2


@on_virtual_time
async def test_only_the_first_message_of_an_incarnation_carries_what_the_agent_should_know() -> (
    None
):
    async with staged(locale="en-US") as stage:
        session = await stage.made(custom_attributes={"order": "7"})
        await stage.accept(session, "one")
        await stage.accept(session, "two")
        await stage.attend(session)

        first, second = stage.frames("onMessage")
        carried = first["message"]["channel"]["metadata"]["customAttributes"]
        assert carried == {"order": "7", "locale": "en-US"}
        assert "channel" not in second["message"]


@on_virtual_time
async def test_a_join_goes_out_before_what_waits() -> None:
    async with staged(simulated={"auto_start": True}) as stage:
        session = await stage.made()
        await stage.accept(session, "Hello")
        await stage.attend(session)

        join, hello = stage.frames("onMessage")
        assert join["message"]["type"] == "Event"
        assert hello["message"]["text"] == "Hello"
        assert await stage.types(session) == [
            "message.accepted",
            "session.opened",
            "message.confirmed",
        ]


@on_virtual_time
async def test_while_nothing_proves_the_guest_session_nothing_is_sent() -> None:
    async with staged(history_lag_seconds=5) as stage:
        session = await stage.chatted()
        await stage.clock.sleep(60)
        await stage.accept(session, "More")
        stage.control.fault("fail_history", status=500, count=3)
        await stage.attend(session)

        [sent] = stage.times("onMessage")
        asked = [at for at, frame in stage.wires.sent if frame["action"] == "getJwt"]
        assert len(asked) == 4
        assert sent >= asked[-1]
        assert stage.arrived() == ["Hello", "More"]


@on_virtual_time
async def test_a_read_is_planned_for_when_it_can_tell_about_what_is_in_doubt() -> None:
    async with staged(history_lag_seconds=5) as stage:
        session = await stage.chatted()
        desk = await stage.desk(session)
        doubtful = await _left_in_flight(stage, session, "doubtful")
        desk.keep(await _left_in_flight(stage, session, "fine"))
        assert doubtful.written is not None
        mark = replace(doubtful.written, doubt_at=stage.now + 1)
        desk.keep(replace(doubtful, status=SendStatus.UNKNOWN, written=mark))
        plan_reads(desk)

        assert desk.reading.due == stage.now + 1 + 5


def _introductions(stage: Stage) -> list[bool]:
    """Of each message and Join that was written, whether it told of the chat before."""
    return ["previousIncarnation" in json.dumps(frame) for frame in stage.frames("onMessage")]


@on_virtual_time
async def test_after_a_join_that_told_of_the_chat_before_no_message_tells_of_it_again() -> None:
    async with staged(simulated={"auto_start": True}) as stage:
        session = await stage.chatted()
        stage.control.wipe()
        async with stage.held(session) as inbox:
            await stage.accept(session, "in the same visit")
            inbox.put(Nudged())
            await stage.clock.sleep(1)

        assert _introductions(stage) == [True, False]


@on_virtual_time
async def test_a_later_visit_does_not_tell_again_of_the_chat_before() -> None:
    async with staged(simulated={"auto_start": True}) as stage:
        session = await stage.chatted()
        stage.control.wipe()
        async with stage.held(session):
            assert _introductions(stage) == [True]
        await stage.accept(session, "in a later visit")
        await stage.attend(session)

        assert _introductions(stage) == [True, False]
