"""How long a request may wait, and following a log while it does. Decides nothing of sessions."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol

from service.domain.events import Event
from service.domain.ids import SessionId
from service.domain.log import LogEvent
from service.domain.session import Session
from service.domain.trace import Trace
from service.ports.sessions import SessionStore
from service.ports.system import Clock

BUDGET_SECONDS: Final = 25.0
"""An HTTP API gives up after 30 s; what is left covers storing before and answering after."""

PAGE_EVENTS: Final = 200


class Attending(Protocol):
    """Makes somebody visit a session, and waits for what comes of it."""

    async def __call__(
        self,
        session_id: SessionId,
        *,
        until: float,
        satisfied: Callable[[], Awaitable[bool]],
    ) -> None:
        """Return when `satisfied()` or at `until` on the monotonic clock."""

    async def typing(self, session_id: SessionId, *, until: float) -> bool:
        """Whether a typing frame went out."""


class Changing(Protocol):
    """Lets one event happen to a session: load, decide, commit, again after a lost race."""

    async def __call__(
        self, session_id: SessionId, event: Event, *, trace: Trace | None = None
    ) -> Session:
        """The session as the event left it; `trace` is that of the request which wishes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """What is left of a request's time. `arrived` is the monotonic time of its arrival."""

    arrived: float
    seconds: float

    def until(self, clock: Clock) -> float:
        """The monotonic deadline: what was asked for, inside the one budget of the request."""
        return min(self.arrived + BUDGET_SECONDS, clock.monotonic() + self.seconds)


class Closing:
    """Whether this process is about to stop: who waits then answers with what is known."""

    def __init__(self) -> None:
        self.begun = False

    def begin(self) -> None:
        """Let every wait come to its end; safe to repeat."""
        self.begun = True


class LogFollower:
    """Reads a log forward and keeps what it read."""

    def __init__(self, sessions: SessionStore, session_id: SessionId, *, after: int) -> None:
        self._sessions = sessions
        self._session_id = session_id
        self._after = after
        self.events: list[LogEvent] = []

    async def catch_up(self) -> list[LogEvent]:
        """Every event since `after`, up to the log's end as it is now."""
        while True:
            page = await self._sessions.read_log(
                self._session_id, after=self._after, limit=PAGE_EVENTS
            )
            self.events.extend(page.events)
            if page.events:
                self._after = page.events[-1].sequence
            if not page.events or self._after >= page.last_sequence:
                return self.events
