"""Reading partitions.

Every page of one, the newest first of a listing, the oldest first of many buckets.
"""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import TypeVar

from service.adapters.table import cursors, schema
from service.adapters.table.conditions import Item
from service.adapters.table.driver import Driver, Query
from service.adapters.table.unsealing import readable
from service.ports import Page

T = TypeVar("T")


async def every_item(driver: Driver, query: Query) -> AsyncIterator[Item]:
    """All items of a query, page after page."""
    while True:
        found = await driver.query(query)
        for item in found.items:
            yield item
        if found.last is None:
            return
        query = dataclasses.replace(query, start=found.last)


async def all_items(driver: Driver, query: Query) -> Sequence[Item]:
    """All items of a query in one list."""
    return [item async for item in every_item(driver, query)]


def below(partition: str, prefix: str, *, forward: bool = True, limit: int | None = None) -> Query:
    """The items of a partition whose sort key starts so."""
    return Query(
        partition=partition, low=prefix, high=prefix + schema.LAST, forward=forward, limit=limit
    )


async def newest_first(
    driver: Driver,
    query: Query,
    *,
    cursor: str | None,
    limit: int,
    read: Callable[[Item], T],
) -> Page[T]:
    """One page of a listing in the table, from the highest sort key down.

    Shorter where something cannot be opened.
    """
    start = None if cursor is None else place_of(query, cursor)
    found = await driver.query(
        dataclasses.replace(query, forward=False, limit=limit + 1, start=start)
    )
    shown = found.items[:limit]
    more = len(found.items) > limit or (found.last is not None and bool(shown))
    last = cursors.spell(query.partition, [str(shown[-1]["sk"])]) if more else None
    items = [found for _, found in await readable(shown, read)]
    return Page(items=items, next_cursor=last)


def place_of(query: Query, cursor: str) -> Mapping[str, str]:
    """Where a listing in the table goes on. Raises InvalidRequestError: a cursor may be made up."""
    (sk,) = cursors.read(query.partition, cursor, parts=1)
    return {"pk": query.partition, "sk": cursors.within(query, sk)}


async def due_before(
    driver: Driver, partition: Callable[[int], str], *, before: float, limit: int
) -> Sequence[Item]:
    """The due entries of every bucket up to then, oldest first."""
    queries = [
        Query(partition=partition(number), high=before, index=schema.DUE, limit=limit)
        for number in range(schema.DUE_BUCKETS)
    ]
    pages = await asyncio.gather(*(driver.query(query) for query in queries))
    entries = [item for page in pages for item in page.items]
    return sorted(entries, key=lambda item: float(item[schema.DUE.sk]))[:limit]
