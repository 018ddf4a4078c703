"""Giving a link away: from then on this visit only takes in what arrives.

It changes nothing of the session any more and writes no frame. When the successor has attached, the
link is closed, what came until then is logged, and that is said; only then need nobody read
history.
"""

import logging
from typing import Final

from service.domain.errors import GuestProtocolError
from service.domain.sends import in_flight
from service.domain.session import Farewell, State
from service.domain.timeline import Kind
from service.guest.codec import decode
from service.guest.requests import Request
from service.guest.translate import said
from service.usecases.visit.absorbing import log_said, release, take_live, take_strangers
from service.usecases.visit.desk import Desk, Phase
from service.usecases.visit.frames import late_refusal
from service.usecases.visit.inbox import (
    FrameArrived,
    HandOverAsked,
    LeaveAsked,
    LinkDown,
    Thing,
    TypingWanted,
)
from service.usecases.visit.noting import note, note_lease, note_received
from service.usecases.visit.reading import stop_reading

_log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 0.25
"""How often it is looked whether the successor has attached."""
GRACE_SECONDS: Final = 1.0
"""How long the link is kept once the successor is there: what Genesys had sent on its way to this
link alone, before the other one was there, must still reach it.
"""
PROOF_SECONDS: Final = 2.0
"""How long the link is kept for messages in flight to come back, once the successor is there."""
_CLOSED: Final = 1000


async def begin_giving(desk: Desk, asked: HandOverAsked) -> None:
    """Stop doing; a visit that is not at rest on a good link has nothing to give."""
    desk.giving = asked
    note_lease(desk, "given", successor=asked.successor, successorFence=asked.fence)
    desk.read_owed = desk.reading.owed
    await stop_reading(desk)
    if desk.session.state is not State.LIVE or desk.phase is not Phase.READY or desk.backlog:
        await _part(desk, asked, drained=False)


async def give(desk: Desk, asked: HandOverAsked) -> None:
    """One step: take in what came next, or look whether the successor is there."""
    wait = desk.farewell_look - desk.now
    thing = await desk.inbox.next(desk.ports.clock, wait) if wait > 0 else None
    if thing is not None:
        await _take(desk, asked, thing)
        return
    desk.farewell_look = desk.now + LOOK_SECONDS
    await release(desk)
    if await _is_met(desk, asked):
        await _hand_over(desk, asked)
    elif desk.ports.clock.monotonic() >= asked.until:
        await _part(desk, asked, drained=False)


async def _take(desk: Desk, asked: HandOverAsked, thing: Thing | None) -> None:
    match thing:
        case FrameArrived() if _is_of_the_link(desk, thing.link):
            await _hear(desk, thing)
        case LinkDown(link=name, code=code) if _is_of_the_link(desk, name):
            note(desk, Kind.LINK, "lost", link=name, code=code)
            await _part(desk, asked, drained=False)
        case TypingWanted(answer=answer):
            answer.put_nowait(item=False)
        case LeaveAsked():
            await _part(desk, asked, drained=False)
        case _:
            # Nothing else is ours to do any more.
            return


def _is_of_the_link(desk: Desk, name: str) -> bool:
    return desk.link is not None and desk.link.name == name


async def _hear(desk: Desk, arrived: FrameArrived) -> None:
    """What was said is logged and proves sends, a refusal by name counts; the rest is not ours."""
    try:
        frame = decode(arrived.text)
    except GuestProtocolError:
        return
    note_received(desk, frame, arrived)
    spoken = None if isinstance(frame, Request) else said(frame)
    if spoken is None:
        await late_refusal(desk, arrived)
    else:
        await take_live(desk, spoken)


async def _is_met(desk: Desk, asked: HandOverAsked) -> bool:
    """Whether the successor has attached."""
    stored = await desk.ports.sessions.load(desk.session.id)
    return stored.held_by == asked.successor


async def _hand_over(desk: Desk, asked: HandOverAsked) -> None:
    """The successor hears everything from here on: close, log the rest, say so."""
    link = desk.link
    if link is None:
        await _part(desk, asked, drained=False)
        return
    met = desk.ports.clock.monotonic()
    while (left := _stays(desk, met)) > 0:
        await _take(desk, asked, await desk.inbox.next(desk.ports.clock, left))
        if desk.leaving:
            return
    await link.say_goodbye()
    code = await _hear_the_rest(desk, asked, link.name)
    _, rest = desk.hold.released(float("inf"))
    for spoken in rest:
        await log_said(desk, spoken, recovered=False)
    await take_strangers(desk)
    # A close that the peer did not answer says nothing of what it may have sent before. What only a
    # read would have shown nobody logged.
    drained = code == _CLOSED and not desk.strangers and not desk.read_owed
    await _part(desk, asked, drained=drained)


def _stays(desk: Desk, met: float) -> float:
    """Seconds to keep the link that was shared since then."""
    seconds = PROOF_SECONDS if in_flight(desk.sends.values()) else GRACE_SECONDS
    return met + seconds - desk.ports.clock.monotonic()


async def _hear_the_rest(desk: Desk, asked: HandOverAsked, link: str) -> int:
    """Take in all that still came on the closed link; the code that it was closed with."""
    while True:
        thing = await desk.inbox.next(desk.ports.clock, None)
        if isinstance(thing, LinkDown) and thing.link == link:
            return thing.code
        if isinstance(thing, FrameArrived | TypingWanted):
            await _take(desk, asked, thing)


async def _part(desk: Desk, asked: HandOverAsked, *, drained: bool) -> None:
    note_lease(desk, "parted", successor=asked.successor, drained=drained)
    farewell = Farewell(fence=asked.fence, drained=drained)
    await desk.ports.sessions.say_farewell(desk.session.id, farewell)
    _log.info(
        "session.handed_over",
        extra={
            "session_id": desk.session.id,
            "successor": asked.successor,
            "fence": asked.fence,
            "drained": drained,
        },
    )
    desk.leaving = True
