"""Unknown things of deployments: counted, few, listed, forgotten."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from service.adapters.table import schema
from service.adapters.table.conditions import Update
from service.adapters.table.drifts import DriftTable
from service.domain.deployment import Deployment
from service.domain.drift import OTHER, Drift
from service.domain.errors import InvalidRequestError
from service.domain.ids import DeploymentName, TenantName
from service.ports import DriftStore, Page
from tests.contract.store.conftest import Table
from tests.support.store_builders import NOW, TENANT, a_deployment

SHOP = DeploymentName("shop")
DAY = 24 * 3600
DEPLOYMENT = a_deployment(name=SHOP, created_at=NOW)
SAMPLE = {"class": "New", "body": {"mood": "<4 characters>"}}


def _drift(kind: str = "class:New", **changes: Any) -> Drift:  # noqa: ANN401 - fields of Drift
    known: dict[str, Any] = {
        "tenant": TENANT,
        "deployment": SHOP,
        "kind": kind,
        "count": 1,
        "first_at": NOW + 0.25,
        "last_at": NOW + 0.5,
        "sample": SAMPLE,
        "made_at": NOW,
    }
    return Drift(**known | changes)


async def _listed(
    store: DriftStore,
    *,
    shop: Deployment = DEPLOYMENT,
    at: float = NOW,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[Drift]:
    return await store.list(shop, at=at, cursor=cursor, limit=limit)


async def _all(store: DriftStore, *, at: float = NOW) -> list[Drift]:
    return list((await _listed(store, at=at)).items)


async def test_a_kind_is_read_back_whole(table: Table) -> None:
    await table.drifts.add(_drift())

    assert await _all(table.drifts) == [_drift()]


async def test_the_same_kind_is_counted_and_keeps_its_first_sample(table: Table) -> None:
    await table.drifts.add(_drift())
    await table.drifts.add(_drift(count=5, first_at=NOW + 60, last_at=NOW + 70, sample={}))

    assert await _all(table.drifts) == [_drift(count=6, last_at=NOW + 70)]


async def test_many_who_count_at_once_lose_nothing(table: Table) -> None:
    await asyncio.gather(*(table.drifts.add(_drift(count=2)) for _ in range(8)))

    assert [each.count for each in await _all(table.drifts)] == [16]


async def test_what_is_new_comes_first_page_by_page(table: Table) -> None:
    for number in (1, 3, 2):
        await table.drifts.add(_drift(f"class:New{number}", first_at=NOW + number))
    await table.drifts.add(_drift("class:Also2", first_at=NOW + 2))

    first = await _listed(table.drifts, limit=2)
    second = await _listed(table.drifts, cursor=first.next_cursor, limit=2)

    assert [each.name for each in first.items] == ["New3", "Also2"]
    assert [each.name for each in second.items] == ["New2", "New1"]
    assert second.next_cursor is None


async def test_a_walk_misses_nothing_that_is_seen_again_meanwhile(table: Table) -> None:
    for number in range(3):
        await table.drifts.add(_drift(f"class:New{number}", first_at=NOW + number))
    first = await _listed(table.drifts, limit=1)
    await table.drifts.add(_drift("class:New0", first_at=NOW + 60, last_at=NOW + 60))
    rest = await _listed(table.drifts, cursor=first.next_cursor)

    assert [each.name for each in [*first.items, *rest.items]] == ["New2", "New1", "New0"]


async def test_a_cursor_of_another_listing_is_refused(table: Table) -> None:
    await table.drifts.add(_drift("class:A"))
    await table.drifts.add(_drift("class:B"))
    page = await _listed(table.drifts, limit=1)
    other = replace(DEPLOYMENT, name=DeploymentName("x"))

    with pytest.raises(InvalidRequestError):
        await _listed(table.drifts, shop=other, cursor=page.next_cursor)


async def test_when_it_was_seen_last_and_when_it_expires_never_goes_back(table: Table) -> None:
    await table.drifts.add(_drift(last_at=NOW + 300))
    key = schema.drift_key(TENANT, SHOP, "class:New")
    before = await table.driver.get(key)
    await table.drifts.add(_drift(last_at=NOW + 10, count=4))
    after = await table.driver.get(key)

    assert [(each.count, each.last_at) for each in await _all(table.drifts)] == [(5, NOW + 300)]
    assert before is not None
    assert after is not None
    assert after[schema.TTL] == before[schema.TTL]


async def test_what_is_seen_again_expires_later(table: Table) -> None:
    await table.drifts.add(_drift())
    await table.drifts.add(_drift(last_at=NOW + 80 * DAY))

    assert [each.count for each in await _all(table.drifts, at=NOW + 169 * DAY)] == [2]
    assert await _all(table.drifts, at=NOW + 171 * DAY) == []


async def test_what_has_expired_takes_no_place_and_begins_anew(table: Table) -> None:
    """DynamoDB removes it within days; the embedded table never does."""
    store, later = DriftTable(table.driver, most_kinds=2), NOW + 91 * DAY
    await store.add(_drift("class:A"))
    await store.add(_drift("class:B"))
    kept = [
        await store.add(_drift(kind, first_at=later, last_at=later))
        for kind in ("class:B", "class:C", "class:D")
    ]

    assert kept == ["class:B", "class:C", OTHER]
    assert [(each.kind, each.count, each.first_at) for each in await _all(store, at=later)] == [
        *(("class:B", 1, later), ("class:C", 1, later), (OTHER, 1, later)),
    ]


async def test_what_older_code_made_counts_on_and_expires(table: Table) -> None:
    await table.drifts.add(_drift())
    key = schema.drift_key(TENANT, SHOP, "class:New")
    await table.driver.write(Update(key=key, remove=("made",)))
    await table.drifts.add(_drift(count=2))
    counted = await _all(table.drifts)
    later = NOW + 91 * DAY
    await table.drifts.add(_drift(first_at=later, last_at=later))

    assert [each.count for each in counted] == [3]
    assert [each.count for each in await _all(table.drifts, at=later)] == [1]


async def test_a_deployment_made_anew_begins_anew(table: Table) -> None:
    """What a process still had of the one before comes late."""
    anew = replace(DEPLOYMENT, created_at=NOW + 9)
    await table.drifts.add(_drift(count=50))
    before = await _listed(table.drifts, shop=anew)
    await table.drifts.add(_drift(made_at=NOW + 9, first_at=NOW + 10, last_at=NOW + 10))
    await table.drifts.add(_drift(count=7, last_at=NOW + 20))
    await table.drifts.add(_drift("class:Old", count=7, last_at=NOW + 20))

    assert list(before.items) == []
    assert [(each.kind, each.count) for each in (await _listed(table.drifts, shop=anew)).items] == [
        ("class:New", 1)
    ]


async def test_what_is_beyond_the_most_kinds_is_other(table: Table) -> None:
    store = DriftTable(table.driver, most_kinds=2)
    kept = [await store.add(_drift(f"class:New{number}", count=number + 1)) for number in range(5)]
    kept.append(await store.add(_drift("class:New0")))

    found = {each.kind: each for each in await _all(store)}
    assert {kind: each.count for kind, each in found.items()} == {
        "class:New0": 2,
        "class:New1": 2,
        "other": 12,
    }
    assert found["other"].sample == {}
    assert kept == ["class:New0", "class:New1", OTHER, OTHER, OTHER, "class:New0"]


async def test_others_that_were_counted_as_such_have_no_sample(table: Table) -> None:
    await table.drifts.add(_drift("other"))

    assert [each.sample for each in await _all(table.drifts)] == [{}]


async def test_tenants_and_deployments_are_apart(table: Table) -> None:
    await table.drifts.add(_drift())
    await table.drifts.add(_drift(deployment=DeploymentName("shop2")))
    await table.drifts.add(_drift(tenant=TenantName("other")))
    await table.drifts.forget(TENANT, DeploymentName("shop2"))
    await table.drifts.forget(TENANT, DeploymentName("none"))

    assert await _all(table.drifts) == [_drift()]
    gone = await _listed(table.drifts, shop=replace(DEPLOYMENT, name=DeploymentName("shop2")))
    assert list(gone.items) == []


async def test_who_comes_second_counts_on(table: Table) -> None:
    """Between the look for the kind and its making, somebody else makes it."""
    behind = DriftTable(table.driver)

    class Racing(DriftTable):
        async def _fits(self, drift: Drift) -> bool:
            await behind.add(_drift(count=4))
            return await super()._fits(drift)

    await Racing(table.driver).add(_drift())

    assert [each.count for each in await _all(table.drifts)] == [5]
