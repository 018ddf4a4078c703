"""The one reconcile routine: brings a session to where it should be, from wherever it is.

Listener, REST handler and sweeper all run this; they differ only in how long they stay (`Stay`).
"""

from asyncio import gather
from dataclasses import dataclass, replace
from typing import Final, assert_never

from service.domain import events as ev
from service.domain.deployment import Deployment
from service.domain.errors import NotFoundError, SupersededError
from service.domain.ids import SessionId
from service.domain.log import Window
from service.domain.sends import in_flight
from service.domain.session import SETTLED_STATES, Session, State
from service.domain.timeline import Kind
from service.usecases.log_writer import open_writer
from service.usecases.visit.absorbing import take_strangers
from service.usecases.visit.clearing import link_failed
from service.usecases.visit.context import as_told
from service.usecases.visit.deciding import happen
from service.usecases.visit.desk import Desk, Phase, Tools
from service.usecases.visit.file_asking import seeks_files, tend_files
from service.usecases.visit.file_moves import load_files, reload_files
from service.usecases.visit.frames import frame_arrived, late_refusal, release_backlog
from service.usecases.visit.giving import begin_giving, give
from service.usecases.visit.going_on import can_go_on, is_as_left
from service.usecases.visit.heeding import heeded
from service.usecases.visit.identifying import conversation_told
from service.usecases.visit.inbox import (
    ConversationKnown,
    ConversationUnknown,
    FrameArrived,
    HandOverAsked,
    HistoryArrived,
    HistoryFailed,
    Inbox,
    LeaveAsked,
    LinkDown,
    Nudged,
    OfLink,
    Thing,
    TypingWanted,
)
from service.usecases.visit.leaving import get_up, let_go, should_leave, wrap_up
from service.usecases.visit.marks import tidy_mark
from service.usecases.visit.noting import note, note_lease
from service.usecases.visit.performing import perform
from service.usecases.visit.reading import history_arrived, history_failed, start_if_due
from service.usecases.visit.sending import doubt_orphans, flush, plan_reads
from service.usecases.visit.settling import reload_sends, settle_read_only
from service.usecases.visit.stay import Stay
from service.usecases.visit.telling import telling
from service.usecases.visit.timers import hurry, on_time, patience
from service.usecases.visit.typing import send_typing

_BEHIND: Final = frozenset(
    {
        State.RESUMING,
        State.REATTACHING,
        State.RETRYING,
        State.VERIFYING,
        State.CATCHING_UP,
        State.PEEKING,
        State.PEEKED,
        State.READING,
        State.JOINING,
        State.OVERLAPPING,
    }
)
"""What was missed is not read yet: the last good moment is still that of the link before."""
_PONG_SECONDS: Final = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Visits one session."""

    tools: Tools
    dormant_seconds: float | None = None
    """After how long a quiet session's link is let go; None keeps it."""

    async def __call__(
        self, session_id: SessionId, stay: Stay, inbox: Inbox, *, locked: Session | None = None
    ) -> None:
        """Stay as long as `stay` says; what others want of this visit comes through `inbox`.

        `locked` is the session as it was read under the lock of this visit: none to read again.
        Raises SupersededError when the session was changed by somebody else: visit it again.
        Raises NotFoundError, UnavailableError, IllegalTransitionError.
        """
        ports = self.tools.ports
        with telling(session_id, stay, ports.clock, locked=locked) as visited:
            session = visited.session = locked or await ports.sessions.load(session_id)
            desk = visited.desk = await self._sit_down(session, stay, inbox)
            await load_files(desk)
            note_lease(desk, "visited", predecessor=stay.predecessor)
            try:
                await happen(desk, ev.VisitBegan())
                await self.tools.wake_lanes(desk.session.tenant, session_id)
                await _work(desk)
                if desk.giving is None:
                    await wrap_up(desk)
                if not stay.listener:
                    # A listener writes it down by itself, now and then.
                    await self.tools.drift.settle()
            finally:
                await get_up(desk)

    async def _sit_down(self, session: Session, stay: Stay, inbox: Inbox) -> Desk:
        ports = self.tools.ports
        deployment, writer, sends = await gather(
            self._deployment(session),
            open_writer(ports, session),
            ports.sessions.open_sends(session.id),
        )
        desk = Desk(
            tools=self.tools,
            stay=stay,
            inbox=inbox,
            session=_as_the_log_tells(session, writer.window),
            deployment=deployment,
            writer=writer,
            sends={(send.sequence, send.kind): send for send in sends},
            dormant_seconds=self.dormant_seconds,
            look_at=session.look_at or 0.0,
            sends_at=ports.clock.now(),
        )
        desk.as_left = is_as_left(desk)
        desk.goes_on = can_go_on(desk)
        return desk

    async def _deployment(self, session: Session) -> Deployment:
        try:
            return await self.tools.facts.deployment(session.tenant, session.deployment)
        except NotFoundError:
            if session.state not in SETTLED_STATES:
                raise
            # It may be deleted once its sessions are over, and what they leave is settled without.
            return Deployment(tenant=session.tenant, name=session.deployment, deployment_id="")


