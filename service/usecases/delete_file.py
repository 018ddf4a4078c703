"""Delete a file that is uploaded and not sent, at Genesys too: an intent, then the visit's work."""

from dataclasses import dataclass
from typing import Final

from service.domain import attachment as file
from service.domain.access import ApiKey
from service.domain.attachment import Attachment, AttachmentChange, AttachmentStatus
from service.domain.errors import (
    AttachmentStateError,
    SessionReadOnlyError,
    UnavailableError,
    VersionConflictError,
)
from service.domain.ids import AttachmentId, SessionId
from service.domain.session import PublicState, Session
from service.ports.attachments import AttachmentStore
from service.ports.sessions import SessionStore
from service.ports.system import Bell, Clock
from service.usecases.idempotency import Answer
from service.usecases.read_session import owned, refuse_if_over
from service.usecases.send_message import mark_work
from service.usecases.upload_file import stored_file
from service.usecases.waiting import Attending, Patience

GONE: Final = 204
UNDER_WAY: Final = 202
TRIES: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteFile:
    """Deletes files."""

    sessions: SessionStore
    attachments: AttachmentStore
    bell: Bell
    clock: Clock
    attend: Attending

    async def __call__(
        self, key: ApiKey, session_id: SessionId, attachment_id: AttachmentId, *, patience: Patience
    ) -> Answer:
        """204, or 202 while Genesys has not said that it did.

        Raises NotFoundError, AttachmentStateError, SessionEndedError, SessionFailedError,
        SessionReadOnlyError.
        """
        session = await owned(self.sessions, key.tenant, session_id)
        attachment = await stored_file(self.attachments, session, attachment_id)
        refuse_if_over(session)
        if session.public is PublicState.READ_ONLY:
            raise SessionReadOnlyError(session_id=session.id)
        await mark_work(self.sessions, session, now=self.clock.now())
        await self._wish(session, attachment)
        self.bell.ring(session.id)

        async def satisfied() -> bool:
            return await self._status(session, attachment_id) is not AttachmentStatus.DELETING

        until = patience.until(self.clock)
        await self.attend(session.id, until=until, satisfied=satisfied)
        status = await self._status(session, attachment_id)
        if status is AttachmentStatus.DELETING:
            return Answer(status=UNDER_WAY)
        if status is not AttachmentStatus.DELETED:
            raise _refusal(attachment_id, status, "Genesys did not delete it")
        return Answer(status=GONE)

    async def _wish(self, session: Session, attachment: Attachment) -> None:
        """Commit it. Raises AttachmentStateError, UnavailableError (too many races)."""
        for _ in range(TRIES):
            status = attachment.status
            if status is AttachmentStatus.DELETING:
                return
            if status is not AttachmentStatus.UPLOADED:
                wanted = "only a file that is uploaded and not sent can be deleted"
                raise _refusal(attachment.id, status, wanted)
            after = file.moved(attachment, AttachmentStatus.DELETING, now=self.clock.now())
            try:
                await self.attachments.wish(AttachmentChange(before=attachment, after=after))
            except VersionConflictError:
                attachment = await stored_file(self.attachments, session, attachment.id)
                continue
            return
        raise UnavailableError(what="the attachment (it changes too quickly)")

    async def _status(self, session: Session, attachment_id: AttachmentId) -> AttachmentStatus:
        found = await self.attachments.attachment(session.id, attachment_id)
        return AttachmentStatus.DELETED if found is None else found.status


def _refusal(
    attachment_id: AttachmentId, status: AttachmentStatus, wanted: str
) -> AttachmentStateError:
    return AttachmentStateError(attachment_id=attachment_id, status=status.value, wanted=wanted)
