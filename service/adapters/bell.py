"""The bell of one process: wakes those who wait for a session's log. Says nothing about what moved.

An entry lives while somebody waits, so sessions that nobody asks about leave nothing behind.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Final

from service.domain.ids import SessionId
from service.ports import Clock

TYPING_KEPT: Final = 4096
"""Sessions whose last typing is remembered.

Beyond that the one that typed longest ago is forgotten.
"""


@dataclass(slots=True)
class _Waiters:
    """Those who wait for one session."""

    rung: asyncio.Event = field(default_factory=asyncio.Event)
    count: int = 0


class InProcessBell:
    """The Bell of one event loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiters: dict[SessionId, _Waiters] = {}
        self._typing: dict[SessionId, float] = {}

    def ring(self, session_id: SessionId) -> None:
        """Wake everybody who waits for the session now; who comes later waits for the next ring."""
        waiters = self._waiters.pop(session_id, None)
        if waiters is not None:
            waiters.rung.set()

    async def wait(self, session_id: SessionId, seconds: float) -> None:
        """Return when it rings or after `seconds`, whichever is first."""
        waiters = self._waiters.setdefault(session_id, _Waiters())
        waiters.count += 1
        try:
            async with self._clock.timeout(seconds):
                await waiters.rung.wait()
        except TimeoutError:
            return
        finally:
            waiters.count -= 1
            if waiters.count == 0 and self._waiters.get(session_id) is waiters:
                del self._waiters[session_id]

    def typing(self, session_id: SessionId) -> None:
        """Remember that somebody types now."""
        self._typing.pop(session_id, None)
        self._typing[session_id] = self._clock.now()
        if len(self._typing) > TYPING_KEPT:
            del self._typing[next(iter(self._typing))]

    def last_typing(self, session_id: SessionId) -> float | None:
        """When typing was last seen in this process."""
        return self._typing.get(session_id)

    @property
    def waiting(self) -> int:
        """How many sessions somebody waits for."""
        return len(self._waiters)
