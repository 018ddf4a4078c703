"""The session's append-only log: what an event is, and what a writer must know to append one.

The log is the truth. An event is appended by one conditional write on (session, sequence); the
loser of a race reloads and decides again. This module never writes: it only knows what is written.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Any, Final

from service.domain.ids import EventId, LogId
from service.domain.instants import rfc3339
from service.domain.sends import CLOCK_SKEW_SECONDS
from service.domain.trace import Trace, trace_of_name

WINDOW_EVENTS: Final = 200
WINDOW_SECONDS: Final = 60.0


class EventType(StrEnum):
    """Every type of event a caller can receive."""

    SESSION_OPENED = "session.opened"
    SESSION_RECOVERED = "session.recovered"
    SESSION_REPLACED = "session.replaced"
    SESSION_READ_ONLY = "session.readOnly"
    SESSION_EXPIRING = "session.expiring"
    SESSION_ENDED = "session.ended"
    SESSION_FAILED = "session.failed"
    CONVERSATION_IDENTIFIED = "conversation.identified"
    CONVERSATION_DISCONNECTED = "conversation.disconnected"
    MESSAGE_ACCEPTED = "message.accepted"
    MESSAGE_CONFIRMED = "message.confirmed"
    MESSAGE_FAILED = "message.failed"
    MESSAGE_RECEIVED = "message.received"
    TYPING_STARTED = "typing.started"
    ATTACHMENT_UPLOADED = "attachment.uploaded"
    ATTACHMENT_FAILED = "attachment.failed"
    WEBHOOK_TEST = "webhook.test"
    WEBHOOK_FAILING = "webhook.failing"
    WEBHOOK_CHALLENGE = "webhook.challenge"
    WEBHOOK_DISABLED = "webhook.disabled"
    WEBHOOK_RECOVERED = "webhook.recovered"
    ERASED = "session.erased"
    """The tombstone of an erased session: it holds its place in the log and is never shown."""


UNLOGGED: Final = frozenset(
    {
        EventType.TYPING_STARTED,
        EventType.WEBHOOK_TEST,
        EventType.WEBHOOK_FAILING,
        EventType.WEBHOOK_CHALLENGE,
        EventType.WEBHOOK_DISABLED,
        EventType.WEBHOOK_RECOVERED,
    }
)
"""Types that never stand in a session's log; `*` does not include them."""
TOLD: Final = frozenset(
    {EventType.WEBHOOK_FAILING, EventType.WEBHOOK_DISABLED, EventType.WEBHOOK_RECOVERED}
)
"""Types of a tenant's own log: what is told about its endpoints."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEvent:
    """One event with its place. `data` is exactly what callers get; the rest serves the writers."""

    id: EventId
    session_id: LogId
    """Whose log it stands in."""
    sequence: int
    type: EventType
    at: float
    incarnation: int
    data: Mapping[str, Any]
    keys: frozenset[str] = frozenset()
    """What names the message on the south wire.

    `b:` body id, `c:` channel message id, `t:` tracing id.
    """
    channel_time: float | None = None
    """When the contact centre processed the message."""
    trace: Trace | None = None
    """That of the request which caused it; None: no request did, or nobody knows."""

    @property
    def traced(self) -> Trace:
        """The trace that it is passed on in, the same on each attempt."""
        return self.trace or trace_of_name(self.id)

    def public(self) -> dict[str, Any]:
        """The Event of the REST API and of webhooks: the same members in the same order."""
        return {
            "id": self.id,
            "type": self.type.value,
            "timestamp": rfc3339(self.at),
            "data": dict(self.data),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a writer keeps of an event: enough to place the next one and to drop a repeat."""

    sequence: int
    type: EventType
    at: float
    incarnation: int
    keys: frozenset[str]
    channel_time: float | None


def seen(event: LogEvent) -> Seen:
    """Forget the content of an event, keep what the window needs."""
    return Seen(
        sequence=event.sequence,
        type=event.type,
        at=event.at,
        incarnation=event.incarnation,
        keys=event.keys,
        channel_time=event.channel_time,
    )


@dataclass(frozen=True, slots=True)
class Window:
    """A writer's licence to append: every event from its start to the log's end, without holes."""

    events: tuple[Seen, ...] = ()

    @property
    def last_sequence(self) -> int:
        """The log's end as this writer knows it; 0 for an empty log."""
        return self.events[-1].sequence if self.events else 0

    @property
    def starts_at_beginning(self) -> bool:
        """Whether the window reaches the first event, so that nothing can be older than it."""
        return not self.events or self.events[0].sequence == 1

    @property
    def oldest_channel_time(self) -> float | None:
        """The oldest contact-centre time here; a frame older than that must be looked up."""
        times = [event.channel_time for event in self.events if event.channel_time is not None]
        return min(times) if times else None

    def grown(self, events: Iterable[Seen]) -> "Window":
        """The window with events that follow it, in order; what it has already is passed over."""
        fresh = tuple(event for event in events if event.sequence > self.last_sequence)
        together = self.events[-1:] + fresh
        for before, after in pairwise(together):
            if after.sequence != before.sequence + 1:
                message = f"a hole between {before.sequence} and {after.sequence}"
                raise ValueError(message)
        return Window(self.events + fresh)

    def trimmed(self, *, since: float) -> "Window":
        """The window without its oldest events: the last 200 stay, and all that are younger."""
        early = self.events[:-WINDOW_EVENTS]
        old = next((n for n, event in enumerate(early) if event.at >= since), len(early))
        return Window(self.events[old:])

    def find(self, keys: frozenset[str]) -> Seen | None:
        """The event that one of these keys names, if the window has it."""
        return next((event for event in self.events if event.keys & keys), None)

    def knows_all_since(self, channel_time: float | None) -> bool:
        """Whether absence from the window proves absence from the log for a frame of that time."""
        if self.starts_at_beginning:
            return True
        oldest = self.oldest_channel_time
        if channel_time is None or oldest is None:
            return False
        # The oldest time may be that of one that came late; what was logged before the window was
        # said before its first event was logged.
        return channel_time >= max(oldest, self.events[0].at + CLOCK_SKEW_SECONDS)

    def last_heard_at(self) -> float | None:
        """When the contact centre was last heard by whoever wrote this log."""
        return next((event.at for event in reversed(self.events) if _from_wire(event)), None)

    def heard_since(self, at: float) -> int:
        """How much of the contact centre's was logged after that."""
        return sum(event.at > at and _from_wire(event) for event in self.events)

    def was_heard_after(self, sequence: int) -> bool:
        """Whether anything of the contact centre's was logged behind that place."""
        return any(event.sequence > sequence and _from_wire(event) for event in self.events)

    def last_spoken_at(self, incarnation: int) -> float | None:
        """The latest contact-centre time of that incarnation."""
        times = [e.channel_time for e in self.events if e.incarnation == incarnation]
        return max((time for time in times if time is not None), default=None)

    def has_messages_of(self, incarnation: int) -> bool:
        """Whether the contact centre has shown a message of that incarnation in this window."""
        return any(event.incarnation == incarnation and _from_wire(event) for event in self.events)


def _from_wire(event: Seen) -> bool:
    return any(key.startswith("b:") for key in event.keys)
