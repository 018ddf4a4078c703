"""Who holds which shard, what each listener holds in all, and what a tenant may still open.

Writes nothing.
"""

from asyncio import gather
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from service.domain.access import ApiKey
from service.domain.deployment import Deployment
from service.domain.ids import ListenerName, born_at
from service.domain.instants import maybe_rfc3339
from service.domain.lease import Lease
from service.ports.storage import ShardStore, TenantStore
from service.ports.system import Clock
from service.usecases.admit import Standing
from service.usecases.idempotency import Answer

DEPLOYMENTS_MAX: Final = 100
"""Each costs two requests to the table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadListeners:
    """Every lease, and the budgets of a tenant's deployments, at one moment, as the table tells."""

    shards: ShardStore
    tenants: TenantStore
    clock: Clock
    count: int
    """How many shards there are."""
    standing: Callable[[Deployment], Awaitable[Standing]]
    """How things stand with new connections of a deployment."""

    async def __call__(self, key: ApiKey) -> Answer:
        """200: listeners, shards and totals of all tenants; the caller's newest deployments."""
        leases, deployments = await gather(self.shards.leases(self.count), self._deployments(key))
        now = self.clock.now()
        held = [lease for lease in leases if lease.is_valid(now)]
        names = sorted(_named(leases, now))
        body = {
            "listeners": [_listener(name, leases, now) for name in names],
            "shards": [_shard(lease, now) for lease in leases],
            "totals": {
                "listeners": len({lease.owner for lease in held}),
                "shards": self.count,
                "heldShards": len(held),
                "links": sum(lease.links for lease in held),
            },
            "deployments": deployments,
        }
        return Answer(status=200, body=body)

    async def _deployments(self, key: ApiKey) -> list[dict[str, Any]]:
        page = await self.tenants.list_deployments(key.tenant, cursor=None, limit=DEPLOYMENTS_MAX)
        found = await gather(*map(self.standing, page.items))
        return [_budget(each, how) for each, how in zip(page.items, found, strict=True)]


def _named(leases: Sequence[Lease], now: float) -> set[ListenerName]:
    """Who holds a shard, or the links of one that it gave away."""
    owners = {lease.owner for lease in leases if lease.is_valid(now)}
    drainers = {lease.predecessor(now) for lease in leases}
    return {name for name in owners | drainers if name is not None}


def _listener(name: ListenerName, leases: Sequence[Lease], now: float) -> dict[str, Any]:
    mine = [lease for lease in leases if lease.is_valid(now) and lease.owner == name]
    begun = born_at(name)
    ends = [lease.retires_at for lease in mine if lease.retires_at is not None]
    return {
        "id": name,
        "startedAt": maybe_rfc3339(begun),
        "ageSeconds": None if begun is None else round(max(0.0, now - begun), 3),
        "retiresAt": maybe_rfc3339(min(ends, default=None)),
        "shards": len(mine),
        "links": sum(lease.links for lease in mine),
        "drainingShards": sum(lease.predecessor(now) == name for lease in leases),
    }


def _budget(deployment: Deployment, how: Standing) -> dict[str, Any]:
    return {
        "name": deployment.name,
        "connectionsLeft": how.left,
        "connectionsPerSlot": how.limit,
        "breakerOpen": how.retry_at is not None,
        "retryAt": maybe_rfc3339(how.retry_at),
    }


def _shard(lease: Lease, now: float) -> dict[str, Any]:
    is_held = lease.is_valid(now)
    drainer = lease.predecessor(now)
    return {
        "shard": lease.shard,
        "fence": lease.fence,
        "listener": lease.owner if is_held else None,
        "links": lease.links if is_held else 0,
        "expiresAt": maybe_rfc3339(lease.expires_at) if is_held else None,
        "retiresAt": maybe_rfc3339(lease.retires_at) if is_held else None,
        "successor": lease.successor(now) if is_held else None,
        "drainer": drainer,
        "drainedBy": None if drainer is None else maybe_rfc3339(lease.drained_by),
    }
