"""The AttemptStore of the single table. What is written here expires by itself."""

import json
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Final

from service.adapters.table import cursors, index_keys, schema
from service.adapters.table.conditions import Item, Key, Put, Value, key_of
from service.adapters.table.driver import Driver, Query
from service.adapters.table.limits import BATCH_GET_ITEMS
from service.adapters.table.paging import below, every_item, place_of
from service.adapters.table.records import plain_record, record, text_of
from service.domain.attempt import EVERY, Attempt, AttemptFilter
from service.domain.ids import ATTEMPT, EndpointId, LogId, SessionId
from service.ports import Page

KEPT_DAYS: Final = 30
LOOKED_AT: Final = 1000
"""In one request, by a filter that takes few: about a megabyte."""
DAY_SECONDS: Final = 24 * 3600
IN_KEY: Final = frozenset({"id", "endpoint_id", "session_id", "sequence"})
"""What the key says need not be said again: a write unit is 1 KB."""


class AttemptTable:
    """Attempts in the partitions of their sessions, so that they go with them."""

    def __init__(self, driver: Driver, *, looked_at: int = LOOKED_AT) -> None:
        self._driver = driver
        self._looked_at = looked_at

    async def record(self, attempt: Attempt) -> None:
        """Keep one: a plain put, in an index only if it failed."""
        await self._driver.write(Put(item=_item(attempt)), lasting=False)

    async def attempts_of(
        self,
        endpoint_id: EndpointId,
        session_id: LogId,
        *,
        wanted: AttemptFilter = EVERY,
        cursor: str | None,
        limit: int,
    ) -> Page[Attempt]:
        """Every one of a lane, from the highest sort key down."""
        query = below(schema.log_partition(session_id), schema.attempts_prefix(endpoint_id))
        if cursor is not None:
            query = replace(query, start=place_of(query, cursor))
        query = replace(query, forward=False, limit=self._piece(wanted, limit))
        return await self._page(
            ((item, _attempt(item)) async for item in every_item(self._driver, query)),
            wanted,
            limit,
            spell=lambda item: cursors.spell(query.partition, [str(item["sk"])]),
        )

    async def of_session(
        self, session_id: SessionId, *, most: int
    ) -> tuple[Sequence[Attempt], bool]:
        """Page after page of the session's own partition."""
        query = below(schema.session_partition(session_id), schema.ATTEMPTS)
        found: list[Attempt] = []
        async for item in every_item(self._driver, replace(query, limit=most + 1)):
            if len(found) == most:
                return found, False
            found.append(_attempt(item))
        return found, True

    async def failed_attempts(
        self,
        endpoint_id: EndpointId,
        *,
        now: float,
        wanted: AttemptFilter = EVERY,
        cursor: str | None,
        limit: int,
    ) -> Page[Attempt]:
        """Day after day back, until the page is full or nothing older is kept."""
        start = None if cursor is None else _start(endpoint_id, cursor)
        queries = [
            query
            for day in _days(wanted, now=now)
            if (query := _failed_on(endpoint_id, day, start)) is not None
        ]
        piece = self._piece(wanted, limit)
        return await self._page(
            self._failed(replace(query, limit=piece) for query in queries),
            wanted,
            limit,
            spell=lambda row: _cursor(endpoint_id, row),
        )

    async def count_failed(self, endpoint_id: EndpointId, *, now: float, most: int) -> int:
        """The entries of that day."""
        partition = index_keys.failed_attempts_partition(endpoint_id, index_keys.day_of(now))
        found = await self._driver.query(Query(partition=partition, index=schema.LANES, limit=most))
        return len(found.items)

    def _piece(self, wanted: AttemptFilter, limit: int) -> int:
        """How many are read at a time."""
        return limit + 1 if wanted == EVERY else BATCH_GET_ITEMS

    async def _failed(
        self, queries: Iterable[Query]
    ) -> AsyncGenerator[tuple[Item, Attempt | None]]:
        """Index entries with their attempts, None for one that has gone meanwhile."""
        for query in queries:
            following: Query | None = query
            while following is not None:
                found = await self._driver.query(following)
                whole = await self._whole(found.items)
                for row in found.items:
                    item = whole.get(key_of(row))
                    yield row, None if item is None else _attempt(item)
                more = found.last is not None
                following = replace(following, start=found.last) if more else None

    async def _whole(self, rows: Sequence[Item]) -> Mapping[Key, Item]:
        """The items that index entries name."""
        keys = [key_of(row) for row in rows]
        there: dict[Key, Item] = {}
        for first in range(0, len(keys), BATCH_GET_ITEMS):
            batch = await self._driver.get_many(keys[first : first + BATCH_GET_ITEMS])
            there |= {key_of(item): item for item in batch}
        return there

    async def _page(
        self,
        found: AsyncGenerator[tuple[Item, Attempt | None]],
        wanted: AttemptFilter,
        limit: int,
        *,
        spell: Callable[[Item], str],
    ) -> Page[Attempt]:
        """The first that are wanted. A cursor names what was looked at last, wanted or not."""
        shown: list[Attempt] = []
        looked_at: list[Item] = []
        async with aclosing(found):
            async for item, attempt in found:
                if len(looked_at) >= max(self._looked_at, limit):
                    return Page(items=shown, next_cursor=spell(looked_at[-1]))
                if attempt is not None and wanted.takes(attempt):
                    if len(shown) == limit:
                        return Page(items=shown, next_cursor=spell(looked_at[-1]))
                    shown.append(attempt)
                looked_at.append(item)
        return Page(items=shown, next_cursor=None)


