"""What one POST of an event to an endpoint came to, as people look at it later. Decides nothing.

The lane is the truth of what was delivered; attempts tell how it went.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from service.domain.ids import AttemptId, EndpointId, EventId, LogId
from service.domain.log import EventType


class Trigger(StrEnum):
    """Why it was made."""

    LIVE = "live"
    """The event's turn in its lane had come."""
    PROBE = "probe"
    """The same, while the endpoint was down: this one asked for all."""
    RESEND = "resend"
    """Somebody asked for this event once more."""
    REPLAY = "replay"
    """Somebody asked for a part of a log once more."""


class Decision(StrEnum):
    """What followed from it."""

    DELIVERED = "delivered"
    RETRY = "retry"
    EXHAUSTED = "exhausted"
    """The schedule is used up; the event is kept and tried twice a day."""
    CONFIRM_GONE = "confirmGone"
    """HTTP 410: asked once more before it is believed."""
    DISABLE = "disable"
    SKIP = "skip"
    """The event was left behind; the next deliveries tell of the gap."""
    NONE = "none"
    """Nothing: it was outside of the lane, and did not come through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phases:
    """Seconds that each part of one POST took, one that failed included.

    None for a part that was not reached or not needed: a kept connection has no connect, no TLS.
    """

    dns: float | None = None
    connect: float | None = None
    """All addresses that were tried."""
    tls: float | None = None
    first_byte: float | None = None
    """From the first byte sent to the complete head of the answer."""

    def rounded(self) -> "Phases":
        """To a tenth of a millisecond: what is kept costs space, and a clock is no better."""
        members = ((name, getattr(self, name)) for name in self.__slots__)
        return Phases(**{name: round(value, 4) for name, value in members if value is not None})


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt. Nothing in it is a credential of the endpoint."""

    id: AttemptId
    endpoint_id: EndpointId
    session_id: LogId
    """Of whose log its event is."""
    sequence: int
    event_id: EventId
    event_type: EventType
    at: float
    """When it began."""
    trigger: Trigger
    number: int | None = None
    """Which one of this event it was in its lane, from 1."""
    status: int | None = None
    """HTTP status; None where no complete head arrived."""
    error: str | None = None
    """The class of what went wrong: dns, refused, reset, timeout, tls, protocol, blocked_target, or
    `status` where an answer came and was no 2xx. None for a delivery.
    """
    detail: str = ""
    seconds: float = 0.0
    phases: Phases = Phases()
    answer: str = ""
    """What the receiver said, cut short and made printable."""
    decision: Decision
    next_at: float | None = None
    """When the next one is due, as it was known then."""

    @property
    def failed(self) -> bool:
        """Whether it did not come through."""
        return self.decision is not Decision.DELIVERED


class Outcome(StrEnum):
    """What somebody who looks for attempts may ask of one."""

    DELIVERED = "delivered"
    FAILED = "failed"
    NO_ANSWER = "noAnswer"
    """No complete head arrived."""
    REDIRECTED = "3xx"
    REFUSED = "4xx"
    BROKEN = "5xx"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFilter:
    """Which attempts are looked for; what is None or empty asks for nothing."""

    outcome: Outcome | None = None
    types: Sequence[str] = ()
    """Event types, or families such as `message.*`."""
    since: float | None = None
    until: float | None = None
    """They began before then; at `since` or after."""

    def takes(self, attempt: Attempt) -> bool:
        """Whether it is looked for."""
        return (
            (self.outcome is None or _came_to(attempt, self.outcome))
            and (not self.types or _is_of(attempt.event_type, self.types))
            and (self.since is None or attempt.at >= self.since)
            and (self.until is None or attempt.at < self.until)
        )


EVERY: Final = AttemptFilter()


def _came_to(attempt: Attempt, outcome: Outcome) -> bool:
    match outcome:
        case Outcome.DELIVERED:
            return not attempt.failed
        case Outcome.FAILED:
            return attempt.failed
        case Outcome.NO_ANSWER:
            return attempt.status is None
        case _:
            return attempt.status is not None and f"{attempt.status // 100}xx" == outcome


def _is_of(kind: EventType, types: Sequence[str]) -> bool:
    return kind.value in types or f"{kind.value.partition('.')[0]}.*" in types
