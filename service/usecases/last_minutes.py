"""What each session did in the last minute, where Genesys counts by session and not by link."""

from dataclasses import dataclass, field
from typing import Final

from service.domain.ids import SessionId

SESSIONS_MOST: Final = 2000
"""Of so many sessions a process remembers the last minute; who has more leaves it to Genesys's 429.
"""


@dataclass(slots=True)
class LastMinute:
    """When a session read pages of history and was configured."""

    reads: "list[float]" = field(default_factory=list)
    no_read_before: float = 0.0
    """When Genesys said that history may be read again."""
    configures: "list[float]" = field(default_factory=list)
    unanswered_at: float = 0.0
    """When a visit last ended before it was known, and in the table, what came of its attach."""


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
