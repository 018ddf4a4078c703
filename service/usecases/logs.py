"""The logs that lanes carry: a session's, or a tenant's own. Tells them apart for couriers."""

from dataclasses import dataclass

from service.domain.errors import NotFoundError
from service.domain.ids import LogId, SessionId, TenantName, tenant_of
from service.ports import LogPage, SessionStore, TenantLog


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
