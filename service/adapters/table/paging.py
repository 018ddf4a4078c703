"""Reading partitions.

Every page of one, one page of a listing, the oldest first of many buckets.
"""

import asyncio
import dataclasses
import math
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Final, TypeVar

from service.adapters.table import cursors, schema
from service.adapters.table.conditions import Item, Value
from service.adapters.table.driver import Driver, Query
from service.adapters.table.unsealing import readable
from service.ports import DuePage, Page

T = TypeVar("T")
SMALL: Final = 25
"""So many entries of a bucket cost the least that a read costs (4 KB), whatever the page wants."""


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


async def one_page(
    driver: Driver,
    query: Query,
    *,
    cursor: str | None,
    limit: int,
    read: Callable[[Item], T],
) -> Page[T]:
    """One page of a listing in the table, in the order of the query.

    Shorter where something cannot be opened.
    """
    start = None if cursor is None else place_of(query, cursor)
    found = await driver.query(dataclasses.replace(query, limit=limit + 1, start=start))
    shown = found.items[:limit]
    more = len(found.items) > limit or (found.last is not None and bool(shown))
    last = cursors.spell(query.partition, [str(shown[-1]["sk"])]) if more else None
    items = [found for _, found in await readable(shown, read)]
    return Page(items=items, next_cursor=last)


def place_of(query: Query, cursor: str) -> Mapping[str, str]:
    """Where a listing in the table goes on. Raises InvalidRequestError: a cursor may be made up."""
    (sk,) = cursors.read(query.partition, cursor, parts=1)
    return {"pk": query.partition, "sk": cursors.within(query, sk)}


@dataclass(frozen=True, slots=True)
class _Rest:
    """Where each bucket goes on that has more: after that entry, or (None) at its beginning."""

    places: Mapping[int, Mapping[str, Value] | None]


async def due_before(
    driver: Driver,
    partition: Callable[[int], str],
    *,
    before: float,
    limit: int,
    after: object | None = None,
) -> DuePage[Item]:
    """Due entries of all buckets up to then, oldest first; `after` is the `rest` of a page before.

    A page may be shorter than `limit` where more is left.
    """
    places = after.places if isinstance(after, _Rest) else dict.fromkeys(range(schema.DUE_BUCKETS))
    # Names fall evenly into the buckets: what a bucket holds beyond twice its share comes later.
    share = max(min(limit, SMALL), 2 * limit // schema.DUE_BUCKETS)
    queries = [
        Query(partition=partition(n), high=before, index=schema.DUE, limit=share, start=start)
        for n, start in places.items()
    ]
    found = dict(zip(places, await asyncio.gather(*map(driver.query, queries)), strict=True))
    # What a bucket did not bring yet is not older than the last that it brought.
    known = min(
        (due_of(page.items[-1]) for page in found.values() if page.last and page.items),
        default=math.inf,
    )
    entries = [(due_of(item), n, item) for n, page in found.items() for item in page.items]
    shown = sorted((e for e in entries if e[0] <= known), key=itemgetter(0))[:limit]
    last = {n: _place(item) for _, n, item in shown}
    taken = Counter(n for _, n, _ in shown)
    left = {
        n: last.get(n, places[n])
        for n, page in found.items()
        if page.last or taken[n] < len(page.items)
    }
    return DuePage(items=[item for _, _, item in shown], rest=_Rest(left) if left else None)


def due_of(item: Item) -> float:
    """When an entry is due."""
    return float(item[schema.DUE.sk])


def _place(item: Item) -> Mapping[str, Value]:
    return {name: item[name] for name in ("pk", "sk", schema.DUE.pk, schema.DUE.sk)}
