"""What frames say about files. Judges by class and code, never by text."""

from typing import Final

from service.domain import attachment as file
from service.domain.attachment import Attachment, AttachmentStatus, Upload
from service.guest.addresses import expires_at
from service.guest.messages import (
    AttachmentDeletedResponse,
    ErrorFrame,
    GenerateUrlError,
    PresignedUrlResponse,
    ServerFrame,
    TooManyRequests,
    UploadFailureEvent,
    UploadSuccessEvent,
)
from service.guest.translate import error_code, session_event
from service.usecases.visit.desk import Desk
from service.usecases.visit.file_moves import change_file, fail_file, uploaded
from service.usecases.visit.file_shelf import Ask, Asked

THROTTLED_SECONDS: Final = 5.0
"""How long to wait where Genesys counts too many requests and does not say how long."""
_UNTOLD: Final = "unknown"
_UNADDRESSED: Final = frozenset({AttachmentStatus.REQUESTED, AttachmentStatus.RESTAGING})
_EXPECTED: Final = frozenset({AttachmentStatus.AWAITING_UPLOAD, AttachmentStatus.RESTAGING})
"""Somebody, the caller or this broker, has an address and uploads to it."""


async def file_frame(desk: Desk, frame: ServerFrame) -> bool:
    """Take in what a frame says of a file; whether that was all it says."""
    match frame:
        case PresignedUrlResponse():
            await _address(desk, frame)
        case UploadSuccessEvent():
            await _succeeded(desk, frame)
        case UploadFailureEvent():
            await _failed(desk, frame)
        case AttachmentDeletedResponse():
            await _deleted(desk, desk.files.of_guest(frame.attachment_id))
        case GenerateUrlError() | TooManyRequests() | ErrorFrame():
            return await _error(desk, frame)
        case _:
            return False
    return True


async def _address(desk: Desk, frame: PresignedUrlResponse) -> None:
    asked = _answered(desk, frame.tracing_id, frame.attachment_id)
    attachment = None if asked is None else desk.files.items.get(asked.attachment_id)
    if asked is None or attachment is None:
        return
    if asked.ask is not Ask.ADDRESS:
        if frame.headers:
            # Where to upload it: it is not there.
            await _refused(desk, attachment, asked.ask, file.NOT_UPLOADED)
            return
        await _found(desk, attachment, frame.url)
    elif attachment.status in _UNADDRESSED:
        upload = Upload(
            url=frame.url,
            headers=dict(frame.headers),
            expires_at=expires_at(frame.url, now=desk.now, otherwise=file.UPLOAD_SECONDS),
        )
        after = file.handed_out(
            attachment,
            guest_id=frame.attachment_id,
            incarnation=desk.session.incarnation,
            upload=upload,
            now=desk.now,
        )
        # On the link that gave it out the outcome is pushed: none to be asked for.
        desk.files.answered.add((attachment.id, Ask.LOOK))
        await change_file(desk, attachment, after)


async def _found(desk: Desk, attachment: Attachment, url: str) -> None:
    # Whoever wants it again asks anew.
    desk.files.tries.pop((attachment.id, Ask.FETCH), None)
    if attachment.status in _EXPECTED:
        await uploaded(desk, attachment, url=url)
    else:
        await change_file(desk, attachment, file.seen(attachment, url=url, now=desk.now))


async def _succeeded(desk: Desk, frame: UploadSuccessEvent) -> None:
    attachment = desk.files.of_guest(frame.attachment_id)
    if attachment is not None and attachment.status in _EXPECTED:
        await uploaded(desk, attachment, url=frame.download_url)


async def _failed(desk: Desk, frame: UploadFailureEvent) -> None:
    attachment = desk.files.of_guest(frame.attachment_id)
    if attachment is not None and attachment.status in _EXPECTED:
        await fail_file(desk, attachment, file.refused(_code(frame.error_code)))


