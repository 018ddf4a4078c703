"""A part of one or many logs delivered to an endpoint once more: the job and its strands.

A replay is no lane: it has cursors of its own, and the live ones never know of it. Its sessions are
split among strands by their ids, so that strands go side by side and each session stays in one.
Within a strand a session whose event fails is set aside, and the others go on. Pure values.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from service.domain.endpoint import Claim, takes
from service.domain.ids import EndpointId, EventId, ReplayId, SessionId, TenantName
from service.domain.log import EventType, LogEvent

STRANDS: Final = 16
"""Of a replay over many sessions: with a receiver that takes 100 ms, a hundred events a second."""
OPEN_MOST: Final = 10
"""Sessions that a strand has in hand, set aside ones included: its item is written whole."""
NAMED_MOST: Final = 5
"""Skipped events that each strand names; the others are only counted."""
LONGEST_SECONDS: Final = 30 * 24 * 3600.0
"""A replay that waits for its endpoint this long has failed."""
KEPT_SECONDS: Final = 30 * 24 * 3600
"""How long one that is over can be read."""
PAST_SECONDS: Final = 5.0
"""Clocks of writers differ: an event stamped so much after the range proves the log is past it."""
DOUBT_SECONDS: Final = 6 * 3600.0
"""How long an event must fail with an answer before it is skipped although nobody can tell whether
it or the receiver is to blame."""
_REACHED: Final = frozenset(range(400, 500)) - {408, 425, 429}
"""RFC 9110, 15.5: the receiver is there, and judged the request."""


class ReplayState(StrEnum):
    """How far a replay is, as it is kept."""

    OPEN = "open"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """What is to be delivered once more. None does not narrow; both instants are included.

    Events are compared by the millisecond, as callers are shown their times.
    """

    session_id: SessionId | None = None
    from_sequence: int | None = None
    since: float | None = None
    until: float
    types: tuple[str, ...] | None = None
    """Besides these the endpoint's own filter holds."""

    def has(self, event: LogEvent) -> bool:
        """Whether an event of one of its sessions belongs to it."""
        if self.types is not None and not takes(self.types, event.type):
            return False
        at = _milliseconds(event.at)
        return at <= _milliseconds(self.until) and (
            self.since is None or at >= _milliseconds(self.since)
        )

    def is_past(self, event: LogEvent) -> bool:
        """Whether nothing that follows in the same log can belong to it."""
        return event.at > self.last_at

    @property
    def last_at(self) -> float:
        """Until then there may be something that belongs to it."""
        return self.until + PAST_SECONDS

    def begins_after(self, at: float) -> bool:
        """Whether nothing that was logged by then can belong to it."""
        return self.since is not None and at < self.since - PAST_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a replay came to no good end."""

    code: str
    detail: str


OVERDUE: Final = Failure(code="overdue", detail="the webhook took nothing for 30 days")


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """The job. `strands` were made with it, `unfinished` of them are still at work."""

    id: ReplayId
    endpoint_id: EndpointId
    tenant: TenantName
    range: Range
    strands: int
    unfinished: int
    state: ReplayState = ReplayState.OPEN
    failure: Failure | None = None
    created_at: float
    updated_at: float
    finished_at: float | None = None
    version: int = 0

    def over(self, state: ReplayState, *, at: float, failure: Failure | None = None) -> "Replay":
        """The job at its end; strands that are at work find out."""
        return replace(self, state=state, failure=failure, updated_at=at, finished_at=at)

    def without_one(self, *, at: float) -> "Replay":
        """The job with one strand more at its end; with the last one it is done."""
        left = replace(self, unfinished=self.unfinished - 1, updated_at=at)
        return left if left.unfinished else left.over(ReplayState.DONE, at=at)

    def is_overdue(self, *, now: float) -> bool:
        """Whether it has waited long enough."""
        return now - self.created_at >= LONGEST_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One session in a strand's hands. `after`: the last sequence that is done with."""

    session_id: SessionId
    after: int = 0
    attempt: int = 0
    due_at: float | None = None
    """Set aside until then."""
    failing_since: float | None = None
    """When it failed first, with nothing delivered since; anew after each time that its endpoint
    was shut."""
    skipped: int = 0
    """Events of it that were skipped, with none delivered since."""
    gone_at: float | None = None
    """When the last answer came, if it was 410: the next one settles it."""

    def delivered(self, sequence: int) -> "Part":
        """Past an event that was taken."""
        return Part(session_id=self.session_id, after=sequence)

    def passed_over(self, sequence: int) -> "Part":
        """Past an event that nobody takes; its doubts stay with the next one."""
        return Part(
            session_id=self.session_id,
            after=sequence,
            failing_since=self.failing_since,
            skipped=self.skipped + 1,
        )

    def anew(self) -> "Part":
        """Where it stands, as if its next event had never been tried."""
        return Part(session_id=self.session_id, after=self.after)

    def is_due(self, *, now: float) -> bool:
        """Whether its next event may be sent."""
        return self.due_at is None or self.due_at <= now


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """An event that a replay left behind, with what its last attempt came to."""

    session_id: SessionId
    sequence: int
    event_id: EventId
    event_type: EventType
    at: float
    attempts: int
    status: int | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How far it is, in sessions and events."""

    found: int = 0
    done: int = 0
    delivered: int = 0
    skipped: int = 0

    def plus(self, other: "Tally") -> "Tally":
        """Both together."""
        return Tally(
            found=self.found + other.found,
            done=self.done + other.done,
            delivered=self.delivered + other.delivered,
            skipped=self.skipped + other.skipped,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Strand:
    """One file of a replay. `place`: how far it has looked for sessions; `walked`: to the end."""

    replay_id: ReplayId
    endpoint_id: EndpointId
    number: int
    place: str = ""
    walked: bool = False
    parts: tuple[Part, ...] = ()
    tally: Tally = Tally()
    named: tuple[Skipped, ...] = ()
    succeeded_at: float | None = None
    due_at: float | None = None
    """When somebody looks at it, also at one that is in somebody's hands: he may have died."""
    parked: bool = False
    """It waits for its endpoint, not for its own time."""
    done: bool = False
    openings: int = 0
    """Those of its endpoint when it last was in somebody's hands."""
    updated_at: float = 0.0
    claim: Claim | None = None
    version: int = 0

    @property
    def has_room(self) -> bool:
        """Whether it may look for another session."""
        return not self.walked and len(self.parts) < OPEN_MOST

    def due_part(self, *, now: float) -> Part | None:
        """The session that is next: one whose time came, the one that waits longest first."""
        due = [part for part in self.parts if part.is_due(now=now)]
        return min(due, key=lambda part: now if part.due_at is None else part.due_at, default=None)

    def next_due(self) -> float | None:
        """When the first of the sessions that are set aside is next."""
        return min((part.due_at for part in self.parts if part.due_at is not None), default=None)

    def anew(self, openings: int) -> "Strand":
        """As it goes on: as if nothing had failed, if its endpoint was opened since it last was."""
        if self.openings == openings:
            return self
        parts = tuple(part.anew() for part in self.parts)
        return replace(self, parts=parts, openings=openings)

    def found(self, session_id: SessionId, *, after: int = 0) -> "Strand":
        """With one session more."""
        part = Part(session_id=session_id, after=after)
        tally = replace(self.tally, found=self.tally.found + 1)
        return replace(self, parts=(*self.parts, part), tally=tally)

    def passed_by(self) -> "Strand":
        """With one session more that has nothing to deliver."""
        tally = replace(self.tally, found=self.tally.found + 1, done=self.tally.done + 1)
        return replace(self, tally=tally)

    def with_part(self, part: Part) -> "Strand":
        """With that session moved on."""
        parts = tuple(part if each.session_id == part.session_id else each for each in self.parts)
        return replace(self, parts=parts)

    def without_part(self, session_id: SessionId) -> "Strand":
        """With that session done."""
        parts = tuple(each for each in self.parts if each.session_id != session_id)
        tally = replace(self.tally, done=self.tally.done + 1)
        return replace(self, parts=parts, tally=tally)

    def delivered(self, part: Part, sequence: int, *, at: float) -> "Strand":
        """With that event of that session taken."""
        tally = replace(self.tally, delivered=self.tally.delivered + 1)
        moved = self.with_part(part.delivered(sequence))
        return replace(moved, tally=tally, succeeded_at=at)

    def passed_over(self, part: Part, skipped: Skipped) -> "Strand":
        """With that event of that session left behind."""
        tally = replace(self.tally, skipped=self.tally.skipped + 1)
        named = self.named if len(self.named) >= NAMED_MOST else (*self.named, skipped)
        moved = self.with_part(part.passed_over(skipped.sequence))
        return replace(moved, tally=tally, named=named)

    def closed(self) -> "Strand":
        """In nobody's hands for good."""
        return replace(self, done=True, due_at=None, parked=False, claim=None)


