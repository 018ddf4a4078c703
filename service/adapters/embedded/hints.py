"""The queues of hints inside one process: what SQS is on AWS. Knows ids and times, never content.

A hint that waits already is not queued again, and a full queue drops what comes: the table has
every due time, so losing a hint costs the time until the next sweep and nothing else.
"""

import asyncio
import heapq
import itertools
from collections.abc import Hashable, Iterator, Sequence
from typing import Final, Generic, TypeAlias, TypeVar

from service.domain.ids import EndpointId, LogId, ReplayId, SessionId
from service.ports import (
    Clock,
    DeliveryHint,
    LaneHint,
    ReplayHint,
    SessionHint,
    TypingHint,
)

QUEUE_MAX: Final = 10_000
WAIT_SECONDS: Final = 5.0
"""How long somebody waits for a hint: what the ports promise."""
TAKEN_MAX: Final = 10
"""Hints taken at once: as many as SQS hands out, so that nothing depends on more."""

Name = TypeVar("Name", bound=Hashable)
Word = TypeVar("Word")
_Delivery: TypeAlias = tuple[EndpointId, LogId] | tuple[ReplayId, int]


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

    async def take_some(self) -> list[tuple[Name, Word]]:
        """The next hints whose time has come, or that comes soon. Cancelling it loses nothing."""
        ends = self._clock.monotonic() + WAIT_SECONDS
        while True:
            now = self._clock.monotonic()
            due = self._due(now)
            if due or now >= ends:
                return due
            first = self._first()
            self._moved.clear()
            await self._until_moved(ends - now if first is None else min(ends, first[0]) - now)

    def _due(self, now: float) -> list[tuple[Name, Word]]:
        found: list[tuple[Name, Word]] = []
        while len(found) < TAKEN_MAX and (first := self._first()) and first[0] <= now:
            found.append((first[1], self._hints.pop(first[1])[1]))
        return found

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

    async def _until_moved(self, seconds: float) -> None:
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
        self._lanes: _Queue[_Delivery, int] = _Queue(clock, longest)
        self.mailboxes: Final = InProcessMailboxes(clock, longest=longest)
        self.deliveries: Final = InProcessDeliveries(self._lanes)

    async def session(self, session_id: SessionId, shard: int) -> None:
        """Tell the owner of the shard to look at this session."""
        self.mailboxes.of(shard).put(session_id, None)

    async def typing(self, session_id: SessionId, shard: int, *, at: float) -> None:
        """Tell the owner of the shard that the guest of this session was typing at that time."""
        self.mailboxes.of(shard).put(TypingHint(session_id, at), None)

    async def lane(
        self, endpoint_id: EndpointId, session_id: LogId, *, delay: float = 0.0, hops: int = 0
    ) -> None:
        """Tell a courier to look at this lane, not before `delay` seconds."""
        self._lanes.put((endpoint_id, session_id), hops, delay=delay)

    async def replay(
        self, replay_id: ReplayId, strand: int, *, delay: float = 0.0, hops: int = 0
    ) -> None:
        """Tell a courier to look at this strand of a replay, not before `delay` seconds."""
        self._lanes.put((replay_id, strand), hops, delay=delay)

    @property
    def waiting(self) -> tuple[int, int]:
        """How many sessions wait, and how many lanes and strands."""
        return sum(map(len, self.mailboxes)), len(self._lanes)

    @property
    def dropped(self) -> int:
        """How many hints found their queue full."""
        return sum(queue.dropped for queue in self.mailboxes) + self._lanes.dropped


class InProcessMailboxes:
    """A queue for each shard."""

    def __init__(self, clock: Clock, *, longest: int) -> None:
        self._clock = clock
        self._longest = longest
        self._of: dict[int, _Queue[SessionHint, None]] = {}

    def of(self, shard: int) -> _Queue[SessionHint, None]:
        """The mailbox of a shard; made when it is first asked for."""
        return self._of.setdefault(shard, _Queue(self._clock, self._longest))

    async def receive(self, shard: int) -> Sequence[SessionHint]:
        """What waits for a shard, at most 10; waits for one. Cancelling it loses nothing."""
        return [hint for hint, _ in await self.of(shard).take_some()]

    def __iter__(self) -> Iterator[_Queue[SessionHint, None]]:
        return iter(self._of.values())


class InProcessDeliveries:
    """The lanes and the strands of replays whose time has come."""

    def __init__(self, lanes: _Queue[_Delivery, int]) -> None:
        self._lanes = lanes

    async def receive(self) -> Sequence[DeliveryHint]:
        """What is due, at most 10; waits for one. Cancelling it loses nothing."""
        return [_hint(names, hops) for names, hops in await self._lanes.take_some()]


def _hint(names: _Delivery, hops: int) -> DeliveryHint:
    first, second = names
    if isinstance(second, int):
        return ReplayHint(ReplayId(first), second, hops)
    return LaneHint(EndpointId(first), second, hops)
