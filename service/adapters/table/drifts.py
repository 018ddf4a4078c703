"""The DriftStore of the single table: an item for each kind, which expires when it stays unseen."""

import json
from typing import Final

from service.adapters.table import cursors, schema
from service.adapters.table.conditions import (
    Above,
    Absent,
    AtMost,
    Condition,
    Equals,
    Item,
    Key,
    Put,
    Update,
    all_of,
    any_of,
    key_of,
)
from service.adapters.table.driver import Driver, NotWrittenError
from service.adapters.table.paging import all_items, below
from service.adapters.table.records import text_of
from service.domain.deployment import Deployment
from service.domain.drift import OTHER, Drift
from service.domain.ids import DeploymentName, TenantName
from service.ports import Page

KEPT_DAYS: Final = 90
MOST_KINDS: Final = 300
"""Of one deployment; writers that do not know of each other may go a few beyond."""
_DAY_SECONDS: Final = 24 * 3600
_MADE: Final = "made"
"""When the deployment was made, in milliseconds: a whole number is compared as it was written."""


class DriftTable:
    """Unknown things by deployment."""

    def __init__(self, driver: Driver, *, most_kinds: int = MOST_KINDS) -> None:
        self._driver = driver
        self._most_kinds = most_kinds

    async def add(self, drift: Drift) -> str:
        """Count on; make the kind where it is not there and fits, else count it as `other`."""
        if await self._counted(drift, drift.kind):
            return drift.kind
        kind = drift.kind if await self._fits(drift) else OTHER
        if kind != drift.kind and await self._counted(drift, kind):
            return kind
        if not await self._made(drift, kind):
            # Somebody else made it meanwhile; or the deployment is gone, and nothing counts.
            await self._counted(drift, kind)
        return kind

    async def list(
        self, deployment: Deployment, *, at: float, cursor: str | None, limit: int
    ) -> Page[Drift]:
        """What is new first; sorted here, for there are few."""
        prefix = schema.drift_key(deployment.tenant, deployment.name, "")
        items = await all_items(self._driver, below(prefix.pk, prefix.sk))
        made = _millis(deployment.created_at)
        there = (_drift(deployment, item) for item in items if _is_there(item, made=made, at=at))
        every = sorted(there, key=_newest)
        if cursor is not None:
            since, kind = cursors.read(prefix.pk, cursor, parts=2)
            every = [each for each in every if _newest(each) > (-cursors.instant(since), kind)]
        shown, more = every[:limit], len(every) > limit
        place = [repr(shown[-1].first_at), shown[-1].kind] if more else []
        return Page(items=shown, next_cursor=cursors.spell(prefix.pk, place) if more else None)

    async def forget(self, tenant: TenantName, deployment: DeploymentName) -> None:
        """Remove all of that name."""
        prefix = schema.drift_key(tenant, deployment, "")
        items = await all_items(self._driver, below(prefix.pk, prefix.sk))
        if items:
            await self._driver.delete_many([key_of(item) for item in items])

    async def _counted(self, drift: Drift, kind: str) -> bool:
        """Whether the kind is there, of this deployment and not expired.

        A process that writes late does not set back when it was seen last.
        """
        there = all_of(
            Above(schema.TTL, int(drift.last_at)),
            any_of(Absent(_MADE), Equals(_MADE, _millis(drift.made_at))),
        )
        later: dict[str, float | int] = {"last_at": drift.last_at, schema.TTL: _expiry(drift)}
        is_later = all_of(there, AtMost("last_at", drift.last_at))
        return await self._added(drift, kind, put=later, condition=is_later) or await self._added(
            drift, kind, put={}, condition=there
        )

    async def _added(
        self, drift: Drift, kind: str, *, put: dict[str, float | int], condition: Condition
    ) -> bool:
        update = Update(
            key=_key(drift, kind), put=put, add={"seen": drift.count}, condition=condition
        )
        try:
            await self._driver.write(update, lasting=False)
        except NotWrittenError:
            return False
        return True

    async def _made(self, drift: Drift, kind: str) -> bool:
        """Make it where there is none, one that has expired, or one of a deployment before."""
        key, made = _key(drift, kind), _millis(drift.made_at)
        item: Item = {
            schema.PK: key.pk,
            schema.SK: key.sk,
            schema.TTL: _expiry(drift),
            _MADE: made,
            "seen": drift.count,
            "first_at": drift.first_at,
            "last_at": drift.last_at,
            "sample": text_of({} if kind == OTHER else drift.sample),
        }
        expired = all_of(
            AtMost(schema.TTL, int(drift.last_at)), any_of(Absent(_MADE), Equals(_MADE, made))
        )
        free = any_of(Absent(), AtMost(_MADE, made - 1), expired)
        try:
            await self._driver.write(Put(item=item, condition=free), lasting=False)
        except NotWrittenError:
            return False
        return True

    async def _fits(self, drift: Drift) -> bool:
        prefix = _key(drift, "")
        found = await all_items(self._driver, below(prefix.pk, prefix.sk))
        made, at = _millis(drift.made_at), drift.last_at
        return sum(_is_there(item, made=made, at=at) for item in found) < self._most_kinds


def _key(drift: Drift, kind: str) -> Key:
    return schema.drift_key(drift.tenant, drift.deployment, kind)


def _is_there(item: Item, *, made: int, at: float) -> bool:
    """Whether it is that deployment's and has not expired; the embedded table removes nothing."""
    return item.get(_MADE, made) == made and float(item[schema.TTL]) > at


def _millis(instant: float) -> int:
    return round(instant * 1000)


def _expiry(drift: Drift) -> int:
    return int(drift.last_at) + KEPT_DAYS * _DAY_SECONDS


def _newest(drift: Drift) -> tuple[float, str]:
    return -drift.first_at, drift.kind


def _drift(deployment: Deployment, item: Item) -> Drift:
    return Drift(
        tenant=deployment.tenant,
        deployment=deployment.name,
        made_at=deployment.created_at,
        kind=str(item["sk"]).removeprefix(schema.DRIFTS),
        count=int(item["seen"]),
        first_at=float(item["first_at"]),
        last_at=float(item["last_at"]),
        sample=json.loads(str(item["sample"])),
    )
