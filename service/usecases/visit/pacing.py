"""Holds a visit within what Genesys takes: it waits here, and is never told to.

What a link sent is counted with the link. Reads of history and configures are counted for each
session, and outlive the visit: those of one session follow each other in one process, mostly.
"""

from collections.abc import Sequence
from itertools import takewhile

from service.domain.catchup import READS_KEPT, READS_PER_MINUTE
from service.domain.log import EventType
from service.domain.pace import CONFIGURES_PER_MINUTE, SECOND, WINDOW_SECONDS, Ask, Pace, free_at
from service.domain.send import SendStatus
from service.domain.sends import PER_SECOND, in_flight
from service.guest.requests import (
    ConfigureAuthenticatedSession,
    ConfigureSession,
    Echo,
    Request,
)
from service.usecases.last_minutes import LastMinute
from service.usecases.visit.desk import Desk


def begin_link(desk: Desk) -> None:
    """A new link has sent nothing."""
    desk.pace = Pace()


def request_sent(desk: Desk, request: Request) -> None:
    """Count what was written on the link."""
    now = desk.now
    desk.pace = desk.pace.after(now, echo=isinstance(request, Echo))
    if isinstance(request, ConfigureSession | ConfigureAuthenticatedSession):
        _count(_minute(desk).configures, now)


def pages_read(desk: Desk) -> Sequence[float]:
    """When pages were asked for lately, by this process."""
    return _minute(desk).reads


def configured(desk: Desk) -> Sequence[float]:
    """When the session was configured lately, by this process."""
    return _minute(desk).configures


def leave_history_alone(desk: Desk, seconds: float) -> None:
    """Genesys asks for it: also of those who visit this session next."""
    _minute(desk).no_read_before = desk.now + min(seconds, WINDOW_SECONDS)


def page_read(desk: Desk) -> None:
    """Count a page of history that is asked for."""
    _count(_minute(desk).reads, desk.now)


def pause_for(desk: Desk, ask: Ask) -> float:
    """Seconds until a request of that kind may be written on the link."""
    return desk.pace.next_at(ask, desk.now) - desk.now


def pause_for_message(desk: Desk) -> float:
    """Seconds until another message may be written: at most 5 a second a session, 50 a minute.

    Genesys counts when it takes a message: some time between our write and the echo. Were one
    refused for its haste, those behind it would overtake it.
    """
    now = desk.now
    since = now - SECOND
    while desk.written and desk.written[0] <= since:
        desk.written.pop(0)
    proven = _proven_since(desk, since)
    taken = max(len(desk.written), len(proven) + len(in_flight(desk.sends.values())))
    minute = pause_for(desk, Ask.MESSAGE)
    if taken < PER_SECOND:
        return minute
    oldest = min([*desk.written, *proven], default=now)
    return max(0.0, oldest + SECOND - now, minute)


def pause_for_history(desk: Desk) -> float:
    """Seconds until another page may be asked for.

    The last two of a minute are kept for what somebody waits for: the first read after an attach,
    and messages in doubt.
    """
    doubtful = any(send.status is SendStatus.UNKNOWN for send in desk.sends.values())
    urgent = doubtful or not desk.reading.agreed
    most = READS_PER_MINUTE if urgent else READS_PER_MINUTE - READS_KEPT
    minute = _minute(desk)
    return max(_pause(desk, minute.reads, most), minute.no_read_before - desk.now)


def second_read_waits(desk: Desk, at: float) -> bool:
    """Whether a read at that time, of which nobody waits for the end, would have to wait then.

    With a read now before it.
    """
    reads = [*_minute(desk).reads, desk.now]
    most = READS_PER_MINUTE - READS_KEPT
    return free_at(reads, most=most, now=at, window=WINDOW_SECONDS) > at


def pause_for_configure(desk: Desk) -> float:
    """Seconds until the session may be configured once more."""
    return _pause(desk, _minute(desk).configures, CONFIGURES_PER_MINUTE)


def _pause(desk: Desk, times: Sequence[float], most: int) -> float:
    return free_at(times, most=most, now=desk.now, window=WINDOW_SECONDS) - desk.now


def _minute(desk: Desk) -> LastMinute:
    return desk.tools.last_minutes(desk.session.id)


def _count(times: "list[float]", now: float) -> None:
    while times and times[0] <= now - WINDOW_SECONDS:
        times.pop(0)
    times.append(now)


def _proven_since(desk: Desk, since: float) -> Sequence[float]:
    latest = takewhile(lambda event: event.at > since, reversed(desk.writer.window.events))
    return [event.at for event in latest if event.type is EventType.MESSAGE_CONFIRMED]
