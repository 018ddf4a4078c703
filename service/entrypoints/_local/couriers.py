"""Lanes that are delivered side by side in one process, no endpoint at the cost of another.

An endpoint that answers slowly fills its own places and no others. Those that were found shut share
a few: when twenty die at once, each has a lane to park for every session, and those that are well
need the processor meanwhile. On AWS each batch of hints has an invocation of its own, and the queue
sees to fairness.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Final

from service.domain.ids import EndpointId, LogId
from service.ports import LaneHint

PLACES: Final = 32
"""Lanes of one endpoint at a time."""
SHUT_PLACES: Final = 4
"""Lanes of all endpoints together that are shut, as far as we know."""
LOOK_SECONDS: Final = 1.0
"""So long a lane holds such a place at most: what takes longer waits for its receiver."""
WAITING_MOST: Final = 10_000
"""Hints that wait for a place; what comes then is dropped, which costs time and nothing else."""

Deliver = Callable[[LaneHint], Coroutine[object, object, None]]
_Name = tuple[EndpointId, LogId]


class Couriers:
    """Runs one delivery for each lane that was hinted, and one more for what came meanwhile."""

    def __init__(
        self,
        deliver: Deliver,
        *,
        is_shut: Callable[[EndpointId], bool],
        places: int = PLACES,
        look_seconds: float = LOOK_SECONDS,
        most: int = WAITING_MOST,
    ) -> None:
        self._look_seconds = look_seconds
        self._deliver = deliver
        self._is_shut = is_shut
        self._places = places
        self._most = most
        self._shut_places = asyncio.Semaphore(SHUT_PLACES)
        self._running: dict[_Name, asyncio.Task[None]] = {}
        self._waiting: dict[_Name, LaneHint] = {}
        self._queues: defaultdict[EndpointId, deque[_Name]] = defaultdict(deque)
        self._busy: defaultdict[EndpointId, int] = defaultdict(int)

    def take(self, hint: LaneHint) -> None:
        """Deliver it as soon as its endpoint has a place. One that waits already is not queued."""
        name = (hint.endpoint_id, hint.session_id)
        if name in self._waiting or len(self._waiting) >= self._most:
            return
        self._waiting[name] = hint
        # A lane at work is looked at once more afterwards: it may have read its last already.
        if name not in self._running:
            self._queues[hint.endpoint_id].append(name)
            self._start(hint.endpoint_id)

    async def stop(self) -> None:
        """Cancel what runs. One that is stopped between POST and commit repeats the POST later."""
        self._waiting.clear()
        self._queues.clear()
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _start(self, endpoint_id: EndpointId) -> None:
        queue = self._queues[endpoint_id]
        while queue and self._busy[endpoint_id] < self._places:
            name = queue.popleft()
            self._busy[endpoint_id] += 1
            hint = self._waiting.pop(name)
            run = self._behind(hint) if self._is_shut(endpoint_id) else self._deliver(hint)
            task = asyncio.create_task(run)
            self._running[name] = task
            task.add_done_callback(partial(self._end, name))

    async def _behind(self, hint: LaneHint) -> None:
        """Deliver it once there is a place for shut endpoints, which is held for a moment only."""
        loop = asyncio.get_running_loop()
        await self._shut_places.acquire()
        leaving = loop.call_later(self._look_seconds, self._shut_places.release)
        try:
            await self._deliver(hint)
        finally:
            if leaving.when() > loop.time():
                leaving.cancel()
                self._shut_places.release()

    def _end(self, name: _Name, _: "asyncio.Task[None]") -> None:
        endpoint_id = name[0]
        del self._running[name]
        self._busy[endpoint_id] -= 1
        if name in self._waiting:
            self._queues[endpoint_id].append(name)
        self._start(endpoint_id)
        if not self._busy[endpoint_id]:
            del self._busy[endpoint_id], self._queues[endpoint_id]
