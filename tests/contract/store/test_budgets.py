"""Slots that give no more than they have, and a breaker that one change at a time reaches."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import uuid4

import pytest
import pytest_asyncio
from boto3.session import Session

from service.adapters.dynamodb import DynamoSettings, DynamoTable, open_dynamodb
from service.adapters.embedded import EmbeddedTable, open_embedded
from service.adapters.table import schema
from service.domain.budget import Breaker, Taken, closed, probing, slot_end, slot_of, tripped
from service.domain.errors import UnavailableError
from tests.contract.store.conftest import CIPHER, Table
from tests.support.fault_proxy import FaultProxy, Refusal, Silence
from tests.support.store_builders import NOW, unique

TAKERS = 16
MOST = 70
SLOT = slot_of(NOW)
LINE = "wss://webmessaging.mypurecloud.de/v1?deploymentid=d-1"


def open_breaker(before: Breaker, *, by: str = "") -> Breaker:
    return tripped(before, by=by or uuid4().hex, now=NOW, jitter=0.25)


async def test_permits_are_taken_until_there_are_none(table: Table) -> None:
    took = [await table.budgets.take(LINE, SLOT, 10, most=MOST) for _ in range(8)]

    granted = [Taken(granted=10, used=10 * nth) for nth in range(1, 8)]
    assert took == [*granted, Taken(granted=0, used=70)]
    assert await table.budgets.taken(LINE, SLOT) == 70


async def test_who_is_refused_many_learns_how_many_are_left(table: Table) -> None:
    await table.budgets.take(LINE, SLOT, 64, most=MOST)

    refused = await table.budgets.take(LINE, SLOT, 10, most=MOST)

    assert refused == Taken(granted=0, used=64)
    assert await table.budgets.take(LINE, SLOT, 6, most=MOST) == Taken(granted=6, used=70)


async def test_who_may_have_less_of_a_slot_is_refused_earlier(table: Table) -> None:
    await table.budgets.take(LINE, SLOT, 50, most=56)

    assert (await table.budgets.take(LINE, SLOT, 7, most=56)).granted == 0
    assert (await table.budgets.take(LINE, SLOT, 7, most=MOST)).granted == 7


async def test_slots_and_lines_do_not_share(table: Table) -> None:
    await table.budgets.take(LINE, SLOT, MOST, most=MOST)

    for line, slot in ((LINE, SLOT + 1), (f"{LINE}2", SLOT)):
        assert await table.budgets.taken(line, slot) == 0
        assert (await table.budgets.take(line, slot, 1, most=MOST)).granted == 1


async def test_more_than_a_slot_has_is_never_granted(table: Table) -> None:
    refused = await table.budgets.take(LINE, SLOT, MOST + 1, most=MOST)

    assert refused == Taken(granted=0, used=0)
    assert await table.budgets.taken(LINE, SLOT) == 0


async def test_sixteen_who_take_at_once_get_no_more_than_there_is(table: Table) -> None:
    wishes = [count for count in range(1, TAKERS + 1) for _ in range(2)]

    took = await asyncio.gather(
        *(table.budgets.take(LINE, SLOT, count, most=MOST) for count in wishes)
    )

    granted = sum(taken.granted for taken in took)
    assert granted == await table.budgets.taken(LINE, SLOT)
    assert MOST - min(c for c, t in zip(wishes, took, strict=True) if not t.granted) < granted
    assert granted <= MOST


async def test_a_counter_goes_some_time_after_its_slot(table: Table) -> None:
    await table.budgets.take(LINE, SLOT, 1, most=MOST)

    item = await table.driver.get(schema.slot_key(LINE, SLOT))

    assert item is not None
    assert slot_end(SLOT) + 60 < item[schema.TTL] < slot_end(SLOT) + 3600  # type: ignore[operator] # numbers


async def test_a_breaker_nobody_ever_opened_is_closed(table: Table) -> None:
    assert await table.budgets.breaker(LINE) == Breaker()


async def test_a_breaker_is_opened_tried_and_closed(table: Table) -> None:
    now: Breaker = Breaker()
    shut = open_breaker(now)
    tried = probing(shut, by="p", now=NOW + 2)
    again = closed(tried, by="c")
    assert again is not None

    for wanted in (shut, tried, again):
        assert await table.budgets.change_breaker(LINE, now, wanted) == wanted
        assert await table.budgets.breaker(LINE) == wanted
        now = wanted


async def test_who_saw_an_older_breaker_changes_nothing(table: Table) -> None:
    shut = open_breaker(Breaker())
    await table.budgets.change_breaker(LINE, Breaker(), shut)

    for before in (Breaker(), replace(shut, version=2)):
        found = await table.budgets.change_breaker(LINE, before, open_breaker(before))
        assert found == shut
    assert await table.budgets.breaker(LINE) == shut


async def test_a_breaker_that_is_gone_is_the_closed_one(table: Table) -> None:
    seen = replace(open_breaker(Breaker()), version=7)

    assert await table.budgets.change_breaker(LINE, seen, open_breaker(seen)) == Breaker()


async def test_of_sixteen_who_would_try_one_may(table: Table) -> None:
    shut = open_breaker(Breaker())
    await table.budgets.change_breaker(LINE, Breaker(), shut)
    wishes = [probing(shut, by=f"p{number}", now=NOW + 2) for number in range(TAKERS)]

    found = await asyncio.gather(
        *(table.budgets.change_breaker(LINE, shut, wanted) for wanted in wishes)
    )

    winners = [wanted for wanted, there in zip(wishes, found, strict=True) if there.by == wanted.by]
    assert len(winners) == 1
    assert set(found) == set(winners)


@pytest_asyncio.fixture
async def embedded() -> AsyncIterator[EmbeddedTable]:
    opened = open_embedded(None, cipher=CIPHER, clock_now=lambda: NOW)
    yield opened
    await opened.close()


async def test_ten_permits_cost_one_unit(embedded: EmbeddedTable) -> None:
    await embedded.budgets.take(LINE, SLOT, 10, most=MOST)

    assert embedded.driver.meter.calls == {"write": 1}
    assert embedded.driver.meter.write_units == 1


@pytest_asyncio.fixture
async def faulty(
    aws_endpoint: str, faults: FaultProxy, aws_session: Session
) -> AsyncIterator[DynamoTable]:
    """A table behind the fault proxy, made before any fault is set."""
    faults.heal()
    direct = DynamoSettings(table=unique("faulty"), endpoint_url=aws_endpoint)
    maker = open_dynamodb(direct, cipher=CIPHER, session=aws_session)
    await maker.create_table_if_missing()
    await maker.close()
    settings = replace(direct, endpoint_url=faults.endpoint)
    opened = open_dynamodb(settings, cipher=CIPHER, session=aws_session)
    yield opened
    await opened.close()
    faults.heal()


async def test_permits_whose_reply_was_lost_are_wasted_and_never_used_twice(
    faulty: DynamoTable, faults: FaultProxy
) -> None:
    faults.fail("UpdateItem", Silence.LOST_REPLY, times=1)

    taken = await faulty.budgets.take(LINE, SLOT, 10, most=MOST)

    assert taken == Taken(granted=10, used=20)


async def test_the_last_permits_whose_reply_was_lost_are_wasted_too(
    faulty: DynamoTable, faults: FaultProxy
) -> None:
    await faulty.budgets.take(LINE, SLOT, 65, most=MOST)
    faults.fail("UpdateItem", Silence.LOST_REPLY, times=1)

    assert await faulty.budgets.take(LINE, SLOT, 5, most=MOST) == Taken(granted=0, used=70)


async def test_a_change_of_a_breaker_whose_reply_was_lost_is_a_win(
    faulty: DynamoTable, faults: FaultProxy
) -> None:
    shut = open_breaker(Breaker())
    faults.fail("PutItem", Silence.LOST_REPLY, times=1)
    before = faults.fired

    assert await faulty.budgets.change_breaker(LINE, Breaker(), shut) == shut
    assert faults.fired == before + 1


async def test_a_conflict_grants_nothing_and_changes_nothing(
    faulty: DynamoTable, faults: FaultProxy
) -> None:
    conflict = Refusal(code="TransactionConflictException")
    faults.fail("UpdateItem", conflict)
    faults.fail("PutItem", conflict)

    with pytest.raises(UnavailableError):
        await faulty.budgets.take(LINE, SLOT, 1, most=MOST)
    with pytest.raises(UnavailableError):
        await faulty.budgets.change_breaker(LINE, Breaker(), open_breaker(Breaker()))

    faults.heal()
    assert await faulty.budgets.taken(LINE, SLOT) == 0
    assert await faulty.budgets.breaker(LINE) == Breaker()
