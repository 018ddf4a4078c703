"""Lets a visit send before it reads history, where the last link ended as it should a moment ago.

Ten reads a minute are what Genesys takes. Without this a caller who speaks more often, on visits of
which each reads history, would wait for most of a minute.
"""

from service.domain.going_on import goes_on, next_read_at, next_visit_at, was_heard
from service.domain.instants import rfc3339
from service.domain.sends import in_flight
from service.domain.session import State
from service.domain.timeline import Kind
from service.usecases.visit.desk import Desk
from service.usecases.visit.noting import note
from service.usecases.visit.pacing import configured, pages_read, second_read_waits
from service.usecases.visit.settling import reload_sends


def is_as_left(desk: Desk) -> bool:
    """Whether a visit that comes and goes found the session as the last one left it."""
    if desk.stay.listener and not desk.stay.reconcile:
        return False
    # Ours may not be in the table.
    own = desk.tools.last_minutes(desk.session.id).unanswered_after
    return goes_on(
        desk.session,
        desk.writer.window,
        unanswered_after=max(desk.session.unanswered_after, own),
        auto_start=desk.deployment.auto_start,
        now=desk.now,
    )


def can_go_on(desk: Desk) -> bool:
    """Whether it may send before it reads; who came to look, and not to send, reads first."""
    return desk.as_left and (bool(desk.sends) or desk.inbox.wants_typing)


async def pause_for_company(desk: Desk) -> float:
    """Seconds until this visit should attach; it takes with it what was accepted by then.

    A visit for each message would use up the configures of a minute, and then all would wait.
    """
    if not desk.goes_on:
        return 0.0
    pause = next_visit_at(desk.writer.window, configured(desk), now=desk.now) - desk.now
    if pause <= 0 and desk.has_waited:
        await reload_sends(desk)
    desk.has_waited = True
    return pause


def plan_first_read(desk: Desk) -> None:
    """Put the first read of a catch-up off where it is no hurry and something waits to be sent.

    Until then nothing waits for it. A message in doubt needs it at once.
    """
    reading = desk.reading
    # It may have waited long for its turn.
    reading.as_left = desk.as_left and was_heard(desk.writer.window, now=desk.now)
    reading.may_follow = reading.as_left and desk.goes_on and not in_flight(desk.sends.values())
    desk.goes_on = desk.as_left = False
    if reading.second_at is not None and _must_spare(desk, reading.second_at):
        reading.due, reading.spared = reading.second_at, True
    if not reading.may_follow or desk.stay.reconcile:
        # Who stays for the second read keeps its link meanwhile: there are few such visits.
        return
    now = desk.now
    at = next_read_at(desk.writer.window, pages_read(desk), now=now)
    if at <= now:
        return
    reading.due, reading.first_done = at, True
    note(desk, Kind.DECISION, "readLater", until=rfc3339(at))


def read_if_awaited(desk: Desk) -> None:
    """Something waits for the first read that was to be spared: it is made now.

    For one that cannot be made now a message that came meanwhile waits no more than another.
    """
    reading = desk.reading
    if reading.as_left and desk.sends and not in_flight(desk.sends.values()):
        reading.may_follow = True
        # What is pushed need not wait either.
        reading.first_done = reading.first_done or reading.may_follow_now(desk.now)
    if reading.spared and (desk.sends or desk.backlog or desk.overheard):
        reading.due, reading.spared = desk.now, False


def _must_spare(desk: Desk, second_at: float) -> bool:
    """Whether a second read would have to wait for the minute after a first one now.

    So it is where a link was lost often: the session would be recovering all that time.
    """
    stays = desk.stay.listener and not desk.stay.reconcile
    recovers = desk.session.state is State.VERIFYING
    return stays and recovers and second_read_waits(desk, second_at)
