"""A file on its way into a chat: how far it has come, and how it may move on. Pure values.

An address at Genesys, for either direction, is a bearer secret and lives for minutes. Its own id
there belongs to one guest session; ours stays.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from service.domain.attachment_links import content_link
from service.domain.ids import AttachmentId, MessageId, SessionId
from service.domain.instants import rfc3339
from service.domain.message import Failure
from service.domain.trace import Trace
from service.domain.views import failure_view

UPLOAD_SECONDS: Final = 600.0
"""How long an upload address is taken to work where it does not say: as downloads' do."""
SCAN_SECONDS: Final = 60.0
"""How long after that the outcome may come: Genesys looks at a file before it says anything."""
REQUEST_SECONDS: Final = 3600.0
"""A file that got no address for so long gets none any more."""
KEPT_SECONDS: Final = 16 * 24 * 3600
"""Genesys keeps files for 15 days."""
OPEN_MOST: Final = 25
"""Files of a session that are asked for or uploaded and not sent."""


class AttachmentStatus(StrEnum):
    """How far a file has come."""

    REQUESTED = "requested"
    """Durable here; Genesys is asked where to upload it."""
    AWAITING_UPLOAD = "awaitingUpload"
    UPLOADED = "uploaded"
    RESTAGING = "restaging"
    """The guest session was replaced: the broker carries the file over."""
    SENDING = "sending"
    """A message that was accepted has it; no other may."""
    SENT = "sent"
    RECEIVED = "received"
    """It came with a message of the other side; known here once somebody fetched it."""
    FAILED = "failed"
    DELETING = "deleting"
    DELETED = "deleted"


