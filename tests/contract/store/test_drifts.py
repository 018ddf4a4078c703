"""Unknown things of deployments: counted, few, listed, forgotten."""

import asyncio
from typing import Any

import pytest

from service.adapters.table.drifts import DriftTable
from service.domain.drift import Drift
from service.domain.errors import InvalidRequestError
from service.domain.ids import DeploymentName, TenantName
from tests.contract.store.conftest import Table
from tests.support.store_builders import NOW, TENANT

SHOP = DeploymentName("shop")
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
    }
    return Drift(**known | changes)


async def _all(store: DriftTable | Any, *, limit: int = 50) -> list[Drift]:  # noqa: ANN401 - either
    return list((await store.list(TENANT, SHOP, cursor=None, limit=limit)).items)


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


async def test_what_was_seen_last_comes_first_page_by_page(table: Table) -> None:
    for number in (1, 3, 2):
        await table.drifts.add(_drift(f"class:New{number}", last_at=NOW + number))
    await table.drifts.add(_drift("class:Also2", last_at=NOW + 2))

    first = await table.drifts.list(TENANT, SHOP, cursor=None, limit=2)
    second = await table.drifts.list(TENANT, SHOP, cursor=first.next_cursor, limit=2)

    assert [each.name for each in first.items] == ["New3", "Also2"]
    assert [each.name for each in second.items] == ["New2", "New1"]
    assert second.next_cursor is None


async def test_a_cursor_of_another_listing_is_refused(table: Table) -> None:
    await table.drifts.add(_drift("class:A"))
    await table.drifts.add(_drift("class:B"))
    page = await table.drifts.list(TENANT, SHOP, cursor=None, limit=1)

    with pytest.raises(InvalidRequestError):
        await table.drifts.list(TENANT, DeploymentName("x"), cursor=page.next_cursor, limit=1)


async def test_what_is_beyond_the_most_kinds_is_other(table: Table) -> None:
    store = DriftTable(table.driver, most_kinds=2)
    for number in range(5):
        await store.add(_drift(f"class:New{number}", count=number + 1))
    await store.add(_drift("class:New0"))

    found = {each.kind: each for each in await _all(store)}
    assert {kind: each.count for kind, each in found.items()} == {
        "class:New0": 2,
        "class:New1": 2,
        "other": 12,
    }
    assert found["other"].sample == {}


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
    gone = await table.drifts.list(TENANT, DeploymentName("shop2"), cursor=None, limit=5)
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
