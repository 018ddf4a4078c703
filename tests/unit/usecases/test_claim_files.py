"""A file goes with one message and no other."""

import pytest

from service.domain import errors as er
from service.domain.attachment import AttachmentStatus
from service.domain.ids import AttachmentId, MessageId
from service.domain.message import SendBody
from service.usecases.claim_files import claims
from tests.support.file_stage import asked
from tests.support.store_builders import a_send
from tests.support.visit_stage import on_virtual_time, staged

S = AttachmentStatus


@on_virtual_time
async def test_an_uploaded_file_is_taken() -> None:
    async with staged() as stage:
        session = await stage.made()
        file = await asked(stage, session, status=S.UPLOADED)
        message = a_send(session, 1, body=SendBody(attachment_ids=(file.id,)))

        [change] = await claims(stage.ports.attachments, message, at=stage.now)
        assert change.before.status is S.UPLOADED
        assert (change.after.status, change.after.message_id) == (S.SENDING, message.message_id)


@on_virtual_time
async def test_a_file_that_is_carried_over_is_taken_and_goes_on() -> None:
    async with staged() as stage:
        session = await stage.made()
        file = await asked(stage, session, status=S.RESTAGING)
        message = a_send(session, 1, body=SendBody(attachment_ids=(file.id,)))

        [change] = await claims(stage.ports.attachments, message, at=stage.now)
        assert (change.after.status, change.after.message_id) == (S.RESTAGING, message.message_id)


@pytest.mark.parametrize("status", [s for s in S if s is not S.UPLOADED])
@on_virtual_time
async def test_any_other_is_not(status: S) -> None:
    async with staged() as stage:
        session = await stage.made()
        file = await asked(stage, session, status=status, message_id=MessageId("msg_9"))
        message = a_send(session, 1, body=SendBody(attachment_ids=(file.id,)))

        with pytest.raises(er.UnknownAttachmentError) as refused:
            await claims(stage.ports.attachments, message, at=stage.now)
        told = None if status is S.DELETED else status.value
        assert refused.value.status == told


@pytest.mark.parametrize("name", ["att_1", "x" * 99, "a\n", "a\ud800"])
@on_virtual_time
async def test_what_the_session_does_not_have_is_unknown(name: str) -> None:
    async with staged() as stage:
        session = await stage.made()
        message = a_send(session, 1, body=SendBody(attachment_ids=(AttachmentId(name),)))

        with pytest.raises(er.UnknownAttachmentError):
            await claims(stage.ports.attachments, message, at=stage.now)
