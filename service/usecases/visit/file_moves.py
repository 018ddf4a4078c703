"""Moves files on in the table, each with the event that tells of it; and with their messages."""

from service.domain import attachment as file
from service.domain.attachment import (
    OPEN,
    Attachment,
    AttachmentChange,
    AttachmentStatus,
    attachment_view,
)
from service.domain.drafts import Draft
from service.domain.errors import VersionConflictError
from service.domain.ids import AttachmentId
from service.domain.log import EventType
from service.domain.message import Failure
from service.domain.send import PendingSend
from service.domain.session import PublicState, Session
from service.usecases.visit.desk import Desk
from service.usecases.visit.marks import ensure_mark

_UNKNOWN = "outcome_unknown"
_DELETING = AttachmentStatus.DELETING


async def load_files(desk: Desk) -> None:
    """Read them, where the session ever had any."""
    await reload_files(desk, desk.session)


async def reload_files(desk: Desk, stored: Session) -> None:
    """Read them again if a caller asked something of one since."""
    if stored.attachments_at != desk.files.seen_at:
        desk.files.seen_at = stored.attachments_at
        await _read(desk)


async def change_file(desk: Desk, before: Attachment, after: Attachment) -> None:
    """Move one on; nothing where somebody else did first: it is read again."""
    change = AttachmentChange(before=before, after=after)
    try:
        desk.files.keep(await desk.ports.attachments.change(change))
    except VersionConflictError:
        await _read(desk)
        return
    desk.moved = True


async def uploaded(desk: Desk, before: Attachment, *, url: str | None) -> None:
    """It is at Genesys: told once."""
    after = file.arrived(before, url=url, now=desk.now)
    if before.status is AttachmentStatus.AWAITING_UPLOAD:
        await _conclude(desk, before, after, EventType.ATTACHMENT_UPLOADED)
    else:
        await change_file(desk, before, after)


async def fail_file(desk: Desk, before: Attachment, failure: Failure) -> None:
    """It will not be sent: told."""
    if before.status is AttachmentStatus.RESTAGING and failure.provider_code is not None:
        # Nobody did anything wrong but the guest session, which went away.
        failure = file.left_behind(failure.provider_code)
    after = file.failed(before, failure, now=desk.now)
    await _conclude(desk, before, after, EventType.ATTACHMENT_FAILED)


async def settle_files(desk: Desk) -> None:
    """The session is over, or its chat is closed: no file may wait for ever."""
    public = desk.session.public
    if public in {PublicState.ENDED, PublicState.FAILED}:
        code, left = f"session_{public.value}", OPEN
    elif public is PublicState.READ_ONLY:
        # What is uploaded may still be sent, with a message that opens a new chat.
        code = "session_read_only"
        left = frozenset({AttachmentStatus.REQUESTED, AttachmentStatus.AWAITING_UPLOAD})
    else:
        return
    failure = Failure(code=code, detail="the chat was over before the file was uploaded and sent")
    for attachment in [each for each in desk.files.items.values() if each.status in left]:
        await fail_file(desk, attachment, failure)
    for attachment in [each for each in desk.files.items.values() if each.status is _DELETING]:
        # A closed chat is only read: nobody can ask Genesys to delete anything there.
        after = file.moved(attachment, AttachmentStatus.UPLOADED, now=desk.now)
        await change_file(desk, attachment, after)
    if public is not PublicState.READ_ONLY:
        await _drop_wishes(desk)


async def _drop_wishes(desk: Desk) -> None:
    """Nobody can ask Genesys any more where a file is."""
    for attachment in [each for each in desk.files.items.values() if each.wanted_at is not None]:
        await change_file(desk, attachment, file.unseen(attachment, now=desk.now))


async def file_of(desk: Desk, attachment_id: str) -> Attachment | None:
    """One by its id; read where this visit has not heard of it."""
    known = desk.files.items.get(AttachmentId(attachment_id))
    if known is None:
        known = await desk.ports.attachments.attachment(
            desk.session.id, AttachmentId(attachment_id)
        )
        if known is not None:
            desk.files.keep(known)
    return known


async def with_message(
    desk: Desk, send: PendingSend, failure: Failure | None
) -> tuple[AttachmentChange, ...]:
    """What becomes of a message's file as the message ends: `failure` None is that it arrived."""
    found = [await file_of(desk, each) for each in send.body.attachment_ids]
    own = [each for each in found if each is not None and each.message_id == send.message_id]
    return tuple(
        AttachmentChange(before=each, after=_after(desk, each, failure))
        for each in own
        if each.status is not AttachmentStatus.FAILED
    )


def take_over(desk: Desk, changes: tuple[AttachmentChange, ...]) -> None:
    """They were committed with something else."""
    for change in changes:
        desk.files.keep(file.kept(change))


def _after(desk: Desk, attachment: Attachment, failure: Failure | None) -> Attachment:
    now = desk.now
    if failure is None:
        return file.sent(attachment, now=now)
    if failure.code == _UNKNOWN:
        # It may have been sent: with another message it might come twice.
        return file.failed(attachment, failure, now=now)
    doubtful = failure.provider_code in file.FILE_CODES
    return file.let_go(attachment, now=now, doubtful=doubtful)


async def _conclude(desk: Desk, before: Attachment, after: Attachment, told: EventType) -> None:
    await ensure_mark(desk)
    draft = Draft(type=told, extra={"attachment": attachment_view(after)}, trace=before.trace)
    change = AttachmentChange(before=before, after=after)
    try:
        await desk.writer.append(desk.session, draft, attachments=(change,))
    except VersionConflictError:
        await _read(desk)
        return
    take_over(desk, (change,))
    desk.moved = True
    await desk.tools.wake_lanes(desk.session.tenant, desk.session.id)


async def _read(desk: Desk) -> None:
    stored = await desk.ports.attachments.of_session(desk.session.id)
    desk.files.items = {each.id: each for each in stored}
