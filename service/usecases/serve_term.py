"""One listener from its beginning to its end: it holds links, hands over, and lets go.

The same for a Lambda that lives some minutes and for a container that lives until it is told to
stop; they differ only in the term.
"""

import logging
from asyncio import FIRST_COMPLETED, Event, create_task, gather, wait
from dataclasses import dataclass
from typing import Final

from service.domain.lease import RENEW_SECONDS
from service.ports import Clock
from service.usecases.hold_links import BRISK_SECONDS, HoldLinks

_log = logging.getLogger(__name__)

LINGER_SECONDS: Final = 45.0
"""How long after its term a listener waits for successors to take its links over."""
HAND_OVER_SECONDS: Final = 16.0
"""How long others may take links over from a listener that is told to stop.

With what letting go of the rest may take, it ends within the 30 s that Fargate and Kubernetes leave
between SIGTERM and SIGKILL.
"""
WISH_SECONDS: Final = RENEW_SECONDS + 2 * BRISK_SECONDS
"""How long a wish for a shard is waited for: another listener's next look, and our own after it."""
LOOK_SECONDS: Final = 0.5
"""How often it is looked whether the end has come."""


def tell_end(listener: HoldLinks, reason: str, *, seconds: float, left: int) -> None:
    """The one line of a term; `left`: sessions that nobody had taken over at its end."""
    facts = {"listener": listener.name, "reason": reason, "links_left": left}
    _log.info("listener.ended", extra={**facts, "seconds": round(seconds, 3)})


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
        ending = create_task(self._end(stopping))
        reason = "failed"
        try:
            await wait((loops, ending), return_when=FIRST_COMPLETED)
            if loops.done():
                await loops
            reason = await ending
        finally:
            ending.cancel()
            left = len(self.listener.visits)
            await self.listener.drain()
            loops.cancel()
            await gather(loops, ending, return_exceptions=True)
            tell_end(self.listener, reason, seconds=self.clock.now() - begun, left=left)
        return reason

    async def _end(self, stopping: Event) -> str:
        term = self.listener.leases.term
        busy_at = self.clock.monotonic()
        while not stopping.is_set():
            now = self.clock.now()
            if self.listener.visits:
                busy_at = self.clock.monotonic()
            idle = self.clock.monotonic() - busy_at
            if term.idle_seconds is not None and idle >= term.idle_seconds:
                return "idle"
            if term.retires_at is not None and now >= term.retires_at and self._is_done(now):
                return "retired"
            await self.clock.sleep(LOOK_SECONDS)
        await self._hand_over()
        return "stopped"

    async def _hand_over(self) -> None:
        """Be as one whose generation ends now: others take the links over while they are there.

        It is over when nobody asks for what is left.
        """
        self.listener.leases.retire()
        clock, held = self.clock, self.listener.held
        moved_at = clock.monotonic()
        until = moved_at + HAND_OVER_SECONDS
        while self.listener.visits and clock.monotonic() < until:
            if self.listener.held != held:
                held, moved_at = self.listener.held, clock.monotonic()
            if held and clock.monotonic() - moved_at >= WISH_SECONDS:
                return
            await clock.sleep(LOOK_SECONDS)

    def _is_done(self, now: float) -> bool:
        term = self.listener.leases.term
        given = not self.listener.held and not self.listener.visits
        return given or now >= (term.retires_at or now) + self.linger_seconds
