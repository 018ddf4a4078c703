"""Files: an address is asked for, an upload is awaited, and what never comes is given up."""

from dataclasses import replace

import pytest

from service.domain.attachment import AttachmentChange, AttachmentStatus
from service.domain.errors import LinkLostError
from service.domain.ids import AttachmentId
from service.usecases.visit import Nudged
from service.usecases.visit.file_asking import awaits_files
from tests.support.file_stage import asked, attend, put, send, stored
from tests.support.visit_stage import on_virtual_time, staged
from tests.support.wire_story import tells

S = AttachmentStatus


@tells("onAttachment", "PresignedUrlResponse", "UploadSuccessEvent", "Attachment")
@on_virtual_time
async def test_a_file_goes_up_and_out_with_a_message() -> None:
    async with staged() as stage:
        session = await stage.made()
        async with stage.held(session) as inbox:
            file = await asked(stage, session)
            inbox.put(Nudged())
            await stage.clock.sleep(1)
            waiting = await stored(stage, file)
            assert await put(stage, file) == 200
            await stage.clock.sleep(1)
            there = await stored(stage, file)
            message = await send(stage, session, file)
            inbox.put(Nudged())
            await stage.clock.sleep(1)

        assert (waiting.status, there.status) == (S.AWAITING_UPLOAD, S.UPLOADED)
        [told] = await stage.of(session, "attachment.uploaded")
        assert told["attachment"]["id"] == file.id
        assert "upload" not in told["attachment"]
        [confirmed] = await stage.of(session, "message.confirmed")
        assert confirmed["message"]["id"] == message.message_id
        [frame] = stage.frames("onMessage")
        assert frame["message"]["content"] == [
            {"contentType": "Attachment", "attachment": {"id": there.guest_id}}
        ]
        assert (await stored(stage, file)).status is S.SENT


@on_virtual_time
async def test_a_visit_on_demand_gets_the_address_and_a_later_one_learns_of_the_upload() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        file = await attend(stage, await asked(stage, session))
        assert await put(stage, file) == 200
        await stage.clock.sleep(5)
        assert (await stored(stage, file)).status is S.AWAITING_UPLOAD
        await stage.reconcile(session)

        assert (await stored(stage, file)).status is S.UPLOADED
        assert len(stage.frames("getAttachment")) == 1
        assert len(await stage.of(session, "attachment.uploaded")) == 1
        due = (await stage.load(session)).wake_at
        assert due is not None


@on_virtual_time
async def test_a_session_with_an_address_out_is_looked_at_soon() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        await attend(stage, await asked(stage, session))

        due = (await stage.load(session)).wake_at
        assert due is not None
        assert due - stage.now <= 5


@on_virtual_time
async def test_a_sweeper_stays_for_an_upload_under_way() -> None:
    async with staged(knobs={"scan_seconds": 5}) as stage:
        session = await stage.chatted()
        file = await attend(stage, await asked(stage, session))
        await put(stage, file)
        await stage.reconcile(session)

        assert (await stored(stage, file)).status is S.UPLOADED
        assert await stage.types(session) == [
            *(await stage.types(session))[:-1],
            "attachment.uploaded",
        ]


@on_virtual_time
async def test_an_upload_that_never_comes_is_given_up() -> None:
    async with staged(knobs={"upload_seconds": 30}) as stage:
        session = await stage.made()
        file = await asked(stage, session)
        async with stage.held(session):
            await stage.clock.sleep(120)

        [told] = await stage.of(session, "attachment.failed")
        assert told["attachment"]["failure"]["code"] == "upload_not_seen"
        assert (await stored(stage, file)).upload is None
        # Looked for one last time.
        assert len(stage.frames("getAttachment")) == 1


