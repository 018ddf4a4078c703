"""What one process reaches on DynamoDB through boto3, against the stand-in on this machine.

The stand-in is slower than the service, so calls a second are a lower bound; the processor time a
call is ours alone, and bounds what one core can do.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from boto3.session import Session

from service.adapters.cipher import AesCipher
from service.adapters.dynamodb import DynamoSettings, open_dynamodb
from service.domain.ids import ListenerName
from tests.bench.report import Line, table
from tests.support.stand_in import ministack

SECONDS = 6.0
AT_ONCE = 16
SHARDS = 64

Call = Callable[[int], Awaitable[object]]


async def run() -> list[Line]:
    """Reads and writes of one small item, through the store that leases use."""
    session = Session(
        aws_access_key_id="bench", aws_secret_access_key="bench", region_name="eu-central-1"
    )
    with ministack() as endpoint:
        settings = DynamoSettings(table="bench", endpoint_url=endpoint)
        opened = open_dynamodb(settings, cipher=AesCipher(bytes(32)), session=session)
        await opened.create_table_if_missing()
        shards, me = opened.shards, ListenerName("own_bench")

        async def write(number: int) -> object:
            now = time.time()
            return await shards.acquire(number % SHARDS, me, now=now, until=now + 15)

        async def read(number: int) -> object:
            return await shards.lease(number % SHARDS)

        lines = [*await _measure("read an item", read), *await _measure("change an item", write)]
        await opened.close()
    return lines


async def _measure(what: str, call: Call) -> list[Line]:
    calls = 0
    until = time.perf_counter() + SECONDS

    async def one(worker: int) -> None:
        nonlocal calls
        number = worker
        while time.perf_counter() < until:
            await call(number)
            number += AT_ONCE
            calls += 1

    used, begun = time.process_time(), time.perf_counter()
    await asyncio.gather(*(one(worker) for worker in range(AT_ONCE)))
    spent, took = time.process_time() - used, time.perf_counter() - begun
    return [
        Line(what=f"{what}, reached", unit="calls a second", ours=calls / took),
        Line(what=f"{what}, processor", unit="ms a call", ours=1000 * spent / calls),
        Line(what=f"{what}, one core could do", unit="calls a second", ours=calls / spent),
    ]


show = table
