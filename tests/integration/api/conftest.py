"""The bench as a fixture."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.support.api_bench import Bench, open_bench


@pytest_asyncio.fixture(name="bench")
async def _bench() -> AsyncIterator[Bench]:
    async with open_bench() as bench:
        yield bench
