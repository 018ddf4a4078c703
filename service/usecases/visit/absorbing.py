"""Takes in what was said: proves sends, drops what the log has, appends the rest in order."""

from dataclasses import replace
from hashlib import sha256

from service.domain.contents import contents_of
from service.domain.drafts import Draft, disconnected, received
from service.domain.ids import MESSAGE, MessageId
from service.domain.message import Message, MessageStatus
from service.domain.said import Said
from service.domain.sends import in_flight, proven_by
from service.domain.session import Session
from service.guest.translate import said as said_by
from service.usecases.visit.conversation import ask_about
from service.usecases.visit.desk import Desk
from service.usecases.visit.marks import ensure_mark
from service.usecases.visit.settling import confirm, reload_sends


async def take_live(desk: Desk, said: Said) -> None:
    """A pushed message. Proof is taken at once; the rest waits out the hold."""
    _extend_expiry(desk, said)
    if await _proves(desk, said, recovered=False):
        return
    desk.hold = desk.hold.taken(said, desk.now)
    await release(desk)


async def release(desk: Desk) -> None:
    """Log what the hold lets go now."""
    while True:
        desk.hold, going = desk.hold.released(desk.now)
        if not going:
            return
        for said in going:
            await log_said(desk, said, recovered=False)


async def take_history(desk: Desk, entries: list[Said]) -> None:
    """What history shows, in the order it was said: prove sends first, then log what is missing."""
    rest = [entry for entry in entries if not await _settled(desk, entry)]
    for entry in rest:
        await log_said(desk, entry, recovered=True)


async def take_strangers(desk: Desk) -> None:
    """Log what the guest said elsewhere: it matched no send, and none is unproven any more."""
    if not desk.strangers or in_flight(desk.sends.values()):
        return
    strangers, desk.strangers = desk.strangers, []
    for said, recovered in strangers:
        await log_said(desk, said, recovered=recovered)


def set_backlog_aside(desk: Desk) -> None:
    """The link goes. What was said on it waits on: history may be gone with the guest session."""
    spoken = [said_by(frame) for frame in desk.backlog]
    desk.overheard += [said for said in spoken if said is not None]
    desk.backlog = []


async def take_rest(desk: Desk) -> bool:
    """Log all that still waits, for its guest session is about to be left; whether there was any.

    Logged afterwards it would count as said in the next one, whose history does not show it.
    """
    heard = [*desk.overheard, *(held.said for held in desk.hold.waiting)]
    strangers, desk.strangers = desk.strangers, []
    desk.overheard, desk.hold = [], replace(desk.hold, waiting=())
    for said in heard:
        if not await _proves(desk, said, recovered=False):
            await _append(desk, _named(said), recovered=False)
    for said, recovered in strangers:
        await _append(desk, said, recovered=recovered)
    return bool(heard or strangers)


async def log_said(desk: Desk, said: Said, *, recovered: bool) -> None:
    """Append one message unless the log has it."""
    named = _named(said)
    if said.from_guest and not said.is_join:
        if await _proves_anothers(desk, said, recovered=recovered):
            return
        if in_flight(desk.sends.values()):
            # Each read of history shows it again.
            if not any(known.keys & named.keys for known, _ in desk.strangers):
                desk.strangers.append((named, recovered))
            return
    await _append(desk, named, recovered=recovered)


async def _append(desk: Desk, named: Said, *, recovered: bool) -> None:
    if named.is_join:
        return
    newest = _newest(desk)
    late = named.channel_time is not None and newest is not None and named.channel_time < newest
    await ensure_mark(desk)
    event = await desk.writer.append(
        desk.session, _draft(desk, named, recovered=recovered, late=late)
    )
    if event is None:
        return
    desk.moved = True
    if recovered:
        desk.tally = replace(desk.tally, caught_up=desk.tally.caught_up + 1)
    await desk.tools.wake_lanes(desk.session.tenant, desk.session.id)
    ask_about(desk, named)


async def _settled(desk: Desk, said: Said) -> bool:
    if await desk.writer.has(said.keys, said.channel_time):
        return True
    return await _proves(desk, said, recovered=True)


async def _proves_anothers(desk: Desk, said: Said, *, recovered: bool) -> bool:
    """Whether it proves a send that another visit wrote since ours were read.

    The mark stands before the frame, so it is there to be read. Were the message logged as said
    elsewhere, whoever wrote it would find no proof any more, and send it again.
    """
    await reload_sends(desk)
    return await _proves(desk, said, recovered=recovered)


async def _proves(desk: Desk, said: Said, *, recovered: bool) -> bool:
    send = proven_by(said, desk.sends.values(), incarnation=desk.session.incarnation)
    if send is None:
        return False
    await confirm(desk, send, said, recovered=recovered)
    ask_about(desk, said)
    return True


def _newest(desk: Desk) -> float | None:
    times = [
        event.channel_time
        for event in desk.writer.window.events
        if event.channel_time is not None and event.incarnation == desk.session.incarnation
    ]
    return max(times) if times else None


def _named(said: Said) -> Said:
    # Without any id the message is told apart by who said what and when.
    if said.keys:
        return said
    facts = f"{said.from_guest}|{said.channel_time}|{said.text}|{said.content}"
    return replace(said, keys=frozenset({"f:" + sha256(facts.encode()).hexdigest()[:32]}))


def _draft(desk: Desk, said: Said, *, recovered: bool, late: bool) -> Draft:
    if said.ended_by is not None:
        return disconnected(desk.session, said, at=desk.now, recovered=recovered)
    message = _message(desk, said, recovered=recovered, late=late)
    return received(message, keys=said.keys, channel_time=said.channel_time)


def _message(desk: Desk, said: Said, *, recovered: bool, late: bool) -> Message:
    now = desk.now
    made = contents_of(said, client_id=desk.session.client_id, session_id=desk.session.id)
    return Message(
        id=MessageId(desk.ports.ids.ulid(MESSAGE)),
        session_id=desk.session.id,
        sequence=0,
        incarnation=desk.session.incarnation,
        author=said.author,
        text=said.text,
        content=made.content,
        raw=made.raw,
        omitted=made.omitted,
        status=MessageStatus.CONFIRMED,
        recovered=recovered,
        late=late,
        occurred_at=said.channel_time if said.channel_time is not None else now,
        created_at=now,
    )


def _extend_expiry(desk: Desk, said: Said) -> None:
    """Any message moves the expiry: its time plus the duration, says the Guest API."""
    session = desk.session
    if session.duration_seconds is None or said.channel_time is None:
        return
    expires = max(session.expires_at or 0.0, said.channel_time + session.duration_seconds)
    desk.session = _with_expiry(session, expires)


def _with_expiry(session: Session, expires_at: float) -> Session:
    return session if session.expires_at == expires_at else replace(session, expires_at=expires_at)
