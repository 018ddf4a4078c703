"""Which hints would come to nothing: lanes that this process found waiting for a shut endpoint.

Each event hints the lane of every endpoint, and a hint costs reads until its lane is found to wait.
Beside dead endpoints that would be most of what a courier does. So for a second after it found an
endpoint down or paused, hints for lanes that it saw waiting there are dropped.

Nothing is lost by it: such a lane has its time in the table, and whoever opens the endpoint wakes
it a second later than that at the earliest.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from service.domain.endpoint import Lane
from service.domain.health import Health, Wait, leave
from service.domain.ids import EndpointId, LogId
from service.ports import Clock

KNOWN_SECONDS: Final = 1.0
"""How long an endpoint counts as shut after it was seen so. Whoever opens one wakes no lane sooner
than this after it.
"""
LANES_MOST: Final = 50_000
"""Lanes that are remembered; the one that was seen first goes."""
SOON_SECONDS: Final = 5.0
"""A lane whose time is that near is nobody's to forget."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MootHints:
    """What one process knows of lanes that wait. It forgets, and is never asked for the truth."""

    clock: Clock
    shut_until: dict[EndpointId, float] = field(default_factory=dict)
    """On the monotonic clock: how long it may be taken for shut."""
    due: "OrderedDict[tuple[EndpointId, LogId], float]" = field(default_factory=OrderedDict)
    """When each lane's own time comes, since the epoch."""
    most: int = LANES_MOST

    def is_moot(self, endpoint_id: EndpointId, log_id: LogId) -> bool:
        """Whether a look at that lane would find that it has to wait."""
        shut_until = self.shut_until.get(endpoint_id)
        if shut_until is None or shut_until <= self.clock.monotonic():
            return False
        due_at = self.due.get((endpoint_id, log_id))
        return due_at is not None and self.clock.now() + SOON_SECONDS < due_at

    def is_shut(self, endpoint_id: EndpointId) -> bool:
        """Whether it was found shut when it was looked at last, however long ago."""
        return endpoint_id in self.shut_until

    def saw(self, endpoint_id: EndpointId, health: Health, *, read_at: float) -> None:
        """The endpoint's health, whose reading began at that point of the monotonic clock."""
        now = self.clock.now()
        way = leave(health, now=now)
        if isinstance(way, Wait):
            opens = self.clock.monotonic() + way.until - now
            self.shut_until[endpoint_id] = min(read_at + KNOWN_SECONDS, opens)
        else:
            self.shut_until.pop(endpoint_id, None)

    def found_waiting(self, lane: Lane) -> None:
        """The lane is in nobody's hands and its time has not come."""
        name = (lane.endpoint_id, lane.session_id)
        if lane.due_at is None:
            return
        self.due[name] = lane.due_at
        self.due.move_to_end(name)
        if len(self.due) > self.most:
            self.due.popitem(last=False)