@on_virtual_time
async def test_an_upload_whose_event_was_missed_is_found_at_the_last_look() -> None:
    async with staged(knobs={"upload_seconds": 30}) as stage:
        session = await stage.made()
        file = await asked(stage, session)
        async with stage.held(session):
            stage.control.fault("swallow_frame", frame_class="UploadSuccessEvent", count=1)
            await put(stage, file)
            await stage.clock.sleep(120)

        assert (await stored(stage, file)).status is S.UPLOADED


@on_virtual_time
async def test_a_last_look_that_nobody_answers_gives_the_upload_up() -> None:
    async with staged(knobs={"upload_seconds": 30}) as stage:
        session = await stage.made()
        file = await asked(stage, session)
        stage.control.fault("swallow_write", action="getAttachment", count=9)
        async with stage.held(session):
            await stage.clock.sleep(200)

        failure = (await stored(stage, file)).failure
        assert failure is not None
        assert failure.code == "upload_not_seen"


@on_virtual_time
async def test_a_visit_does_not_leave_while_an_answer_is_out() -> None:
    async with staged() as stage:
        desk = await stage.desk(await stage.made())
        assert not awaits_files(desk)
        desk.files.carrying.add(AttachmentId("att_1"))
        assert awaits_files(desk)


@on_virtual_time
async def test_an_address_whose_answer_is_lost_is_asked_for_again() -> None:
    async with staged() as stage:
        session = await stage.made()
        file = await asked(stage, session)
        stage.control.fault("swallow_frame", frame_class="PresignedUrlResponse", count=2)
        async with stage.held(session):
            await stage.clock.sleep(30)

        first, second, third = (frame["attachmentId"] for frame in stage.frames("onAttachment"))
        assert len({first, second, third}) == 3
        assert (await stored(stage, file)).guest_id == third


@on_virtual_time
async def test_an_address_that_is_never_given_is_given_up() -> None:
    async with staged() as stage:
        session = await stage.made()
        file = await asked(stage, session)
        stage.control.fault("swallow_frame", frame_class="PresignedUrlResponse", count=9)
        async with stage.held(session):
            await stage.clock.sleep(60)

        assert len(stage.frames("onAttachment")) == 3
        failure = (await stored(stage, file)).failure
        assert failure is not None
        assert failure.code == "upload_address_unavailable"


@on_virtual_time
async def test_a_lost_link_asks_anew() -> None:
    async with staged() as stage:
        session = await stage.made()
        file = await asked(stage, session)
        stage.wires.fails["onAttachment"] = LinkLostError(code=1006)
        async with stage.held(session):
            await stage.clock.sleep(10)

        assert (await stored(stage, file)).status is S.AWAITING_UPLOAD
        assert len(stage.frames("onAttachment")) == 2


@pytest.mark.parametrize("ask", ["getAttachment"])
@on_virtual_time
async def test_a_look_that_nobody_answers_is_given_up_on_that_link(ask: str) -> None:
    async with staged() as stage:
        session = await stage.chatted()
        file = await attend(stage, await asked(stage, session))
        await put(stage, file)
        await stage.clock.sleep(1)
        stage.control.fault("swallow_frame", frame_class="PresignedUrlResponse", count=9)
        async with stage.held(session):
            await stage.clock.sleep(60)

        assert len(stage.frames(ask)) == 3
        assert (await stored(stage, file)).status is S.AWAITING_UPLOAD


@on_virtual_time
async def test_an_address_of_a_guest_session_that_is_gone_is_asked_for_again() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        file = await attend(stage, await asked(stage, session))
        stage.control.forget(session.client_id)
        async with stage.held(session):
            await stage.clock.sleep(10)

        fresh = await stored(stage, file)
        assert (fresh.status, fresh.incarnation) == (S.AWAITING_UPLOAD, 2)
        assert fresh.guest_id != file.guest_id
        assert await put(stage, file) == 200


