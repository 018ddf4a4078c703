"""The table's limits hold on every store, and what a message costs is counted."""

from collections.abc import AsyncIterator, Awaitable
from dataclasses import replace

import pytest
import pytest_asyncio

from service.adapters.embedded import EmbeddedTable, open_embedded
from service.adapters.table import schema
from service.adapters.table.limits import WRITE_UNIT_BYTES, item_bytes
from service.domain.attempt import Decision, Phases
from service.domain.errors import TooLargeError
from service.domain.ids import AttemptId, EndpointId, EventId, SessionId
from service.domain.log import EventType
from service.domain.session import State
from service.ports import SendChange
from service.webhook.answers import DELIVERED_BYTES, FAILED_BYTES
from tests.contract.store.conftest import CIPHER, Table
from tests.support.store_builders import (
    NOW,
    a_lane,
    a_send,
    a_session,
    an_answer,
    an_attempt,
    an_event,
)

ITEM_LIMIT = 400 * 1024


async def test_an_item_of_more_than_400_kb_is_refused(table: Table) -> None:
    session = a_session()

    with pytest.raises(TooLargeError):
        await table.sessions.append(an_event(session, 1, data={"text": "x" * ITEM_LIMIT}))

    assert await table.sessions.last_event(session.id) is None


async def test_an_item_may_not_grow_past_400_kb(table: Table) -> None:
    session = a_session()
    await table.sessions.create(session, events=[], sends=[], idempotency=None, may_replace=None)

    with pytest.raises(TooLargeError):
        await table.sessions.commit(session, replace(session, metadata={"a": "x" * ITEM_LIMIT}))

    assert await table.sessions.load(session.id) == session


async def test_an_item_just_below_the_limit_is_kept(table: Table) -> None:
    event = an_event(a_session(), 1, data={"text": "x" * (ITEM_LIMIT - 600)})

    await table.sessions.append(event)

    assert await table.sessions.last_event(SessionId(event.session_id)) == event


async def test_a_transaction_of_more_than_100_writes_is_refused(table: Table) -> None:
    session = a_session()
    await table.sessions.create(session, events=[], sends=[], idempotency=None, may_replace=None)
    events = [an_event(session, place) for place in range(1, 101)]

    with pytest.raises(TooLargeError):
        await table.sessions.commit(session, session, events=events)

    await table.sessions.commit(session, session, events=events[:99])
    assert (await table.sessions.read_log(session.id, after=0, limit=1)).last_sequence == 99


async def test_a_transaction_of_more_than_4_mb_is_refused(table: Table) -> None:
    session = a_session()
    await table.sessions.create(session, events=[], sends=[], idempotency=None, may_replace=None)
    events = [an_event(session, place, data={"text": "x" * 390_000}) for place in range(1, 12)]

    with pytest.raises(TooLargeError):
        await table.sessions.commit(session, session, events=events)

    assert await table.sessions.last_event(session.id) is None


def spent(table: EmbeddedTable, before: int) -> int:
    return table.driver.meter.write_units - before


@pytest_asyncio.fixture
async def embedded() -> AsyncIterator[EmbeddedTable]:
    """The table that counts as AWS does; the stand-in does not."""
    opened = open_embedded(None, cipher=CIPHER, clock_now=lambda: NOW)
    yield opened
    await opened.close()


async def test_an_inbound_message_costs_one_unit(embedded: EmbeddedTable) -> None:
    before = embedded.driver.meter.write_units

    await embedded.sessions.append(an_event(a_session(), 1, data={"text": "x" * 500}))

    assert spent(embedded, before) == 1
    assert embedded.driver.meter.calls["write"] == 1


async def test_a_healthy_claim_and_save_cost_one_unit_each(embedded: EmbeddedTable) -> None:
    lane = await embedded.lanes.claim(a_lane(a_session()), token="a", now=NOW, until=NOW + 60)
    assert lane is not None
    lane = await embedded.lanes.save(lane, replace(lane, cursor=1, claim=None))
    before = embedded.driver.meter.write_units

    held = await embedded.lanes.claim(lane, token="b", now=NOW, until=NOW + 60)
    assert held is not None
    await embedded.lanes.save(held, replace(held, cursor=2, claim=None))

    assert spent(embedded, before) == 2


