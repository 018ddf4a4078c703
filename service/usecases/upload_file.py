"""Ask for a place to upload a file to, make that durable, and wait for the answer of Genesys.

Asking is the visit's work: nothing here speaks to the contact centre.
"""

from dataclasses import dataclass
from typing import Any, Final

from service.domain.access import ApiKey, IdempotencyRecord, Scope
from service.domain.attachment import (
    OPEN_MOST,
    Attachment,
    AttachmentStatus,
    attachment_view,
    count_open,
)
from service.domain.errors import NotFoundError, SessionReadOnlyError, TooManyAttachmentsError
from service.domain.ids import ATTACHMENT, AttachmentId, SessionId
from service.domain.media import FileFacts, MediaRules, check_file
from service.domain.session import PublicState, Session
from service.domain.trace import Trace
from service.ports.attachments import AttachmentStore
from service.ports.sessions import SessionStore
from service.ports.storage import TenantStore
from service.ports.system import Bell, Clock, Ids
from service.usecases.idempotency import Answer, Ticket, result_of
from service.usecases.read_session import ID_LENGTH_MAX, owned, refuse_if_over
from service.usecases.send_message import mark_work
from service.usecases.waiting import Attending, Patience

MADE: Final = 201
PENDING: Final = 202

_HIDDEN: Final = frozenset({AttachmentStatus.DELETED, AttachmentStatus.RECEIVED})


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadRequest:
    """What a caller asks."""

    key: ApiKey
    session_id: SessionId
    file: FileFacts
    patience: Patience
    ticket: Ticket | None = None
    trace: Trace | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadFile:
    """Asks for upload addresses."""

    sessions: SessionStore
    attachments: AttachmentStore
    tenants: TenantStore
    bell: Bell
    clock: Clock
    ids: Ids
    attend: Attending

    async def __call__(self, request: UploadRequest) -> Answer:
        """The Attachment with its `upload`; 202 while Genesys has not said where.

        Raises NotFoundError, SessionEndedError, SessionFailedError, SessionReadOnlyError,
        TooManyAttachmentsError, and what `media.check_file` raises; nothing is stored then.
        """
        session = await owned(self.sessions, request.key.tenant, request.session_id)
        refuse_if_over(session)
        if session.public is PublicState.READ_ONLY:
            raise SessionReadOnlyError(session_id=session.id)
        await self._check(session, request.file)
        now = self.clock.now()
        await mark_work(self.sessions, session, now=now)
        attachment = Attachment(
            id=AttachmentId(self.ids.ulid(ATTACHMENT)),
            session_id=session.id,
            file_name=request.file.name,
            file_type=request.file.type,
            file_size=request.file.size,
            trace=request.trace,
            created_at=now,
            updated_at=now,
        )
        made = {"sessionId": session.id, "attachmentId": attachment.id}
        record = None if request.ticket is None else request.ticket.record(status=MADE, result=made)
        await self.attachments.create(attachment, record)
        self.bell.ring(session.id)
        await self._wait(attachment, request.patience)
        return await self._answer(session, attachment.id)

    async def replay(self, key: ApiKey, record: IdempotencyRecord) -> Answer:
        """The attachment of an earlier request as it is now."""
        made = result_of(record)
        session = await owned(self.sessions, key.tenant, SessionId(made["sessionId"]))
        return await self._answer(session, AttachmentId(made["attachmentId"]))

    async def _check(self, session: Session, file: FileFacts) -> None:
        deployment = await self.tenants.deployment(session.tenant, session.deployment)
        rules = await self.attachments.rules(deployment)
        check_file(file, rules or MediaRules())
        if count_open(await self.attachments.of_session(session.id)) >= OPEN_MOST:
            raise TooManyAttachmentsError(limit=OPEN_MOST)

    async def _wait(self, attachment: Attachment, patience: Patience) -> None:
        async def satisfied() -> bool:
            now = await self.attachments.attachment(attachment.session_id, attachment.id)
            return now is None or now.status is not AttachmentStatus.REQUESTED

        until = patience.until(self.clock)
        await self.attend(attachment.session_id, until=until, satisfied=satisfied)

    async def _answer(self, session: Session, attachment_id: AttachmentId) -> Answer:
        attachment = await stored_file(self.attachments, session, attachment_id)
        status = PENDING if attachment.status is AttachmentStatus.REQUESTED else MADE
        return Answer(status=status, body=attachment_view(attachment, with_upload=True))


async def stored_file(
    attachments: AttachmentStore, session: Session, attachment_id: AttachmentId
) -> Attachment:
    """One of the session's. Raises NotFoundError, also for one that was deleted."""
    is_name = len(attachment_id) <= ID_LENGTH_MAX and attachment_id.isprintable()
    found = await attachments.attachment(session.id, attachment_id) if is_name else None
    if found is None or found.status is AttachmentStatus.DELETED:
        raise NotFoundError(kind="attachment", name=attachment_id[:ID_LENGTH_MAX])
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadFiles:
    """The files of a session, and one of them."""

    sessions: SessionStore
    attachments: AttachmentStore

    async def __call__(
        self, key: ApiKey, session_id: SessionId, *, cursor: str | None, limit: int
    ) -> dict[str, Any]:
        """A page of them, oldest first; without their addresses.

        Raises NotFoundError, InvalidRequestError (the cursor).
        """
        session = await owned(self.sessions, key.tenant, session_id)
        while True:
            page = await self.attachments.page_of_session(session.id, cursor=cursor, limit=limit)
            shown = [attachment_view(each) for each in page.items if each.status not in _HIDDEN]
            cursor = page.next_cursor
            # A page may be short, but none is empty where more follow.
            if shown or cursor is None:
                return {"items": shown, "nextCursor": cursor}

    async def one(
        self, key: ApiKey, session_id: SessionId, attachment_id: AttachmentId
    ) -> dict[str, Any]:
        """One, with where to upload it while it waits for that, for who may write.

        Raises NotFoundError.
        """
        session = await owned(self.sessions, key.tenant, session_id)
        attachment = await stored_file(self.attachments, session, attachment_id)
        view = attachment_view(attachment, with_upload=True)
        # Who may only read gets no secret to write with.
        return view if key.allows(Scope.SESSIONS_WRITE) else view | {"upload": None}
