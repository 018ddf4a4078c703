"""The queue of hints inside one process: what SQS is on AWS. Knows ids and times, never content.

A hint that waits already is not queued again, and a full queue drops what comes: the table has
every due time, so losing a hint costs the time until the next sweep and nothing else.
"""

import asyncio
import heapq
import itertools
from collections.abc import Hashable
from typing import Final, Generic, TypeVar

from service.domain.ids import EndpointId, SessionId
from service.ports import Clock

QUEUE_MAX: Final = 10_000

Name = TypeVar("Name", bound=Hashable)
Word = TypeVar("Word")


class _Queue(Generic[Name, Word]):
    """Hints by name, the earliest first. Any number may take at once."""

    def __init__(self, clock: Clock, longest: int) -> None:
        self._clock = clock
        self._longest = longest
        self._hints: dict[Name, tuple[float, Word]] = {}
        self._order: list[tuple[float, int, Name]] = []
        self._put = itertools.count()
        self._moved = asyncio.Event()
        self.dropped = 0

    def put(self, name: Name, word: Word, *, delay: float = 0.0) -> None:
        """Queue it; of two hints with one name the earlier stays."""
        at = self._clock.monotonic() + max(0.0, delay)
        waiting = self._hints.get(name)
        if waiting is None and len(self._hints) >= self._longest:
            self.dropped += 1
            return
        if waiting is None or at < waiting[0]:
            self._hints[name] = (at, word)
            heapq.heappush(self._order, (at, next(self._put), name))
            self._moved.set()

    async def take(self) -> tuple[Name, Word]:
        """The next hint whose time has come; waits for it. Cancelling it loses nothing."""
        while True:
            first = self._first()
            wait = None if first is None else first[0] - self._clock.monotonic()
            if first is not None and wait is not None and wait <= 0:
                return first[1], self._hints.pop(first[1])[1]
            self._moved.clear()
            await self._until_moved(wait)

    def _first(self) -> tuple[float, Name] | None:
        """The earliest hint.

        What an earlier hint of the same name replaced is thrown away on the way.
        """
        while self._order:
            at, _, name = self._order[0]
            waiting = self._hints.get(name)
            if waiting is not None and waiting[0] == at:
                return at, name
            heapq.heappop(self._order)
        return None

    async def _until_moved(self, seconds: float | None) -> None:
        try:
            async with self._clock.timeout(seconds):
                await self._moved.wait()
        except TimeoutError:
            return

    def __len__(self) -> int:
        return len(self._hints)


class InProcessHints:
    """The Hints of one process, and the two ends where they come out."""

    def __init__(self, clock: Clock, *, longest: int = QUEUE_MAX) -> None:
        self._sessions: _Queue[SessionId, int] = _Queue(clock, longest)
        self._lanes: _Queue[tuple[EndpointId, SessionId], int] = _Queue(clock, longest)

    async def session(self, session_id: SessionId, shard: int) -> None:
        """Tell the owner of the shard to look at this session."""
        self._sessions.put(session_id, shard)

    async def lane(
        self, endpoint_id: EndpointId, session_id: SessionId, *, delay: float = 0.0, hops: int = 0
    ) -> None:
        """Tell a courier to look at this lane, not before `delay` seconds."""
        self._lanes.put((endpoint_id, session_id), hops, delay=delay)

    async def next_session(self) -> tuple[SessionId, int]:
        """The next session to look at, with its shard; waits for one."""
        return await self._sessions.take()

    async def next_lane(self) -> tuple[EndpointId, SessionId, int]:
        """The next lane whose time has come, with its hops; waits for one."""
        (endpoint_id, session_id), hops = await self._lanes.take()
        return endpoint_id, session_id, hops

    @property
    def waiting(self) -> tuple[int, int]:
        """How many sessions and lanes wait."""
        return len(self._sessions), len(self._lanes)

    @property
    def dropped(self) -> int:
        """How many hints found the queue full."""
        return self._sessions.dropped + self._lanes.dropped
