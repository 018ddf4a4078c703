"""The ShardStore of the single table: one lease item per shard."""

from collections.abc import Sequence

from service.adapters.table import schema
from service.adapters.table.conditions import (
    AtMost,
    Condition,
    Equals,
    Item,
    Update,
    Value,
    all_of,
    any_of,
    free,
)
from service.adapters.table.driver import Driver, NotWrittenError
from service.adapters.table.limits import BATCH_GET_ITEMS
from service.domain.ids import ListenerName
from service.domain.lease import Lease

_WISH = ("wanted_by", "wanted_until")


class ShardTable:
    """Leases of shards."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    async def acquire(
        self,
        shard: int,
        owner: ListenerName,
        *,
        now: float,
        until: float,
        retires_at: float | None = None,
    ) -> Lease | None:
        """Take the lease if it is free, expired or ours already.

        The fence grows at each take-over. A predecessor that drains goes on draining.
        """
        put, gone = _term(retires_at)
        update = Update(
            key=schema.lease_key(shard),
            put={**put, "owner": owner, "expires_at": until, "links": 0},
            add={"fence": 1},
            remove=(*gone, *_WISH),
            # Ours counts as free: the reply to the first try may have been lost.
            condition=any_of(
                free("expires_at", now), all_of(Equals("owner", owner), _no_later(until))
            ),
        )
        return await self._moved(shard, update)

    async def renew(self, lease: Lease, *, until: float) -> Lease | None:
        """Extend it if it is still ours, and tell its links and when we retire.

        The lease as it then stands, with the wish for it.
        """
        put, gone = _term(lease.retires_at)
        update = Update(
            key=schema.lease_key(lease.shard),
            put={**put, "expires_at": until, "links": lease.links},
            remove=gone,
            condition=all_of(_is(lease), _no_later(until)),
        )
        return await self._moved(lease.shard, update)

    async def ask(self, lease: Lease, by: ListenerName, *, now: float, until: float) -> bool:
        """Wish for a lease that another holds; whether the wish stands."""
        update = Update(
            key=schema.lease_key(lease.shard),
            put={"wanted_by": by, "wanted_until": until},
            condition=all_of(
                _is(lease), any_of(free("wanted_until", now), Equals("wanted_by", by))
            ),
        )
        return await self._moved(lease.shard, update) is not None

    async def transfer(
        self, lease: Lease, to: ListenerName, *, until: float, drained_by: float
    ) -> Lease | None:
        """Give it to who asked, in one write; the giver drains until then. None if it moved.

        The heir's next renewal says when it retires itself.
        """
        update = Update(
            key=schema.lease_key(lease.shard),
            put={
                "owner": to,
                "expires_at": until,
                "drainer": str(lease.owner),
                "drained_by": drained_by,
                "links": 0,
            },
            add={"fence": 1},
            remove=("retires_at", *_WISH),
            # Who gave up this call and took the lease back has renewed it since.
            condition=all_of(
                _is(lease), Equals("expires_at", lease.expires_at), Equals("wanted_by", to)
            ),
        )
        return await self._moved(lease.shard, update)

    async def release(self, lease: Lease) -> None:
        """Give it back if it is ours; the fence stays."""
        update = Update(
            key=schema.lease_key(lease.shard),
            remove=("owner", "expires_at", "retires_at", "links", *_WISH),
            condition=_is(lease),
        )
        await self._moved(lease.shard, update)

    async def lease(self, shard: int) -> Lease:
        """The lease as it is."""
        return _read(shard, await self._driver.get(schema.lease_key(shard)))

    async def leases(self, shards: int) -> Sequence[Lease]:
        """The leases of shards 0 to `shards` - 1."""
        found: dict[int, Item] = {}
        for first in range(0, shards, BATCH_GET_ITEMS):
            some = range(first, min(shards, first + BATCH_GET_ITEMS))
            items = await self._driver.get_many([schema.lease_key(shard) for shard in some])
            found |= {schema.shard_of(str(item["pk"])): item for item in items}
        return [_read(shard, found.get(shard)) for shard in range(shards)]

    async def _moved(self, shard: int, update: Update) -> Lease | None:
        try:
            item = await self._driver.write(update)
        except NotWrittenError:
            return None
        return _read(shard, item)


def _term(retires_at: float | None) -> tuple[dict[str, Value], tuple[str, ...]]:
    return ({}, ("retires_at",)) if retires_at is None else ({"retires_at": retires_at}, ())


def _is(lease: Lease) -> Condition:
    return all_of(Equals("owner", str(lease.owner)), Equals("fence", lease.fence))


def _no_later(until: float) -> Condition:
    """Whoever gave up a call may have made another since: what comes late shortens nothing."""
    return AtMost("expires_at", until)


def _read(shard: int, item: Item | None) -> Lease:
    found: Item = {} if item is None else item
    return Lease(
        shard=shard,
        fence=int(found.get("fence", 0)),
        owner=_name(found, "owner"),
        expires_at=float(found.get("expires_at", 0)),
        retires_at=float(found["retires_at"]) if "retires_at" in found else None,
        links=int(found.get("links", 0)),
        wanted_by=_name(found, "wanted_by"),
        wanted_until=float(found.get("wanted_until", 0)),
        drainer=_name(found, "drainer"),
        drained_by=float(found.get("drained_by", 0)),
    )


def _name(item: Item, attribute: str) -> ListenerName | None:
    name = item.get(attribute)
    return None if name is None else ListenerName(str(name))
