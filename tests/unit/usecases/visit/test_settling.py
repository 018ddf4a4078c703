"""Ends of sends: each exactly once, in the log, whoever else is at work."""

from dataclasses import replace

import pytest

from service.domain.deployment import OnReadOnly
from service.domain.errors import LinkDeniedError, SupersededError, VersionConflictError
from service.domain.send import SendStatus, Written
from service.domain.session import Session, State
from tests.support.visit_stage import Stage, on_virtual_time, staged

CONFLICT = VersionConflictError(item="send")


@on_virtual_time
async def test_a_message_that_genesys_refuses_for_good_fails_with_its_code() -> None:
    async with staged() as stage:
        session = await stage.made()
        await stage.accept(session, "x" * 5000)
        await stage.attend(session)

        [failed] = await stage.of(session, "message.failed")
        assert failed["message"]["failure"]["code"] == "rejected_by_genesys"
        assert failed["message"]["failure"]["providerCode"] == "4011"
        assert await stage.ports.sessions.open_sends(session.id) == []


@on_virtual_time
async def test_a_message_that_is_refused_each_time_is_given_up_after_five_attempts() -> None:
    async with staged() as stage:
        session = await stage.made()
        await stage.accept(session, "Hello")
        stage.control.fault("refuse", action="onMessage", code=4007, count=0)
        async with stage.held(session, settle=120):
            [failed] = await stage.of(session, "message.failed")

        assert failed["message"]["failure"]["code"] in {"rejected_by_genesys", "outcome_unknown"}
        assert len(stage.frames("onMessage")) == 5


@on_virtual_time
async def test_who_marks_a_send_that_somebody_else_marked_begins_again() -> None:
    async with staged() as stage:
        session = await stage.made()
        await stage.accept(session, "Hello")
        stage.sessions.fail("change_send", CONFLICT)
        await stage.attend(session)

        assert stage.arrived() == ["Hello"]
        assert len(stage.frames("onMessage")) == 1
        assert stage.wires.opened == 2


@on_virtual_time
async def test_who_settles_a_send_that_somebody_else_settled_begins_again() -> None:
    async with staged() as stage:
        session = await stage.made()
        await stage.accept(session, "Hello")
        stage.sessions.fail("append", CONFLICT)
        await stage.attend(session)

        assert (await stage.types(session)).count("message.confirmed") == 1
        assert stage.arrived() == ["Hello"]


@on_virtual_time
async def test_a_proof_that_the_log_has_already_shows_that_another_visit_settled_it() -> None:
    async with staged() as stage:
        session = await stage.made()
        send = await stage.accept(session, "Hello")

        async def logged_elsewhere() -> None:
            await stage.foreign(session, "Hello", key=f"t:{send.tracing_id}")

        stage.sessions.before("append", logged_elsewhere)
        with pytest.raises(SupersededError):
            await stage.visit(session)


@on_virtual_time
async def test_what_was_written_to_a_guest_session_that_is_gone_has_an_unknown_outcome() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        send = await stage.accept(session, "Did it arrive?")
        mark = Written(at=stage.now, incarnation=1, writer="dead", link="lnk_dead")
        dead = replace(send, status=SendStatus.WRITTEN, attempt=1, written=mark)
        await stage.ports.sessions.change_send(send, dead)
        stage.control.wipe()
        await stage.attend(session)

        [failed] = await stage.of(session, "message.failed")
        assert failed["message"]["failure"]["code"] == "outcome_unknown"
        assert stage.arrived() == ["Hello"]


@on_virtual_time
async def test_a_session_that_fails_settles_what_was_never_written_and_what_was() -> None:
    async with staged() as stage:
        session = await stage.made()
        written = await stage.accept(session, "written")
        await stage.accept(session, "waiting")
        mark = Written(at=stage.now, incarnation=1, writer="dead", link="lnk_dead")
        await stage.ports.sessions.change_send(
            written, replace(written, status=SendStatus.WRITTEN, attempt=1, written=mark)
        )
        stage.control.fault("deny_handshake", status=403)
        await stage.attend(session)

        failed = await stage.of(session, "message.failed")
        assert [each["message"]["failure"]["code"] for each in failed] == [
            "outcome_unknown",
            "session_failed",
        ]
        assert (await stage.load(session)).state is State.FAILED


@on_virtual_time
async def test_a_join_that_is_refused_goes_without_a_trace() -> None:
    async with staged(simulated={"auto_start": True}) as stage:
        session = await stage.made()
        stage.control.fault("refuse", action="onMessage", code=400)
        async with stage.held(session, settle=10):
            assert await stage.types(session) == ["session.opened"]
            assert await stage.ports.sessions.open_sends(session.id) == []


@on_virtual_time
async def test_a_join_that_somebody_else_dropped_begins_the_visit_again() -> None:
    async with staged(simulated={"auto_start": True}) as stage:
        session = await stage.made()
        stage.sessions.fail("drop_send", CONFLICT)

        with pytest.raises(SupersededError):
            await stage.visit(session)


