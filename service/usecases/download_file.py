"""Where a file can be fetched now: the known address while it is fresh, else a visit asks."""

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from service.domain.access import ApiKey
from service.domain.attachment import (
    GONE_CODES,
    Attachment,
    AttachmentChange,
    AttachmentStatus,
    Download,
)
from service.domain.attachment_links import file_in
from service.domain.errors import (
    AttachmentGoneError,
    AttachmentStateError,
    NotFoundError,
    UnavailableError,
    VersionConflictError,
)
from service.domain.ids import AttachmentId, SessionId
from service.domain.log import LogEvent
from service.domain.session import Session
from service.ports.attachments import AttachmentStore
from service.ports.sessions import SessionStore
from service.ports.storage import TenantStore
from service.ports.system import Bell, Clock
from service.usecases.read_session import ID_LENGTH_MAX, owned, refuse_if_over
from service.usecases.send_message import mark_work
from service.usecases.upload_file import stored_file
from service.usecases.waiting import Attending, Patience

FRESH_SECONDS: Final = 540.0
"""Genesys's addresses live for ten minutes; a minute is left to whoever follows one."""
PAGE_EVENTS: Final = 200
TRIES: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadFile:
    """Finds addresses."""

    sessions: SessionStore
    attachments: AttachmentStore
    tenants: TenantStore
    bell: Bell
    clock: Clock
    attend: Attending

    async def __call__(
        self, key: ApiKey, session_id: SessionId, attachment_id: AttachmentId, *, patience: Patience
    ) -> Download:
        """The address, and since when it is known.

        Raises NotFoundError, AttachmentStateError (not uploaded), AttachmentGoneError,
        SessionEndedError, SessionFailedError, UnavailableError (no answer in time).
        """
        session = await owned(self.sessions, key.tenant, session_id)
        attachment = await self._known(session, attachment_id)
        fresh = self._fresh(attachment)
        if fresh is None:
            refuse_if_over(session)
            await mark_work(self.sessions, session, now=self.clock.now())
            await self._wish(session, attachment)
            fresh = self._fresh(await self._answered(session, attachment.id, patience))
        if fresh is None:
            # It may have come to its end meanwhile.
            refuse_if_over(await owned(self.sessions, key.tenant, session_id))
            raise UnavailableError(what="a fresh address of the file")
        await self._check(session, fresh)
        return fresh

    def _fresh(self, attachment: Attachment) -> Download | None:
        """Raises AttachmentGoneError, AttachmentStateError."""
        failure = attachment.failure
        if failure is not None and failure.provider_code in GONE_CODES:
            raise AttachmentGoneError(attachment_id=attachment.id)
        if attachment.guest_id is None or attachment.status is AttachmentStatus.AWAITING_UPLOAD:
            status = attachment.status.value
            wanted = "there is nothing to fetch"
            raise AttachmentStateError(attachment_id=attachment.id, status=status, wanted=wanted)
        known = attachment.download
        return known if known and known.at > self.clock.now() - FRESH_SECONDS else None

    async def _known(self, session: Session, attachment_id: AttachmentId) -> Attachment:
        """Ours by its item; one that came with a message, by the log. Raises NotFoundError."""
        is_name = len(attachment_id) <= ID_LENGTH_MAX and attachment_id.isprintable()
        if is_name and "#" not in attachment_id:
            found = await self.attachments.attachment(session.id, attachment_id)
            found = found or await self._so_called(session, attachment_id)
            found = found or await self._received(session, attachment_id)
            if found is not None and found.status is not AttachmentStatus.DELETED:
                return found
        raise NotFoundError(kind="attachment", name=attachment_id[:ID_LENGTH_MAX])

    async def _so_called(self, session: Session, guest_id: str) -> Attachment | None:
        """One of ours by Genesys's id: the raw body of its message links to that."""
        if session.attachments_at is None:
            return None
        found = await self.attachments.of_session(session.id)
        return next((each for each in found if each.guest_id == guest_id), None)

    async def _received(self, session: Session, attachment_id: AttachmentId) -> Attachment | None:
        """One of a message, of which no address was ever asked. Reads the log, once for each."""
        after = 0
        while True:
            page = await self.sessions.read_log(session.id, after=after, limit=PAGE_EVENTS)
            for event in page.events:
                file = file_in(_content(event), attachment_id)
                if file is not None:
                    return _of_message(session, event, file, now=self.clock.now())
            if not page.events or page.events[-1].sequence >= page.last_sequence:
                return None
            after = page.events[-1].sequence

    async def _wish(self, session: Session, attachment: Attachment) -> None:
        now = self.clock.now()
        if attachment.version == 0:
            # Else somebody else wanted it in the same moment.
            with suppress(VersionConflictError):
                await self.attachments.create(replace(attachment, version=1, wanted_at=now), None)
        for _ in range(TRIES):
            stored = await self.attachments.attachment(session.id, attachment.id)
            if stored is None or stored.wanted_at is not None:
                break
            after = replace(stored, wanted_at=now, updated_at=now)
            try:
                await self.attachments.wish(AttachmentChange(before=stored, after=after))
            except VersionConflictError:
                continue
            break
        self.bell.ring(session.id)

    async def _answered(
        self, session: Session, attachment_id: AttachmentId, patience: Patience
    ) -> Attachment:
        async def satisfied() -> bool:
            now = await self.attachments.attachment(session.id, attachment_id)
            return now is None or now.wanted_at is None

        until = patience.until(self.clock)
        await self.attend(session.id, until=until, satisfied=satisfied)
        return await stored_file(self.attachments, session, attachment_id)

    async def _check(self, session: Session, download: Download) -> None:
        """No address leads a caller out of TLS, but where the deployment itself is without."""
        if download.url.startswith("https://"):
            return
        deployment = await self.tenants.deployment(session.tenant, session.deployment)
        if deployment.endpoint is None:
            raise UnavailableError(what="a safe address of the file")


def _content(event: LogEvent) -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = event.data.get("message", {}).get("content", [])
    return content


def _of_message(session: Session, event: LogEvent, file: Any, *, now: float) -> Attachment:  # noqa: ANN401 - JSON of the log
    size = file.get("fileSize")
    return Attachment(
        id=AttachmentId(file["id"]),
        session_id=session.id,
        file_name=str(file.get("filename") or ""),
        file_type=str(file.get("mime") or "application/octet-stream"),
        file_size=size if isinstance(size, int) else 0,
        status=AttachmentStatus.RECEIVED,
        guest_id=str(file["id"]),
        incarnation=event.incarnation,
        created_at=now,
        updated_at=now,
        version=0,
    )
