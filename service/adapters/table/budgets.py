"""The BudgetStore of the single table: a counter for each slot of a line, and its breaker.

A counter only grows; DynamoDB removes it some time after its slot is over.
"""

from typing import Final

from service.adapters.table import schema
from service.adapters.table.conditions import Absent, AtMost, Item, Update, any_of
from service.adapters.table.driver import Driver, NotWrittenError
from service.adapters.table.swaps import found, swap
from service.domain.budget import Breaker, Taken, slot_end

KEPT_SECONDS: Final = 300
"""How long a counter stays after its slot: no clock is that wrong."""
BUDGET: Final = "the deployment's budget"


class BudgetTable:
    """Budgets and breakers of lines."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    async def take(self, line: str, slot: int, count: int, *, most: int) -> Taken:
        """Take so many permits of the slot if at most `most` of it are gone then, else none."""
        enough_left = AtMost("used", most - count)
        update = Update(
            key=schema.slot_key(line, slot),
            put={schema.TTL: int(slot_end(slot)) + KEPT_SECONDS},
            add={"used": count},
            condition=any_of(Absent("used"), enough_left) if count <= most else enough_left,
        )
        try:
            return Taken(granted=count, used=_used(await self._driver.write(update)))
        except NotWrittenError as refused:
            return Taken(granted=0, used=_used(found(refused, what=BUDGET)))

    async def taken(self, line: str, slot: int) -> int:
        """How many permits of the slot are gone."""
        return _used(await self._driver.get(schema.slot_key(line, slot)))

    async def breaker(self, line: str) -> Breaker:
        """As it is; the closed one where there is none."""
        return _breaker(await self._driver.get(schema.breaker_key(line)))

    async def change_breaker(self, line: str, before: Breaker, after: Breaker) -> Breaker:
        """Put `after` in the place of `before`; what is there then."""
        there = await swap(self._driver, _item(line, after), version=before.version, what=BUDGET)
        return _breaker(there)


def _used(item: Item | None) -> int:
    return 0 if item is None else int(item["used"])


def _item(line: str, breaker: Breaker) -> Item:
    key = schema.breaker_key(line)
    item: Item = {
        schema.PK: key.pk,
        schema.SK: key.sk,
        "version": breaker.version,
        "by": breaker.by,
        "trips": breaker.trips,
    }
    return item if breaker.retry_at is None else {**item, "retry_at": breaker.retry_at}


def _breaker(item: Item | None) -> Breaker:
    if item is None:
        return Breaker()
    retry_at = item.get("retry_at")
    return Breaker(
        version=int(item["version"]),
        by=str(item["by"]),
        trips=int(item["trips"]),
        retry_at=None if retry_at is None else float(retry_at),
    )
