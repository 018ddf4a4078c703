"""Asks Genesys about files: where to upload one, whether it is there, to delete it.

Asked when the link is known to be that of the guest session. Answers come as frames.
"""

from typing import Final

from service.domain import attachment as file
from service.domain.attachment import Attachment, AttachmentStatus
from service.domain.errors import LinkLostError
from service.domain.pace import Ask as Pacing
from service.domain.session import State
from service.guest.requests import DeleteAttachment, GetAttachment, OnAttachment, Request
from service.usecases.visit.desk import Desk, Phase
from service.usecases.visit.file_carrying import LIFE_SECONDS, carry_on, leave_or_carry
from service.usecases.visit.file_moves import change_file, fail_file
from service.usecases.visit.file_shelf import Ask, Asked
from service.usecases.visit.guest_link import GuestLink
from service.usecases.visit.pacing import pause_for
from service.usecases.visit.sending import link_for_sending

ANSWER_SECONDS: Final = 8.0
TRIES: Final = 3
"""How often one thing is asked on one link."""
STAY_SECONDS: Final = 10.0
"""How long a visit that holds no link for good waits for an upload that may be under way."""
CARRIED_WITHIN_SECONDS: Final = LIFE_SECONDS / 2
"""A chat that is left on purpose leaves so much time to whoever carries its files over."""
RENEWED_SECONDS: Final = LIFE_SECONDS * 0.8
"""The address of a file that was not sent is asked for anew when it is so old: only from there can
it be carried over, and nobody knows beforehand when a guest session is lost.
"""
RENEWED_FOR_SECONDS: Final = 3600.0
"""So long after the file was asked for: who waits for longer seldom sends it."""
LOOK_SECONDS: Final = 5.0
"""When somebody looks again for an upload while nobody holds the link, at first."""
LOOK_SHARE: Final = 0.25
LOOK_MOST_SECONDS: Final = 60.0
"""Later it is after a quarter of the time that has passed, up to this."""


async def tend_files(desk: Desk) -> None:
    """Ask what is to be asked now. Raises SupersededError."""
    if not desk.files.items:
        return
    for attachment in list(desk.files.items.values()):
        await _follow_replacement(desk, attachment)
        await _give_up(desk, attachment)
    link = _link_for_files(desk)
    if link is None:
        return
    desk.files.begin(link.name)
    for attachment in list(desk.files.items.values()):
        await _tend(desk, link, attachment)
        now = desk.files.items.get(attachment.id)
        if now is not None and now.status is AttachmentStatus.RESTAGING:
            await carry_on(desk, now)


def files_due(desk: Desk) -> float | None:
    """When the next answer is overdue, or the next upload is given up."""
    if not desk.files.items or _link_for_files(desk) is None:
        return None
    shelf = desk.files
    times = [asked.until for asked in shelf.asked.values()]
    for each in shelf.items.values():
        given_up = each.given_up_at
        if given_up is not None and (each.id, Ask.LAST_LOOK) not in shelf.answered:
            times.append(given_up)
        if each.status is AttachmentStatus.DELETING:
            times.append(each.updated_at + file.REQUEST_SECONDS)
        renewed_at = _renewed_at(desk, each)
        if renewed_at is not None:
            times.append(renewed_at)
    if any(_wanted(desk, each) is not None for each in shelf.items.values()):
        times.append(_ask_at(desk))
    return min((time for time in times if time > desk.now), default=None)


def files_on_time(desk: Desk) -> None:
    """What was not answered may be asked again."""
    late = [name for name, asked in desk.files.asked.items() if asked.until <= desk.now]
    for name in late:
        del desk.files.asked[name]


def files_look_at(desk: Desk) -> float | None:
    """When somebody should look at the files of a session that nobody holds."""
    moved = [each.updated_at for each in desk.files.items.values() if each.at_work]
    if not moved:
        return None
    # Each look is a link and a read of history, of which a minute has few.
    pause = LOOK_SHARE * (desk.now - max(moved))
    return desk.now + min(LOOK_MOST_SECONDS, max(LOOK_SECONDS, pause))