def _days(wanted: AttemptFilter, *, now: float) -> Sequence[str]:
    """The days of which something may be kept and wanted, the latest first."""
    oldest = now - KEPT_DAYS * DAY_SECONDS
    first = oldest if wanted.since is None else max(oldest, wanted.since)
    last = now if wanted.until is None else min(now, wanted.until)
    every = [index_keys.day_of(now - back * DAY_SECONDS) for back in range(KEPT_DAYS + 1)]
    if last < first:
        return []
    return [day for day in every if index_keys.day_of(first) <= day <= index_keys.day_of(last)]


def _failed_on(endpoint_id: EndpointId, day: str, start: Mapping[str, str] | None) -> Query | None:
    """What failed on that day, from `start` on; None where that is a day before."""
    partition = index_keys.failed_attempts_partition(endpoint_id, day)
    if start is not None and partition > start[schema.LANES.pk]:
        return None
    begins_here = start is not None and partition == start[schema.LANES.pk]
    return Query(
        partition=partition,
        index=schema.LANES,
        forward=False,
        start=start if begins_here else None,
    )


def _item(attempt: Attempt) -> Item:
    key = schema.attempt_key(attempt.endpoint_id, attempt.session_id, attempt.sequence, attempt.id)
    members = plain_record(attempt)
    item: dict[str, Value] = {
        schema.PK: key.pk,
        schema.SK: key.sk,
        schema.TTL: int(attempt.at) + KEPT_DAYS * DAY_SECONDS,
        "body": text_of({name: members[name] for name in members if name not in IN_KEY}),
    }
    if attempt.failed:
        day = index_keys.day_of(attempt.at)
        item[schema.LANES.pk] = index_keys.failed_attempts_partition(attempt.endpoint_id, day)
        item[schema.LANES.sk] = attempt.id
    return item


def _attempt(item: Item) -> Attempt:
    endpoint_id, sequence, attempt_id = schema.attempt_of(str(item["sk"]))
    in_key = {
        "id": attempt_id,
        "endpoint_id": endpoint_id,
        "session_id": schema.log_in(str(item["pk"])),
        "sequence": sequence,
    }
    return record(Attempt, {**json.loads(str(item["body"])), **in_key})


def _cursor(endpoint_id: EndpointId, row: Item) -> str:
    names = (schema.LANES.pk, schema.LANES.sk, "pk", "sk")
    return cursors.spell(_listing(endpoint_id), [str(row[name]) for name in names])


def _start(endpoint_id: EndpointId, cursor: str) -> Mapping[str, str]:
    """Where to go on. Raises InvalidRequestError: a cursor may be made up."""
    day, place, pk, sk = cursors.read(_listing(endpoint_id), cursor, parts=4)
    for text, prefix in (
        (day, index_keys.failed_attempts_partition(endpoint_id, "")),
        (place, f"{ATTEMPT}_"),
        (pk, schema.TENANTS if pk.startswith(schema.TENANTS) else schema.SESSIONS),
        (sk, schema.attempts_prefix(endpoint_id)),
    ):
        cursors.within(below("", prefix), text)
    return {schema.LANES.pk: day, schema.LANES.sk: place, "pk": pk, "sk": sk}


def _listing(endpoint_id: EndpointId) -> str:
    return index_keys.failed_attempts_partition(endpoint_id, "")
