"""The AttemptStore of the single table. What is written here expires by itself."""

import json
from collections.abc import Mapping, Sequence
from typing import Final

from service.adapters.table import cursors, schema
from service.adapters.table.conditions import Item, Key, Put, Value, key_of
from service.adapters.table.driver import Driver, Query
from service.adapters.table.limits import BATCH_GET_ITEMS
from service.adapters.table.paging import below, newest_first
from service.adapters.table.records import plain_record, record, text_of
from service.domain.attempt import Attempt
from service.domain.ids import ATTEMPT, EndpointId, SessionId
from service.ports import Page

KEPT_DAYS: Final = 30
DAY_SECONDS: Final = 24 * 3600
IN_KEY: Final = frozenset({"id", "endpoint_id", "session_id", "sequence"})
"""What the key says need not be said again: a write unit is 1 KB."""


class AttemptTable:
    """Attempts in the partitions of their sessions, so that they go with them."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    async def record(self, attempt: Attempt) -> None:
        """Keep one: a plain put, in an index only if it failed."""
        await self._driver.write(Put(item=_item(attempt)), lasting=False)

    async def attempts_of(
        self, endpoint_id: EndpointId, session_id: SessionId, *, cursor: str | None, limit: int
    ) -> Page[Attempt]:
        """Every one of a lane, from the highest sort key down."""
        query = below(schema.session_partition(session_id), schema.attempts_prefix(endpoint_id))
        return await newest_first(self._driver, query, cursor=cursor, limit=limit, read=_attempt)

    async def failed_attempts(
        self, endpoint_id: EndpointId, *, now: float, cursor: str | None, limit: int
    ) -> Page[Attempt]:
        """Day after day back, until the page is full or nothing older is kept."""
        start = None if cursor is None else _start(endpoint_id, cursor)
        rows: list[Item] = []
        for back in range(KEPT_DAYS + 1):
            day = schema.day_of(now - back * DAY_SECONDS)
            partition = schema.failed_attempts_partition(endpoint_id, day)
            if start is not None and partition > start[schema.LANES.pk]:
                continue
            query = Query(
                partition=partition,
                index=schema.LANES,
                forward=False,
                limit=limit + 1 - len(rows),
                start=start if start is not None and partition == start[schema.LANES.pk] else None,
            )
            rows += (await self._driver.query(query)).items
            if len(rows) > limit:
                break
        shown = rows[:limit]
        following = _cursor(endpoint_id, shown[-1]) if len(rows) > limit else None
        return Page(items=await self._whole(shown), next_cursor=following)

    async def count_failed(self, endpoint_id: EndpointId, *, now: float, most: int) -> int:
        """The entries of that day."""
        partition = schema.failed_attempts_partition(endpoint_id, schema.day_of(now))
        found = await self._driver.query(Query(partition=partition, index=schema.LANES, limit=most))
        return len(found.items)

    async def _whole(self, rows: Sequence[Item]) -> Sequence[Attempt]:
        """The attempts that index entries name, but for those that have gone meanwhile."""
        keys = [key_of(row) for row in rows]
        there: dict[Key, Item] = {}
        for first in range(0, len(keys), BATCH_GET_ITEMS):
            batch = await self._driver.get_many(keys[first : first + BATCH_GET_ITEMS])
            there |= {key_of(item): item for item in batch}
        return [_attempt(there[key]) for key in keys if key in there]


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
        day = schema.day_of(attempt.at)
        item[schema.LANES.pk] = schema.failed_attempts_partition(attempt.endpoint_id, day)
        item[schema.LANES.sk] = attempt.id
    return item


def _attempt(item: Item) -> Attempt:
    endpoint_id, sequence, attempt_id = schema.attempt_of(str(item["sk"]))
    in_key = {
        "id": attempt_id,
        "endpoint_id": endpoint_id,
        "session_id": schema.session_of(str(item["pk"])),
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
        (day, schema.failed_attempts_partition(endpoint_id, "")),
        (place, f"{ATTEMPT}_"),
        (pk, schema.SESSIONS),
        (sk, schema.attempts_prefix(endpoint_id)),
    ):
        cursors.within(below("", prefix), text)
    return {schema.LANES.pk: day, schema.LANES.sk: place, "pk": pk, "sk": sk}


def _listing(endpoint_id: EndpointId) -> str:
    return schema.failed_attempts_partition(endpoint_id, "")
