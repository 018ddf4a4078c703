"""What to do with each frame: answers to the visit, events, things said, errors."""

import logging
from typing import Final, assert_never

from service.domain import events as ev
from service.domain.drift import kind_of
from service.domain.errors import GuestProtocolError
from service.domain.read_only import WHY_NOT_SENT, begins_new
from service.domain.said import Refusal
from service.domain.send import PendingSend
from service.domain.sends import in_flight, not_sent, refused_by
from service.domain.session import EndedBy, State
from service.domain.timeline import Kind
from service.guest.codec import decode
from service.guest.messages import (
    ServerFrame,
    SessionClearedEvent,
    SessionResponse,
    TooManyRequests,
    Unknown,
)
from service.guest.requests import Request
from service.guest.translate import (
    attach_verdict,
    is_typing,
    media_rules,
    refusal,
    said,
    session_event,
)
from service.guest.unknowns import malformed, unknowns
from service.usecases.visit.absorbing import take_live
from service.usecases.visit.clearing import clear_unclear
from service.usecases.visit.deciding import happen
from service.usecases.visit.desk import Desk, Phase
from service.usecases.visit.file_frames import file_frame
from service.usecases.visit.inbox import FrameArrived
from service.usecases.visit.logging_in import learn_name, login_was_taken
from service.usecases.visit.noting import note, note_received
from service.usecases.visit.performing import configure, is_opening
from service.usecases.visit.sending import doubt_in_flight, plan_reads
from service.usecases.visit.settling import fail, put_back, refuse
from service.usecases.visit.showing_login import as_first_answered, was_about_login
from service.usecases.visit.typing import push_typing, typing_refused

_log = logging.getLogger(__name__)
_READ_ONLY: Final = "409"
_KINDS_LOGGED: Final = 10
_CLEAR_REFUSED: Final = frozenset({"400", "401", "403", "404", _READ_ONLY, "4000"})


async def frame_arrived(desk: Desk, arrived: FrameArrived) -> None:
    """Decode and dispatch one frame.

    A frame that is none is logged without its content and passed over.
    """
    try:
        frame = decode(arrived.text)
    except GuestProtocolError as fault:
        note(desk, Kind.FRAME, "malformed", link=arrived.link, size=len(arrived.text))
        _log.warning(
            "guest.frame_malformed",
            extra={"session_id": desk.session.id, "path": fault.path, "problem": fault.problem},
        )
        _note(desk, (malformed(fault),), arrived.text)
        return
    note_received(desk, frame, arrived)
    strange = unknowns(frame)
    if strange:
        kinds = sorted({kind_of(label) for label in strange})[:_KINDS_LOGGED]
        _log.info(
            "guest.frame_unknown",
            extra={"session_id": desk.session.id, "labels": kinds, "count": len(strange)},
        )
        _note(desk, strange, arrived.text)
    if isinstance(frame, Request):
        return
    learn_name(desk, frame)
    awaited = desk.link is not None and desk.link.answer(frame)
    if awaited and session_event(frame) is None:
        return
    await _dispatch(desk, frame)


def _note(desk: Desk, labels: tuple[str, ...], text: str) -> None:
    desk.tools.drift(desk.deployment, labels, text)


async def late_refusal(desk: Desk, late: FrameArrived) -> None:
    """What a link that was let go had brought: a refusal by name still proves what it says."""
    try:
        frame = decode(late.text)
    except GuestProtocolError:
        return
    refused = None if isinstance(frame, Request) else refusal(frame)
    if refused is None or not refused.certain or refused.tracing_id is None:
        return
    send = refused_by(refused, desk.sends.values(), link=None)
    if send is not None and send.written is not None and send.written.link == late.link:
        await refuse(desk, send, refused)


async def release_backlog(desk: Desk) -> None:
    """Handle what was pushed while the first read of history was under way."""
    while desk.overheard and desk.phase is Phase.READY and desk.reading.first_done:
        await take_live(desk, desk.overheard.pop(0))
    while desk.backlog and desk.phase is Phase.READY and desk.reading.first_done:
        await _ready(desk, desk.backlog.pop(0))


async def _dispatch(desk: Desk, frame: ServerFrame) -> None:
    match desk.phase:
        case Phase.CONFIGURING:
            await _configuring(desk, frame)
        case Phase.CLOSING:
            await _closing(desk, frame)
        case Phase.CLEARING:
            await _clearing(desk, frame)
        case Phase.READY:
            await _ready(desk, frame)
        case Phase.NONE:
            # The link was just let go: history has what this frame says.
            pass
        case _:
            assert_never(desk.phase)


