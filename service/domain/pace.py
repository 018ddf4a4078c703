"""When the next request may go out on a link, so that Genesys never has to refuse one. Pure.

Times are seconds since the epoch. The limits are those of Genesys's limits page (Web Messaging):
60 requests a minute and connection, 2 echoes among them; 60 configures a minute and session, 10
reads of history. What must wait here simply waits: an accepted message is durable.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from service.domain.sends import PER_SECOND

REQUESTS_PER_MINUTE: Final = 60
RESERVE: Final = 10
"""Of a minute's requests so many are kept for what a recovery needs: bearers of history, echoes,
Clear, the two steps out of a closed chat.
"""
MESSAGES_PER_MINUTE: Final = REQUESTS_PER_MINUTE - RESERVE
CARRIED_PER_MINUTE: Final = MESSAGES_PER_MINUTE - 5
"""What is foretold of messages: a link asks for some things of its own beside them."""
TYPING_PER_MINUTE: Final = MESSAGES_PER_MINUTE - RESERVE
"""Typing takes no message's place."""
FILES_PER_MINUTE: Final = TYPING_PER_MINUTE
"""Nor do questions about files: a transcript may show more of them at once than a minute has room
for.
"""
ECHOES_PER_MINUTE: Final = 2
CONFIGURES_PER_MINUTE: Final = 60
WINDOW_SECONDS: Final = 61.0
"""A minute, and a second: what was slow on its way is counted later than it was written here."""
SECOND: Final = 1.0


class Ask(Enum):
    """What a request is for; its value tells how many requests a minute may have before it."""

    RECOVERY = auto()
    MESSAGE = auto()
    FILE = auto()
    TYPING = auto()
    ECHO = auto()


_MOST: Final = {
    Ask.RECOVERY: REQUESTS_PER_MINUTE,
    Ask.MESSAGE: MESSAGES_PER_MINUTE,
    Ask.FILE: FILES_PER_MINUTE,
    Ask.TYPING: TYPING_PER_MINUTE,
    Ask.ECHO: REQUESTS_PER_MINUTE,
}


def free_at(times: Sequence[float], *, most: int, now: float, window: float) -> float:
    """When one more fits: `now`, or once all but `most - 1` of those times are a window old."""
    recent = sorted(at for at in times if at > now - window)
    return now if len(recent) < most else recent[-most] + window


@dataclass(frozen=True, slots=True)
class Pace:
    """What went out on one link in the last minute."""

    requests: tuple[float, ...] = ()
    echoes: tuple[float, ...] = ()

    def after(self, now: float, *, echo: bool = False) -> "Pace":
        """With one request more; what is older than a minute is forgotten."""
        since = now - WINDOW_SECONDS
        requests = (*(at for at in self.requests if at > since), now)
        echoes = tuple(at for at in self.echoes if at > since)
        return Pace(requests, (*echoes, now) if echo else echoes)

    def next_at(self, ask: Ask, now: float) -> float:
        """When a request of that kind may go out: `now`, if at once."""
        at = free_at(self.requests, most=_MOST[ask], now=now, window=WINDOW_SECONDS)
        if ask is not Ask.ECHO:
            return at
        return max(at, free_at(self.echoes, most=ECHOES_PER_MINUTE, now=now, window=WINDOW_SECONDS))


def carried_at(count: int, *, taken: Sequence[float], now: float) -> float:
    """When the last of `count` messages that wait will have gone out, if nothing hinders them.

    `taken` are the times at which messages went out lately.
    """
    gone = list(taken)
    at = now
    for _ in range(count):
        at = max(
            free_at(gone, most=PER_SECOND, now=at, window=SECOND),
            free_at(gone, most=CARRIED_PER_MINUTE, now=at, window=WINDOW_SECONDS),
        )
        gone.append(at)
    return at


def whole_seconds(seconds: float) -> int:
    """Seconds for a Retry-After header, rounded up; at least one."""
    return max(1, math.ceil(seconds))
