"""The ShardStore of the single table: one lease item per shard."""

from service.adapters.table import schema
from service.adapters.table.conditions import Equals, Update, any_of, free
from service.adapters.table.driver import Driver, NotWrittenError


class ShardTable:
    """Leases of shards."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    async def acquire(self, shard: int, owner: str, *, now: float, until: float) -> bool:
        """Take the lease if it is free, expired or ours already.

        The fence grows at each take-over.
        """
        update = Update(
            key=schema.lease_key(shard),
            put={"owner": owner, "expires_at": until},
            add={"fence": 1},
            # Ours counts as free: the reply to the first try may have been lost.
            condition=any_of(free("expires_at", now), Equals("owner", owner)),
        )
        return await self._done(update)

    async def renew(self, shard: int, owner: str, *, until: float) -> bool:
        """Extend it if it is still ours."""
        update = Update(
            key=schema.lease_key(shard),
            put={"expires_at": until},
            condition=Equals("owner", owner),
        )
        return await self._done(update)

    async def release(self, shard: int, owner: str) -> None:
        """Give it back if it is ours; the fence stays."""
        update = Update(
            key=schema.lease_key(shard),
            remove=("owner", "expires_at"),
            condition=Equals("owner", owner),
        )
        await self._done(update)

    async def owner(self, shard: int, *, now: float) -> str | None:
        """Who validly holds it."""
        item = await self._driver.get(schema.lease_key(shard))
        if item is None or float(item.get("expires_at", 0)) <= now:
            return None
        return str(item["owner"])

    async def _done(self, update: Update) -> bool:
        try:
            await self._driver.write(update)
        except NotWrittenError:
            return False
        return True
