"""The table on DynamoDB, behind asyncio: botocore's client in a thread pool of its own.

botocore blocks, and its connection pool must be as large as the thread pool or threads wait for
each other. Throttles and lost connections are repeated by botocore, a transaction under one token,
so it is applied once.
"""

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from service.adapters.aws import AwsSession, Clients
from service.adapters.dynamodb.expressions import (
    Request,
    plain_item,
    spell_query,
    spell_write,
    typed_key,
)
from service.adapters.dynamodb.failures import translated
from service.adapters.table import limits
from service.adapters.table.conditions import Check, Delete, Item, Key, Put, Update, Write
from service.adapters.table.driver import Found, Meter, NotWrittenError, Query
from service.domain.errors import TooLargeError, UnavailableError

BATCH_TRIES: Final = 8
"""A batch may leave a part undone; botocore has waited out throttles in each try already."""

MEMBER: Final = {Put: "Put", Update: "Update", Delete: "Delete", Check: "ConditionCheck"}

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class DynamoSettings:
    """Which table, and how patient to be.

    What is None is left to boto3's own environment and files.
    """

    table: str
    endpoint_url: str | None = None
    region: str | None = None
    connections: int = 16
    attempts: int = 4
    connect_timeout_seconds: float = 2.0
    read_timeout_seconds: float = 5.0


class DynamoDriver:
    """The Driver of one DynamoDB table."""

    def __init__(self, settings: DynamoSettings, session: Clients | None = None) -> None:
        self.meter = Meter()
        self.table = settings.table
        self._pool = ThreadPoolExecutor(settings.connections, thread_name_prefix="table")
        self.client = (session or AwsSession()).client(
            "dynamodb",
            endpoint_url=settings.endpoint_url,
            region_name=settings.region,
            config=Config(
                max_pool_connections=settings.connections,
                connect_timeout=settings.connect_timeout_seconds,
                read_timeout=settings.read_timeout_seconds,
                retries={"mode": "standard", "total_max_attempts": settings.attempts},
                tcp_keepalive=True,
            ),
        )

    async def get(self, key: Key, *, attributes: tuple[str, ...] = ()) -> Item | None:
        """One item."""
        request: Request = {"TableName": self.table, "Key": typed_key(key), "ConsistentRead": True}
        if attributes:
            names = {f"#n{at}": name for at, name in enumerate(("pk", "sk", *attributes))}
            request |= {
                "ProjectionExpression": ", ".join(names),
                "ExpressionAttributeNames": names,
            }
        answer = await self._call("get", lambda: self.client.get_item(**request))
        return plain_item(answer["Item"]) if "Item" in answer else None

    async def get_many(self, keys: Sequence[Key]) -> Sequence[Item]:
        """Those of the items that are there."""
        if len(keys) > limits.BATCH_GET_ITEMS:
            raise TooLargeError(what="a batch of reads", limit=limits.BATCH_GET_ITEMS)
        found: list[Item] = []
        wanted: Mapping[str, Any] = {
            self.table: {
                "Keys": [typed_key(key) for key in dict.fromkeys(keys)],
                "ConsistentRead": True,
            }
        }
        for _ in range(BATCH_TRIES):
            answer = await self._call("get_many", self._batch_get, wanted)
            found += [plain_item(item) for item in answer["Responses"].get(self.table, ())]
            wanted = answer.get("UnprocessedKeys", {})
            if not wanted:
                return found
        raise UnavailableError(what="the table (a batch of reads)")

    def _batch_get(self, wanted: Mapping[str, Any]) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = self.client.batch_get_item(RequestItems=wanted)
        return answer

    async def query(self, query: Query) -> Found:
        """One page."""
        kind = "query" if query.index is None else "query_index"
        request = spell_query(query, self.table)
        answer = await self._call(kind, lambda: self.client.query(**request))
        last = answer.get("LastEvaluatedKey")
        return Found(
            items=[plain_item(item) for item in answer["Items"]],
            last=plain_item(last) if last else None,
        )

    async def write(
        self,
        write: Write,
        *,
        lasting: bool = True,  # noqa: ARG002 - all that is written here lasts
    ) -> Item | None:
        """One conditional write."""
        request = {**spell_write(write, self.table), "ReturnConsumedCapacity": "TOTAL"}
        match write:
            case Put():
                limits.check_item(write.item)
                await self._call("write", lambda: self.client.put_item(**request))
                return write.item
            case Update():
                request["ReturnValues"] = "ALL_NEW"
                answer = await self._call("write", lambda: self.client.update_item(**request))
                return plain_item(answer["Attributes"])
            case Delete():
                await self._call("write", lambda: self.client.delete_item(**request))
                return None
            case Check():
                await self.transact([write])
                return None

    async def transact(self, writes: Sequence[Write]) -> None:
        """All or nothing. botocore gives it a token, so a repeated request is not applied twice."""
        limits.check_transaction(writes)
        puts = (limits.check_item(write.item) for write in writes if isinstance(write, Put))
        limits.check_transaction_bytes(puts)
        request: Request = {
            "TransactItems": [
                {MEMBER[type(write)]: spell_write(write, self.table)} for write in writes
            ],
            "ReturnConsumedCapacity": "TOTAL",
        }
        try:
            await self._call("transact", lambda: self.client.transact_write_items(**request))
        except NotWrittenError as refused:
            # The whole request was contended, not one write of it: nothing is known of any.
            if len(refused.outcomes) != len(writes):
                raise NotWrittenError([refused.outcomes[0]] * len(writes)) from refused
            raise

    async def delete_many(self, keys: Sequence[Key]) -> None:
        """Remove items, 25 at a time."""
        unique = list(dict.fromkeys(keys))
        for first in range(0, len(unique), limits.BATCH_DELETE_ITEMS):
            part = unique[first : first + limits.BATCH_DELETE_ITEMS]
            await self._delete_part(
                {self.table: [{"DeleteRequest": {"Key": typed_key(key)}} for key in part]}
            )

    async def _delete_part(self, wanted: Mapping[str, Any]) -> None:
        for _ in range(BATCH_TRIES):
            answer = await self._call("delete_many", self._batch_write, wanted)
            wanted = answer.get("UnprocessedItems", {})
            if not wanted:
                return
        raise UnavailableError(what="the table (a batch of deletes)")

    def _batch_write(self, wanted: Mapping[str, Any]) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = self.client.batch_write_item(RequestItems=wanted)
        return answer

    async def close(self) -> None:
        """Let go of threads and connections. A call under way ends by its own timeouts."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self.client.close()

    async def _call(self, kind: str, call: Callable[..., T], *arguments: object) -> T:
        """One request on the pool, its failure translated and its units counted."""
        loop = asyncio.get_running_loop()
        try:
            answer = await loop.run_in_executor(self._pool, call, *arguments)
        except (ClientError, BotoCoreError) as exc:
            self.meter.count(kind)
            raise translated(exc) from exc
        self.meter.count(kind, _units(answer))
        return answer


def _units(answer: object) -> int:
    """The write units that an answer tells; reads are asked for none."""
    consumed = answer.get("ConsumedCapacity", ()) if isinstance(answer, Mapping) else ()
    parts = [consumed] if isinstance(consumed, Mapping) else consumed
    return math.ceil(sum(float(part.get("CapacityUnits", 0)) for part in parts))
