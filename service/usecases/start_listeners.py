"""Starts listeners where sessions have none: at a request's first activity, and at each sweep.

Each start is rooted in a request or in the clock that runs the sweeper; no listener starts its own
successor.
"""

import logging
from asyncio import gather
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from service.domain.deployment import Mode
from service.domain.errors import BrokerError, NotFoundError
from service.domain.ids import DeploymentName, TenantName
from service.domain.lease import Lease
from service.domain.session import PublicState, Session
from service.domain.staffing import missing, unattended
from service.ports import Ports
from service.usecases.facts import Facts

_log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 30.0
"""How often a sweeper looks at the most, however often it sweeps."""
ASK_SECONDS: Final = 10.0
"""How often the requests of one process start a listener at the most: one needs some seconds."""
WANTS_LINK: Final = frozenset({PublicState.OPENING, PublicState.ACTIVE, PublicState.RECOVERING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Staff:
    """How many listeners there were at a look, and what they held."""

    listeners: int
    links: int
    shards_unowned: int
    """Shards with live sessions that nobody took in time."""
    sessions_unowned: int
    """Live sessions in shards that nobody holds, however long."""


@dataclass(slots=True, kw_only=True)
class StartListeners:
    """Asks for the listeners that are missing. Nothing of it fails whoever called."""

    ports: Ports
    facts: Facts
    shards: int
    max_links: int
    next_look: float = 0.0
    """On the monotonic clock, as the next."""
    next_start: float = 0.0
    staff: Staff | None = None
    """As the last look found it; None: nobody looked, or the table did not answer."""

    async def __call__(self) -> int:
        """Look at every shard; how many listeners were asked for."""
        now, self.staff = self.ports.clock.monotonic(), None
        if now < self.next_look:
            return 0
        self.next_look = now + LOOK_SECONDS
        try:
            count = await self._missing()
        except BrokerError as error:
            _log.warning("listeners.unknown", extra={"error": type(error).__name__})
            return 0
        if count:
            await self._start(count, cause="sweep")
        return count

    async def for_session(self, session: Session) -> None:
        """A request found nobody to hold this session's link."""
        if session.public not in WANTS_LINK or self._started_just_now():
            return
        try:
            is_live = await self._is_live(session.tenant, session.deployment)
        except BrokerError as error:
            _log.warning("listeners.unknown", extra={"error": type(error).__name__})
            return
        # Another request may have come first while the deployment was read.
        if is_live and not self._started_just_now():
            await self._start(1, cause="request")

    def _started_just_now(self) -> bool:
        return self.ports.clock.monotonic() < self.next_start

    async def _start(self, count: int, *, cause: str) -> None:
        self.next_start = self.ports.clock.monotonic() + ASK_SECONDS
        _log.info("listeners.wanted", extra={"count": count, "cause": cause})
        await self.ports.starter.start(count)

    async def _missing(self) -> int:
        now = self.ports.clock.now()
        leases = await self.ports.shards.leases(self.shards)
        free = [lease.shard for lease in leases if not lease.is_valid(now)]
        counts = await gather(*(self._live_in(shard) for shard in free))
        live = dict(zip(free, counts, strict=True))
        self.staff = _staff(leases, live, now)
        return missing(leases, live, max_links=self.max_links, now=now)

    async def _live_in(self, shard: int) -> int:
        """Sessions that want a link held; those that are only touched want no listener."""
        by_deployment = await self.ports.sessions.live_by_deployment(shard)
        return sum(
            [
                count
                for (tenant, name), count in by_deployment.items()
                if await self._is_live(tenant, name)
            ]
        )

    async def _is_live(self, tenant: TenantName, name: DeploymentName) -> bool:
        try:
            deployment = await self.facts.deployment(tenant, name)
        except NotFoundError:
            # Nobody can attach to what is not known any more.
            return False
        return deployment.mode is Mode.LIVE


def _staff(leases: Sequence[Lease], live: Mapping[int, int], now: float) -> Staff:
    held = [lease for lease in leases if lease.is_valid(now)]
    return Staff(
        listeners=len({lease.owner for lease in held}),
        links=sum(lease.links for lease in held),
        shards_unowned=len(unattended(leases, live, now=now)),
        sessions_unowned=sum(live.values()),
    )