@on_virtual_time
async def test_a_refusal_that_may_pass_is_tried_again_after_a_moment() -> None:
    async with staged() as stage:
        session = await stage.made()
        await stage.accept(session, "Hello")
        stage.control.fault("refuse", action="onMessage", code=429)
        await stage.attend(session)

        first, second = stage.times("onMessage")
        assert second - first >= 1.0
        assert stage.arrived() == ["Hello"]


async def _closed(stage: Stage, on_read_only: OnReadOnly | None = None) -> Session:
    """A session of which somebody knows already that its chat is closed."""
    session = await stage.chatted(on_read_only=on_read_only)
    stage.control.disconnect(session.client_id)
    await stage.reconcile(session)
    return await stage.load(session)


async def _in_flight(stage: Stage, session: Session) -> None:
    send = await stage.accept(session, "Did it arrive?")
    mark = Written(at=stage.now, incarnation=1, writer="dead", link="lnk_dead")
    dead = replace(send, status=SendStatus.WRITTEN, attempt=1, written=mark)
    await stage.ports.sessions.change_send(send, dead)


async def _codes(stage: Stage, session: Session) -> list[str]:
    failed = await stage.of(session, "message.failed")
    return [each["message"]["failure"]["code"] for each in failed]


@on_virtual_time
async def test_a_closed_chat_refuses_what_waits_also_when_nobody_can_attach_to_it() -> None:
    async with staged(on_read_only=OnReadOnly.REFUSE) as stage:
        session = await _closed(stage)
        await stage.accept(session, "More")
        stage.wires.denied.extend(LinkDeniedError(status=503) for _ in range(50))
        await stage.attend(session, seconds=1)

        assert await _codes(stage, session) == ["session_read_only"]


@on_virtual_time
async def test_a_chat_that_is_found_closed_refuses_what_waits_also_without_its_history() -> None:
    async with staged(on_read_only=OnReadOnly.REFUSE) as stage:
        session = await stage.chatted()
        stage.control.disconnect(session.client_id)
        stage.control.fault("fail_history", action="history", count=0)
        await stage.accept(session, "More")
        await stage.attend(session, seconds=1)

        assert await _codes(stage, session) == ["session_read_only"]


@pytest.mark.parametrize("code", [4007, 4017])
@on_virtual_time
async def test_what_was_written_to_a_closed_chat_that_is_gone_has_an_unknown_outcome(
    code: int,
) -> None:
    async with staged(on_read_only=OnReadOnly.REFUSE) as stage:
        session = await _closed(stage)
        await _in_flight(stage, session)
        stage.control.fault("refuse", action="configureSession", code=code)
        await stage.attend(session, seconds=1)

        assert await _codes(stage, session) == ["outcome_unknown"]


@on_virtual_time
async def test_a_closed_chat_whose_history_never_answers_is_given_up_after_an_hour() -> None:
    async with staged(on_read_only=OnReadOnly.REFUSE) as stage:
        session = await _closed(stage)
        await _in_flight(stage, session)
        stage.control.fault("fail_history", action="history", count=0)
        await stage.clock.sleep(3000)
        await stage.reconcile(session)
        early = await _codes(stage, session)
        await stage.clock.sleep(600)
        await stage.reconcile(session)

        assert (early, await _codes(stage, session)) == ([], ["outcome_unknown"])


@on_virtual_time
async def test_history_is_asked_once_more_what_became_of_a_message_however_old() -> None:
    async with staged(on_read_only=OnReadOnly.REFUSE) as stage:
        session = await _closed(stage)
        await _in_flight(stage, session)
        await stage.clock.sleep(4000)
        await stage.reconcile(session)

        assert await _codes(stage, session) == ["session_read_only"]


@on_virtual_time
async def test_each_message_that_waits_on_a_closed_chat_has_its_own_way() -> None:
    async with staged(on_read_only=OnReadOnly.REFUSE) as stage:
        session = await _closed(stage)
        await stage.accept(session, "As the owner says")
        await stage.accept(session, "Begin another", on_read_only=OnReadOnly.START_NEW)
        await stage.accept(session, "Only here", on_read_only=OnReadOnly.REFUSE)
        await stage.attend(session)

        failed = await stage.of(session, "message.failed")
        texts = [each["message"]["text"] for each in failed]
        assert texts == ["As the owner says", "Only here"]
        assert "startNew" in failed[0]["message"]["failure"]["detail"]
        assert stage.arrived() == ["Hello", "Begin another"]
        assert (await stage.load(session)).incarnation == 2


@on_virtual_time
async def test_a_session_may_refuse_where_its_deployment_does_not() -> None:
    async with staged() as stage:
        session = await _closed(stage, on_read_only=OnReadOnly.REFUSE)
        await stage.accept(session, "More")
        await stage.attend(session)

        assert await _codes(stage, session) == ["session_read_only"]
        assert (await stage.load(session)).incarnation == 1


@on_virtual_time
async def test_a_409_is_settled_by_the_choice_of_the_message_that_got_it() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        await stage.accept(session, "Only here", on_read_only=OnReadOnly.REFUSE)
        stage.control.fault("refuse", action="onMessage", code=409)
        async with stage.held(session):
            pass

        assert await _codes(stage, session) == ["session_read_only"]
        assert (await stage.load(session)).state is State.READ_ONLY