def awaits_files(desk: Desk) -> bool:
    """Whether a visit that would leave should stay a while: an answer or an upload may come."""
    if desk.files.asked or desk.files.carrying:
        return True
    opened = None if desk.link is None else desk.link.opened_at
    soon = opened is not None and desk.now < opened + STAY_SECONDS
    awaited = AttachmentStatus.AWAITING_UPLOAD
    return soon and any(each.status is awaited for each in desk.files.items.values())


def _link_for_files(desk: Desk) -> GuestLink | None:
    reads = desk.phase is Phase.READY and desk.session.state is State.READING
    return desk.link if reads and desk.reading.agreed else link_for_sending(desk)


async def _follow_replacement(desk: Desk, attachment: Attachment) -> None:
    """Another guest session began: what is at Genesys belongs to the one before."""
    if attachment.incarnation in {None, desk.session.incarnation}:
        return
    match attachment.status:
        case AttachmentStatus.AWAITING_UPLOAD:
            await change_file(desk, attachment, file.asked_again(attachment, now=desk.now))
        case AttachmentStatus.DELETING:
            gone = file.moved(attachment, AttachmentStatus.DELETED, now=desk.now)
            await change_file(desk, attachment, gone)
        case AttachmentStatus.RESTAGING | AttachmentStatus.UPLOADED | AttachmentStatus.SENDING:
            await leave_or_carry(desk, attachment)
        case _:
            return


async def _give_up(desk: Desk, attachment: Attachment) -> None:
    """Also where no link comes to be: what waits for Genesys does so for an hour."""
    given_up = attachment.given_up_at
    carried = attachment.status is AttachmentStatus.RESTAGING
    if given_up is not None and desk.now >= given_up + file.REQUEST_SECONDS:
        await fail_file(desk, attachment, file.left_behind() if carried else file.not_seen())
        return
    asks = attachment.status is AttachmentStatus.REQUESTED or (carried and given_up is None)
    if asks and desk.now >= attachment.updated_at + file.REQUEST_SECONDS:
        await fail_file(desk, attachment, file.left_behind() if carried else file.no_answer())
        return
    if attachment.status is AttachmentStatus.DELETING:
        if desk.now >= attachment.updated_at + file.REQUEST_SECONDS:
            after = file.moved(attachment, AttachmentStatus.UPLOADED, now=desk.now)
            await change_file(desk, attachment, after)
        return
    wanted = attachment.wanted_at
    if wanted is not None and desk.now >= wanted + file.REQUEST_SECONDS:
        await change_file(desk, attachment, file.unseen(attachment, now=desk.now))


def _ask_at(desk: Desk) -> float:
    """When the next question may go out: as Genesys asked, and within a minute's room."""
    return max(desk.files.not_before, desk.now + pause_for(desk, Pacing.FILE))


async def _tend(desk: Desk, link: GuestLink, attachment: Attachment) -> None:
    ask = _wanted(desk, attachment)
    shelf = desk.files
    if ask is None or shelf.is_asking(attachment.id) or desk.now < _ask_at(desk):
        return
    asking = (attachment.id, ask)
    tries = shelf.tries.get(asking, 0)
    if tries >= TRIES:
        await _unanswered(desk, attachment, ask)
        return
    shelf.tries[asking] = tries + 1
    await _ask(desk, link, attachment, ask)


def _wanted(desk: Desk, attachment: Attachment) -> Ask | None:
    """What is to be asked about it on this link."""
    answered = {ask for name, ask in desk.files.answered if name == attachment.id}
    reads = desk.session.state is State.READING
    match attachment.status:
        case AttachmentStatus.REQUESTED:
            return None if reads else Ask.ADDRESS
        case AttachmentStatus.DELETING:
            return None if reads or Ask.DELETE in answered else Ask.DELETE
        case AttachmentStatus.RESTAGING if attachment.upload is None:
            return None if reads else Ask.ADDRESS
        case AttachmentStatus.AWAITING_UPLOAD | AttachmentStatus.RESTAGING:
            over = attachment.given_up_at is not None and attachment.given_up_at <= desk.now
            look = Ask.LAST_LOOK if over else Ask.LOOK
            return None if look in answered else look
        case _ if attachment.wanted_at is not None and attachment.guest_id is not None:
            return Ask.FETCH
        case AttachmentStatus.UPLOADED | AttachmentStatus.SENDING:
            soon = _moves_soon(desk, attachment) or _is_old(desk, attachment)
            return Ask.FETCH if soon and Ask.FETCH not in answered else None
        case _:
            return None