def _milliseconds(at: float) -> int:
    return round(at * 1000)


def strand_of(session_id: SessionId, strands: int) -> int:
    """The strand that a session belongs to, the same in every process and for ever."""
    return zlib.crc32(session_id.encode()) % strands


def first_strands(made: Replay, *, due_at: float, openings: int = 0) -> Sequence[Strand]:
    """The strands of a new replay, each due then; `openings` of its endpoint."""
    wanted = made.range
    strands = [
        Strand(
            replay_id=made.id,
            endpoint_id=made.endpoint_id,
            number=number,
            due_at=due_at,
            openings=openings,
            updated_at=made.created_at,
            version=1,
        )
        for number in range(made.strands)
    ]
    if wanted.session_id is None:
        return strands
    after = (wanted.from_sequence or 1) - 1
    return [replace(one.found(wanted.session_id, after=after), walked=True) for one in strands]


def is_hopeless(
    part: Part, *, status: int | None, others_succeed: bool, now: float, doubt: float
) -> bool:
    """Whether an event whose attempts are used up is to blame, and not its receiver.

    `others_succeed`: others got through since it failed first. `doubt`: after so many seconds an
    answer of any kind is enough; a receiver that is not reached at all is waited for.
    """
    if others_succeed or status in _REACHED:
        return True
    since = now if part.failing_since is None else part.failing_since
    return status is not None and now - since >= doubt
