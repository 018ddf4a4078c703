"""Lanes that are delivered side by side in one process, no endpoint at the cost of another.

Two things are scarce. Waiting for receivers is not, but one that answers slowly must not take all
that may wait: each endpoint has places of its own. The processor is: when an endpoint is made, or
twenty die at once, each has a lane to look at for every session. So few lanes are at work at a
time. Those of endpoints that took something when they were tried last come first: of the endpoint
with the least to do, and now and then of the one that waited longest. Of others only some are at
work, and endpoints take turns; those of endpoints that were found shut, which are to be written
down as waiting and no more, have a small share of the time. On AWS each batch of hints has an
invocation of its own, and the queue sees to fairness.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from enum import IntEnum
from functools import partial
from typing import Final

from service.domain.ids import EndpointId, LogId
from service.ports import LaneHint

PLACES: Final = 32
"""Lanes of one endpoint at a time."""
WORK_SECONDS: Final = 0.05
"""A lane counts as being at work for so long at most: then it waits for its receiver."""
WAITING_MOST: Final = 10_000
"""Hints that wait for a place. Then one of the longest queue of those that come last is dropped,
which costs time and nothing else.
"""
IN_TURN: Final = 4
"""Each so manieth turn is that of the endpoint that waited longest, however much it has to do."""
REST_SECONDS: Final = 0.02
"""So long after a lane of a shut endpoint was at work none of them is begun."""

Deliver = Callable[[LaneHint], Coroutine[object, object, None]]
_Name = tuple[EndpointId, LogId]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What this process saw of endpoints and lanes; it may be wrong, at the cost of time."""

    is_good: Callable[[EndpointId], bool]
    """It took something when it was tried last."""
    is_shut: Callable[[EndpointId], bool]
    """It was down or paused when it was looked at last."""
    is_moot: Callable[[EndpointId, LogId], bool]
    """A look at the lane would find that it has to wait."""


class Class(IntEnum):
    """What this process knows of an endpoint; the first come first."""

    GOOD = 0
    UNSURE = 1
    """New, or failing and not shut yet."""
    SHUT = 2


AT_WORK: Final = {Class.GOOD: 16, Class.UNSURE: 2, Class.SHUT: 1}
"""Lanes at work at a time."""


@dataclass(slots=True, kw_only=True)
class _Run:
    task: asyncio.Task[None]
    timer: asyncio.TimerHandle | None
    """Ends its being at work."""
    kind: Class


