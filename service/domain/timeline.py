"""What is remembered of a session's way through the broker, for people to look at. Decides nothing.

Notes are taken by whoever visits a session and kept page by page; the log, the sends and the
attempts are kept anyway. No note holds what was said, a token or a client id.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeAlias

from service.domain.ids import MessageId, SessionId

PAGE_SECONDS: Final = 60.0
"""How long one page takes notes: so each session has at most one a minute from each process."""
PAGE_NOTES: Final = 100
"""What more happens in that time is counted, not kept."""
PAGE_FRAMES: Final = 80
"""How many of them may be frames: a session that talks fast must not hide what became of a link."""
LEFT_OUT: Final = "leftOut"
"""What an entry says that stands for all of a page that were not kept."""
FACT_CHARACTERS: Final = 80

Fact: TypeAlias = str | int | float | bool


class Kind(StrEnum):
    """What an entry of the timeline tells of."""

    EVENT = "event"
    """A place in the log."""
    LEASE = "lease"
    """Who was responsible for the session."""
    LINK = "link"
    """A socket to the contact centre."""
    DECISION = "decision"
    """A change of the session's state, and why."""
    FRAME = "frame"
    """Something that went over a link, either way."""
    SEND = "send"
    """A caller's message on its way."""
    ATTEMPT = "attempt"
    """One POST to a webhook."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One thing that happened. `facts` are short and harmless."""

    at: float
    kind: Kind
    what: str
    message_id: MessageId | None = None
    facts: Mapping[str, Fact] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotePage:
    """What one visitor noted within a minute, in the order of its notes."""

    session_id: SessionId
    begun: float
    writer: str
    notes: Sequence[Note]
    left_out: int = 0
    """How many more there were."""


def facts_of(given: Mapping[str, Fact | None]) -> Mapping[str, Fact]:
    """Those that are known; text is cut short."""
    return {
        name: fact[:FACT_CHARACTERS] if isinstance(fact, str) else fact
        for name, fact in given.items()
        if fact is not None
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineFilter:
    """Which entries are looked for; what is None or empty asks for nothing."""

    kinds: frozenset[Kind] = frozenset()
    message_id: MessageId | None = None
    since: float | None = None
    until: float | None = None
    """They happened before then; at `since` or after."""

    def has(self, kind: Kind) -> bool:
        """Whether such entries are looked for at all."""
        return not self.kinds or kind in self.kinds

    def covers(self, at: float) -> bool:
        """Whether that time is looked at."""
        return (self.since is None or at >= self.since) and (self.until is None or at < self.until)


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in the order of the timeline: by time, then the log first."""

    at: float
    rank: int = -1
    tie: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the timeline."""

    position: Position
    at: float
    kind: Kind
    what: str
    message_id: MessageId | None = None
    sequence: int | None = None
    facts: Mapping[str, Fact] = field(default_factory=dict)


RANKS: Final = {kind: rank for rank, kind in enumerate(Kind)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """What one source has after a position: all of it, or all up to `known_to`."""

    entries: Sequence[Entry]
    known_to: Position | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A page of the timeline and where it ends; None at the end of all."""

    entries: Sequence[Entry]
    end: Position | None


def cut(stretches: Sequence[Stretch], *, limit: int) -> Cut:
    """The first entries of all sources together that no source can add to any more."""
    horizon = min((s.known_to for s in stretches if s.known_to is not None), default=None)
    every = sorted((e for s in stretches for e in s.entries), key=lambda entry: entry.position)
    certain = [e for e in every if horizon is None or e.position <= horizon]
    if len(certain) > limit:
        return Cut(entries=certain[:limit], end=certain[limit - 1].position)
    return Cut(entries=certain, end=horizon)
