"""Lets one event happen to the visited session: judge, decide, commit, queue the effects."""

import logging
from dataclasses import replace
from typing import Final

from service.domain import events as ev
from service.domain.deployment import CarryOver
from service.domain.given import Given
from service.domain.judgement import judged
from service.domain.lifecycle import Decision, decide
from service.domain.receipt import Tally
from service.domain.send import SendStatus
from service.domain.session import SETTLED_STATES
from service.domain.timeline import Kind
from service.usecases.visit.absorbing import set_backlog_aside, take_rest
from service.usecases.visit.desk import Desk, Phase
from service.usecases.visit.file_moves import settle_files
from service.usecases.visit.marks import ensure_mark
from service.usecases.visit.noting import note
from service.usecases.visit.quiet import is_quiet
from service.usecases.visit.settling import settle_all, settle_hopeless, settle_read_only

_log = logging.getLogger(__name__)

_MAY_REPLACE: Final = (ev.GuestSessionOpened, ev.GuestSessionResumed, ev.HistoryStrange)
_GONE: Final = (ev.GuestSessionGone, ev.ClientIdDead)


async def happen(desk: Desk, event: ev.Event) -> None:
    """Decide and commit; what must be done is queued.

    Raises SupersededError, IllegalTransitionError.
    """
    given, meant, decision = await _decided(desk, event)
    if await _took_rest(desk, decision):
        given, meant, decision = await _decided(desk, event)
    if decision.drafts:
        await ensure_mark(desk)
    before = desk.session
    events, sends = await desk.writer.commit(decision, authority=desk.stay.authority(given.now))
    desk.session = replace(decision.session, version=desk.writer.session.version)
    for send in sends:
        desk.keep(send)
    desk.effects.extend(decision.effects)
    if desk.phase is Phase.READY:
        desk.unanswered = False
    if (before.outage is None) != (desk.session.outage is None):
        # A receipt tells of its outage only, not of what went well before.
        desk.tally = Tally()
    _log.info(
        "session.transition",
        extra={
            "session_id": before.id,
            "from": before.state.value,
            "to": desk.session.state.value,
            "cause": type(meant).__name__,
            "incarnation": desk.session.incarnation,
        },
    )
    note(
        desk,
        Kind.DECISION,
        type(meant).__name__,
        before=before.state.value,
        after=desk.session.state.value,
        incarnation=desk.session.incarnation,
        replaced=desk.session.incarnation != before.incarnation or None,
        code=getattr(meant, "code", None),
        events=len(events) or None,
    )
    await _follow_up(desk, meant, logged=bool(events))


async def _decided(desk: Desk, event: ev.Event) -> tuple[Given, ev.Event, Decision]:
    given = await _given(desk, event)
    meant = judged(desk.session, event, given)
    return given, meant, decide(desk.session, meant, given)


async def _took_rest(desk: Desk, decision: Decision) -> bool:
    """Whether something was logged that would be too late once the guest session is left."""
    before, after = desk.session, decision.session
    if after.state in SETTLED_STATES and before.state not in SETTLED_STATES:
        set_backlog_aside(desk)
    elif after.incarnation == before.incarnation:
        return False
    # Else what waits on this link was said in the guest session that begins.
    return await take_rest(desk)


async def _follow_up(desk: Desk, meant: ev.Event, *, logged: bool) -> None:
    if desk.session.state in SETTLED_STATES:
        await settle_all(desk)
    else:
        await settle_hopeless(desk)
        await settle_read_only(desk, gone=isinstance(meant, _GONE))
    if desk.files.items:
        await settle_files(desk)
    if logged:
        desk.moved = True
        await desk.tools.wake_lanes(desk.session.tenant, desk.session.id)


async def _given(desk: Desk, event: ev.Event) -> Given:
    open_sends = tuple(desk.sends.values())
    return Given(
        now=desk.now,
        deployment=desk.deployment,
        fresh=desk.tools.facts.fresh(),
        jitter=desk.ports.ids.jitter(),
        sends=open_sends,
        tally=replace(
            desk.tally,
            resent=desk.tally.resent
            + sum(s.status is SendStatus.ACCEPTED and s.attempt > 0 for s in open_sends),
            # What was written a moment ago and is on its way is not in doubt.
            unproven=sum(
                s.written is not None and s.written.doubt_at is not None for s in open_sends
            ),
        ),
        back_at=desk.reading.begun_at,
        quiet=is_quiet(desk),
        predecessor=desk.stay.predecessor,
        recap=await _recap(desk, event),
    )


async def _recap(desk: Desk, event: ev.Event) -> str:
    wanted = desk.deployment.carry_over is not CarryOver.NONE and isinstance(event, _MAY_REPLACE)
    if not wanted or desk.session.opened_at is None:
        return ""
    return await desk.tools.facts.recap(desk.session.id, desk.writer.window.last_sequence)