@pytest.mark.parametrize(
    ("decision", "answer", "units"),
    [
        (Decision.DELIVERED, "", 1),
        (Decision.DELIVERED, '"' * DELIVERED_BYTES, 1),
        (Decision.RETRY, "no", 2),
        (Decision.RETRY, "x" * FAILED_BYTES, 4),
    ],
)
async def test_an_attempt_costs_one_unit_and_one_more_where_it_failed(
    embedded: EmbeddedTable, decision: Decision, answer: str, units: int
) -> None:
    """With names as long as they are: a long answer alone costs more."""
    made = an_attempt(
        id=AttemptId("try_01JDM5X9ZK8W3V6Q2R7T4Y1N0B"),
        endpoint_id=EndpointId("whk_01JDM5X9ZK8W3V6Q2R7T4Y1N0B"),
        session_id=SessionId("ses_01JDM5X9ZK8W3V6Q2R7T4Y1N0B"),
        event_id=EventId("evt_01JDM5X9ZK8W3V6Q2R7T4Y1N0B"),
        event_type=EventType.CONVERSATION_IDENTIFIED,
        seconds=12.1234,
        phases=Phases(dns=0.1234, connect=0.1234, tls=0.1234, first_byte=12.1234),
        number=12,
        decision=decision,
        next_at=None if decision is Decision.DELIVERED else NOW,
        answer=answer,
    )
    before = embedded.driver.meter.write_units

    await embedded.attempts.record(made)

    assert spent(embedded, before) == units
    assert embedded.driver.meter.calls == {"write": 1}
    key = schema.attempt_key(made.endpoint_id, made.session_id, made.sequence, made.id)
    item = await embedded.driver.get(key)
    assert item is not None
    if not made.failed:
        assert item_bytes(item) <= WRITE_UNIT_BYTES - 80, "an attempt will tell more one day"


async def test_an_outbound_message_costs_at_most_nine_units(embedded: EmbeddedTable) -> None:
    """From accept to proof, without the work mark, which is shared with other messages."""
    session = a_session()
    send = a_send(session, 1)
    before = embedded.driver.meter.write_units

    await embedded.sessions.accept(an_event(session, 1), send, None)
    written = await embedded.sessions.change_send(send, replace(send, attempt=1))
    settled = SendChange(before=written, after=None)
    await embedded.sessions.append(an_event(session, 2), sends=[settled])

    assert spent(embedded, before) == 9


async def test_an_idempotency_key_adds_two_units_to_accepting(embedded: EmbeddedTable) -> None:
    session = a_session()
    before = embedded.driver.meter.write_units

    await embedded.sessions.accept(an_event(session, 1), a_send(session, 1), an_answer())

    assert spent(embedded, before) == 6


async def test_moving_the_work_mark_costs_at_most_three_units(embedded: EmbeddedTable) -> None:
    session = a_session(external_id="customer-4711", custom_attributes={"order": "4711"})
    await embedded.sessions.create(session, events=[], sends=[], idempotency=None, may_replace=None)
    live = replace(session, state=State.DETACHED, conversation_id="c" * 36, participant_id="p" * 36)
    await embedded.sessions.commit(session, live)
    await embedded.sessions.mark_work(session.id, NOW + 60)
    before = embedded.driver.meter.write_units

    await embedded.sessions.mark_work(session.id, NOW + 90)

    assert spent(embedded, before) <= 3


async def test_looking_at_a_dormant_session_costs_what_moving_its_schedule_costs(
    embedded: EmbeddedTable,
) -> None:
    session = a_session(state=State.DORMANT)
    await embedded.sessions.create(session, events=[], sends=[], idempotency=None, may_replace=None)
    await embedded.sessions.schedule(session.id, NOW + 60)
    before, calls = embedded.driver.meter.write_units, embedded.driver.meter.calls["write"]

    await embedded.sessions.schedule(session.id, NOW + 900, now=NOW + 60)

    assert (await embedded.sessions.load(session.id)).wake_at == NOW + 900
    assert embedded.driver.meter.calls["write"] - calls == 1
    assert spent(embedded, before) <= 3


async def test_reads_are_counted_by_what_is_read_and_at_least_as_one(
    embedded: EmbeddedTable,
) -> None:
    session = a_session()
    for sequence in (1, 2):
        event = an_event(session, sequence, data={"text": "x" * 5000})
        await embedded.sessions.append(event)
    meter = embedded.driver.meter

    async def units(read: Awaitable[object]) -> float:
        before = meter.read_units
        await read
        return meter.read_units - before

    event_key = schema.event_key(session.id, 1)
    lane_key = schema.lane_key(EndpointId("whk_1"), session.id)
    assert await units(embedded.driver.get(lane_key)) == 1
    assert await units(embedded.driver.get(event_key)) == 2
    assert await units(embedded.driver.get(event_key, attributes=("type",))) == 2
    assert await units(embedded.driver.get_many([event_key, lane_key])) == 3
    # A page is rounded as a whole: 10 KB and a little.
    assert await units(embedded.sessions.read_log(session.id, after=0, limit=9)) == 3
    buckets = schema.LANE_BUCKETS
    waiting = embedded.lanes.waiting_lanes(EndpointId("whk_1"), limit=9)
    assert await units(waiting) == buckets * 0.5
