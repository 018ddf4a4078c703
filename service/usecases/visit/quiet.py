"""Tells whether a session has been quiet for so long that a link is not worth keeping."""

from service.domain.log import EventType
from service.domain.session import State
from service.usecases.visit.conversation import is_asking
from service.usecases.visit.desk import Desk, Phase


def quiet_since(desk: Desk) -> float:
    """When something happened last. A warning that nothing happens is not such a thing."""
    events = reversed(desk.writer.window.events)
    last = next((e.at for e in events if e.type is not EventType.SESSION_EXPIRING), None)
    return max(desk.session.created_at if last is None else last, desk.stirred_at)


def is_quiet(desk: Desk) -> bool:
    """Whether nothing was said for long, and nothing waits or is wanted."""
    limit = desk.dormant_seconds
    if limit is None or desk.stay.satisfied is not None or _is_busy(desk):
        return False
    return desk.now - quiet_since(desk) >= limit


def quiet_due(desk: Desk) -> float | None:
    """When a listener lets go of the link if nothing happens until then."""
    limit = desk.dormant_seconds
    stays = desk.stay.listener and not desk.stay.reconcile
    rests = desk.session.state is State.LIVE and desk.phase is Phase.READY
    reads = desk.reading.under_way or desk.reading.due is not None
    if limit is None or not stays or not rests or reads or is_asking(desk) or _is_busy(desk):
        return None
    return quiet_since(desk) + limit


def _is_busy(desk: Desk) -> bool:
    waiting = desk.sends or desk.backlog or desk.strangers or desk.hold.waiting
    return bool(waiting) or desk.files.at_work