async def _configuring(desk: Desk, frame: ServerFrame) -> None:
    if await was_about_login(desk, frame):
        return
    frame = as_first_answered(desk, frame)
    verdict = attach_verdict(frame, opened_before=not is_opening(desk.session.state))
    if verdict is None or isinstance(verdict, ev.ChatClosed):
        desk.backlog.append(frame)
        return
    if isinstance(frame, SessionResponse):
        desk.phase, desk.phase_until = Phase.READY, None
        link = None if desk.link is None else desk.link.name
        note(
            desk,
            Kind.LINK,
            "configured",
            link=link,
            newSession=frame.new_session,
            clearedExistingSession=frame.cleared_existing_session or None,
        )
        login_was_taken(desk)
    await happen(desk, verdict)
    if isinstance(frame, SessionResponse):
        await desk.tools.learn_media(desk.deployment, media_rules(frame))


async def _closing(desk: Desk, frame: ServerFrame) -> None:
    """Whatever closeSession is answered but trouble that may pass, the second step follows.

    A chat that Genesys will not close, or knows no more, can still be followed by another.
    """
    refused = refusal(frame)
    if refused is not None and refused.tracing_id not in {None, desk.phase_tracing}:
        return
    if isinstance(frame, TooManyRequests):
        await happen(desk, _told_to_wait(frame))
    elif isinstance(frame, SessionResponse) or (refused is not None and refused.certain):
        await configure(desk, start_new=True)
    elif refused is not None:
        await happen(desk, ev.LinkFailed(code=refused.code))


async def _clearing(desk: Desk, frame: ServerFrame) -> None:
    if isinstance(frame, SessionClearedEvent):
        await happen(desk, ev.Cleared())
        return
    refused = refusal(frame)
    if refused is not None and refused.tracing_id in {None, desk.phase_tracing}:
        await _clear_refused(desk, frame, refused)
        return
    spoken = said(frame)
    if spoken is not None:
        await take_live(desk, spoken)
        return
    event = session_event(frame)
    if event is not None and not isinstance(event, ev.ChatClosed):
        await happen(desk, event)


async def _clear_refused(desk: Desk, frame: ServerFrame, refused: Refusal) -> None:
    gone = session_event(frame)
    if gone is not None:
        await happen(desk, gone)
    elif isinstance(frame, TooManyRequests):
        await happen(desk, _told_to_wait(frame))
    elif refused.code in _CLEAR_REFUSED:
        desk.phase, desk.phase_until = Phase.READY, None
        closed = refused.code == _READ_ONLY
        answer = ev.ClearRefusedAsClosed if closed else ev.ClearRefused
        await happen(desk, answer(code=refused.code))
    else:
        await clear_unclear(desk, refused.code)


def _told_to_wait(frame: TooManyRequests) -> ev.Event:
    return ev.LinkFailed(code="429", retry_after_seconds=frame.wait_seconds)


async def _ready(desk: Desk, frame: ServerFrame) -> None:
    if not await file_frame(desk, frame):
        await _chat_frame(desk, frame)


async def _chat_frame(desk: Desk, frame: ServerFrame) -> None:
    refused = refusal(frame)
    if refused is not None:
        await _refused(desk, refused)
        event = session_event(frame)
        if event is not None:
            await happen(desk, event)
        return
    spoken = said(frame)
    if spoken is not None:
        if not desk.reading.first_done:
            desk.backlog.append(frame)
            return
        await take_live(desk, spoken)
        return
    event = session_event(frame)
    if event is not None:
        await happen(desk, event)
    elif is_typing(frame):
        push_typing(desk)
    elif isinstance(frame, Unknown):
        _log.debug("guest.frame_passed_over", extra={"session_id": desk.session.id})


async def _refused(desk: Desk, refused: Refusal) -> None:
    if typing_refused(desk, refused):
        return
    alone = desk.link is not None and not desk.link.waiting and not desk.files.asked
    link = desk.link.name if desk.link is not None and alone else None
    send = refused_by(refused, desk.sends.values(), link=link)
    if send is None or not refused.certain:
        # Without a tracing id it may speak of anything that is in flight.
        if send is not None or (refused.tracing_id is None and in_flight(desk.sends.values())):
            await doubt_in_flight(desk)
            plan_reads(desk)
        return
    if refused.code == _READ_ONLY:
        await _refused_read_only(desk, send)
        return
    await refuse(desk, send, refused)


async def _refused_read_only(desk: Desk, send: PendingSend) -> None:
    """409: the chat was closed without us hearing of it.

    What was refused may open a new one, by policy. Of what else is in flight it says nothing: that
    may have arrived before the chat was closed.
    """
    if begins_new(send, desk.session, desk.deployment):
        await put_back(desk, send)
    else:
        await fail(desk, send, not_sent("session_read_only", WHY_NOT_SENT))
    if desk.session.state in {State.LIVE, State.CATCHING_UP, State.VERIFYING}:
        await happen(desk, ev.ChatClosed(by=EndedBy.UNKNOWN))
