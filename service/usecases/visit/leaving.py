"""When a visitor may go, and what is left in order when it does."""

from asyncio import gather
from contextlib import suppress
from typing import Final

from service.domain import events as ev
from service.domain.errors import UnavailableError
from service.domain.session import SETTLED_STATES, State
from service.usecases.visit.conversation import is_asking
from service.usecases.visit.deciding import happen
from service.usecases.visit.desk import Desk
from service.usecases.visit.file_asking import awaits_files, files_look_at
from service.usecases.visit.link_line import end_link
from service.usecases.visit.marks import tidy_mark
from service.usecases.visit.performing import drop_link
from service.usecases.visit.quiet import quiet_since
from service.usecases.visit.reading import agreement
from service.usecases.visit.timers import PROBE_AFTER_SECONDS, warn_at

TOUCH_LEAST: Final = 5.0
TOUCH_MOST: Final = 900.0
TOUCH_SHARE: Final = 0.25
"""The next look at a session without a link comes after a quarter of the time that it has been
quiet.
"""

_ON_THE_WAY: Final = frozenset(
    {
        State.RESUMING,
        State.REATTACHING,
        State.RETRYING,
        State.CATCHING_UP,
        State.JOINING,
        State.OVERLAPPING,
    }
)
"""No wish is fulfilled before the visit knows what became of the guest session."""


async def should_leave(desk: Desk) -> bool:
    """Whether there is no reason to stay, or no time."""
    stay = desk.stay
    if stay.until is not None and desk.ports.clock.monotonic() >= stay.until:
        return True
    idle = not desk.sends and not desk.files.asked
    if desk.session.state is State.READING and _all_read(desk) and idle:
        return True
    if stay.listener and not stay.reconcile:
        return False
    if _waits_too_long(desk):
        return True
    return await _has_what_it_came_for(desk)


async def let_go(desk: Desk) -> None:
    """Leave on purpose."""
    if desk.session.state is State.VERIFYING and desk.reading.agreed:
        # The second read is left to a later visit: the receipt says that history may hold more.
        await happen(desk, agreement(desk.reading.reads[-1], complete=False))
    await happen(desk, ev.VisitEnded())
    desk.leaving = True


async def wrap_up(desk: Desk) -> None:
    """Remove the mark where nothing is left to do, and say when to look again."""
    await drop_link(desk)
    at = next_look(desk)
    if desk.stay.reconcile or desk.stay.listener:
        # The sweeper leaves the sessions of a shard that is held to its listener, also those that
        # are over: were their marks left, they would fill every later sweep.
        stored = await desk.ports.sessions.load(desk.session.id)
        await tidy_mark(desk, stored, scheduled=at is not None)
    if at is not None:
        mark = desk.look_at or None
        await desk.ports.sessions.schedule(desk.session.id, at, now=desk.now, mark=mark)


async def get_up(desk: Desk) -> None:
    """End what still runs; the link is closed whatever happened."""
    await _note_unanswered(desk)
    owned = (*desk.chores, desk.asking.task, desk.reading.task)
    tasks = [task for task in owned if task is not None]
    for task in tasks:
        task.cancel()
    await gather(*tasks, return_exceptions=True)
    for waiting in desk.typing_waits:
        waiting.put_nowait(item=False)
    if desk.link is not None:
        await end_link(desk, desk.link)
    desk.tools.admit.leave(desk.deployment, desk.session.id)


async def _note_unanswered(desk: Desk) -> None:
    """An attach of ours may have made a guest session of which nobody would be told."""
    if not desk.unanswered:
        return
    after = desk.writer.window.last_sequence
    desk.tools.last_minutes(desk.session.id).unanswered_after = after
    if desk.stay.listener:
        # Who has a lock says it as it lets go of that.
        with suppress(UnavailableError):
            await desk.ports.sessions.note_unanswered(desk.session.id, after)


def next_look(desk: Desk) -> float | None:
    """When somebody should look at a session that nobody holds; None for one that is over."""
    session = desk.session
    if session.state in SETTLED_STATES:
        return None
    if desk.attach_at is not None:
        # It waits for a link. By its outage, or until its turn comes.
        return max(desk.attach_at, desk.now)
    if session.outage is not None and session.outage.retry_at is not None:
        return max(session.outage.retry_at, desk.now)
    times = [warn_at(session), _probe(session.expires_at), files_look_at(desk)]
    if session.state is not State.READ_ONLY:
        times.append(desk.now + _touch_pause(desk))
    ahead = [time for time in times if time is not None and time > desk.now]
    return min(ahead, default=None)


def _touch_pause(desk: Desk) -> float:
    quiet = desk.now - quiet_since(desk)
    return min(TOUCH_MOST, max(TOUCH_LEAST, TOUCH_SHARE * quiet))


def _probe(expires_at: float | None) -> float | None:
    return None if expires_at is None else expires_at + PROBE_AFTER_SECONDS


def _all_read(desk: Desk) -> bool:
    reading = desk.reading
    thorough = desk.stay.reconcile or desk.stay.listener
    return reading.agreed and (reading.second_at is None or not thorough)


def _waits_too_long(desk: Desk) -> bool:
    if desk.attach_at is None or desk.stay.until is None:
        return False
    if desk.session.outage is None and desk.stay.satisfied is not None:
        # It waits for its turn and nothing else. So does its caller, who would only begin anew.
        return False
    left = desk.stay.until - desk.ports.clock.monotonic()
    return desk.attach_at - desk.now > left


async def _has_what_it_came_for(desk: Desk) -> bool:
    if desk.sends and not _only_waits(desk):
        return False
    if desk.stay.reconcile:
        reading = desk.reading
        is_read = reading.first_done and reading.second_at is None
        rests = desk.session.state is State.LIVE and is_read and not is_asking(desk)
        return rests and not awaits_files(desk)
    if desk.stay.satisfied is None or not desk.moved or _is_on_the_way(desk):
        return False
    desk.moved = False
    return await desk.stay.satisfied()


def _is_on_the_way(desk: Desk) -> bool:
    state, reading = desk.session.state, desk.reading
    if _only_waits(desk):
        return False
    if reading.may_follow_now(desk.now):
        # What was missed is read by who comes next.
        return False
    return state in _ON_THE_WAY or (state is State.READING and not reading.agreed)


def _only_waits(desk: Desk) -> bool:
    """Whether it found all as the last visit left it, and has to wait before it begins anything.

    What waits to be sent then has other visitors: those who come so fast that this one waits.
    """
    return desk.goes_on and desk.attach_at is not None
