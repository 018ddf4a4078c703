"""Catching up from history: when enough was read, and what of it is new.

Also whether it is the history of the guest session we know. History comes newest first in pages and
promises no order, so one known message is not a stop.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from service.domain.log import Window
from service.domain.said import Said
from service.domain.session import EndedBy

PAGE_SIZE: Final = 100
READS_PER_MINUTE: Final = 10
"""Guest API: history reads per session and minute."""
READS_KEPT: Final = 2
"""Of these so many are kept for reads that somebody waits for."""
REACH_BACK_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRead:
    """What one read of history brought: every entry that it saw, and how far back it went."""

    at: float
    entries: Sequence[Said]
    since: float | None
    """It reached back to that channel time; None: to the beginning."""
    closed_by: EndedBy | None = None
    """Who ended the chat for good, where it shows that."""


def reads_on(page: Sequence[Said], window: Window, *, since: float | None, last_page: bool) -> bool:
    """Whether another page is needed after this one.

    A read is over when history ends, or when a page reaches back past `since` and all that it has
    from after that is known. What is older need not be in the window: in a long chat it is not.
    """
    if last_page:
        return False
    if since is None:
        return True
    times = [entry.channel_time for entry in page if entry.channel_time is not None]
    younger = (s for s in page if s.channel_time is None or s.channel_time >= since)
    reaches = min(times, default=since + 1) <= since
    return not (reaches and all(is_known(entry, window) for entry in younger))


def is_known(said: Said, window: Window) -> bool:
    """Whether the log has it, as far as the window tells."""
    return window.find(said.keys) is not None


def in_time_order(entries: Iterable[Said]) -> list[Said]:
    """Entries as they were said.

    Those without a time keep their place beside their older neighbour. Expects newest first, as
    history gives them.
    """
    oldest_first = list(entries)[::-1]
    last = float("-inf")
    timed: list[tuple[float, Said]] = []
    for entry in oldest_first:
        last = entry.channel_time if entry.channel_time is not None else last
        timed.append((last, entry))
    return [entry for _, entry in sorted(timed, key=lambda pair: pair[0])]


def unique(entries: Iterable[Said]) -> list[Said]:
    """Entries without repeats: new messages shift the pages while they are read."""
    seen: set[str] = set()
    kept: list[Said] = []
    for entry in entries:
        if entry.keys and entry.keys & seen:
            continue
        seen |= entry.keys
        kept.append(entry)
    return kept


def agrees(read: HistoryRead, window: Window, *, incarnation: int) -> bool:
    """Whether this is the history of the incarnation we know; true if nothing tells yet."""
    if not window.has_messages_of(incarnation):
        return True
    return any(_is_of(entry, window, incarnation) for entry in read.entries)


def shows_join(read: HistoryRead) -> bool:
    """Whether the guest's Join is in it."""
    return any(entry.is_join for entry in read.entries)


def shows_words(read: HistoryRead) -> bool:
    """Whether the guest said something in it: a conversation has begun."""
    return any(entry.from_guest and not entry.is_join for entry in read.entries)


def _is_of(entry: Said, window: Window, incarnation: int) -> bool:
    found = window.find(entry.keys)
    return found is not None and found.incarnation == incarnation
