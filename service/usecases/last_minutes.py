"""What each session did in the last minute, where Genesys counts by session and not by link."""

from dataclasses import dataclass, field
from typing import Final

from service.domain.ids import SessionId

SESSIONS_MOST: Final = 2000
"""Of so many sessions a process remembers the last minute; who has more leaves it to Genesys's 429.
"""
TYPING_EVERY_SECONDS: Final = 5.0
"""Guest API: a guest's typing at most once each five seconds."""


@dataclass(slots=True)
class LastMinute:
    """When a session read pages of history, was configured and showed that the guest is typing."""

    reads: "list[float]" = field(default_factory=list)
    no_read_before: float = 0.0
    """When Genesys said that history may be read again."""
    configures: "list[float]" = field(default_factory=list)
    unanswered_after: int = 0
    """The log's end when a visit last ended before what came of its attach was known, and stored.
    """
    typing_at: float = 0.0
    """When a typing frame last went out."""
    typing_tried_at: float = 0.0
    """When somebody was last visited, or asked, for typing alone."""

    def typed_lately(self, now: float) -> bool:
        """Whether a typing frame would come too soon."""
        return now - self.typing_at < TYPING_EVERY_SECONDS

    def tried_to_type_lately(self, now: float) -> bool:
        """Whether it would come too soon, or all that it takes was tried just now."""
        return self.typed_lately(now) or now - self.typing_tried_at < TYPING_EVERY_SECONDS


@dataclass(frozen=True, slots=True)
class LastMinutes:
    """The last minute of the sessions that this process visits; the longest unused go first."""

    of: "dict[SessionId, LastMinute]" = field(default_factory=dict)

    def __call__(self, session_id: SessionId) -> LastMinute:
        """That of a session."""
        known = self.of.pop(session_id, None) or LastMinute()
        self.of[session_id] = known
        if len(self.of) > SESSIONS_MOST:
            del self.of[next(iter(self.of))]
        return known
