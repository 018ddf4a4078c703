"""Tell couriers that there may be work: for a session that moved, or for an endpoint that opened.

Only hints leave here. A lost one costs time and nothing else.
"""

from asyncio import gather
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from service.domain.endpoint import Endpoint, EndpointState
from service.domain.ids import LogId, SessionId, TenantName
from service.ports import Hints, LaneStore, SessionFilter, SessionStore
from service.usecases.known_endpoints import KnownEndpoints
from service.usecases.moot_hints import MootHints

PAGE: Final = 25
"""Reading a hundred sessions takes as long as delivering several events."""
SESSIONS_MAX: Final = 2000
"""What fits into one request's time; older sessions are found by their own due times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WakeLanes:
    """Hint the lanes of one session after its log has grown."""

    endpoints: KnownEndpoints
    hints: Hints
    moot: MootHints

    async def __call__(self, tenant: TenantName, session_id: SessionId) -> None:
        """One hint for each active endpoint of the tenant that is not known to be shut."""
        for endpoint in await self.endpoints(tenant):
            if endpoint.state is not EndpointState.ACTIVE:
                continue
            if not self.moot.is_moot(endpoint.id, session_id):
                await self.hints.lane(endpoint.id, session_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class WakeEndpoint:
    """Hint the lanes of an endpoint that was made, changed or enabled, the newest sessions first.

    After creation pass a delay of two seconds: by then every process knows of the endpoint, and
    what was appended before they did is found by these hints.
    """

    endpoints: KnownEndpoints
    sessions: SessionStore
    lanes: LaneStore
    hints: Hints
    most: int = SESSIONS_MAX

    async def __call__(self, endpoint: Endpoint, *, delay: float = 0.0) -> int:
        """Hint what waits, and a lane for each of the tenant's latest sessions; how many of those.

        What waits may wait for half a day, and its session may be an old one.
        """
        self.endpoints.forget(endpoint.tenant)
        waiting = dict.fromkeys(await self.lanes.waiting_lanes(endpoint.id, limit=self.most))
        await self._hint(endpoint, waiting, delay)
        cursor: str | None = None
        count = 0
        while count < self.most:
            page = await self.sessions.list_sessions(
                endpoint.tenant, SessionFilter(), cursor=cursor, limit=PAGE
            )
            latest = [session.id for session in page.items if session.id not in waiting]
            await self._hint(endpoint, latest, delay)
            count += len(page.items)
            cursor = page.next_cursor
            if cursor is None:
                break
        return count

    async def _hint(self, endpoint: Endpoint, found: Iterable[LogId], delay: float) -> None:
        await gather(*(self.hints.lane(endpoint.id, log_id, delay=delay) for log_id in found))
