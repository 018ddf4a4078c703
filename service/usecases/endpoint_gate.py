"""Whether a lane may try now, as far as its endpoint goes; and what its attempt tells of that.

Down, paused, on its way back, at its limits: all couriers share what is known through the table.
"""

import logging
from asyncio import gather
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from service.domain.endpoint import Endpoint
from service.domain.health import (
    RAMP_STEP,
    Health,
    Narrow,
    Probe,
    Stamp,
    Wait,
    failed,
    leave,
    paused,
    probing,
    succeeded,
)
from service.domain.ids import LOCK, EndpointId, LogId
from service.ports import Clock, HealthStore, Hints, Ids, LaneStore
from service.usecases.standing import Standing

PLACE_SECONDS: Final = 60.0
"""How long a place is held after a crash: a courier lives no longer."""
PLACE_TRIES: Final = 4
WAIT_FOR_PLACE: Final = 1.0
CHANGE_TRIES: Final = 3
WAKE_MOST: Final = 2000
"""Lanes that are woken when an endpoint is back; those beyond are found by their due times."""
SIDE_BY_SIDE: Final = 20
KNOWN_MOST: Final = 1000
"""Endpoints whose last success is remembered; that of the one that had none for longest goes."""
JITTER_SHARE: Final = 0.2

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """The lane may try: as a probe or not, on a numbered place or without one."""

    health: Health
    """The endpoint's, as it is with our being in."""
    probes: bool = False
    place: int | None = None
    token: str = ""
    taken_at: float = 0.0
    """On the monotonic clock: since when it has its place."""


@dataclass(frozen=True, slots=True)
class Turned:
    """The lane may not try before then; `down`: and not then either, unless it is the probe."""

    until: float
    down: bool = False


Entry: TypeAlias = Pass | Turned


