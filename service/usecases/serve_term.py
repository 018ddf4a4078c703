"""One listener from its beginning to its end: it holds links, hands over, and lets go.

The same for a Lambda that lives some minutes and for a container that lives until it is told to
stop; they differ only in the term.
"""

import logging
from asyncio import FIRST_COMPLETED, Event, create_task, gather, wait
from dataclasses import dataclass
from typing import Final

from service.ports import Clock
from service.usecases.hold_links import HoldLinks

_log = logging.getLogger(__name__)

LINGER_SECONDS: Final = 45.0
"""How long after its term a listener waits for successors to take its links over."""
LOOK_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeTerm:
    """Holds links for one term."""

    clock: Clock
    listener: HoldLinks
    linger_seconds: float = LINGER_SECONDS

    async def __call__(self, stopping: Event) -> str:
        """Return why it ended: `stopped`, `retired` or `idle`. A failure of its loops is raised."""
        begun = self.clock.now()
        _log.info("listener.began", extra={"listener": self.listener.name})
        loops = create_task(self.listener.run())
        ending = create_task(self._end())
        stopped = create_task(stopping.wait())
        try:
            await wait((loops, ending, stopped), return_when=FIRST_COMPLETED)
            if loops.done():
                await loops
            reason = await ending if ending.done() else "stopped"
        finally:
            ending.cancel()
            stopped.cancel()
            await self.listener.drain()
            loops.cancel()
            await gather(loops, ending, stopped, return_exceptions=True)
        seconds = round(self.clock.now() - begun, 3)
        _log.info(
            "listener.ended",
            extra={"listener": self.listener.name, "reason": reason, "seconds": seconds},
        )
        return reason

    async def _end(self) -> str:
        term = self.listener.leases.term
        busy_at = self.clock.monotonic()
        while True:
            now = self.clock.now()
            if self.listener.visits:
                busy_at = self.clock.monotonic()
            idle = self.clock.monotonic() - busy_at
            if term.idle_seconds is not None and idle >= term.idle_seconds:
                return "idle"
            if term.retires_at is not None and now >= term.retires_at and self._is_done(now):
                return "retired"
            await self.clock.sleep(LOOK_SECONDS)

    def _is_done(self, now: float) -> bool:
        term = self.listener.leases.term
        given = not self.listener.held and not self.listener.visits
        return given or now >= (term.retires_at or now) + self.linger_seconds
