"""A tenant's own log: each notice once, with the change that it tells of, at the next place."""

import asyncio
from dataclasses import replace

import pytest

from service.adapters.table import schema
from service.domain.attempt import Attempt, Decision
from service.domain.endpoint import EndpointState, Lane
from service.domain.errors import VersionConflictError
from service.domain.health import Health
from service.domain.ids import EndpointId, EventId, SessionId, TenantName, log_of
from service.domain.notice import Notice, disabled
from service.domain.told import Stage, Told
from tests.contract.store.conftest import Table
from tests.support.store_builders import NOW, an_attempt, an_endpoint, unique

MANY = 20
"""Endpoints that come back in one moment."""
DAY = 24 * 3600.0


def a_tenant() -> TenantName:
    return TenantName(unique("acme").replace("_", "-"))


def a_notice(tenant: TenantName, *, at: float = NOW) -> Notice:
    return disabled(EventId(unique("evt")), an_endpoint(tenant=tenant), at=at)


async def told(table: Table, notice: Notice) -> Health:
    """Appended with the first change of an endpoint's health."""
    health = Health(version=1, by=notice.id)
    found = await table.healths.change_health(
        EndpointId(unique("whk")), Health(), health, notice=notice
    )
    assert found == health
    return found


async def ids(table: Table, tenant: TenantName, *, after: int = 0) -> list[str]:
    page = await table.tenant_log.read(tenant, after=after, limit=50)
    return [event.id for event in page.events]


async def test_a_notice_is_read_back_whole_at_its_place(table: Table) -> None:
    tenant, other = a_tenant(), a_tenant()
    first, second = a_notice(tenant), a_notice(tenant, at=NOW + 1)
    await told(table, first)
    await told(table, second)

    page = await table.tenant_log.read(tenant, after=0, limit=50)

    assert list(page.events) == [first.placed(1), second.placed(2)]
    assert page.last_sequence == 2
    assert await ids(table, tenant, after=1) == [second.id]
    some = await table.tenant_log.read(tenant, after=0, limit=1)
    assert ([event.sequence for event in some.events], some.last_sequence) == ([1], 2)
    empty = await table.tenant_log.read(other, after=0, limit=50)
    assert (list(empty.events), empty.last_sequence) == ([], 0)


async def test_of_many_who_tell_at_once_each_gets_a_place(table: Table) -> None:
    tenant = a_tenant()
    notices = [a_notice(tenant) for _ in range(MANY)]

    await asyncio.gather(*(told(table, notice) for notice in notices))

    assert sorted(await ids(table, tenant)) == sorted(notice.id for notice in notices)
    assert (await table.tenant_log.read(tenant, after=0, limit=1)).last_sequence == MANY


async def test_nothing_is_told_of_a_change_that_was_not_made(table: Table) -> None:
    tenant, hook = a_tenant(), EndpointId(unique("whk"))
    there = Health(version=1, by="there", told=(Told(stage=Stage.DOWN, at=NOW),))
    await table.healths.change_health(hook, Health(), there)
    endpoint = await table.tenants.put_endpoint(
        an_endpoint(tenant=tenant), expected_version=None, idempotency=None
    )

    late = replace(there, by="late")
    found = await table.healths.change_health(hook, Health(), late, notice=a_notice(tenant))
    with pytest.raises(VersionConflictError):
        await table.tenants.put_endpoint(
            endpoint, expected_version=7, idempotency=None, notice=a_notice(tenant)
        )

    assert found == there
    assert await ids(table, tenant) == []


async def test_an_endpoint_is_disabled_and_told_of_in_one_write(table: Table) -> None:
    tenant = a_tenant()
    made = await table.tenants.put_endpoint(
        an_endpoint(tenant=tenant), expected_version=None, idempotency=None
    )
    closed = replace(made, state=EndpointState.DISABLED, disabled_reason="gone")
    notice = a_notice(tenant)

    kept = await table.tenants.put_endpoint(
        closed, expected_version=1, idempotency=None, notice=notice
    )

    assert await table.tenants.endpoint(made.id) == kept
    assert await ids(table, tenant) == [notice.id]


