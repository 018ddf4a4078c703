"""Messages with files: they go out once their file is in the guest session that they go to."""

from dataclasses import replace

from service.domain.attachment import Attachment, AttachmentStatus
from service.domain.ids import AttachmentId
from service.domain.send import PendingSend
from service.domain.sends import not_sent
from service.usecases.visit.desk import Desk
from service.usecases.visit.file_moves import file_of
from service.usecases.visit.settling import fail


async def may_go(desk: Desk, send: PendingSend) -> bool:
    """Whether to go on with the send; one whose file is lost fails, and others may follow it."""
    for name in send.body.attachment_ids:
        attachment = await file_of(desk, name)
        if attachment is None or attachment.status in _LOST:
            why = "unknown" if attachment is None else attachment.status.value
            await fail(desk, send, not_sent("attachment_failed", f"attachment {name} is {why}"))
            return True
        if not _is_here(desk, attachment):
            return False
    return True


def is_held_back(desk: Desk, send: PendingSend) -> bool:
    """Whether a send waits for its file rather than for a time."""
    known = [desk.files.items.get(AttachmentId(name)) for name in send.body.attachment_ids]
    return any(
        each is not None and each.status not in _LOST and not _is_here(desk, each) for each in known
    )


def with_files(desk: Desk, send: PendingSend) -> PendingSend:
    """The mark of a send with what Genesys calls its files: the frame and its proof name them."""
    if send.written is None or not send.body.attachment_ids:
        return send
    known = [desk.files.items[AttachmentId(name)] for name in send.body.attachment_ids]
    names = tuple(each.guest_id for each in known if each.guest_id is not None)
    return replace(send, written=replace(send.written, attachment_ids=names))


def _is_here(desk: Desk, attachment: Attachment) -> bool:
    ready = attachment.status is AttachmentStatus.SENDING
    return ready and attachment.incarnation == desk.session.incarnation


_LOST = frozenset({AttachmentStatus.FAILED, AttachmentStatus.DELETED, AttachmentStatus.DELETING})
