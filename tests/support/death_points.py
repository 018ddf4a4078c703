"""At which calls a process must die so that whatever its death can leave behind is seen.

To die before a read leaves behind what a death before the next call leaves, and so does a death
after a change: one of them stands for all. Not so where time passes in between, and not where
another call is still on its way. `EVERY_DEATH=1` tells them all the same: twice as many.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from tests.support.lane_world import CrashPlan

EVERY: Final = os.environ.get("EVERY_DEATH", "") not in {"", "0"}

READS: Final = frozenset(
    {
        *("endpoint", "endpoints_of", "health", "lane", "last_event", "list_replays", "load"),
        *("look", "read", "read_log", "replay", "sessions_from", "strand", "strands_of", "tail"),
        "waiting_lanes",
    }
)
"""Calls that leave nothing behind."""


@dataclass(slots=True)
class _Call:
    begun: float
    under_way: int
    """How many calls had not ended when this one did, it not counted."""
    next_begun: float | None = None
    """When the next one began; None if it did so before this one ended, or if there was none."""
    ended: float | None = None


@dataclass(slots=True)
class PeacePlan(CrashPlan):
    """Nobody dies; when each call began and ended is written down. Inside `run_virtual` only."""

    _calls: list[_Call] = field(default_factory=list)
    _under_way: int = 0

    async def call(self, name: str, action: Callable[[], Awaitable[object]]) -> object:
        """Carry it out."""
        now = asyncio.get_running_loop().time
        if self._calls and self._calls[-1].ended is not None:
            self._calls[-1].next_begun = now()
        self.names.append(name)
        made = _Call(begun=now(), under_way=0)
        self._calls.append(made)
        self._under_way += 1
        try:
            return await action()
        finally:
            self._under_way -= 1
            made.ended, made.under_way = now(), self._under_way

    def deaths(self, *, after_effect: bool) -> Iterator[CrashPlan]:
        """A plan for each death before a call had its effect, or after, that is worth telling."""
        worth = self._worth_after if after_effect else self._worth_before
        for number, name in enumerate(self.names):
            if not (after_effect and name in READS) and (EVERY or worth(number)):
                yield CrashPlan(at=number + 1, after_effect=after_effect)

    def _worth_before(self, number: int) -> bool:
        call = self._calls[number]
        is_last = number + 1 == len(self._calls)
        return (
            self.names[number] not in READS
            or is_last
            or self._calls[number + 1].begun != call.begun
        )

    def _worth_after(self, number: int) -> bool:
        call = self._calls[number]
        return call.next_begun is None or call.next_begun != call.ended or call.under_way > 0
