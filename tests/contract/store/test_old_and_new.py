"""Versions of the code beside each other on one table: what older ones wrote, and newer ones."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio

from service.adapters.embedded import open_embedded
from service.adapters.table import schema
from service.adapters.table.conditions import Item, Key, Put
from service.adapters.table.stores import Stores
from service.domain.budget import Breaker
from service.domain.endpoint import Lane
from tests.contract.store.conftest import Table
from tests.support.golden import (
    CIPHER,
    HOOK,
    LINE,
    REPLAY,
    SESSION,
    SHOP,
    SLOT,
    items_in,
    read_one_of_each,
    write_one_of_each,
)
from tests.support.store_builders import NOW, TENANT

GOLDEN: Final = sorted((Path(__file__).parent / "golden").glob("*.json"))
NEWS: Final = {"of_tomorrow": "something"}


def contains(found: object, wanted: object) -> bool:
    """Whether all that was said is still said; what a later version adds is not looked at."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(
            name in found and contains(found[name], value) for name, value in wanted.items()
        )
    if isinstance(wanted, list):
        return (
            isinstance(found, list)
            and len(found) == len(wanted)
            and all(contains(one, other) for one, other in zip(found, wanted, strict=True))
        )
    return found == wanted


def of_tomorrow(item: Item) -> Item:
    """The item as a later version may write it: an attribute more, and a member more inside."""
    if "body" not in item:
        return {**item, **NEWS}
    body = json.loads(str(item["body"]))
    later = [{**one, **NEWS} for one in body] if isinstance(body, list) else {**body, **NEWS}
    return {**item, "body": json.dumps(later), **NEWS}


@pytest.fixture(name="golden", params=GOLDEN, ids=lambda file: file.stem)
def _golden(request: pytest.FixtureRequest) -> Any:  # noqa: ANN401 - what a file of JSON holds
    file: Path = request.param
    return json.loads(file.read_text(encoding="utf-8"))


async def test_what_older_versions_wrote_is_read(table: Table, golden: dict[str, Any]) -> None:
    for item in golden["items"]:
        await table.driver.write(Put(item=item))

    said = await read_one_of_each(table)

    assert [name for name, value in golden["said"].items() if not contains(said[name], value)] == []


async def test_what_newer_versions_add_is_passed_over(table: Table, golden: dict[str, Any]) -> None:
    for item in golden["items"]:
        await table.driver.write(Put(item=of_tomorrow(item)))

    said = await read_one_of_each(table)

    assert [name for name, value in golden["said"].items() if not contains(said[name], value)] == []


async def test_there_is_one_of_each_kind(tmp_path: Path) -> None:
    """Something new is written? Add it to tests/support/golden.py, and a file beside the others."""
    table = open_embedded(tmp_path, cipher=CIPHER, clock_now=lambda: NOW)
    await write_one_of_each(table)
    await table.close()
    newest = json.loads(GOLDEN[-1].read_text(encoding="utf-8"))

    assert shapes(newest["items"]) == shapes(items_in(tmp_path))


def shapes(items: Any) -> set[tuple[str, str, tuple[str, ...]]]:  # noqa: ANN401 - items
    """Kinds of keys, and the attributes that such an item has."""
    return {
        (
            str(item["pk"]).partition("#")[0],
            str(item["sk"]).partition("#")[0],
            tuple(sorted(item)),
        )
        for item in items
    }


@pytest_asyncio.fixture(name="tomorrow")
async def _tomorrow(table: Table) -> Table:
    """A table that a later version filled."""
    newest = json.loads(GOLDEN[-1].read_text(encoding="utf-8"))
    for item in newest["items"]:
        await table.driver.write(Put(item=of_tomorrow(item)))
    return table


async def _change_session(stores: Stores) -> None:
    before = await stores.sessions.load(SESSION)
    await stores.sessions.commit(before, replace(before, updated_at=NOW + 1))
    await stores.sessions.mark_work(SESSION, NOW + 90)


async def _change_send(stores: Stores) -> None:
    [before] = await stores.sessions.open_sends(SESSION)
    await stores.sessions.change_send(before, replace(before, attempt=1))


async def _change_lane(stores: Stores) -> None:
    before = await stores.lanes.lane(HOOK, SESSION)
    assert isinstance(before, Lane)
    await stores.lanes.save(before, replace(before, cursor=1))