def _as_the_log_tells(session: Session, window: Window) -> Session:
    """The session with what is not written to it for each message: how long it was good, and lives.

    Who held the link until it died had read everything before what it logged last.
    """
    heard, spoken = window.last_heard_at(), window.last_spoken_at(session.incarnation)
    if session.held_by is not None and session.outage is None and heard is not None:
        session = replace(session, last_good_at=max(session.last_good_at or heard, heard))
    if session.duration_seconds is not None and spoken is not None:
        expires = max(session.expires_at or 0.0, spoken + session.duration_seconds)
        session = replace(session, expires_at=expires)
    return as_told(session, window)


async def _work(desk: Desk) -> None:
    while True:
        while desk.effects:
            await perform(desk, desk.effects.pop(0))
        while desk.giving is not None and not desk.leaving:
            await give(desk, desk.giving)
        if desk.leaving:
            return
        await _advance(desk)
        if desk.effects or desk.leaving:
            continue
        if await should_leave(desk):
            await let_go(desk)
            continue
        await _handle(desk, await desk.inbox.next(desk.ports.clock, patience(desk)))
        if desk.giving is None:
            await on_time(desk)


async def _advance(desk: Desk) -> None:
    """Do everything that can be done without waiting."""
    await release_backlog(desk)
    await _doubt_orphans(desk)
    await tend_files(desk)
    await _read_only_sends(desk)
    await flush(desk)
    await take_strangers(desk)
    start_if_due(desk)
    await _hold(desk)
    while desk.typing_waits and desk.phase is Phase.READY:
        desk.typing_waits.pop().put_nowait(await send_typing(desk))


async def _hold(desk: Desk) -> None:
    good = desk.session.state in {State.LIVE, State.OVERLAPPING}
    if desk.stay.listener and not desk.holding and good:
        desk.holding = True
        await happen(desk, ev.HoldBegan(holder=desk.stay.writer))


async def _doubt_orphans(desk: Desk) -> None:
    """What another writer left in flight went out on a link that is gone: only history can tell."""
    is_known = desk.phase is Phase.READY and desk.session.state is not State.OVERLAPPING
    if is_known and await doubt_orphans(desk):
        plan_reads(desk)


async def _read_only_sends(desk: Desk) -> None:
    """A message that waits on a read-only chat opens a new one, or is refused, as it wants."""
    await settle_read_only(desk)
    ready = desk.session.state is State.READING and desk.reading.agreed
    # Once the chat is left nobody can tell any more what became of a message in flight.
    if ready and desk.sends and not in_flight(desk.sends.values()) and not seeks_files(desk):
        await happen(desk, ev.StartNewWanted())


async def _handle(desk: Desk, thing: Thing | None) -> None:
    match thing:
        case None:
            # Silence may be what a caller waits for.
            desk.moved = True
        case FrameArrived() | LinkDown() | HistoryArrived() | HistoryFailed():
            await _from_any_link(desk, thing)
        case ConversationKnown() | ConversationUnknown():
            await conversation_told(desk, thing)
        case Nudged():
            await _nudged(desk)
        case TypingWanted(answer=answer):
            desk.typing_waits.append(answer)
        case LeaveAsked():
            await let_go(desk)
        case HandOverAsked():
            await begin_giving(desk, thing)
        case _:
            assert_never(thing)


async def _from_any_link(desk: Desk, thing: OfLink) -> None:
    if desk.link is not None and thing.link == desk.link.name:
        await _from_link(desk, thing)
    elif isinstance(thing, FrameArrived):
        # What a link brought that was let go is history by now, and read from there; but no history
        # tells what was refused.
        await late_refusal(desk, thing)


async def _from_link(desk: Desk, thing: OfLink) -> None:
    match thing:
        case FrameArrived():
            if desk.session.state not in _BEHIND:
                desk.session = replace(desk.session, last_good_at=desk.now)
            await frame_arrived(desk, thing)
        case LinkDown(code=code, reason=reason):
            note(desk, Kind.LINK, "lost", link=thing.link, code=code)
            desk.session = replace(desk.session, last_good_at=_last_good(desk, reason))
            await link_failed(desk, str(code))
        case HistoryArrived(read=read):
            await history_arrived(desk, read)
        case HistoryFailed(retry_after_seconds=wait):
            await history_failed(desk, wait)
        case _:
            assert_never(thing)


async def _nudged(desk: Desk) -> None:
    """Somebody accepted a message or changed the session: read again.

    Raises SupersededError for the latter.
    """
    # Side by side: what waits behind this is a message that somebody wants sent.
    stored, foreign, _ = await gather(
        desk.ports.sessions.load(desk.session.id), desk.writer.refresh(), reload_sends(desk)
    )
    if stored.version != desk.writer.session.version and not heeded(desk, stored):
        raise SupersededError(session_id=desk.session.id)
    await reload_files(desk, stored)
    desk.moved = True
    hurry(desk)
    await flush(desk)
    if foreign:
        await desk.tools.wake_lanes(desk.session.tenant, desk.session.id)
    await tidy_mark(desk, stored)


def _last_good(desk: Desk, reason: str) -> float | None:
    """A link that died of an unanswered ping was good at its last pong, not now."""
    known = desk.session.last_good_at
    if desk.phase is not Phase.READY or desk.session.state in _BEHIND:
        return known
    if "ping" not in reason:
        return desk.now
    pinged = desk.now - desk.deployment.heartbeat_seconds - _PONG_SECONDS
    return max(known or pinged, pinged)
