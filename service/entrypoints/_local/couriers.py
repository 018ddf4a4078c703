"""Lanes that are delivered side by side in one process, no endpoint at the cost of another.

Two things are scarce. Waiting for receivers is not, but one that answers slowly must not take all
that may wait: each endpoint has places of its own. The processor is: when an endpoint is made, or
twenty die at once, each has a lane to look at for every session. So few lanes are at work at a
time, those of the endpoint with the least to do come first, and those of endpoints that were found
shut come last. On AWS each batch of hints has an invocation of its own, and the queue sees to
fairness.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Final

from service.domain.ids import EndpointId, LogId
from service.ports import LaneHint

PLACES: Final = 32
"""Lanes of one endpoint at a time."""
AT_WORK: Final = 16
"""Lanes of all that are at work at a time."""
SHUT_AT_WORK: Final = 4
"""Of those, lanes of endpoints that are shut, as far as we know."""
WORK_SECONDS: Final = 0.05
"""A lane counts as being at work for so long at most: then it waits for its receiver."""
WAITING_MOST: Final = 10_000
"""Hints that wait for a place; what comes then is dropped, which costs time and nothing else."""

Deliver = Callable[[LaneHint], Coroutine[object, object, None]]
_Name = tuple[EndpointId, LogId]


@dataclass(slots=True, kw_only=True)
class _Run:
    task: asyncio.Task[None]
    timer: asyncio.TimerHandle | None
    """Ends its being at work."""
    shut: bool


class Couriers:
    """Runs one delivery for each lane that was hinted, and one more for what came meanwhile."""

    def __init__(
        self,
        deliver: Deliver,
        *,
        is_shut: Callable[[EndpointId], bool],
        work_seconds: float = WORK_SECONDS,
        most: int = WAITING_MOST,
    ) -> None:
        self._deliver = deliver
        self._is_shut = is_shut
        self._work_seconds = work_seconds
        self._most = most
        self._running: dict[_Name, _Run] = {}
        self._waiting: dict[_Name, LaneHint] = {}
        self._queues: dict[EndpointId, deque[_Name]] = {}
        self._busy: defaultdict[EndpointId, int] = defaultdict(int)
        self._at_work = 0
        self._shut_at_work = 0

    def take(self, hint: LaneHint) -> None:
        """Deliver it as soon as its turn comes. One that waits already is not queued again."""
        name = (hint.endpoint_id, hint.session_id)
        if name in self._waiting or len(self._waiting) >= self._most:
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
        self._waiting.clear()
        self._queues.clear()
        running = [run.task for run in self._running.values()]
        if running and patience > 0:
            await asyncio.wait(running, timeout=patience)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _queue(self, name: _Name) -> None:
        self._queues.setdefault(name[0], deque()).append(name)

    def _start(self) -> None:
        while self._at_work < AT_WORK and (turn := self._whose_turn()) is not None:
            endpoint_id, shut = turn
            name = self._queues[endpoint_id].popleft()
            if not self._queues[endpoint_id]:
                del self._queues[endpoint_id]
            self._busy[endpoint_id] += 1
            self._at_work += 1
            self._shut_at_work += shut
            self._begin(name, shut=shut)

    def _whose_turn(self) -> tuple[EndpointId, bool] | None:
        """The endpoint with the fewest lanes that wait; and whether it is shut."""
        free = [name for name in self._queues if self._busy[name] < PLACES]
        ranked = ((self._is_shut(name), len(self._queues[name]), name) for name in free)
        shut, _, endpoint_id = min(ranked, default=(True, 0, None))
        if endpoint_id is None or (shut and self._shut_at_work >= SHUT_AT_WORK):
            return None
        return endpoint_id, shut

    def _begin(self, name: _Name, *, shut: bool) -> None:
        task = asyncio.create_task(self._deliver(self._waiting.pop(name)))
        loop = asyncio.get_running_loop()
        timer = loop.call_later(self._work_seconds, self._waits, name)
        self._running[name] = _Run(task=task, timer=timer, shut=shut)
        task.add_done_callback(partial(self._end, name))

    def _waits(self, name: _Name) -> None:
        """It has been at work for so long that it must be waiting for its receiver."""
        run = self._running[name]
        run.timer = None
        self._at_work -= 1
        self._shut_at_work -= run.shut
        self._start()

    def _end(self, name: _Name, _: "asyncio.Task[None]") -> None:
        run = self._running.pop(name)
        if run.timer is not None:
            run.timer.cancel()
            self._at_work -= 1
            self._shut_at_work -= run.shut
        self._busy[name[0]] -= 1
        if not self._busy[name[0]]:
            del self._busy[name[0]]
        if name in self._waiting:
            self._queue(name)
        self._start()
