"""The work mark: set before the first append, extended at most every 30 s.

It is removed only when nothing is left to do. So the sweeper alone finds everything that a crash
left behind.
"""

import logging
from typing import Final

from service.domain.endpoint import Endpoint, EndpointState, Lane
from service.domain.session import Session
from service.domain.trace import trace_id
from service.usecases.visit.desk import Desk

_log = logging.getLogger(__name__)

MARK_SECONDS: Final = 60.0
TRUSTED_SECONDS: Final = 30.0
"""A mark is relied on only while it has this long to go: it must not lapse under a write."""


async def ensure_mark(desk: Desk) -> None:
    """Make sure that a mark stands before something is appended."""
    if desk.now < desk.look_at - TRUSTED_SECONDS:
        return
    look_at = desk.now + MARK_SECONDS
    await desk.ports.sessions.mark_work(desk.session.id, look_at)
    desk.look_at = look_at


async def tidy_mark(desk: Desk, stored: Session, *, scheduled: bool = False) -> None:
    """Remove a mark that has lapsed if all is done; else move it on, so that somebody looks again.

    `stored` is the session as it was just read. Without a mark the same goes for its schedule,
    unless it is `scheduled` anew right afterwards.
    """
    sessions = desk.ports.sessions
    lapsed = stored.wake_at if stored.look_at is None else stored.look_at
    if lapsed is None or lapsed > desk.now:
        return
    pause = await _pause_for_what_is_left(desk)
    if pause is None and scheduled and stored.look_at is None:
        return
    if pause is None:
        cleared = await sessions.clear_work_mark(desk.session.id, lapsed)
        desk.look_at = 0.0 if cleared else desk.look_at
        return
    desk.look_at = desk.now + pause
    await sessions.mark_work(desk.session.id, desk.look_at)
    # Whoever was to deliver may have died with the hint: on a quiet chat no event brings another.
    await desk.tools.wake_lanes(desk.session.tenant, desk.session.id)


async def _pause_for_what_is_left(desk: Desk) -> float | None:
    last = await desk.ports.sessions.last_event(desk.session.id)
    if desk.files.unasked or await desk.ports.sessions.open_sends(desk.session.id):
        return MARK_SECONDS
    if last is None:
        return None
    lanes = {lane.endpoint_id: lane for lane in await desk.ports.lanes.lanes_of(desk.session.id)}
    pause: float | None = None
    for endpoint in await desk.ports.tenants.endpoints_of(desk.session.tenant):
        lane = lanes.get(endpoint.id)
        behind = lane.cursor < last.sequence if lane else last.at >= endpoint.created_at - 2.0
        if not behind:
            continue
        waits = lane is not None and _waits(lane, desk.now)
        if endpoint.state is EndpointState.ACTIVE and not waits:
            await _tell_undelivered(desk, endpoint, 0 if lane is None else lane.cursor)
            return MARK_SECONDS
        # It has a time of its own, by which it is found; this only sees that it is not forgotten.
        pause = 5 * MARK_SECONDS
    return pause


def _waits(lane: Lane, now: float) -> bool:
    """Whether it waits for its time or its receiver, or a courier is at it: as a sweep sees it."""
    is_held = lane.claim is not None and lane.claim.until > now
    is_early = lane.due_at is not None and lane.due_at > now
    return is_early or lane.parked or is_held


async def _tell_undelivered(desk: Desk, endpoint: Endpoint, cursor: int) -> None:
    """Nobody waits for the receiver, and for a minute no courier came: that is ours to mend."""
    page = await desk.ports.sessions.read_log(desk.session.id, after=cursor, limit=1)
    for event in page.events:
        facts = {
            "session_id": desk.session.id,
            "tenant": desk.session.tenant,
            "endpoint_id": endpoint.id,
            "event_id": event.id,
            "sequence": event.sequence,
            "behind": page.last_sequence - cursor,
            "seconds": round(max(0.0, desk.now - max(event.at, endpoint.created_at)), 3),
            "trace_id": trace_id(event.traced),
        }
        _log.warning("events.undelivered", extra=facts)
