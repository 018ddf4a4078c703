"""Open the table on DynamoDB, and make it where there is none.

Making it is for a local stand-in: on AWS, Terraform makes the table.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from service.adapters.aws import Clients
from service.adapters.dynamodb.driver import DynamoDriver, DynamoSettings
from service.adapters.dynamodb.failures import translated
from service.adapters.table.conditions import Index
from service.adapters.table.schema import INDEXES, PK, SK, TTL
from service.adapters.table.stores import Stores, stores_over
from service.domain.errors import ConfigurationError
from service.ports import Cipher


@dataclass(frozen=True, slots=True, kw_only=True)
class DynamoTable(Stores):
    """The stores, and the driver that serves them."""

    driver: DynamoDriver

    async def create_table_if_missing(self) -> bool:
        """Make the table with its indexes as the schema has them, and wait for it.

        Whether it was made.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(None, _create, self.driver)

    async def close(self) -> None:
        """Let go of threads and connections."""
        await self.driver.close()


def open_dynamodb(
    settings: DynamoSettings, *, cipher: Cipher, session: Clients | None = None
) -> DynamoTable:
    """The stores on a table that exists; sends nothing yet.

    Making a client takes a fifth of a second, a second one of the same `session` far less. Raises
    ConfigurationError when boto3's own variables and files do not suffice for one.
    """
    try:
        driver = DynamoDriver(settings, session)
    except BotoCoreError as exc:
        fault = f"AWS: {exc}"
        raise ConfigurationError(fault) from exc
    stores = stores_over(driver, cipher)
    return DynamoTable(
        driver=driver,
        sessions=stores.sessions,
        shards=stores.shards,
        lanes=stores.lanes,
        tenants=stores.tenants,
        budgets=stores.budgets,
        healths=stores.healths,
        attempts=stores.attempts,
        timeline=stores.timeline,
        tenant_log=stores.tenant_log,
        replays=stores.replays,
        key_ring=stores.key_ring,
        drifts=stores.drifts,
        attachments=stores.attachments,
    )


def _create(driver: DynamoDriver) -> bool:
    client, table = driver.client, driver.table
    try:
        client.create_table(**table_request(table))
    except client.exceptions.ResourceInUseException:
        return False
    except (ClientError, BotoCoreError) as exc:
        raise translated(exc) from exc
    client.get_waiter("table_exists").wait(TableName=table, WaiterConfig={"Delay": 1})
    client.update_time_to_live(
        TableName=table, TimeToLiveSpecification={"Enabled": True, "AttributeName": TTL}
    )
    return True


def table_request(table: str) -> dict[str, Any]:
    """What CreateTable is asked for: the schema, and on-demand capacity."""
    numeric = {index.sk for index in INDEXES if index.numeric}
    names = [PK, SK, *(name for index in INDEXES for name in (index.pk, index.sk))]
    return {
        "TableName": table,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": "N" if name in numeric else "S"}
            for name in names
        ],
        "KeySchema": _keys(PK, SK),
        "GlobalSecondaryIndexes": [_index(index) for index in INDEXES],
    }


def _index(index: Index) -> dict[str, Any]:
    projection: dict[str, Any] = {"ProjectionType": "KEYS_ONLY"}
    if index.also:
        projection = {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(index.also)}
    return {
        "IndexName": index.name,
        "KeySchema": _keys(index.pk, index.sk),
        "Projection": projection,
    }


def _keys(pk: str, sk: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": pk, "KeyType": "HASH"},
        {"AttributeName": sk, "KeyType": "RANGE"},
    ]
