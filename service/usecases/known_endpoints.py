"""A tenant's endpoints as this process knew them a moment ago, so that an event costs no read.

Good for hints and for typing, where being a second behind is harmless. Never for claims: those read
the table.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from service.domain.endpoint import Endpoint
from service.domain.ids import TenantName
from service.ports import Clock, TenantStore

FRESH_SECONDS: Final = 1.0
TENANTS_MAX: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownEndpoints:
    """Remembers for a second what the table said."""

    clock: Clock
    tenants: TenantStore
    known: dict[TenantName, tuple[float, Sequence[Endpoint]]] = field(default_factory=dict)

    async def __call__(self, tenant: TenantName) -> Sequence[Endpoint]:
        """The endpoints of a tenant, at most a second old."""
        found = self.known.get(tenant)
        if found is not None and self.clock.monotonic() < found[0]:
            return found[1]
        if len(self.known) >= TENANTS_MAX:
            self.known.clear()
        until = self.clock.monotonic() + FRESH_SECONDS
        endpoints = await self.tenants.endpoints_of(tenant)
        self.known[tenant] = (until, endpoints)
        return endpoints

    def forget(self, tenant: TenantName) -> None:
        """Look again next time: an endpoint was made or changed in this process."""
        self.known.pop(tenant, None)
