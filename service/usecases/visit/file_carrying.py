"""Carries an uploaded file over into the guest session that took the old one's place.

From the address where it can still be fetched to a new one where it can be uploaded: the old guest
session is gone, and with it every other way to the bytes.
"""

from asyncio import create_task
from typing import Final, cast

from service.domain import attachment as file
from service.domain.attachment import Attachment, AttachmentStatus, Download, Upload
from service.domain.errors import FileTransferError
from service.usecases.visit.desk import Desk
from service.usecases.visit.file_moves import change_file, fail_file
from service.usecases.visit.file_shelf import Ask
from service.usecases.visit.inbox import Nudged

LIFE_SECONDS: Final = 600.0
"""How long an address works at which a file can be fetched (Guest API: typically)."""
PAUSES: Final = (2.0, 8.0)
"""Between the tries to move the bytes of one."""


async def leave_or_carry(desk: Desk, attachment: Attachment) -> None:
    """Begin to carry it, if its bytes can still be had."""
    known = attachment.download
    if known is None or desk.now >= known.at + LIFE_SECONDS:
        await fail_file(desk, attachment, file.left_behind())
    else:
        await change_file(desk, attachment, file.restaging(attachment, now=desk.now))


async def carry_on(desk: Desk, attachment: Attachment) -> None:
    """Have its bytes moved once the new address is there and they are not."""
    shelf = desk.files
    asked_whether = (attachment.id, Ask.LOOK) in shelf.answered
    if attachment.upload is None or not asked_whether or attachment.id in shelf.carrying:
        return
    arrived = shelf.carried.get(attachment.id)
    if arrived is None:
        shelf.carrying.add(attachment.id)
        task = create_task(_carry(desk, attachment))
        desk.chores.add(task)
        task.add_done_callback(desk.chores.discard)
    elif not arrived:
        await fail_file(desk, attachment, file.left_behind())


async def _carry(desk: Desk, attachment: Attachment) -> None:
    shelf = desk.files
    arrived = False
    try:
        arrived = await _moved(desk, attachment)
    finally:
        # Whatever happened: a visit does not leave while one is carried.
        shelf.carrying.discard(attachment.id)
        if _is_wanted(desk, attachment):
            # Else the guest session was replaced again, and with it the address.
            shelf.carried[attachment.id] = arrived
        # The visit goes on with it.
        desk.inbox.put(Nudged())


async def _moved(desk: Desk, attachment: Attachment) -> bool:
    """Whether the bytes got there; what hinders them may pass, and to move them again is harmless.

    Nobody else can move them, and a message may wait for it.
    """
    for pause in PAUSES:
        arrived = await _tried(desk, attachment)
        if arrived is not None:
            return arrived
        await desk.ports.clock.sleep(pause)
        if not _is_wanted(desk, attachment):
            return False
    return bool(await _tried(desk, attachment))


async def _tried(desk: Desk, attachment: Attachment) -> bool | None:
    """Whether the bytes got there; None: not this time."""
    # Both are there: it was looked before this was begun.
    source, target = cast("Download", attachment.download), cast("Upload", attachment.upload)
    try:
        await desk.ports.guest_files.copy(
            desk.deployment,
            source.url,
            target,
            file_type=attachment.file_type,
            size=attachment.file_size,
        )
    except FileTransferError as failure:
        return None if failure.may_pass else False
    return True


def _is_wanted(desk: Desk, attachment: Attachment) -> bool:
    """Whether it is still to be carried to that address."""
    now = desk.files.items.get(attachment.id)
    if now is None or now.status is not AttachmentStatus.RESTAGING:
        return False
    return now.guest_id == attachment.guest_id
