"""The table file opened by several at once, as the tests do whose listeners are processes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from service.adapters.embedded.driver import EmbeddedDriver
from service.adapters.table.conditions import Key, Update

COUNTER = Key(pk="counter", sk="counter")
WRITES = 100


@asynccontextmanager
async def driver(folder: Path) -> AsyncIterator[EmbeddedDriver]:
    opened = EmbeddedDriver(folder, now=lambda: 0.0, shared=True)
    try:
        yield opened
    finally:
        await opened.close()


async def test_those_who_share_a_file_take_turns_and_see_each_other(tmp_path: Path) -> None:
    async def count(mine: EmbeddedDriver) -> None:
        for _ in range(WRITES):
            await mine.write(Update(key=COUNTER, add={"n": 1}))

    async with driver(tmp_path) as first, driver(tmp_path) as second:
        await asyncio.gather(count(first), count(second))
        seen = [await each.get(COUNTER, attributes=("n",)) for each in (first, second)]

    assert [item and item["n"] for item in seen] == [2 * WRITES, 2 * WRITES]
