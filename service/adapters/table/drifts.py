"""The DriftStore of the single table: an item for each kind, which expires when it stays unseen."""

import json
from typing import Final

from service.adapters.table import cursors, schema
from service.adapters.table.conditions import Absent, Item, Key, Present, Put, Update, key_of
from service.adapters.table.driver import Driver, NotWrittenError
from service.adapters.table.paging import all_items, below
from service.adapters.table.records import text_of
from service.domain.drift import OTHER, Drift
from service.domain.ids import DeploymentName, TenantName
from service.ports import Page

KEPT_DAYS: Final = 90
MOST_KINDS: Final = 300
"""Of one deployment; writers that do not know of each other may go a few beyond."""
_DAY_SECONDS: Final = 24 * 3600


class DriftTable:
    """Unknown things by deployment."""

    def __init__(self, driver: Driver, *, most_kinds: int = MOST_KINDS) -> None:
        self._driver = driver
        self._most_kinds = most_kinds

    async def add(self, drift: Drift) -> None:
        """Count on; make the kind where it is not there and fits, else count it as `other`."""
        if await self._counted(drift, drift.kind):
            return
        kind = drift.kind if await self._fits(drift) else OTHER
        if kind != drift.kind and await self._counted(drift, kind):
            return
        if not await self._made(drift, kind):
            # Somebody else made it meanwhile.
            await self._counted(drift, kind)

    async def list(
        self, tenant: TenantName, deployment: DeploymentName, *, cursor: str | None, limit: int
    ) -> Page[Drift]:
        """What was seen last first; sorted here, for there are few."""
        prefix = schema.drift_key(tenant, deployment, "")
        items = await all_items(self._driver, below(prefix.pk, prefix.sk))
        every = sorted((_drift(tenant, deployment, item) for item in items), key=_latest)
        if cursor is not None:
            at, kind = cursors.read(prefix.pk, cursor, parts=2)
            every = [each for each in every if _latest(each) > (-cursors.instant(at), kind)]
        shown, more = every[:limit], len(every) > limit
        last = cursors.spell(prefix.pk, [repr(shown[-1].last_at), shown[-1].kind]) if more else None
        return Page(items=shown, next_cursor=last)

    async def forget(self, tenant: TenantName, deployment: DeploymentName) -> None:
        """Remove all of a deployment."""
        prefix = schema.drift_key(tenant, deployment, "")
        items = await all_items(self._driver, below(prefix.pk, prefix.sk))
        if items:
            await self._driver.delete_many([key_of(item) for item in items])

    async def _counted(self, drift: Drift, kind: str) -> bool:
        update = Update(
            key=_key(drift, kind),
            put={"last_at": drift.last_at, schema.TTL: _expiry(drift)},
            add={"seen": drift.count},
            condition=Present(),
        )
        try:
            await self._driver.write(update, lasting=False)
        except NotWrittenError:
            return False
        return True

    async def _made(self, drift: Drift, kind: str) -> bool:
        key = _key(drift, kind)
        item: Item = {
            schema.PK: key.pk,
            schema.SK: key.sk,
            schema.TTL: _expiry(drift),
            "seen": drift.count,
            "first_at": drift.first_at,
            "last_at": drift.last_at,
            "sample": text_of({} if kind == OTHER else drift.sample),
        }
        try:
            await self._driver.write(Put(item=item, condition=Absent()), lasting=False)
        except NotWrittenError:
            return False
        return True

    async def _fits(self, drift: Drift) -> bool:
        prefix = _key(drift, "")
        query = below(prefix.pk, prefix.sk, limit=self._most_kinds)
        return len((await self._driver.query(query)).items) < self._most_kinds


def _key(drift: Drift, kind: str) -> Key:
    return schema.drift_key(drift.tenant, drift.deployment, kind)


def _expiry(drift: Drift) -> int:
    return int(drift.last_at) + KEPT_DAYS * _DAY_SECONDS


def _latest(drift: Drift) -> tuple[float, str]:
    return -drift.last_at, drift.kind


def _drift(tenant: TenantName, deployment: DeploymentName, item: Item) -> Drift:
    return Drift(
        tenant=tenant,
        deployment=deployment,
        kind=str(item["sk"]).removeprefix(schema.DRIFTS),
        count=int(item["seen"]),
        first_at=float(item["first_at"]),
        last_at=float(item["last_at"]),
        sample=json.loads(str(item["sample"])),
    )
