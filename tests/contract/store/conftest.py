"""One suite, three stores: SQLite in memory, SQLite in a file, DynamoDB on its stand-in."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final, TypeAlias

import pytest
import pytest_asyncio
from boto3.session import Session

from service.adapters.cipher import AesCipher
from service.adapters.dynamodb import DynamoSettings, DynamoTable, open_dynamodb
from service.adapters.embedded import EmbeddedTable, open_embedded
from tests.support.fault_proxy import FaultProxy, fault_proxy
from tests.support.store_builders import NOW, unique

Table: TypeAlias = EmbeddedTable | DynamoTable
CIPHER: Final = AesCipher(bytes(range(32)))


@pytest.fixture(scope="session")
def faults(aws_endpoint: str) -> Iterator[FaultProxy]:
    with fault_proxy(aws_endpoint) as proxy:
        yield proxy


@pytest_asyncio.fixture(params=["memory", "file", "dynamodb"])
async def table(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Table]:
    """An empty table, each test in its own."""
    if request.param == "dynamodb":
        opened: Table = await _dynamodb(request)
    else:
        path = tmp_path / "data" if request.param == "file" else None
        opened = open_embedded(path, cipher=CIPHER, clock_now=lambda: NOW)
    yield opened
    await opened.close()


async def _dynamodb(request: pytest.FixtureRequest) -> DynamoTable:
    endpoint: str = request.getfixturevalue("aws_endpoint")
    session: Session = request.getfixturevalue("aws_session")
    settings = DynamoSettings(table=unique("broker"), endpoint_url=endpoint)
    opened = open_dynamodb(settings, cipher=CIPHER, session=session)
    await opened.create_table_if_missing()
    return opened
