"""Who holds which shard, and what each listener holds in all. Writes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from service.domain.ids import ListenerName, born_at
from service.domain.instants import maybe_rfc3339
from service.domain.lease import Lease
from service.ports.storage import ShardStore
from service.ports.system import Clock
from service.usecases.idempotency import Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadListeners:
    """Every lease at one moment, as the table has it."""

    shards: ShardStore
    clock: Clock
    count: int
    """How many shards there are."""

    async def __call__(self) -> Answer:
        """200: listeners, shards and totals."""
        leases = await self.shards.leases(self.count)
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
        }
        return Answer(status=200, body=body)


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
