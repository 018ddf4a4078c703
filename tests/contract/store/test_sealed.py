"""All that is secret is read by a process that must fetch its data key first, wherever it lies."""

from dataclasses import dataclass, replace

import pytest

from service.adapters.ring_cipher import Depot, RingCipher
from service.adapters.system import SystemClock
from service.adapters.table.stores import Stores, stores_over
from service.domain.data_keys import DAY
from service.domain.errors import ConfigurationError, NotFoundError, UnavailableError
from service.domain.log import EventType
from service.domain.session import State
from service.ports import SessionFilter
from tests.contract.store.conftest import Table
from tests.support.key_keeping import OwnKeys, OwnRing
from tests.support.store_builders import (
    NOW,
    TENANT,
    a_deployment,
    a_session,
    an_answer,
    an_endpoint,
    an_event,
    unique,
)


@dataclass
class LaterClock(SystemClock):
    """So many days on."""

    days: float = 0.0

    def now(self) -> float:
        return NOW + self.days * DAY


async def process(table: Table, keys: OwnKeys, *, days: float) -> Stores:
    cipher = RingCipher(clock=LaterClock(days=days), rotation_days=30, before=None)
    await cipher.begin(Depot(ring=table.key_ring, service=keys))
    return stores_over(table.driver, cipher)


async def late_and_early(table: Table) -> tuple[Stores, Stores, OwnKeys]:
    """One that has the second key open, one that wrote with the first; and what KMS was asked."""
    keys = OwnKeys()
    early = await process(table, keys, days=0)
    await process(table, keys, days=29)
    late = await process(table, keys, days=30)
    keys.calls.clear()
    return late, early, keys


async def test_a_session_and_its_listing(table: Table) -> None:
    late, early, keys = await late_and_early(table)
    session = a_session()
    await early.sessions.create(session, events=(), sends=(), idempotency=None, may_replace=None)

    page = await late.sessions.list_sessions(TENANT, SessionFilter(), cursor=None, limit=5)

    assert [each.client_id for each in page.items] == [session.client_id]
    assert keys.calls == ["unwrap"]
    another = await process(table, keys, days=30)
    assert (await another.sessions.load(session.id)).client_id == session.client_id
    assert (await late.sessions.load(session.id)).client_id == session.client_id
    # Twice by the other: what encrypts now, and what it met.
    assert keys.calls == ["unwrap"] * 3


async def test_a_deployment_and_their_listing(table: Table) -> None:
    late, early, keys = await late_and_early(table)
    made = await early.tenants.put_deployment(
        a_deployment(), expected_version=None, idempotency=None
    )

    page = await late.tenants.list_deployments(TENANT, cursor=None, limit=5)

    assert [each.platform for each in page.items] == [made.platform]
    again = await process(table, keys, days=30)
    assert await again.tenants.deployment(TENANT, made.name) == made


async def test_a_webhook_its_listings_and_its_lanes(table: Table) -> None:
    late, early, keys = await late_and_early(table)
    session, made = a_session(), an_endpoint()
    await early.sessions.create(session, events=(), sends=(), idempotency=None, may_replace=None)
    kept = await early.tenants.put_endpoint(made, expected_version=None, idempotency=None)

    view = await late.lanes.look(kept.id, session.id)

    assert view.endpoint.secrets == made.secrets
    assert keys.calls == ["unwrap"]
    other, another = [await process(table, keys, days=30) for _ in range(2)]
    page = await other.tenants.list_endpoints(TENANT, cursor=None, limit=5)
    assert page.items == [kept]
    assert await another.tenants.endpoints_of(TENANT) == [kept]
    assert await (await process(table, keys, days=30)).tenants.endpoint(kept.id) == kept


async def with_lost_ones(table: Table) -> tuple[Stores, Stores]:
    """Stores of this broker, and of a process whose data keys nobody else ever sees."""
    lost = RingCipher(clock=LaterClock(), rotation_days=30, before=None)
    await lost.begin(Depot(ring=OwnRing(), service=OwnKeys()))
    return await process(table, OwnKeys(), days=0), stores_over(table.driver, lost)