async def _change_strand(stores: Stores) -> None:
    before = await stores.replays.strand(REPLAY, 0)
    assert before is not None
    await stores.replays.save(before, replace(before, updated_at=NOW + 1))


async def _change_lease(stores: Stores) -> None:
    assert await stores.shards.renew(await stores.shards.lease(3), until=NOW + 20) is not None


async def _change_slot(stores: Stores) -> None:
    assert (await stores.budgets.take(LINE, SLOT, 1, most=9)).granted == 1


async def _change_deployment(stores: Stores) -> None:
    before = await stores.tenants.deployment(TENANT, SHOP)
    await stores.tenants.put_deployment(before, expected_version=before.version, idempotency=None)


async def _change_endpoint(stores: Stores) -> None:
    before = await stores.tenants.endpoint(HOOK)
    await stores.tenants.put_endpoint(before, expected_version=before.version, idempotency=None)


async def _change_health(stores: Stores) -> None:
    before = await stores.healths.health(HOOK)
    await stores.healths.change_health(HOOK, before, replace(before, version=2, by="by_2"))


async def _change_replay(stores: Stores) -> None:
    before = await stores.replays.replay(HOOK, REPLAY)
    assert before is not None
    await stores.replays.change(before, replace(before, updated_at=NOW + 1))


async def _change_breaker(stores: Stores) -> None:
    before = await stores.budgets.breaker(LINE)
    await stores.budgets.change_breaker(LINE, before, Breaker(version=2, by="by_2"))


Change = Callable[[Stores], Awaitable[None]]


@pytest.mark.parametrize(
    ("key", "change"),
    [
        (schema.session_key(SESSION), _change_session),
        (Key(pk=schema.session_partition(SESSION), sk="OUT#000000000001#message"), _change_send),
        (schema.lane_key(HOOK, SESSION), _change_lane),
        (schema.strand_key(REPLAY, 0), _change_strand),
        (schema.lease_key(3), _change_lease),
        (schema.slot_key(LINE, SLOT), _change_slot),
    ],
    ids=["session", "send", "lane", "strand", "lease", "slot"],
)
async def test_an_attribute_of_tomorrow_outlives_a_change(
    tomorrow: Table, key: Key, change: Change
) -> None:
    await change(tomorrow)

    item = await tomorrow.driver.get(key)
    assert item is not None
    assert item["of_tomorrow"] == "something"


@pytest.mark.parametrize(
    ("key", "change"),
    [
        (schema.deployment_key(TENANT, SHOP), _change_deployment),
        (schema.endpoint_key(HOOK), _change_endpoint),
        (schema.health_key(HOOK), _change_health),
        (schema.replay_key(HOOK, REPLAY), _change_replay),
        (schema.breaker_key(LINE), _change_breaker),
    ],
    ids=["deployment", "endpoint", "health", "replay", "breaker"],
)
async def test_what_is_put_whole_forgets_it(tomorrow: Table, key: Key, change: Change) -> None:
    """docs/upgrades.md says so: such a thing gets nothing new before all processes know it."""
    await change(tomorrow)

    item = await tomorrow.driver.get(key)
    assert item is not None
    assert "of_tomorrow" not in item


async def test_a_member_of_tomorrow_inside_a_body_is_forgotten_by_a_change(
    tomorrow: Table,
) -> None:
    before = await tomorrow.driver.get(schema.session_key(SESSION))
    await _change_session(tomorrow)

    after = await tomorrow.driver.get(schema.session_key(SESSION))
    assert before is not None
    assert after is not None
    assert "of_tomorrow" in json.loads(str(before["body"]))
    assert "of_tomorrow" not in json.loads(str(after["body"]))


async def test_a_word_of_tomorrow_is_not_understood(tomorrow: Table) -> None:
    """docs/upgrades.md says so: a new type of event waits until all processes can read it."""
    key = schema.event_key(SESSION, 2)
    item = await tomorrow.driver.get(key)
    assert item is not None
    await tomorrow.driver.write(Put(item={**item, "type": "message.of_tomorrow"}))

    with pytest.raises(ValueError, match="of_tomorrow"):
        await tomorrow.sessions.read_log(SESSION, after=0, limit=10)
