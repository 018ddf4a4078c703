"""The bench as a fixture; every answer in these tests is held to the OpenAPI document."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.support.api_bench import Bench, open_bench
from tests.support.openapi_contract import check_answer


@pytest_asyncio.fixture(name="bench")
async def _bench() -> AsyncIterator[Bench]:
    async with open_bench() as bench:
        bench.http.event_hooks = {"response": [check_answer]}
        yield bench
