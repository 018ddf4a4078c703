"""Whether this process can serve."""

import pytest

from service.domain.errors import UnavailableError
from service.usecases.check_ready import CheckReady
from tests.support.api_bench import open_bench
from tests.support.losing import losing


async def test_a_table_that_answers_is_enough() -> None:
    async with open_bench(serving=False) as bench:
        await bench.broker.check_ready()


async def test_a_silent_table_is_told() -> None:
    async with open_bench(serving=False) as bench:
        down = losing(bench.table.tenants, key_by_digest=[UnavailableError(what="the table")])

        with pytest.raises(UnavailableError):
            await CheckReady(tenants=down)()
