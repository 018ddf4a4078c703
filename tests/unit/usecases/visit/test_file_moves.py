"""Files move with their messages, and none waits for a chat that is over."""

from dataclasses import replace

import pytest

from service.domain.attachment import Attachment, AttachmentChange, AttachmentStatus
from service.domain.events import LeaveRequested
from service.domain.message import SendBody
from service.domain.session import Session
from service.simulator.deployments import Disconnect
from tests.support.file_stage import asked, attend, put, send, stored
from tests.support.visit_stage import Stage, on_virtual_time, staged

S = AttachmentStatus


async def _up(stage: Stage, session: Session) -> Attachment:
    file = await attend(stage, await asked(stage, session))
    await put(stage, file)
    await stage.reconcile(session)
    return await stored(stage, file)


@on_virtual_time
async def test_a_message_that_genesys_refuses_gives_its_file_back() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        file = await _up(stage, session)
        stage.control.fault("refuse", action="onMessage", code=4011, count=1)
        await send(stage, session, file)
        await stage.attend(session)

        [failed] = await stage.of(session, "message.failed")
        assert failed["message"]["failure"]["providerCode"] == "4011"
        back = await stored(stage, file)
        assert (back.status, back.message_id) == (S.UPLOADED, None)


@on_virtual_time
async def test_a_refusal_that_speaks_of_the_file_has_it_looked_for() -> None:
    async with staged(knobs={"attachment_seconds": 100}) as stage:
        session = await stage.chatted()
        file = await _up(stage, session)
        await stage.clock.sleep(200)
        await send(stage, session, file)
        async with stage.held(session):
            await stage.clock.sleep(5)

        assert await stage.of(session, "message.failed")
        [told] = await stage.of(session, "attachment.failed")
        assert told["attachment"]["failure"]["code"] == "attachment_expired"
        assert (await stored(stage, file)).status is S.FAILED


@on_virtual_time
async def test_a_file_whose_message_has_an_unknown_outcome_is_not_sent_again() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        file = await _up(stage, session)
        await send(stage, session, file)
        stage.control.fault("swallow_write", action="onMessage", count=1)
        async with stage.held(session, settle=1):
            await stage.clock.sleep(1)
            stage.control.forget(session.client_id)
            stage.control.drop(session.client_id)
            await stage.clock.sleep(30)

        [failed] = await stage.of(session, "message.failed")
        assert failed["message"]["failure"]["code"] == "outcome_unknown"
        lost = await stored(stage, file)
        assert (lost.status, lost.failure and lost.failure.code) == (S.FAILED, "outcome_unknown")


@on_virtual_time
async def test_the_end_of_a_session_is_the_end_of_its_files() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        waiting = await attend(stage, await asked(stage, session))
        ready = await _up(stage, session)
        async with stage.held(session):
            stage.control.inject(
                session.client_id,
                '{"type":"message","class":"SessionClearedEvent","code":200,"body":{}}',
            )
            await stage.clock.sleep(5)

        assert (await stage.types(session))[-1] == "attachment.failed"
        for file in (waiting, ready):
            failure = (await stored(stage, file)).failure
            assert failure is not None
            assert failure.code == "session_ended"


@on_virtual_time
async def test_who_wants_to_know_where_a_sent_file_is_is_not_kept_waiting_by_the_end() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        file = await _up(stage, session)
        await send(stage, session, file)
        await stage.attend(session)
        there = await stored(stage, file)
        wish = replace(there, wanted_at=stage.now)
        await stage.ports.attachments.wish(AttachmentChange(before=there, after=wish))
        await stage.assembly.change(session.id, LeaveRequested())
        await stage.reconcile(session)

        after = await stored(stage, file)
        assert (after.status, after.wanted_at) == (S.SENT, None)


@on_virtual_time
async def test_a_closed_chat_takes_no_upload_but_keeps_what_is_there() -> None:
    async with staged(simulated={"disconnect": Disconnect.READ_ONLY}) as stage:
        session = await stage.chatted()
        ready = await _up(stage, session)
        waiting = await attend(stage, await asked(stage, session))
        async with stage.held(session):
            stage.control.disconnect(session.client_id)
            await stage.clock.sleep(5)

        failure = (await stored(stage, waiting)).failure
        assert failure is not None
        assert failure.code == "session_read_only"
        assert (await stored(stage, ready)).status is S.UPLOADED


@on_virtual_time
async def test_the_news_of_an_upload_that_lost_its_race_are_told_once() -> None:
    async with staged() as stage:
        session = await stage.made()
        file = await asked(stage, session)
        async with stage.held(session):
            before = await stored(stage, file)

            async def another() -> None:
                change = AttachmentChange(before=before, after=before)
                await stage.broker.ports.attachments.change(change)

            stage.sessions.before("append", another)
            await put(stage, file)
            await stage.clock.sleep(2)
            # The event was not logged, for the file had moved: the next look finds it.
            assert await stage.of(session, "attachment.uploaded") == []
        await stage.reconcile(session)

        assert len(await stage.of(session, "attachment.uploaded")) == 1


@on_virtual_time
async def test_a_message_whose_file_is_gone_from_the_table_fails() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        send_ = await stage.accept(session, "Look")
        body = SendBody(text="Look", attachment_ids=("att_gone",))
        await stage.ports.sessions.change_send(send_, replace(send_, body=body))
        await stage.attend(session)

        [failed] = await stage.of(session, "message.failed")
        assert failed["message"]["failure"]["code"] == "attachment_failed"


@on_virtual_time
async def test_a_message_behind_one_whose_file_is_lost_goes_out() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        file = await _up(stage, session)
        await send(stage, session, file, "With it")
        # The address is too old for the file to be carried over.
        await stage.clock.sleep(700)
        stage.control.forget(session.client_id)
        await stage.accept(session, "After it")
        async with stage.held(session):
            await stage.clock.sleep(10)

        [failed] = await stage.of(session, "message.failed")
        assert failed["message"]["text"] == "With it"
        assert "After it" in stage.arrived()


@pytest.mark.parametrize("text", ["", "Look"])
@on_virtual_time
async def test_a_message_with_a_file_is_proven_by_history(text: str) -> None:
    async with staged(knobs={"history_metadata": False}) as stage:
        session = await stage.chatted()
        file = await _up(stage, session)
        message = await send(stage, session, file, text)
        stage.control.fault("swallow_echo", count=1)
        async with stage.held(session, settle=1):
            await stage.clock.sleep(30)

        *_, confirmed = await stage.of(session, "message.confirmed")
        assert confirmed["message"]["id"] == message.message_id
        assert confirmed["message"]["recovered"]
        assert len(stage.frames("onMessage")) == 1
        assert (await stored(stage, file)).status is S.SENT


@on_virtual_time
async def test_a_deletion_that_a_closed_chat_overtook_keeps_nobody_busy() -> None:
    async with staged(simulated={"disconnect": Disconnect.READ_ONLY}) as stage:
        session = await stage.chatted()
        file = await _up(stage, session)
        stage.control.disconnect(session.client_id)
        await stage.reconcile(session)
        before = await stored(stage, file)
        going = replace(before, status=S.DELETING, updated_at=stage.now)
        await stage.ports.attachments.wish(AttachmentChange(before=before, after=going))
        await stage.reconcile(session)

        assert (await stored(stage, file)).status is S.UPLOADED
        due = (await stage.load(session)).wake_at
        assert due is None or due > stage.now + 60
