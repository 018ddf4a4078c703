"""The logs that lanes carry: a session's, or a tenant's own. Tells them apart for couriers."""

from dataclasses import dataclass
from typing import Final

from service.domain.errors import NotFoundError
from service.domain.ids import LogId, SessionId, TenantName, tenant_of
from service.ports import LogPage, SessionStore, TenantLog

PAGE: Final = 100
LAST: Final = (10, 40, 160)
"""How many events are looked at from the end, before a log is read from its beginning."""
CLOCKS_SECONDS: Final = 10.0
"""Nobody's clock is that far off another's: what was appended behind an event that is so much older
than a moment is all that can be younger than it.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Logs:
    """Reads whichever log it is."""

    sessions: SessionStore
    tenant_log: TenantLog

    async def born(self, log_id: LogId, tenant: TenantName) -> float | None:
        """When a log of that tenant began (its own: always); None: there is none, or another's."""
        owner = tenant_of(log_id)
        if owner is not None:
            return 0.0 if owner == tenant else None
        try:
            session = await self.sessions.load(SessionId(log_id))
        except NotFoundError:
            return None
        return session.created_at if session.tenant == tenant else None

    async def place_before(self, log_id: LogId, *, since: float) -> int:
        """The place before the first event stamped at or after that moment; else the log's end."""
        near = await self._near_the_end(log_id, since)
        if near is not None:
            return near
        cursor = 0
        while True:
            page = await self.read(log_id, after=cursor, limit=PAGE)
            first = next((event for event in page.events if event.at >= since), None)
            if first is not None:
                return first.sequence - 1
            if not page.events:
                return page.last_sequence
            cursor = page.events[-1].sequence

    async def _near_the_end(self, log_id: LogId, since: float) -> int | None:
        """The same for an endpoint that was made a moment ago: its place is among the last ones."""
        if tenant_of(log_id) is not None:
            return None
        for limit in LAST:
            last = await self.sessions.tail(SessionId(log_id), limit=limit)
            if last and (last[0].sequence == 1 or last[0].at < since - CLOCKS_SECONDS):
                young = next((event for event in last if event.at >= since), None)
                return last[-1].sequence if young is None else young.sequence - 1
        return None

    async def goes_on(self, log_id: LogId, *, after: int) -> bool:
        """Whether there is anything behind that place, strongly consistent."""
        tenant = tenant_of(log_id)
        if tenant is None:
            last = await self.sessions.tail(SessionId(log_id), limit=1)
            return bool(last) and last[-1].sequence > after
        page = await self.tenant_log.read(tenant, after=after, limit=1)
        return page.last_sequence > after

    async def read(self, log_id: LogId, *, after: int, limit: int) -> LogPage:
        """Events after that place, and the log's end, strongly consistent."""
        tenant = tenant_of(log_id)
        if tenant is None:
            return await self.sessions.read_log(SessionId(log_id), after=after, limit=limit)
        return await self.tenant_log.read(tenant, after=after, limit=limit)
