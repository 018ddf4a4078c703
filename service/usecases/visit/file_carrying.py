"""Carries an uploaded file over into the guest session that took the old one's place.

From the address where it can still be fetched to a new one where it can be uploaded: the old guest
session is gone, and with it every other way to the bytes.
"""

from asyncio import create_task
from contextlib import suppress
from typing import Final, cast

from service.domain import attachment as file
from service.domain.attachment import Attachment, Download, Upload
from service.domain.errors import FileTransferError
from service.usecases.visit.desk import Desk
from service.usecases.visit.file_moves import change_file, fail_file
from service.usecases.visit.file_shelf import Ask
from service.usecases.visit.inbox import Nudged

LIFE_SECONDS: Final = 600.0
"""How long an address works at which a file can be fetched (Guest API: typically)."""


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
    shelf, upload, known = desk.files, attachment.upload, attachment.download
    # Both are there: it was looked before this was begun.
    source, target = cast("Download", known), cast("Upload", upload)
    arrived = False
    try:
        with suppress(FileTransferError):
            await desk.ports.guest_files.copy(
                desk.deployment,
                source.url,
                target,
                file_type=attachment.file_type,
                size=attachment.file_size,
            )
            arrived = True
    finally:
        # Whatever happened: a visit does not leave while one is carried.
        shelf.carrying.discard(attachment.id)
        now = shelf.items.get(attachment.id)
        if now is not None and now.guest_id == attachment.guest_id:
            # Else the guest session was replaced again, and with it the address.
            shelf.carried[attachment.id] = arrived
        # The visit goes on with it.
        desk.inbox.put(Nudged())