async def test_a_value_that_is_lost_hides_no_other(
    table: Table, caplog: pytest.LogCaptureFixture
) -> None:
    stores, lost = await with_lost_ones(table)
    for each in (lost, stores):
        session, deployment, endpoint = a_session(), a_deployment(name=unique("d")), an_endpoint()
        await each.sessions.create(session, events=(), sends=(), idempotency=None, may_replace=None)
        deployment = await each.tenants.put_deployment(
            deployment, expected_version=None, idempotency=None
        )
        endpoint = await each.tenants.put_endpoint(
            endpoint, expected_version=None, idempotency=None
        )
    sessions = await stores.sessions.list_sessions(TENANT, SessionFilter(), cursor=None, limit=5)
    deployments = await stores.tenants.list_deployments(TENANT, cursor=None, limit=5)
    endpoints = await stores.tenants.list_endpoints(TENANT, cursor=None, limit=5)

    assert [each.id for each in sessions.items] == [session.id]
    assert deployments.items == [deployment]
    assert endpoints.items == [endpoint]
    assert await stores.tenants.endpoints_of(TENANT) == [endpoint]
    assert [each.msg for each in caplog.records].count("table.unreadable") == 4


@pytest.mark.parametrize("refused", [True, False])
async def test_what_kms_refuses_is_passed_over_and_what_is_only_away_is_not(
    table: Table, *, refused: bool
) -> None:
    late, early, keys = await late_and_early(table)
    made = [
        await each.tenants.put_endpoint(an_endpoint(), expected_version=None, idempotency=None)
        for each in (early, late)
    ]
    if refused:
        keys.refused |= set(keys.wrapped)
        assert await late.tenants.endpoints_of(TENANT) == made[1:]
    else:
        keys.away = UnavailableError(what="KMS")
        with pytest.raises(UnavailableError):
            await late.tenants.endpoints_of(TENANT)


async def test_a_session_whose_key_is_lost_can_be_erased(table: Table) -> None:
    stores, lost = await with_lost_ones(table)
    session = a_session()
    await lost.sessions.create(session, events=(), sends=(), idempotency=None, may_replace=None)
    with pytest.raises(ConfigurationError):
        await stores.sessions.load(session.id)
    before = await stores.sessions.load_to_erase(session.id)
    after = replace(before, state=State.ERASED)
    stone = an_event(session, 1, type=EventType.ERASED, data={}, keys=frozenset())
    await stores.sessions.erase(before, after, stone)
    erased = await stores.sessions.load_erased(session.id)

    assert erased is not None
    assert (erased.id, erased.client_id) == (session.id, "")
    assert await stores.sessions.purge(erased)
    with pytest.raises(NotFoundError):
        await stores.sessions.load_to_erase(session.id)


async def test_a_webhook_and_a_deployment_whose_key_is_lost_can_be_deleted(table: Table) -> None:
    stores, lost = await with_lost_ones(table)
    endpoint = await lost.tenants.put_endpoint(
        an_endpoint(), expected_version=None, idempotency=None
    )
    deployment = await lost.tenants.put_deployment(
        a_deployment(), expected_version=None, idempotency=None
    )
    await stores.tenants.delete_endpoint(TENANT, endpoint.id)
    await stores.tenants.delete_deployment(TENANT, deployment.name)

    with pytest.raises(NotFoundError):
        await stores.tenants.endpoint(endpoint.id)
    with pytest.raises(NotFoundError):
        await stores.tenants.deployment(TENANT, deployment.name)


async def test_an_answer_that_is_secret(table: Table) -> None:
    late, early, _ = await late_and_early(table)
    answer = an_answer(secret_answer="a new key", expires_at=NOW + 60 * DAY)
    await early.tenants.put_idempotency(answer, now=NOW)

    assert await late.tenants.idempotency(TENANT, answer.key, now=NOW) == answer
