"""Take the files of a message: with it in one transaction, and from then on for no other."""

from collections.abc import Sequence
from typing import Final

from service.domain.attachment import AttachmentChange, AttachmentStatus, claimed
from service.domain.errors import UnknownAttachmentError
from service.domain.ids import AttachmentId
from service.domain.send import PendingSend
from service.ports.attachments import AttachmentStore
from service.usecases.read_session import ID_LENGTH_MAX

_THERE: Final = frozenset({AttachmentStatus.UPLOADED, AttachmentStatus.RESTAGING})


async def claims(
    attachments: AttachmentStore, send: PendingSend, *, at: float
) -> Sequence[AttachmentChange]:
    """The changes to commit with the message. Raises UnknownAttachmentError, with its status."""
    changes = []
    for name in send.body.attachment_ids:
        is_name = len(name) <= ID_LENGTH_MAX and name.isprintable()
        found = (
            await attachments.attachment(send.session_id, AttachmentId(name)) if is_name else None
        )
        if found is None or found.status is AttachmentStatus.DELETED:
            raise UnknownAttachmentError(attachment_id=name[:ID_LENGTH_MAX])
        # One that is carried over was uploaded: its message waits for it.
        if found.status not in _THERE or found.message_id is not None:
            raise UnknownAttachmentError(attachment_id=name, status=found.status.value)
        after = claimed(found, send.message_id, now=at)
        changes.append(AttachmentChange(before=found, after=after))
    return changes
