"""What AWS does and no stand-in does by itself: throttles, lost replies, conflicts, silence."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio
from boto3.session import Session

from service.adapters.dynamodb import DynamoSettings, DynamoTable, open_dynamodb
from service.domain.errors import (
    ConfigurationError,
    PlaceTakenError,
    UnavailableError,
    VersionConflictError,
)
from service.domain.health import Health
from service.domain.ids import EventId, ListenerName, SessionId
from service.domain.notice import disabled
from service.domain.session import State
from tests.contract.store.conftest import CIPHER
from tests.support.fault_proxy import FaultProxy, Refusal, Silence, cancelled, throttle
from tests.support.store_builders import NOW, a_send, a_session, an_endpoint, an_event, unique

CONFLICT = "TransactionConflict"


@pytest_asyncio.fixture
async def table(
    aws_endpoint: str, faults: FaultProxy, aws_session: Session
) -> AsyncIterator[DynamoTable]:
    """A table behind the fault proxy, made before any fault is set."""
    faults.heal()
    name = unique("faulty")
    direct = DynamoSettings(table=name, endpoint_url=aws_endpoint)
    maker = open_dynamodb(direct, cipher=CIPHER, session=aws_session)
    await maker.create_table_if_missing()
    await maker.close()
    settings = replace(direct, endpoint_url=faults.endpoint)
    opened = open_dynamodb(settings, cipher=CIPHER, session=aws_session)
    yield opened
    await opened.close()
    faults.heal()


async def test_a_throttle_is_waited_out(table: DynamoTable, faults: FaultProxy) -> None:
    session = a_session()
    faults.fail("PutItem", throttle(), times=1)
    before = faults.fired

    await table.sessions.append(an_event(session, 1))

    assert faults.fired == before + 1
    assert await table.sessions.last_event(session.id) is not None


async def test_endless_throttles_are_our_fault_and_said_so(
    table: DynamoTable, faults: FaultProxy
) -> None:
    faults.fail("PutItem", throttle())

    with pytest.raises(UnavailableError):
        await table.sessions.append(an_event(a_session(), 1))


async def test_an_append_whose_reply_was_lost_is_a_win(
    table: DynamoTable, faults: FaultProxy
) -> None:
    event = an_event(a_session(), 1)
    faults.fail("PutItem", Silence.LOST_REPLY, times=1)
    before = faults.fired

    await table.sessions.append(event)

    assert faults.fired == before + 1
    assert await table.sessions.last_event(SessionId(event.session_id)) == event


async def test_a_mark_whose_reply_was_lost_is_a_win(table: DynamoTable, faults: FaultProxy) -> None:
    session = a_session()
    send = a_send(session, 1)
    await table.sessions.accept(an_event(session, 1), send, None)
    faults.fail("UpdateItem", Silence.LOST_REPLY, times=1)

    kept = await table.sessions.change_send(send, replace(send, attempt=1))

    assert list(await table.sessions.open_sends(session.id)) == [kept]


async def test_a_transaction_whose_reply_was_lost_is_applied_once(
    table: DynamoTable, faults: FaultProxy
) -> None:
    session = a_session()
    await table.sessions.create(session, events=[], sends=[], idempotency=None, may_replace=None)
    faults.fail("TransactWriteItems", Silence.LOST_REPLY, times=1)
    before = faults.fired

    kept = await table.sessions.commit(
        session, replace(session, state=State.LIVE), events=[an_event(session, 1)]
    )

    assert faults.fired == before + 1
    assert await table.sessions.load(session.id) == kept


async def test_a_notice_whose_reply_was_lost_is_told_once(
    table: DynamoTable, faults: FaultProxy
) -> None:
    endpoint = an_endpoint()
    notice = disabled(EventId(unique("evt")), endpoint, at=NOW)
    after = Health(version=1, by="us")
    faults.fail("TransactWriteItems", Silence.LOST_REPLY, times=1)
    before = faults.fired

    found = await table.healths.change_health(endpoint.id, Health(), after, notice=notice)

    assert faults.fired == before + 1
    assert found == await table.healths.health(endpoint.id) == after
    page = await table.tenant_log.read(endpoint.tenant, after=0, limit=9)
    assert list(page.events) == [notice.placed(1)]


async def test_a_log_that_changes_too_quickly_is_our_fault_and_nothing_is_changed(
    table: DynamoTable, faults: FaultProxy
) -> None:
    endpoint = an_endpoint()
    notice = disabled(EventId(unique("evt")), endpoint, at=NOW)
    faults.fail("TransactWriteItems", cancelled("None", "None", CONFLICT))

    with pytest.raises(UnavailableError):
        await table.healths.change_health(
            endpoint.id, Health(), Health(version=1, by="us"), notice=notice
        )

    assert await table.healths.health(endpoint.id) == Health()


async def test_a_passing_transaction_conflict_is_tried_again(
    table: DynamoTable, faults: FaultProxy
) -> None:
    session = a_session()
    faults.fail("TransactWriteItems", cancelled(CONFLICT, "None"), times=1)
    before = faults.fired

    await table.sessions.accept(an_event(session, 1), a_send(session, 1), None)

    assert faults.fired == before + 1
    assert len(await table.sessions.open_sends(session.id)) == 1


async def test_a_lasting_transaction_conflict_is_a_lost_race(
    table: DynamoTable, faults: FaultProxy
) -> None:
    session = a_session()
    await table.sessions.create(session, events=[], sends=[], idempotency=None, may_replace=None)
    faults.fail("TransactWriteItems", cancelled("None", CONFLICT))

    with pytest.raises(PlaceTakenError):
        await table.sessions.commit(session, session, events=[an_event(session, 1)])
    faults.fail("TransactWriteItems", cancelled(CONFLICT, "None"))
    with pytest.raises(VersionConflictError):
        await table.sessions.commit(session, session, events=[an_event(session, 1)])


async def test_a_conflict_on_one_item_is_a_lost_race_too(
    table: DynamoTable, faults: FaultProxy
) -> None:
    session = a_session()
    send = a_send(session, 1)
    await table.sessions.accept(an_event(session, 1), send, None)
    faults.fail("UpdateItem", Refusal(code="TransactionConflictException"))

    with pytest.raises(VersionConflictError):
        await table.sessions.change_send(send, replace(send, attempt=1))
    assert not await table.shards.acquire(1, ListenerName("one"), now=NOW, until=NOW + 15)
    with pytest.raises(UnavailableError):
        await table.sessions.mark_work(session.id, NOW)


async def test_a_throttled_part_of_a_transaction_is_our_fault(
    table: DynamoTable, faults: FaultProxy
) -> None:
    session = a_session()
    faults.fail("TransactWriteItems", cancelled("ThrottlingError", "None"))

    with pytest.raises(UnavailableError):
        await table.sessions.accept(an_event(session, 1), a_send(session, 1), None)


async def test_a_table_that_does_not_answer_is_unavailable(
    table: DynamoTable, faults: FaultProxy
) -> None:
    faults.fail("GetItem", Silence.REFUSED)

    with pytest.raises(UnavailableError):
        await table.sessions.load(a_session().id)


async def test_a_table_that_is_not_there_is_a_matter_of_settings(
    aws_endpoint: str, aws_session: Session
) -> None:
    settings = DynamoSettings(table="nowhere", endpoint_url=aws_endpoint)
    opened = open_dynamodb(settings, cipher=CIPHER, session=aws_session)

    with pytest.raises(ConfigurationError):
        await opened.sessions.load(a_session().id)

    await opened.close()


async def test_a_table_that_is_there_is_not_made_again(
    aws_endpoint: str, aws_session: Session
) -> None:
    settings = DynamoSettings(table=unique("again"), endpoint_url=aws_endpoint)
    opened = open_dynamodb(settings, cipher=CIPHER, session=aws_session)

    assert await opened.create_table_if_missing()
    assert not await opened.create_table_if_missing()

    await opened.close()