async def _deleted(desk: Desk, attachment: Attachment | None) -> None:
    if attachment is None or attachment.status is not AttachmentStatus.DELETING:
        return
    for name, asked in list(desk.files.asked.items()):
        if asked.attachment_id == attachment.id:
            del desk.files.asked[name]
    after = file.moved(attachment, AttachmentStatus.DELETED, now=desk.now)
    await change_file(desk, attachment, after)


async def _error(desk: Desk, frame: GenerateUrlError | TooManyRequests | ErrorFrame) -> bool:
    guest_id = frame.attachment_id if isinstance(frame, GenerateUrlError) else None
    asked = _answered(desk, frame.tracing_id, guest_id)
    if asked is None:
        # A refused upload address that nobody asked for concerns nobody.
        return isinstance(frame, GenerateUrlError)
    attachment = desk.files.items.get(asked.attachment_id)
    if isinstance(frame, TooManyRequests):
        _wait(desk, asked, frame.wait_seconds)
        return True
    if isinstance(frame, ErrorFrame) and session_event(frame) is not None:
        # The guest session is gone: that is for the visit to judge.
        return False
    code = error_code(frame) if isinstance(frame, ErrorFrame) else _code(frame.error_code)
    if attachment is not None:
        await _refused(desk, attachment, asked.ask, code)
    return True


def _wait(desk: Desk, asked: Asked, seconds: float | None) -> None:
    wait = THROTTLED_SECONDS if seconds is None else seconds
    desk.files.not_before = max(desk.files.not_before, desk.now + wait)
    # Being told to slow down says nothing against the question.
    asking = (asked.attachment_id, asked.ask)
    desk.files.tries[asking] = max(0, desk.files.tries.get(asking, 0) - 1)


async def _refused(desk: Desk, attachment: Attachment, ask: Ask, code: str) -> None:
    desk.files.answered.add((attachment.id, ask))
    status = attachment.status
    if ask is Ask.FETCH:
        await _not_found(desk, attachment, code)
    elif ask is Ask.ADDRESS:
        if status in _UNADDRESSED:
            await fail_file(desk, attachment, file.refused(code))
    elif ask is Ask.DELETE:
        await _not_deleted(desk, attachment, code)
    elif status in _EXPECTED:
        if code not in file.NOT_THERE_CODES and code in file.FILE_CODES:
            await fail_file(desk, attachment, file.refused(code))
        elif ask is Ask.LAST_LOOK:
            carried = status is AttachmentStatus.RESTAGING
            await fail_file(desk, attachment, file.left_behind() if carried else file.not_seen())


async def _not_deleted(desk: Desk, attachment: Attachment, code: str) -> None:
    if attachment.status is not AttachmentStatus.DELETING:
        return
    if code in file.GONE_CODES:
        await _deleted(desk, attachment)
    else:
        after = file.moved(attachment, AttachmentStatus.UPLOADED, now=desk.now)
        await change_file(desk, attachment, after)


async def _not_found(desk: Desk, attachment: Attachment, code: str) -> None:
    desk.files.tries.pop((attachment.id, Ask.FETCH), None)
    if code not in file.GONE_CODES:
        await change_file(desk, attachment, file.unseen(attachment, now=desk.now))
    elif attachment.status is AttachmentStatus.UPLOADED:
        await fail_file(desk, attachment, file.refused(code))
    else:
        # Its message keeps its place in the transcript; only the bytes are gone.
        await change_file(desk, attachment, file.gone(attachment, code, now=desk.now))


def _answered(desk: Desk, tracing_id: str | None, guest_id: str | None) -> Asked | None:
    """The question that this answers, by its name, or by the file where it bears none."""
    asked = desk.files.asked
    name = tracing_id or next((n for n, a in asked.items() if a.guest_id == guest_id), "")
    return asked.pop(name, None)


def _code(code: int | str | None) -> str:
    return _UNTOLD if code is None else str(code)
