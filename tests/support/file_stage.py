"""Files on the stage of a visit: asked for, uploaded by somebody, sent."""

from typing import Any

from service.domain.attachment import Attachment, AttachmentStatus
from service.domain.ids import ATTACHMENT, AttachmentId
from service.domain.message import SendBody
from service.domain.send import PendingSend
from service.domain.session import Session
from tests.support.visit_stage import Stage

PHOTO = b"bytes"


async def asked(stage: Stage, session: Session, **changes: Any) -> Attachment:  # noqa: ANN401 - fields of Attachment
    """A caller's wish for an address, made durable by another process: nobody is hinted."""
    fields: dict[str, Any] = {
        "id": AttachmentId(stage.ports.ids.ulid(ATTACHMENT)),
        "session_id": session.id,
        "file_name": "photo.jpg",
        "file_type": "image/jpeg",
        "file_size": len(PHOTO),
        "created_at": stage.now,
        "updated_at": stage.now,
    }
    attachment = Attachment(**(fields | changes))
    await stage.ports.attachments.create(attachment, None)
    return attachment


async def stored(stage: Stage, attachment: Attachment) -> Attachment:
    """As the table has it."""
    found = await stage.ports.attachments.attachment(attachment.session_id, attachment.id)
    assert found is not None
    return found


async def put(stage: Stage, attachment: Attachment, content: bytes = PHOTO) -> int:
    """What the caller does with the address; the status."""
    upload = (await stored(stage, attachment)).upload
    assert upload is not None
    headers = {**upload.headers, "content-type": attachment.file_type}
    status, _, _ = await stage.broker.simulator.http("PUT", upload.url, headers, content)
    return status


async def attend(stage: Stage, attachment: Attachment, *, seconds: float = 20.0) -> Attachment:
    """What a request does: until it is no more only requested."""

    async def satisfied() -> bool:
        return (await stored(stage, attachment)).status is not AttachmentStatus.REQUESTED

    until = stage.clock.monotonic() + seconds
    await stage.assembly.attend(attachment.session_id, until=until, satisfied=satisfied)
    return await stored(stage, attachment)


async def send(
    stage: Stage, session: Session, attachment: Attachment, text: str = ""
) -> PendingSend:
    """A caller's message with that file, accepted by another process."""
    body = SendBody(text=text, attachment_ids=(attachment.id,))
    return await stage.accept_body(session, body)
