"""The HealthStore of the single table. What is written here of an endpoint expires by itself."""

import json
from typing import Final

from service.adapters.table import schema
from service.adapters.table.conditions import (
    Absent,
    AtMost,
    Delete,
    Equals,
    Item,
    Put,
    Update,
    any_of,
    free,
)
from service.adapters.table.driver import Driver, NotWrittenError
from service.adapters.table.records import plain_record, record, text_of
from service.adapters.table.steps import Step
from service.adapters.table.swaps import swap
from service.adapters.table.tenant_log import append
from service.domain.errors import VersionConflictError
from service.domain.health import Health
from service.domain.ids import EndpointId
from service.domain.notice import Notice

HEALTH_DAYS: Final = 90
"""Longer than an endpoint may stay down: what is written of a deleted one goes in the end."""
KEPT_SECONDS: Final = 300
"""How long a place or a second stays after its time: no clock is that wrong."""


class HealthTable:
    """Endpoints as couriers found them."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    async def health(self, endpoint_id: EndpointId) -> Health:
        """As it is; that of one that is well where there is none."""
        return read_health(await self._driver.get(schema.health_key(endpoint_id)))

    async def change_health(
        self,
        endpoint_id: EndpointId,
        before: Health,
        after: Health,
        *,
        notice: Notice | None = None,
    ) -> Health:
        """Put `after` in the place of `before`, the notice with it; what is there then."""
        item = _item(endpoint_id, after)
        if notice is not None:
            there = Equals("version", before.version) if before.version else Absent()
            return await self._tell(endpoint_id, Put(item=item, condition=there), notice)
        found = await swap(self._driver, item, version=before.version, what="the endpoint's health")
        return read_health(found)

    async def _tell(self, endpoint_id: EndpointId, put: Put, notice: Notice) -> Health:
        moved = VersionConflictError(item="the endpoint's health")
        try:
            await append(self._driver, notice, Step(write=put, refusal=lambda _: moved))
        except VersionConflictError:
            return await self.health(endpoint_id)
        return read_health(put.item)

    async def take_place(
        self, endpoint_id: EndpointId, place: int, *, token: str, now: float, until: float
    ) -> bool:
        """Take it if it is free or its time is over."""
        update = Update(
            key=schema.place_key(endpoint_id, place),
            put={"token": token, "until": until, schema.TTL: int(until) + KEPT_SECONDS},
            condition=any_of(free("until", now), Equals("token", token)),
        )
        try:
            await self._driver.write(update, lasting=False)
        except NotWrittenError:
            return False
        return True

    async def leave_place(self, endpoint_id: EndpointId, place: int, *, token: str) -> None:
        """Give it back, if it is still ours."""
        key = schema.place_key(endpoint_id, place)
        try:
            leaving = Delete(key=key, condition=Equals("token", token))
            await self._driver.write(leaving, lasting=False)
        except NotWrittenError:
            return

    async def take_turn(self, endpoint_id: EndpointId, second: int, *, most: int) -> bool:
        """Count one request more, unless there were as many as may be."""
        update = Update(
            key=schema.second_key(endpoint_id, second),
            put={schema.TTL: second + KEPT_SECONDS},
            add={"used": 1},
            condition=any_of(Absent("used"), AtMost("used", most - 1)),
        )
        try:
            await self._driver.write(update, lasting=False)
        except NotWrittenError:
            return False
        return True


def _item(endpoint_id: EndpointId, health: Health) -> Item:
    key = schema.health_key(endpoint_id)
    return {
        schema.PK: key.pk,
        schema.SK: key.sk,
        schema.TTL: int(health.changed_at) + HEALTH_DAYS * 24 * 3600,
        "version": health.version,
        "body": text_of(plain_record(health)),
    }


def read_health(item: Item | None) -> Health:
    """The health of an item; that of an endpoint that is well where there is none."""
    return Health() if item is None else record(Health, json.loads(str(item["body"])))