async def _nobody(_: EndpointId) -> None:
    """Nobody else waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointGate:
    """The one place where a courier asks after an endpoint and tells of it."""

    clock: Clock
    ids: Ids
    healths: HealthStore
    lanes: LaneStore
    hints: Hints
    probe_scale: float = 1.0
    successes: "dict[EndpointId, float]" = field(default_factory=dict)
    """When this process last saw an endpoint take something: most of it is written nowhere."""
    standing: Standing = field(default_factory=Standing)
    also_wake: "Callable[[EndpointId], Awaitable[None]]" = _nobody
    """Whoever else waits for an endpoint that is back."""

    async def enter(self, endpoint: Endpoint, health: Health) -> Entry:
        """Ask for one run of attempts; what comes of it is given back with `go_out`."""
        way = leave(health, now=self.clock.now())
        if isinstance(way, Wait):
            return Turned(way.until, down=health.probe_at is not None)
        places = way.places if isinstance(way, Narrow) else None
        limits = [limit for limit in (places, endpoint.max_concurrency) if limit is not None]
        # A probe needs a place too: requests from before the endpoint went down may be under way.
        entry = await self._place(endpoint, health, min(limits)) if limits else Pass(health=health)
        if isinstance(entry, Turned) or not isinstance(way, Probe):
            return entry
        return await self._probe(endpoint.id, entry)

    async def _probe(self, endpoint_id: EndpointId, entry: Pass) -> Entry:
        stamp = self._stamp()
        after = probing(entry.health, stamp)
        there = await self.healths.change_health(endpoint_id, entry.health, after)
        if there.by == stamp.by:
            return replace(entry, health=there, probes=True)
        await self.go_out(endpoint_id, entry)
        way = leave(there, now=self.clock.now())
        if isinstance(way, Wait):
            return Turned(way.until, down=there.probe_at is not None)
        # Somebody changed it in this moment: another lane may.
        return Turned(self.clock.now() + WAIT_FOR_PLACE)

    def turned_away(self, health: Health) -> Turned | None:
        """Whether somebody found the endpoint down or paused while we were in."""
        way = leave(health, now=self.clock.now())
        if isinstance(way, Wait):
            return Turned(way.until, down=health.probe_at is not None)
        return None

    async def go_out(self, endpoint_id: EndpointId, entry: Pass) -> None:
        """The run is over."""
        if entry.place is not None:
            await self.healths.leave_place(endpoint_id, entry.place, token=entry.token)

    async def take_turn(self, endpoint: Endpoint) -> float:
        """Take one request of the endpoint's rate: 0, or the seconds after which to ask again."""
        if endpoint.rate_limit is None:
            return 0.0
        now = self.clock.now()
        second = int(now)
        if await self.healths.take_turn(endpoint.id, second, most=endpoint.rate_limit):
            return 0.0
        # Not all at the stroke: who waits longer by chance lets others go first.
        return second + 1 - now + self.ids.jitter() * JITTER_SHARE

    def took_since(self, endpoint_id: EndpointId, moment: float | None) -> bool:
        """Whether this process saw it take something since then; None: no such moment."""
        return moment is not None and self.successes.get(endpoint_id, 0.0) > moment

    async def tell_failure(
        self,
        endpoint_id: EndpointId,
        session_id: LogId,
        health: Health,
        *,
        probed: bool,
        lasting: bool = False,
    ) -> Health:
        """An attempt failed; the endpoint's health as it is then."""
        self.standing.failed(endpoint_id)
        for _ in range(CHANGE_TRIES):
            stamp = replace(self._stamp(), succeeded_at=self.successes.get(endpoint_id))
            after = failed(health, session_id, stamp, probed=probed, lasting=lasting)
            if after is None:
                return health
            there = await self.healths.change_health(endpoint_id, health, after)
            if there.by == stamp.by:
                self._say(endpoint_id, health, there)
                if health.probe_at is not None and there.probe_at is None:
                    await self._wake(endpoint_id, health)
                return there
            health = there
        return health

    async def tell_pause(self, endpoint_id: EndpointId, health: Health, *, until: float) -> Health:
        """The receiver asked to be left alone."""
        self.standing.failed(endpoint_id)
        for _ in range(CHANGE_TRIES):
            stamp = self._stamp()
            after = paused(health, stamp, until=until)
            if after is None:
                return health
            health = await self.healths.change_health(endpoint_id, health, after)
            if health.by == stamp.by:
                return health
        return health

    async def tell_success(self, endpoint_id: EndpointId, health: Health) -> Health:
        """An attempt came through. The first one after an outage wakes the lanes."""
        self.standing.took(endpoint_id)
        self.successes.pop(endpoint_id, None)
        if len(self.successes) >= KNOWN_MOST:
            del self.successes[next(iter(self.successes))]
        self.successes[endpoint_id] = self.clock.now()
        for _ in range(CHANGE_TRIES):
            stamp = self._stamp()
            after = succeeded(health, stamp)
            if after is None:
                return health
            there = await self.healths.change_health(endpoint_id, health, after)
            if there.by == stamp.by:
                if health.probe_at is not None:
                    await self._wake(endpoint_id, health)
                return there
            health = there
        return health

    async def _wake(self, endpoint_id: EndpointId, health: Health) -> None:
        """One lane, then twice as many with each step of the ramp."""
        _log.info("endpoint.back", extra={"endpoint_id": endpoint_id, "probes": health.probes})
        waiting = await self.lanes.waiting_lanes(endpoint_id, limit=WAKE_MOST)
        numbered = list(enumerate(waiting, start=1))
        for first in range(0, len(numbered), SIDE_BY_SIDE):
            # Hints that are sent side by side share requests.
            await gather(
                *(
                    self.hints.lane(endpoint_id, session_id, delay=RAMP_STEP * number.bit_length())
                    for number, session_id in numbered[first : first + SIDE_BY_SIDE]
                )
            )

        await self.also_wake(endpoint_id)

    async def _place(self, endpoint: Endpoint, health: Health, most: int) -> Entry:
        now = self.clock.now()
        token = self.ids.ulid(LOCK)
        first = int(self.ids.jitter() * most)
        for nth in range(min(most, PLACE_TRIES)):
            place = (first + nth) % most
            if await self.healths.take_place(
                endpoint.id, place, token=token, now=now, until=now + PLACE_SECONDS
            ):
                taken_at = self.clock.monotonic()
                return Pass(health=health, place=place, token=token, taken_at=taken_at)
        return Turned(now + WAIT_FOR_PLACE * (1 + self.ids.jitter()))

    def _stamp(self) -> Stamp:
        stretch = self.probe_scale * (1 + JITTER_SHARE * self.ids.jitter())
        return Stamp(by=self.ids.ulid(LOCK), at=self.clock.now(), stretch=stretch)

    def _say(self, endpoint_id: EndpointId, before: Health, after: Health) -> None:
        if after.probe_at is None:
            return
        facts = {"endpoint_id": endpoint_id, "failed": after.failed, "probe_at": after.probe_at}
        if before.probe_at is None:
            _log.warning("endpoint.down", extra=facts)
        else:
            _log.info("endpoint.probe_failed", extra=facts)