async def test_a_log_is_due_until_it_is_settled_at_its_end(table: Table) -> None:
    tenant = a_tenant()
    await told(table, a_notice(tenant))
    await told(table, a_notice(tenant, at=NOW + 20))

    async def due(before: float) -> bool:
        return tenant in await table.tenant_log.due(before=before, limit=50)

    assert not await due(NOW + 29)
    assert await due(NOW + 30), "a later notice puts it off no further"
    assert not await table.tenant_log.settle(tenant, end=1)
    assert await due(NOW + 30)
    assert await table.tenant_log.settle(tenant, end=2)
    assert not await due(NOW + 99)
    await told(table, a_notice(tenant, at=NOW + 60))
    assert await due(NOW + 90)
    assert not await table.tenant_log.settle(tenant, end=2, due_at=NOW + 400)
    assert await due(NOW + 90)
    assert await table.tenant_log.settle(tenant, end=3, due_at=NOW + 400)
    assert not await due(NOW + 399)
    assert await due(NOW + 400)
    await told(table, a_notice(tenant, at=NOW + 100))
    assert await due(NOW + 130), "what is told meanwhile is looked after as soon as anything is"


async def test_a_place_is_never_given_twice_though_what_stood_there_is_gone(table: Table) -> None:
    tenant = a_tenant()
    await told(table, a_notice(tenant))
    key = schema.event_key(log_of(tenant), 1)
    item = await table.driver.get(key)
    assert item is not None
    assert int(item[schema.TTL]) == int(NOW + 30 * DAY)
    await table.driver.delete_many([key])

    later = a_notice(tenant)
    await told(table, later)

    page = await table.tenant_log.read(tenant, after=0, limit=9)
    assert (list(page.events), page.last_sequence) == ([later.placed(2)], 2)
    nothing = await table.tenant_log.read(tenant, after=2, limit=9)
    assert (list(nothing.events), nothing.last_sequence) == ([], 2)


async def test_lanes_of_a_tenants_log_are_lanes_like_others(table: Table) -> None:
    tenant, hook = a_tenant(), EndpointId(unique("whk"))
    lane = Lane(endpoint_id=hook, session_id=log_of(tenant), cursor=3)

    held = await table.lanes.claim(lane, token="a", now=NOW, until=NOW + 60)
    assert held is not None
    assert await table.lanes.claim(lane, token="b", now=NOW, until=NOW + 60) is None
    kept = await table.lanes.save(held, replace(held, cursor=4, due_at=NOW + 5, claim=None))

    assert await table.lanes.lane(hook, log_of(tenant)) == kept
    assert (hook, log_of(tenant)) in (await table.lanes.due_lanes(before=NOW + 9, limit=99)).items
    assert list(await table.lanes.waiting_lanes(hook, limit=9)) == [log_of(tenant)]
    for _ in range(3):
        if await table.lanes.drop_lanes(hook):
            break
    assert await table.lanes.lane(hook, log_of(tenant)) is None


async def test_attempts_of_a_tenants_log_are_listed_with_those_of_sessions(table: Table) -> None:
    tenant, hook = a_tenant(), EndpointId(unique("whk"))
    made = [
        an_attempt(endpoint_id=hook, session_id=log_id, status=500, decision=Decision.RETRY)
        for log_id in (log_of(tenant), SessionId("ses_1"), log_of(tenant))
    ]
    for attempt in made:
        await table.attempts.record(attempt)

    found: list[Attempt] = []
    cursor = None
    for _ in made:
        page = await table.attempts.failed_attempts(hook, now=NOW, cursor=cursor, limit=1)
        found += page.items
        cursor = page.next_cursor

    assert [each.id for each in found] == [each.id for each in reversed(made)]
    assert cursor is None
    assert [each.session_id for each in found] == [log_of(tenant), "ses_1", log_of(tenant)]


async def test_a_tenants_log_is_in_no_listing_of_its_things(table: Table) -> None:
    tenant = a_tenant()
    await told(table, a_notice(tenant))

    assert await table.tenants.endpoints_of(tenant) == []
    assert (await table.tenants.list_keys(tenant, cursor=None, limit=9)).items == []
