"""All that is secret is read by a process that must fetch its data key first, wherever it lies."""

from dataclasses import dataclass

from service.adapters.ring_cipher import Depot, RingCipher
from service.adapters.system import SystemClock
from service.adapters.table.stores import Stores, stores_over
from service.domain.data_keys import DAY
from service.ports import SessionFilter
from tests.contract.store.conftest import Table
from tests.support.key_keeping import OwnKeys
from tests.support.store_builders import (
    NOW,
    TENANT,
    a_deployment,
    a_session,
    an_answer,
    an_endpoint,
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


async def test_an_answer_that_is_secret(table: Table) -> None:
    late, early, _ = await late_and_early(table)
    answer = an_answer(secret_answer="a new key", expires_at=NOW + 60 * DAY)
    await early.tenants.put_idempotency(answer, now=NOW)

    assert await late.tenants.idempotency(TENANT, answer.key, now=NOW) == answer
