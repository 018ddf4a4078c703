"""Port to the table: files of sessions, and what files a deployment takes."""

from collections.abc import Sequence
from typing import Protocol

from service.domain.access import IdempotencyRecord
from service.domain.attachment import Attachment, AttachmentChange
from service.domain.deployment import Deployment
from service.domain.ids import AttachmentId, SessionId
from service.domain.media import MediaRules
from service.ports.sessions import Page


class AttachmentStore(Protocol):
    """Attachments lie with their session, and go with it; each expires by itself as the file does.

    A caller's change is told on the session (`attachments_at`), so that a visit need not look.
    """

    async def create(self, attachment: Attachment, idempotency: IdempotencyRecord | None) -> None:
        """One transaction: the attachment, its mark on the session, and the answer.

        Raises NotFoundError (no such session, or erased), IdempotencyInProgressError.
        """

    async def attachment(
        self, session_id: SessionId, attachment_id: AttachmentId
    ) -> Attachment | None:
        """As it is, strongly consistent."""

    async def of_session(self, session_id: SessionId) -> Sequence[Attachment]:
        """All of a session, oldest first, strongly consistent."""

    async def page_of_session(
        self, session_id: SessionId, *, cursor: str | None, limit: int
    ) -> Page[Attachment]:
        """Some of a session, oldest first, without what cannot be opened.

        Raises InvalidRequestError (the cursor is of no such listing).
        """

    async def change(self, change: AttachmentChange) -> Attachment:
        """A conditional update (version); returns it with its new version.

        Raises VersionConflictError.
        """

    async def wish(self, change: AttachmentChange) -> Attachment:
        """The same, told on the session. Raises VersionConflictError, NotFoundError."""

    async def learn(self, deployment: Deployment, rules: MediaRules) -> None:
        """Keep what files the deployment takes."""

    async def rules(self, deployment: Deployment) -> MediaRules | None:
        """What was kept, unless the name stands for another deployment by now."""
