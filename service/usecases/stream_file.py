"""Upload a file's bytes for a caller who would rather not do it: to the address it was given."""

from dataclasses import dataclass
from typing import Final

from service.domain.access import ApiKey
from service.domain.attachment import Attachment, AttachmentStatus, attachment_view
from service.domain.errors import (
    AttachmentStateError,
    FieldFault,
    FileTransferError,
    InvalidRequestError,
)
from service.domain.ids import AttachmentId, SessionId
from service.ports.attachments import AttachmentStore
from service.ports.sessions import SessionStore
from service.ports.storage import TenantStore
from service.ports.system import Clock
from service.ports.wires import GuestFiles
from service.usecases.idempotency import Answer
from service.usecases.read_session import owned, refuse_if_over
from service.usecases.send_message import mark_work
from service.usecases.upload_file import stored_file
from service.usecases.waiting import Attending, Patience

DONE: Final = 200
UNDER_WAY: Final = 202
_UNTOLD: Final = frozenset({AttachmentStatus.REQUESTED, AttachmentStatus.AWAITING_UPLOAD})


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """The bytes, and what the caller says they are."""

    type: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamFile:
    """Uploads files. They are in memory for as long as that takes, and never kept."""

    sessions: SessionStore
    attachments: AttachmentStore
    tenants: TenantStore
    guest_files: GuestFiles
    clock: Clock
    attend: Attending

    async def __call__(
        self,
        key: ApiKey,
        session_id: SessionId,
        attachment_id: AttachmentId,
        content: Content,
        *,
        patience: Patience,
    ) -> Answer:
        """The Attachment, uploaded or failed; 202 while Genesys has not said which.

        Raises NotFoundError, SessionEndedError, SessionFailedError, AttachmentStateError (it waits
        for no upload), InvalidRequestError (another type or size), FileTransferError (the
        guest session was replaced meanwhile, too: they may be sent again).
        """
        session = await owned(self.sessions, key.tenant, session_id)
        attachment = await stored_file(self.attachments, session, attachment_id)
        refuse_if_over(session)
        upload = attachment.upload
        waits = attachment.status is AttachmentStatus.AWAITING_UPLOAD
        if upload is None or not waits or upload.expires_at <= self.clock.now():
            wanted = "only one that awaits its upload, whose address has not expired, takes bytes"
            status = attachment.status.value
            raise AttachmentStateError(attachment_id=attachment.id, status=status, wanted=wanted)
        _check(attachment, content)
        await mark_work(self.sessions, session, now=self.clock.now())
        deployment = await self.tenants.deployment(session.tenant, session.deployment)
        await self.guest_files.put(
            deployment, upload, file_type=attachment.file_type, body=content.body
        )
        await self._wait(attachment, patience)
        now = await stored_file(self.attachments, session, attachment_id)
        if _went_elsewhere(now, attachment):
            raise FileTransferError(status=None)
        done = now.status is not AttachmentStatus.AWAITING_UPLOAD
        return Answer(status=DONE if done else UNDER_WAY, body=attachment_view(now))

    async def _wait(self, attachment: Attachment, patience: Patience) -> None:
        async def satisfied() -> bool:
            now = await self.attachments.attachment(attachment.session_id, attachment.id)
            if now is None or now.status not in _UNTOLD:
                return True
            # Else it waits for another address.
            return _went_elsewhere(now, attachment) and now.upload is not None

        until = patience.until(self.clock)
        await self.attend(attachment.session_id, until=until, satisfied=satisfied)


def _went_elsewhere(now: Attachment, attachment: Attachment) -> bool:
    """Whether the bytes were put into a guest session that is gone: nobody tells of them."""
    return now.status in _UNTOLD and now.guest_id != attachment.guest_id


def _check(attachment: Attachment, content: Content) -> None:
    """Genesys would say no more than that the upload failed. Raises InvalidRequestError."""
    kind = content.type.partition(";")[0].strip().lower()
    faults = []
    if kind != attachment.file_type.lower():
        told = f"is {kind or 'missing'}; the attachment's fileType is {attachment.file_type}"
        faults.append(FieldFault(pointer="/header/content-type", detail=told))
    if len(content.body) != attachment.file_size:
        told = f"is {len(content.body)} bytes; the attachment's fileSize is {attachment.file_size}"
        faults.append(FieldFault(pointer="", detail=told))
    if faults:
        raise InvalidRequestError(*faults)
