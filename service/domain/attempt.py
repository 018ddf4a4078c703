"""What one POST of an event to an endpoint came to, as people look at it later. Decides nothing.

The lane is the truth of what was delivered; attempts tell how it went.
"""

from dataclasses import dataclass
from enum import StrEnum

from service.domain.ids import AttemptId, EndpointId, EventId, SessionId
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
    session_id: SessionId
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
