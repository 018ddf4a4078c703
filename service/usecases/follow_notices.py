"""See to it that what was appended to a tenant's log gets onto its way. A part of the sweep.

Whoever appends hints the lanes at once. This finds them where those hints were lost, and those of
endpoints that were closed then.
"""

import logging
from asyncio import gather
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from service.domain.endpoint import Endpoint
from service.domain.ids import TenantName, log_of
from service.domain.log import TOLD
from service.ports import Hints, LaneStore, TenantLog, TenantStore

LOGS_MOST: Final = 200
"""Logs that one sweep looks after; the next takes the rest."""
SIDE_BY_SIDE: Final = 20
AGAIN_SECONDS: Final = 300.0
"""How often a log is looked at whose lanes wait for times of their own."""

_log = logging.getLogger(__name__)


class _Stand(Enum):
    """How far a lane is."""

    AT_END = auto()
    WAITS = auto()
    HINTED = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowNotices:
    """Looks after the logs that are due."""

    tenant_log: TenantLog
    tenants: TenantStore
    lanes: LaneStore
    hints: Hints

    async def __call__(self, *, before: float) -> int:
        """Hint what lags behind a log that was due before then; how many logs were due."""
        due = await self.tenant_log.due(before=before, limit=LOGS_MOST)
        for first in range(0, len(due), SIDE_BY_SIDE):
            some = due[first : first + SIDE_BY_SIDE]
            looks = (self._follow(each, now=before) for each in some)
            ends = await gather(*looks, return_exceptions=True)
            for tenant, end in zip(some, ends, strict=True):
                if end is not None:
                    # Were it raised here, it would keep the sweep from all else, again and again.
                    facts = {"tenant": tenant, "error": type(end).__name__}
                    _log.warning("sweep.notices_failed", extra=facts)
        return len(due)

    async def _follow(self, tenant: TenantName, *, now: float) -> None:
        """Once every lane is at the end the log is due no more.

        A time of its own is no end: it goes with the first event that the lane delivers, and
        whoever dies before the next one leaves neither.
        """
        page = await self.tenant_log.read(tenant, after=0, limit=1)
        takers = [each for each in await self.tenants.endpoints_of(tenant) if _listens(each)]
        end = page.last_sequence
        stands = set(await gather(*(self._see_to(each, end) for each in takers)))
        if _Stand.HINTED not in stands:
            again = now + AGAIN_SECONDS if _Stand.WAITS in stands else None
            await self.tenant_log.settle(tenant, end=end, due_at=again)

    async def _see_to(self, endpoint: Endpoint, end: int) -> _Stand:
        log_id = log_of(endpoint.tenant)
        lane = await self.lanes.lane(endpoint.id, log_id)
        if lane is not None and lane.cursor >= end:
            return _Stand.AT_END
        if lane is not None and lane.due_at is not None:
            return _Stand.WAITS
        await self.hints.lane(endpoint.id, log_id)
        return _Stand.HINTED


def _listens(endpoint: Endpoint) -> bool:
    return any(endpoint.wants(kind) for kind in TOLD)