OPEN: Final = frozenset(
    {
        AttachmentStatus.REQUESTED,
        AttachmentStatus.AWAITING_UPLOAD,
        AttachmentStatus.UPLOADED,
        AttachmentStatus.RESTAGING,
        AttachmentStatus.DELETING,
    }
)
"""Neither done with nor with a message."""
AT_WORK: Final = frozenset(
    {
        AttachmentStatus.REQUESTED,
        AttachmentStatus.AWAITING_UPLOAD,
        AttachmentStatus.RESTAGING,
        AttachmentStatus.DELETING,
    }
)
"""Something is still to come of it without any caller's doing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """Where a file is to be put, with all these headers, until then."""

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    expires_at: float

    def headers_for(self, file_type: str) -> Mapping[str, str]:
        """All belong to the signature; the type is what was asked for, unless they say it."""
        told = any(name.lower() == "content-type" for name in self.headers)
        return self.headers if told else {**self.headers, "Content-Type": file_type}


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """Where it can be fetched, and since when that is known."""

    url: str = field(repr=False)
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """One file. Everything that changes it changes `version`."""

    id: AttachmentId
    session_id: SessionId
    file_name: str = field(repr=False)
    file_type: str
    file_size: int
    status: AttachmentStatus = AttachmentStatus.REQUESTED
    guest_id: str | None = None
    """Its id at Genesys, in the guest session of `incarnation`."""
    incarnation: int | None = None
    upload: Upload | None = field(default=None, repr=False)
    """Kept encrypted."""
    download: Download | None = field(default=None, repr=False)
    """Kept encrypted."""
    failure: Failure | None = None
    message_id: MessageId | None = None
    """The message that has it."""
    wanted_at: float | None = None
    """Since when somebody wants to know whether it is still there, and where."""
    trace: Trace | None = None
    """That of the request which asked for it."""
    created_at: float
    updated_at: float
    version: int = 1

    @property
    def at_work(self) -> bool:
        """Whether somebody who has a link must still do something, or hear of it."""
        return self.status in AT_WORK or self.wanted_at is not None

    @property
    def given_up_at(self) -> float | None:
        """When an upload that nobody has seen is given up; None while there is no address."""
        return None if self.upload is None else self.upload.expires_at + SCAN_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentChange:
    """An attachment before and after; `before` None: made."""

    before: Attachment
    after: Attachment


def handed_out(
    attachment: Attachment, *, guest_id: str, incarnation: int, upload: Upload, now: float
) -> Attachment:
    """Genesys said where to upload it."""
    carried = attachment.status is AttachmentStatus.RESTAGING
    return replace(
        attachment,
        status=attachment.status if carried else AttachmentStatus.AWAITING_UPLOAD,
        guest_id=guest_id,
        incarnation=incarnation,
        upload=upload,
        updated_at=now,
    )


def asked_again(attachment: Attachment, *, now: float) -> Attachment:
    """Its address belonged to a guest session that is gone, and was not used."""
    return _left(attachment, AttachmentStatus.REQUESTED, now=now)


def restaging(attachment: Attachment, *, now: float) -> Attachment:
    """Uploaded to a guest session that is gone: to be uploaded again, by us."""
    return _left(attachment, AttachmentStatus.RESTAGING, now=now)


def _left(attachment: Attachment, status: AttachmentStatus, *, now: float) -> Attachment:
    """Without all that the guest session had of it."""
    return replace(
        attachment,
        status=status,
        guest_id=None,
        incarnation=None,
        upload=None,
        wanted_at=None,
        updated_at=now,
    )


def arrived(attachment: Attachment, *, url: str | None, now: float) -> Attachment:
    """Genesys has it and found nothing against it."""
    status = AttachmentStatus.SENDING if attachment.message_id else AttachmentStatus.UPLOADED
    download = attachment.download if url is None else Download(url=url, at=now)
    return replace(attachment, status=status, upload=None, download=download, updated_at=now)


def seen(attachment: Attachment, *, url: str, now: float) -> Attachment:
    """It is still there, and can be fetched there."""
    download = Download(url=url, at=now)
    return replace(attachment, download=download, wanted_at=None, updated_at=now)


def unseen(attachment: Attachment, *, now: float) -> Attachment:
    """Nobody said where it is; who wants to know asks anew."""
    return replace(attachment, wanted_at=None, updated_at=now)


def failed(attachment: Attachment, failure: Failure, *, now: float) -> Attachment:
    """It will not be sent."""
    return replace(
        attachment,
        status=AttachmentStatus.FAILED,
        failure=failure,
        upload=None,
        wanted_at=None,
        updated_at=now,
    )


def claimed(attachment: Attachment, message_id: MessageId, *, now: float) -> Attachment:
    """A message was accepted with it: no other may have it."""
    carried = attachment.status is AttachmentStatus.RESTAGING
    status = attachment.status if carried else AttachmentStatus.SENDING
    return replace(attachment, status=status, message_id=message_id, updated_at=now)


def let_go(attachment: Attachment, *, now: float, doubtful: bool = False) -> Attachment:
    """Its message was not sent, for certain; `doubtful`: it was the file that was refused."""
    if attachment.status is not AttachmentStatus.SENDING:
        return replace(attachment, message_id=None, updated_at=now)
    return replace(
        attachment,
        status=AttachmentStatus.UPLOADED,
        message_id=None,
        wanted_at=now if doubtful else None,
        updated_at=now,
    )


def sent(attachment: Attachment, *, now: float) -> Attachment:
    """Its message is at Genesys."""
    return replace(attachment, status=AttachmentStatus.SENT, upload=None, updated_at=now)


def gone(attachment: Attachment, provider_code: str, *, now: float) -> Attachment:
    """Its message is sent, and the file itself is not there any more."""
    failure = refused(provider_code)
    return replace(attachment, failure=failure, download=None, wanted_at=None, updated_at=now)


def kept(change: AttachmentChange) -> Attachment:
    """What a change left in the table."""
    return replace(change.after, version=change.before.version + 1)


def moved(attachment: Attachment, status: AttachmentStatus, *, now: float) -> Attachment:
    """On to that status, and nothing else."""
    return replace(attachment, status=status, updated_at=now)


def count_open(attachments: Iterable[Attachment]) -> int:
    """How many are neither done with nor with a message."""
    return sum(attachment.status in OPEN for attachment in attachments)


_OUR_CODES: Final = {
    "4000": "attachments_disabled",
    "4001": "attachment_type_not_allowed",
    "4002": "attachment_too_large",
    "4003": "attachment_content_refused",
    "4004": "attachment_name_invalid",
    "4005": "attachment_name_invalid",
    "4008": "attachment_expired",
    "4009": "attachment_not_found",
    "4010": "upload_not_seen",
    "4102": "attachment_empty",
}
_SENTENCES: Final = {
    "attachments_disabled": "the deployment takes no files",
    "attachment_type_not_allowed": "Genesys does not take files of this type",
    "attachment_too_large": "the file is larger than Genesys takes, or than was said",
    "attachment_content_refused": "Genesys refused what is in the file",
    "attachment_name_invalid": "Genesys does not take this file name",
    "attachment_expired": "Genesys does not have the file any more",
    "attachment_not_found": "Genesys does not know the file",
    "upload_not_seen": "nobody uploaded the file in time",
    "attachment_empty": "the file is empty",
}
GONE_CODES: Final = frozenset({"4008", "4009"})
"""Genesys has no such file, and will not have it again."""
NOT_UPLOADED: Final = "4010"
NOT_THERE_CODES: Final = frozenset({"4009", NOT_UPLOADED})
"""Nothing was uploaded yet, as far as Genesys knows."""
FILE_CODES: Final = frozenset(_OUR_CODES)
"""Refusals that speak of a file."""


def refused(provider_code: str) -> Failure:
    """Why Genesys did not take a file: a code of ours for each of its own (Guest API, codes)."""
    code = _OUR_CODES.get(provider_code, "attachment_refused")
    detail = _SENTENCES.get(code, "Genesys refused the file")
    return Failure(code=code, detail=detail, provider_code=provider_code)


def not_seen() -> Failure:
    """Nobody uploaded it in time."""
    return Failure(code="upload_not_seen", detail=_SENTENCES["upload_not_seen"])


def no_answer() -> Failure:
    """Genesys never said where to upload it."""
    return Failure(
        code="upload_address_unavailable", detail="Genesys did not say where to upload the file"
    )


def left_behind(provider_code: str | None = None) -> Failure:
    """It could not be carried over into the next guest session."""
    return Failure(
        code="guest_session_replaced",
        detail="the guest session was replaced, and the file could not be carried over",
        provider_code=provider_code,
    )


def attachment_view(attachment: Attachment, *, with_upload: bool = False) -> dict[str, Any]:
    """The Attachment of the REST API. The address only for who asks for it: it is a secret."""
    view: dict[str, Any] = {
        "id": attachment.id,
        "sessionId": attachment.session_id,
        "status": attachment.status.value,
        "fileName": attachment.file_name,
        "fileType": attachment.file_type,
        "fileSize": attachment.file_size,
        "messageId": attachment.message_id,
        "failure": failure_view(attachment.failure),
        "href": content_link(attachment.session_id, attachment.id),
        "createdAt": rfc3339(attachment.created_at),
        "updatedAt": rfc3339(attachment.updated_at),
    }
    if with_upload:
        view["upload"] = _upload_view(attachment)
    return view


def _upload_view(attachment: Attachment) -> dict[str, Any] | None:
    upload = attachment.upload
    # An address that the broker itself uses is nobody else's.
    if upload is None or attachment.status is not AttachmentStatus.AWAITING_UPLOAD:
        return None
    return {
        "method": "PUT",
        "url": upload.url,
        "headers": upload.headers_for(attachment.file_type),
        "expiresAt": rfc3339(upload.expires_at),
    }
