"""When a visit may go on where the last one left, and read history afterwards. Pure.

A visit reads history before it sends, to learn whether it found the guest session that the log
tells of, and what was said meanwhile. Genesys allows ten reads a minute and session; who speaks
more often than that on visits which follow each other would wait for them and not for Genesys.
"""

from collections.abc import Sequence
from typing import Final

from service.domain.log import EventType, Window
from service.domain.pace import WINDOW_SECONDS
from service.domain.session import Session, State

GOES_ON_SECONDS: Final = 30.0
"""So long after something came from the guest session it is taken for the same. Less than the lock
of a visit lasts (35 s): after one that died nobody goes on.
"""
SLOT_SECONDS: Final = 10.0
"""One read in each is enough for a chat in which much is said: six or seven a minute, by all
processes together, since what the last visit logged tells each of them.
"""
READS_FREE: Final = 3
"""A chat with fewer messages in the last minute is read each time."""
VISITS_FREE: Final = 30
"""After half of a minute's configures, visits come no faster than the rest of them lasts."""
VISIT_EVERY_SECONDS: Final = 2.0


def goes_on(
    session: Session, window: Window, *, unanswered_after: int, auto_start: bool | None, now: float
) -> bool:
    """Whether the guest session was heard a moment ago on a link that ended as it should.

    Where a Join may be owed, history is asked first, and where nothing was heard behind the place
    in the log where an attach had no answer: it may have made another guest session.
    """
    ended_well = session.state is State.DETACHED and session.held_by is None
    expires = session.expires_at
    if not ended_well or session.outage is not None or (expires is not None and expires <= now):
        return False
    if auto_start and not session.joined:
        return False
    if not window.was_heard_after(unanswered_after):
        return False
    return window.has_messages_of(session.incarnation) and was_heard(window, now=now)


def was_heard(window: Window, *, now: float) -> bool:
    """Whether something came from the contact centre a moment ago."""
    heard = window.last_heard_at()
    return heard is not None and now - heard < GOES_ON_SECONDS


def next_read_at(window: Window, reads: Sequence[float], *, now: float) -> float:
    """When history should be read by who may go on without: `now`, or when the next slot begins.

    `reads` are those that this process made lately; what other processes did shows in the log.
    """
    if _lately(window, reads, now) < READS_FREE:
        return now
    slot = now // SLOT_SECONDS
    was_here = _last(window, reads) // SLOT_SECONDS >= slot
    return (slot + 1) * SLOT_SECONDS if was_here else now


def next_visit_at(window: Window, configures: Sequence[float], *, now: float) -> float:
    """When the next visit may attach, so that the minute's configures last; it takes what waits.

    `configures` are those of this process; those of others show in the log.
    """
    if _lately(window, configures, now) < VISITS_FREE:
        return now
    return max(now, _last(window, configures) + VISIT_EVERY_SECONDS)


def _lately(window: Window, own: Sequence[float], now: float) -> int:
    """How often somebody was there in the last minute: mostly each visit proves a message."""
    since = now - WINDOW_SECONDS
    proofs = (e for e in window.events if e.type is EventType.MESSAGE_CONFIRMED and e.at > since)
    return max(sum(1 for _ in proofs), sum(at > since for at in own))


def _last(window: Window, own: Sequence[float]) -> float:
    return max([window.last_heard_at() or 0.0, *own])
