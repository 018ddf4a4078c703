"""Whether this process can serve."""

from dataclasses import replace

import pytest

from service.domain.errors import UnavailableError
from tests.support.api_bench import open_bench
from tests.support.losing import losing


async def test_a_table_that_answers_is_enough() -> None:
    async with open_bench(serving=False) as bench:
        assert await bench.broker.check_ready() is None


async def test_a_silent_table_is_told() -> None:
    async with open_bench(serving=False) as bench:
        down = losing(bench.table.tenants, key_by_digest=[UnavailableError(what="the table")])

        with pytest.raises(UnavailableError):
            await replace(bench.broker.check_ready, tenants=down)()
