"""What frames say of files comes to what it says, and every refusal has a name of ours."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from service.domain.attachment import Attachment, AttachmentChange, AttachmentStatus, moved
from service.domain.ids import AttachmentId
from service.domain.session import Session
from service.guest.messages import AttachmentDeletedResponse, ErrorFrame, PresignedUrlResponse
from service.usecases.visit import Nudged
from service.usecases.visit.file_frames import file_frame
from service.usecases.visit.file_shelf import Ask, Asked
from tests.support.file_stage import asked, attend, put, send, stored
from tests.support.visit_stage import Stage, on_virtual_time, staged
from tests.support.wire_story import tells

S = AttachmentStatus


async def _code(stage: Stage, attachment: Attachment) -> tuple[str, str | None]:
    failure = (await stored(stage, attachment)).failure
    assert failure is not None
    return failure.code, failure.provider_code


async def _wish(stage: Stage, attachment: Attachment, **changes: Any) -> None:  # noqa: ANN401 - fields of Attachment
    before = await stored(stage, attachment)
    after = replace(before, **changes)
    await stage.ports.attachments.wish(AttachmentChange(before=before, after=after))


async def _up(stage: Stage, session: Session) -> Attachment:
    file = await attend(stage, await asked(stage, session))
    await put(stage, file)
    await stage.reconcile(session)
    return await stored(stage, file)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"file_name": "run.exe"}, ("attachment_type_not_allowed", "4001")),
        ({"file_size": 0}, ("attachment_empty", "4102")),
        ({"file_name": "photo"}, ("attachment_name_invalid", "4004")),
        ({"file_name": "x" * 1100 + ".jpg"}, ("attachment_name_invalid", "4005")),
        ({"file_size": 10**9}, ("attachment_too_large", "4002")),
    ],
)
@tells("GenerateUrlError")
@on_virtual_time
async def test_a_refused_address_fails_the_file(
    fields: Mapping[str, object], code: tuple[str, str]
) -> None:
    async with staged() as stage:
        session = await stage.made()
        file = await attend(stage, await asked(stage, session, **fields))

        assert file.status is S.FAILED
        assert await _code(stage, file) == code
        [told] = await stage.of(session, "attachment.failed")
        assert told["attachment"]["failure"]["providerCode"] == code[1]


@on_virtual_time
async def test_a_deployment_without_files_says_so() -> None:
    async with staged(simulated={"attachments": False}) as stage:
        file = await attend(stage, await asked(stage, await stage.made()))

        assert await _code(stage, file) == ("attachments_disabled", "4000")


@tells("UploadFailureEvent")
@on_virtual_time
async def test_an_upload_that_genesys_refuses_fails_the_file() -> None:
    async with staged() as stage:
        session = await stage.made()
        file = await asked(stage, session)
        async with stage.held(session):
            await put(stage, file, b"of another size")
            await stage.clock.sleep(1)

        assert await _code(stage, file) == ("attachment_too_large", "4002")


@on_virtual_time
async def test_asking_waits_as_long_as_genesys_says() -> None:
    async with staged() as stage:
        session = await stage.made()
        file = await asked(stage, session)
        stage.control.fault("throttle", action="onAttachment", retry_after=7, count=1)
        stage.control.fault("throttle", action="onAttachment", count=4)
        async with stage.held(session):
            await stage.clock.sleep(60)

        first, second, *_ = stage.times("onAttachment")
        assert 7 <= second - first < 9
        assert (await stored(stage, file)).status is S.AWAITING_UPLOAD


@tells("deleteAttachment", "AttachmentDeletedResponse")
@on_virtual_time
async def test_a_file_is_deleted_at_genesys() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        file = await _up(stage, session)
        await _wish(stage, file, status=S.DELETING)
        await stage.reconcile(session)

        assert (await stored(stage, file)).status is S.DELETED
        assert len(stage.frames("deleteAttachment")) == 1


@on_virtual_time
async def test_what_genesys_does_not_have_counts_as_deleted() -> None:
    async with staged(knobs={"attachment_seconds": 100}) as stage:
        session = await stage.chatted()
        file = await _up(stage, session)
        await stage.clock.sleep(200)
        await _wish(stage, file, status=S.DELETING)
        await stage.reconcile(session)

        assert (await stored(stage, file)).status is S.DELETED


@on_virtual_time
async def test_what_genesys_does_not_delete_stays_uploaded() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        file = await _up(stage, session)
        await _wish(stage, file, status=S.DELETING)
        stage.control.fault("refuse", action="deleteAttachment", code=403, count=1)
        await stage.reconcile(session)

        assert (await stored(stage, file)).status is S.UPLOADED


@on_virtual_time
async def test_a_deletion_that_nobody_answers_is_left_to_a_later_visit() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        file = await _up(stage, session)
        await _wish(stage, file, status=S.DELETING)
        stage.control.fault("swallow_write", action="deleteAttachment", count=3)
        async with stage.held(session):
            await stage.clock.sleep(60)

        assert (await stored(stage, file)).status is S.DELETING
        await stage.clock.sleep(60)
        await stage.reconcile(session)
        assert (await stored(stage, file)).status is S.DELETED


@tells("getAttachment")
@on_virtual_time
async def test_a_fresh_address_is_learnt_where_somebody_wants_it() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        file = await _up(stage, session)
        await stage.clock.sleep(700)
        await _wish(stage, file, wanted_at=stage.now)
        await stage.reconcile(session)

        fresh = await stored(stage, file)
        assert fresh.wanted_at is None
        assert fresh.download is not None
        assert fresh.download.at > stage.now - 60


@on_virtual_time
async def test_one_link_is_asked_as_often_as_somebody_wants_to_know() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        file = await _up(stage, session)
        stage.wires.sent.clear()
        async with stage.held(session) as inbox:
            for _ in range(5):
                await _wish(stage, file, wanted_at=stage.now, updated_at=stage.now)
                inbox.put(Nudged())
                await stage.clock.sleep(2)

        assert len(stage.frames("getAttachment")) == 5
        assert (await stored(stage, file)).wanted_at is None


@on_virtual_time
async def test_an_unsent_file_that_expired_fails_and_a_sent_one_only_loses_its_bytes() -> None:
    async with staged(knobs={"attachment_seconds": 300}) as stage:
        session = await stage.chatted()
        unsent, with_it = await _up(stage, session), await _up(stage, session)
        await send(stage, session, with_it)
        await stage.attend(session)
        await stage.clock.sleep(400)
        for file in (unsent, with_it):
            await _wish(stage, file, wanted_at=stage.now)
        await stage.reconcile(session)

        assert await _code(stage, unsent) == ("attachment_expired", "4008")
        assert await _code(stage, with_it) == ("attachment_expired", "4008")
        assert (await stored(stage, unsent)).status is S.FAILED
        assert (await stored(stage, with_it)).status is S.SENT


@on_virtual_time
async def test_an_address_that_expired_before_the_upload_is_not_waited_for() -> None:
    async with staged(knobs={"attachment_seconds": 20}) as stage:
        session = await stage.chatted()
        file = await attend(stage, await asked(stage, session))
        await stage.clock.sleep(60)
        await stage.reconcile(session)

        assert await _code(stage, file) == ("attachment_expired", "4008")


@on_virtual_time
async def test_a_question_that_finds_the_guest_session_gone_has_it_replaced() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        async with stage.held(session) as inbox:
            stage.control.forget(session.client_id)
            file = await asked(stage, session)
            inbox.put(Nudged())
            await stage.clock.sleep(30)

        assert "session.replaced" in await stage.types(session)
        assert (await stored(stage, file)).incarnation == 2


@on_virtual_time
async def test_what_speaks_of_no_file_of_ours_is_passed_over() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        file = await _up(stage, session)
        frames: list[tuple[str, dict[str, object]]] = [
            ("UploadSuccessEvent", {"attachmentId": "a"}),
            ("UploadFailureEvent", {"attachmentId": "a"}),
            ("AttachmentDeletedResponse", {"attachmentId": "a"}),
            ("PresignedUrlResponse", {"attachmentId": "a", "url": "https://x.test", "headers": {}}),
            ("GenerateUrlError", {"errorCode": 4001}),
            ("UploadSuccessEvent", {"attachmentId": file.guest_id}),
            ("UploadFailureEvent", {"attachmentId": file.guest_id, "errorCode": 4001}),
            ("AttachmentDeletedResponse", {"attachmentId": file.guest_id}),
        ]
        async with stage.held(session):
            for name, body in frames:
                frame = {"type": "message", "class": name, "code": 200, "body": body}
                stage.control.inject(session.client_id, json.dumps(frame))
            await stage.clock.sleep(5)

        assert await stored(stage, file) == file
        assert (await stage.types(session)).count("attachment.failed") == 0


@on_virtual_time
async def test_answers_that_come_too_late_change_nothing() -> None:
    """Somebody else moved the file on while the question was out."""
    for status, action in (
        (S.FAILED, "onAttachment"),
        (S.UPLOADED, "deleteAttachment"),
    ):
        async with staged(knobs={"answer_delay_seconds": 1}) as stage:
            session = await stage.chatted()
            if action == "onAttachment":
                file = await asked(stage, session)
            else:
                file = await _up(stage, session)
                await _wish(stage, file, status=S.DELETING)
            async with stage.held(session, settle=1.5) as inbox:
                while not stage.frames(action):
                    await stage.clock.sleep(0.1)
                await _wish(stage, file, status=status, updated_at=stage.now)
                stage.control.fault("refuse", action=action, code=403, count=0)
                inbox.put(Nudged())
                await stage.clock.sleep(5)

            assert (await stored(stage, file)).status is status


@on_virtual_time
async def test_a_change_that_lost_its_race_is_read_again() -> None:
    async with staged(knobs={"answer_delay_seconds": 1}) as stage:
        session = await stage.chatted()
        file = await asked(stage, session)
        async with stage.held(session, settle=1.5):
            while not stage.frames("onAttachment"):
                await stage.clock.sleep(0.1)
            before = await stored(stage, file)
            after = moved(before, S.REQUESTED, now=stage.now)
            # Nobody is told: the answer finds another version.
            await stage.ports.attachments.change(AttachmentChange(before=before, after=after))
            await stage.clock.sleep(8)

        assert (await stored(stage, file)).status is S.AWAITING_UPLOAD
        assert len(stage.frames("onAttachment")) == 2


@on_virtual_time
async def test_answers_about_what_moved_on_change_nothing() -> None:
    async with staged() as stage:
        session = await stage.made()
        sent = await asked(stage, session, status=S.SENT, guest_id="g")
        desk = await stage.desk(session)
        desk.files.keep(sent)
        for number, (name, ask) in enumerate(
            [
                (sent.id, Ask.ADDRESS),
                (sent.id, Ask.LOOK),
                (sent.id, Ask.DELETE),
                (AttachmentId("att_gone"), Ask.LOOK),
            ]
        ):
            desk.files.asked[f"t{number}"] = Asked(
                attachment_id=name, ask=ask, guest_id="g", until=stage.now
            )
            frame = ErrorFrame(raw_class="string", code=4009, tracing_id=f"t{number}")
            assert await file_frame(desk, frame)

        assert await stored(stage, sent) == sent


@on_virtual_time
async def test_a_deletion_answers_no_question_about_another_file() -> None:
    async with staged() as stage:
        session = await stage.made()
        going = await asked(stage, session, status=S.DELETING, guest_id="g")
        desk = await stage.desk(session)
        desk.files.keep(going)
        for name in (going.id, AttachmentId("att_other")):
            desk.files.asked[name] = Asked(
                attachment_id=name, ask=Ask.LOOK, guest_id="x", until=stage.now
            )
        assert await file_frame(desk, AttachmentDeletedResponse(attachment_id="g"))

        assert list(desk.files.asked) == ["att_other"]
        assert (await stored(stage, going)).status is S.DELETED


@on_virtual_time
async def test_a_last_look_that_tells_why_is_believed() -> None:
    async with staged(knobs={"upload_seconds": 30}) as stage:
        session = await stage.chatted()
        file = await attend(stage, await asked(stage, session))
        await stage.clock.sleep(120)
        # Neither the first nor the last look of that visit.
        stage.control.fault("refuse", action="getAttachment", code=4003, count=2)
        await stage.reconcile(session)

        assert await _code(stage, file) == ("attachment_content_refused", "4003")


@on_virtual_time
async def test_an_address_to_upload_to_is_no_sign_of_an_upload() -> None:
    async with staged() as stage:
        session = await stage.made()
        file = await asked(stage, session, status=S.AWAITING_UPLOAD, guest_id="g", incarnation=1)
        desk = await stage.desk(session)
        desk.files.keep(file)
        desk.files.asked["t"] = Asked(
            attachment_id=file.id, ask=Ask.LOOK, guest_id="g", until=stage.now + 8
        )
        frame = PresignedUrlResponse(
            code=200,
            tracing_id="t",
            attachment_id="g",
            url="https://up.test",
            headers={"x-amz-tagging": "a"},
        )
        assert await file_frame(desk, frame)

        assert (await stored(stage, file)).status is S.AWAITING_UPLOAD
        assert (file.id, Ask.LOOK) in desk.files.answered