@on_virtual_time
async def test_a_file_that_was_to_be_deleted_went_with_its_guest_session() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        file = await attend(stage, await asked(stage, session))
        gone = replace(file, status=S.DELETING)
        await stage.ports.attachments.wish(AttachmentChange(before=file, after=gone))
        stage.control.forget(session.client_id)
        async with stage.held(session):
            await stage.clock.sleep(10)

        assert (await stored(stage, file)).status is S.DELETED
        assert stage.frames("deleteAttachment") == []


@on_virtual_time
async def test_a_deletion_that_genesys_does_not_answer_is_given_up_by_who_holds_the_link() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        file = await attend(stage, await asked(stage, session))
        stage.control.fault("swallow_write", action="deleteAttachment", count=3)
        async with stage.held(session) as inbox:
            there = await stored(stage, file)
            gone = replace(there, status=S.DELETING, updated_at=stage.now)
            await stage.ports.attachments.wish(AttachmentChange(before=there, after=gone))
            inbox.put(Nudged())
            await stage.clock.sleep(3500)
            before = await stored(stage, file)
            await stage.clock.sleep(200)

            # Nothing else happened meanwhile that might have woken the visit.
            assert (before.status, len(stage.frames("deleteAttachment"))) == (S.DELETING, 3)
            assert (await stored(stage, file)).status is S.UPLOADED


@on_virtual_time
async def test_what_nobody_can_attach_for_is_given_up_after_an_hour() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        requested = await asked(stage, session)
        waiting = await attend(stage, await asked(stage, session))
        stage.control.fault("deny_handshake", status=503, count=0)
        file = await asked(stage, session)
        # Nobody tries meanwhile: a try every three seconds would take this test long.
        await stage.clock.sleep(3500)
        async with stage.held(session):
            await stage.clock.sleep(1500)

        codes = {}
        for each in (requested, waiting, file):
            failure = (await stored(stage, each)).failure
            codes[each.id] = None if failure is None else failure.code
        assert codes[waiting.id] == "upload_not_seen"
        assert codes[file.id] == "upload_address_unavailable"


@on_virtual_time
async def test_many_files_leave_the_reserve_of_a_link_alone() -> None:
    async with staged() as stage:
        session = await stage.made()
        async with stage.held(session) as inbox:
            files = [await asked(stage, session) for _ in range(60)]
            inbox.put(Nudged())
            await stage.clock.sleep(150)

        times = [at for at, _ in stage.wires.sent]
        assert max(sum(at <= each < at + 60 for each in times) for at in times) <= 50
        # They waited, and were not forgotten.
        waiting = [(await stored(stage, file)).status for file in files]
        assert waiting == [S.AWAITING_UPLOAD] * 60


@on_virtual_time
async def test_a_wish_that_no_link_ever_answers_is_given_up() -> None:
    async with staged() as stage:
        session = await stage.made()
        facts = {"guest_id": "g", "incarnation": 1, "updated_at": stage.now}
        going = await asked(stage, session, status=S.DELETING, **facts)
        wanted = await asked(stage, session, status=S.SENT, wanted_at=stage.now, **facts)
        stage.wires.denied.extend([LinkLostError(code=1006, reason="down")] * 500)
        await stage.clock.sleep(3500)
        await stage.reconcile(session)
        before = await stored(stage, going), await stored(stage, wanted)
        await stage.clock.sleep(200)
        await stage.reconcile(session)

        assert (before[0].status, before[1].wanted_at) == (S.DELETING, wanted.wanted_at)
        assert (await stored(stage, going)).status is S.UPLOADED
        assert (await stored(stage, wanted)).wanted_at is None


@on_virtual_time
async def test_a_session_is_looked_at_less_often_the_longer_its_upload_takes() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        await attend(stage, await asked(stage, session))
        pauses = []
        for wait in (60, 60, 300):
            await stage.clock.sleep(wait)
            await stage.reconcile(session)
            due = (await stage.load(session)).wake_at
            assert due is not None
            pauses.append(due - stage.now)

        assert 15 <= pauses[0] < pauses[1] < pauses[2] == 60
