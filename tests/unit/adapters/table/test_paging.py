"""Due entries of many buckets: each once, the oldest first, however unevenly they lie."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from service.adapters.table import schema
from service.adapters.table.conditions import Item
from service.adapters.table.driver import Driver, Found, Query
from service.adapters.table.paging import due_before, due_of

BEFORE = 50.0


@dataclass(kw_only=True)
class Buckets:
    """Answers queries of an index from memory, and counts the rows that it brings."""

    rows: dict[str, list[Item]] = field(default_factory=dict)
    brought: int = 0

    def put(self, bucket: int, dues: Sequence[float]) -> None:
        self.rows[str(bucket)] = [
            {"pk": f"{bucket}", "sk": f"{n}", schema.DUE.pk: f"{bucket}", schema.DUE.sk: due}
            for n, due in enumerate(sorted(dues))
        ]

    async def query(self, query: Query) -> Found:
        rows = [row for row in self.rows.get(query.partition, []) if due_of(row) <= BEFORE]
        begin = 0 if query.start is None else int(str(query.start["sk"])) + 1
        page = rows[begin : begin + (query.limit or 0)]
        self.brought += len(page)
        full = len(page) == query.limit
        return Found(items=page, last={"sk": str(page[-1]["sk"])} if full else None)

    async def pages(self, limit: int) -> list[Sequence[Item]]:
        found: list[Sequence[Item]] = []
        rest: object | None = None
        while not found or rest is not None:
            page = await due_before(
                cast("Driver", self), str, before=BEFORE, limit=limit, after=rest
            )
            found.append(page.items)
            rest = page.rest
        return found


@given(
    dues=st.lists(st.lists(st.integers(0, 60), max_size=60), max_size=schema.DUE_BUCKETS),
    limit=st.integers(1, 60),
)
def test_each_is_brought_once_and_the_oldest_first(dues: list[list[int]], limit: int) -> None:
    buckets = Buckets()
    for bucket, some in enumerate(dues):
        buckets.put(bucket, [float(due) for due in some])

    pages = asyncio.run(buckets.pages(limit))

    brought = [due_of(item) for page in pages for item in page]
    assert brought == sorted(due for some in dues for due in some if due <= BEFORE)
    assert all(len(page) <= limit for page in pages)


def test_uneven_buckets_are_read_in_order_too() -> None:
    buckets = Buckets()
    buckets.put(0, [1.0] * 900)
    buckets.put(1, [2.0] * 900)

    pages: list[Any] = asyncio.run(buckets.pages(800))

    assert [due_of(item) for page in pages for item in page] == [1.0] * 900 + [2.0] * 900


def test_rows_are_read_a_few_times_at_most_however_many_are_due() -> None:
    buckets = Buckets()
    for bucket in range(schema.DUE_BUCKETS):
        buckets.put(bucket, [number / 40 for number in range(bucket, 2000, schema.DUE_BUCKETS)])

    pages = asyncio.run(buckets.pages(200))

    assert sum(len(page) for page in pages) == 2000
    assert buckets.brought <= 3 * 2000