def _moves_soon(desk: Desk, attachment: Attachment) -> bool:
    """A waiting message leaves this closed chat for another: only here the bytes can be found."""
    known, leaves = attachment.download, desk.session.state is State.READING and bool(desk.sends)
    here = attachment.incarnation == desk.session.incarnation
    return leaves and here and (known is None or desk.now >= known.at + CARRIED_WITHIN_SECONDS)


def _is_old(desk: Desk, attachment: Attachment) -> bool:
    renewed_at = _renewed_at(desk, attachment)
    return renewed_at is not None and renewed_at <= desk.now


def _renewed_at(desk: Desk, attachment: Attachment) -> float | None:
    """When it is to be asked anew where it is, though nobody wants to know."""
    known, here = attachment.download, attachment.incarnation == desk.session.incarnation
    if known is None or not here or attachment.status is not AttachmentStatus.UPLOADED:
        return None
    renewed_at = known.at + RENEWED_SECONDS
    return renewed_at if renewed_at < attachment.created_at + RENEWED_FOR_SECONDS else None


def seeks_files(desk: Desk) -> bool:
    """Whether it is still to be learnt where files are that another guest session needs."""
    return any(_wanted(desk, each) is Ask.FETCH for each in desk.files.items.values())


async def _unanswered(desk: Desk, attachment: Attachment, ask: Ask) -> None:
    """Genesys stays silent: what nobody can wait for any longer is given up."""
    carried = attachment.status is AttachmentStatus.RESTAGING
    if carried and ask in {Ask.ADDRESS, Ask.LAST_LOOK}:
        await fail_file(desk, attachment, file.left_behind())
    elif ask is Ask.ADDRESS:
        await fail_file(desk, attachment, file.no_answer())
    elif ask is Ask.LAST_LOOK:
        await fail_file(desk, attachment, file.not_seen())
    elif ask is Ask.FETCH:
        # Whoever wants it again asks anew; nobody waits for it here.
        del desk.files.tries[attachment.id, ask]
        desk.files.answered.add((attachment.id, ask))
        await change_file(desk, attachment, file.unseen(attachment, now=desk.now))
    else:
        desk.files.answered.add((attachment.id, ask))


async def _ask(desk: Desk, link: GuestLink, attachment: Attachment, ask: Ask) -> None:
    tracing_id = desk.ports.ids.uuid()
    # A new name for each address: nobody ever saw one whose answer was lost.
    guest_id = desk.ports.ids.uuid() if ask is Ask.ADDRESS else attachment.guest_id or ""
    desk.files.asked[tracing_id] = Asked(
        attachment_id=attachment.id, ask=ask, guest_id=guest_id, until=desk.now + ANSWER_SECONDS
    )
    try:
        await link.send(_request(desk, attachment, ask, guest_id, tracing_id))
    except LinkLostError:
        # The reader reports the close; the next link asks anew.
        return


def _request(
    desk: Desk, attachment: Attachment, ask: Ask, guest_id: str, tracing_id: str
) -> Request:
    token = desk.session.client_id
    match ask:
        case Ask.ADDRESS:
            return OnAttachment(
                token=token,
                tracing_id=tracing_id,
                attachment_id=guest_id,
                file_name=attachment.file_name,
                file_type=attachment.file_type,
                file_size=attachment.file_size,
                errors_as_json=True,
            )
        case Ask.DELETE:
            return DeleteAttachment(token=token, tracing_id=tracing_id, attachment_id=guest_id)
        case _:
            return GetAttachment(token=token, tracing_id=tracing_id, attachment_id=guest_id)