class Couriers:
    """Runs one delivery for each lane that was hinted, and one more for what came meanwhile."""

    def __init__(
        self,
        deliver: Deliver,
        known: Known,
        *,
        work_seconds: float = WORK_SECONDS,
        most: int = WAITING_MOST,
    ) -> None:
        self._deliver = deliver
        self._known = known
        self._work_seconds = work_seconds
        self._most = most
        self._running: dict[_Name, _Run] = {}
        self._waiting: dict[_Name, LaneHint] = {}
        self._queues: dict[EndpointId, deque[_Name]] = {}
        """Whoever was served last stands last."""
        self._busy: defaultdict[EndpointId, int] = defaultdict(int)
        self._at_work = dict.fromkeys(Class, 0)
        self._rest: asyncio.TimerHandle | None = None
        self._turns = 0
        self._stopping = False

    def take(self, hint: LaneHint) -> None:
        """Deliver it as soon as its turn comes. One that waits already is not queued again."""
        name = (hint.endpoint_id, hint.session_id)
        if self._stopping or name in self._waiting or not self._has_room(hint.endpoint_id):
            return
        self._waiting[name] = hint
        # A lane at work is looked at once more afterwards: it may have read its last already.
        if name not in self._running:
            self._queue(name)
            self._start()

    async def stop(self, *, patience: float = 0.0) -> None:
        """Begin nothing more, and cancel what has not ended by then.

        One that is cancelled between POST and commit repeats the POST later.
        """
        self._stopping = True
        self._waiting.clear()
        self._queues.clear()
        if self._rest is not None:
            self._rest.cancel()
        running = [run.task for run in self._running.values()]
        if running and patience > 0:
            await asyncio.wait(running, timeout=patience)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _queue(self, name: _Name) -> None:
        self._queues.setdefault(name[0], deque()).append(name)

    def _has_room(self, endpoint_id: EndpointId) -> bool:
        """Whether one more may wait; makes room where somebody less urgent waits."""
        if len(self._waiting) < self._most:
            return True
        kind, own = self._class_of(endpoint_id), len(self._queues.get(endpoint_id, ()))
        if kind is Class.SHUT:
            return False
        ranked = ((self._class_of(each), len(queue), each) for each, queue in self._queues.items())
        worst, length, victim = max(ranked, default=(kind, 0, endpoint_id))
        if (worst, length) <= (kind, own):
            return False
        del self._waiting[self._queues[victim].pop()]
        if not self._queues[victim]:
            del self._queues[victim]
        return True

    def _start(self) -> None:
        while (turn := self._whose_turn()) is not None:
            endpoint_id, kind = turn
            queue = self._queues.pop(endpoint_id)
            name = queue.popleft()
            if queue:
                self._queues[endpoint_id] = queue
            if self._known.is_moot(*name):
                del self._waiting[name]
                continue
            self._turns += 1
            self._busy[endpoint_id] += 1
            self._at_work[kind] += 1
            self._begin(name, kind)

    def _whose_turn(self) -> tuple[EndpointId, Class] | None:
        """The endpoint that comes first, of those that may begin a lane now."""
        best: tuple[Class, int] | None = None
        found: EndpointId | None = None
        in_turn = self._turns % IN_TURN == 0
        for endpoint_id, queue in self._queues.items():
            kind = self._class_of(endpoint_id)
            rank = (kind, 0 if in_turn or kind is not Class.GOOD else len(queue))
            if (best is None or rank < best) and self._may(endpoint_id, kind):
                best, found = rank, endpoint_id
        return None if best is None or found is None else (found, best[0])

    def _class_of(self, endpoint_id: EndpointId) -> Class:
        # What it took is known at once; that it is open again, when it is looked at.
        if self._known.is_good(endpoint_id):
            return Class.GOOD
        return Class.SHUT if self._known.is_shut(endpoint_id) else Class.UNSURE

    def _may(self, endpoint_id: EndpointId, kind: Class) -> bool:
        rests = kind is Class.SHUT and self._rest is not None
        free = self._at_work[kind] < AT_WORK[kind] and not rests
        return free and self._busy[endpoint_id] < PLACES

    def _begin(self, name: _Name, kind: Class) -> None:
        task = asyncio.create_task(self._deliver(self._waiting.pop(name)))
        loop = asyncio.get_running_loop()
        timer = loop.call_later(self._work_seconds, self._waits, name)
        self._running[name] = _Run(task=task, timer=timer, kind=kind)
        task.add_done_callback(partial(self._end, name))

    def _waits(self, name: _Name) -> None:
        """It has been at work for so long that it must be waiting for its receiver."""
        run = self._running[name]
        run.timer = None
        self._worked(run)
        self._start()

    def _worked(self, run: _Run) -> None:
        self._at_work[run.kind] -= 1
        if run.kind is Class.SHUT:
            loop = asyncio.get_running_loop()
            self._rest = loop.call_later(REST_SECONDS, self._rested)

    def _rested(self) -> None:
        self._rest = None
        self._start()

    def _end(self, name: _Name, _: "asyncio.Task[None]") -> None:
        run = self._running.pop(name)
        if run.timer is not None:
            run.timer.cancel()
            self._worked(run)
        self._busy[name[0]] -= 1
        if not self._busy[name[0]]:
            del self._busy[name[0]]
        if name in self._waiting:
            self._queue(name)
        self._start()
