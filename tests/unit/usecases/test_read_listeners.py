"""Who holds which shard, as the table tells it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from service.domain.budget import line_of, slot_of, throttled
from service.domain.deployment import Deployment
from service.domain.ids import DeploymentName, ListenerName, TenantName
from service.domain.instants import rfc3339
from service.domain.lease import Lease
from tests.support.api_bench import DEPLOYMENT, EPOCH, Bench, open_bench

RETIRES = EPOCH + 600


@dataclass(kw_only=True)
class Site:
    """Listeners without links, and what is told of them."""

    bench: Bench

    def named(self) -> ListenerName:
        return ListenerName(self.bench.ids.ulid("own"))

    async def takes(self, name: ListenerName, shard: int, *, links: int, stays: bool) -> Lease:
        """A lease that counts so many links."""
        until, retires_at = EPOCH + 15, None if stays else RETIRES
        shards = self.bench.table.shards
        lease = await shards.acquire(shard, name, now=EPOCH, until=until, retires_at=retires_at)
        assert lease is not None
        renewed = await shards.renew(replace(lease, links=links), until=until)
        assert renewed is not None
        return renewed

    async def told(self) -> dict[str, Any]:
        answer = await self.bench.broker.read_listeners(await self.bench.caller())
        assert answer.status == 200
        return dict(answer.body or {})


@asynccontextmanager
async def site() -> AsyncIterator[Site]:
    async with open_bench(serving=False) as bench:
        yield Site(bench=bench)


async def test_where_nobody_listens_every_shard_is_free() -> None:
    async with site() as here:
        told = await here.told()

    assert told["listeners"] == []
    assert told["totals"] == {"listeners": 0, "shards": 4, "heldShards": 0, "links": 0}
    assert told["shards"][3] == {
        "shard": 3,
        "fence": 0,
        "listener": None,
        "links": 0,
        "expiresAt": None,
        "retiresAt": None,
        "successor": None,
        "drainer": None,
        "drainedBy": None,
    }


async def test_each_listener_is_told_with_its_shards_its_links_and_its_age() -> None:
    async with site() as here:
        one, other = here.named(), here.named()
        for shard in (0, 1):
            await here.takes(one, shard, links=5 + shard, stays=False)
        await here.takes(other, 2, links=7, stays=True)
        here.bench.clock.at += 12.5

        told = await here.told()

    assert told["listeners"] == [
        {
            "id": one,
            "startedAt": rfc3339(EPOCH),
            "ageSeconds": 12.5,
            "retiresAt": rfc3339(RETIRES),
            "shards": 2,
            "links": 11,
            "drainingShards": 0,
        },
        {
            "id": other,
            "startedAt": rfc3339(EPOCH),
            "ageSeconds": 12.5,
            "retiresAt": None,
            "shards": 1,
            "links": 7,
            "drainingShards": 0,
        },
    ]
    assert told["totals"] == {"listeners": 2, "shards": 4, "heldShards": 3, "links": 18}
    assert told["shards"][1]["listener"] == one
    assert told["shards"][1]["expiresAt"] == rfc3339(EPOCH + 15)


async def test_a_lapsed_lease_is_nobodys() -> None:
    async with site() as here:
        await here.takes(here.named(), 0, links=5, stays=True)
        here.bench.clock.at += 15

        told = await here.told()

    assert told["listeners"] == []
    assert (told["shards"][0]["listener"], told["shards"][0]["links"]) == (None, 0)
    assert told["shards"][0]["fence"] == 1


async def test_a_hand_over_is_seen_from_the_wish_to_the_last_link() -> None:
    async with site() as here:
        shards = here.bench.table.shards
        old, new = here.named(), here.named()
        lease = await here.takes(old, 0, links=5, stays=False)
        await shards.ask(lease, new, now=EPOCH, until=EPOCH + 15)
        asked = await here.told()
        await shards.transfer(lease, new, until=EPOCH + 15, drained_by=EPOCH + 30)
        given = await here.told()

    assert asked["shards"][0]["successor"] == new
    assert (given["shards"][0]["listener"], given["shards"][0]["drainer"]) == (new, old)
    assert given["shards"][0]["drainedBy"] == rfc3339(EPOCH + 30)
    assert [(each["id"], each["drainingShards"]) for each in given["listeners"]] == [
        (old, 1),
        (new, 0),
    ]


async def test_a_name_that_tells_no_time_has_no_age() -> None:
    async with site() as here:
        await here.takes(ListenerName("own_old"), 0, links=0, stays=True)

        [listener] = (await here.told())["listeners"]

    assert (listener["startedAt"], listener["ageSeconds"]) == (None, None)


async def _deployment(here: Site, name: str, **fields: Any) -> Deployment:  # noqa: ANN401 - of Deployment
    wanted: dict[str, Any] = {"tenant": TenantName("default"), "domain": "example.com", **fields}
    deployment = Deployment(
        name=DeploymentName(name), created_at=EPOCH + 1, updated_at=EPOCH + 1, **wanted
    )
    await here.bench.table.tenants.put_deployment(
        deployment, expected_version=None, idempotency=None
    )
    return deployment


async def test_what_may_still_be_opened_is_told_of_each_deployment_of_the_caller() -> None:
    async with site() as here:
        busy = await _deployment(here, "busy", deployment_id="d-2")
        await _deployment(here, "others", deployment_id="d-3", tenant=TenantName("other"))
        budgets = here.bench.table.budgets
        await budgets.take(line_of(busy), slot_of(EPOCH), 30, most=70)
        breaker = await budgets.breaker(line_of(busy))
        shut = throttled(breaker, by="b", until=EPOCH + 60, probed=False)
        assert shut is not None
        await budgets.change_breaker(line_of(busy), breaker, shut)

        told = (await here.told())["deployments"]

    assert told == [
        {
            "name": "busy",
            "connectionsLeft": 40,
            "connectionsPerSlot": 70,
            "breakerOpen": True,
            "retryAt": rfc3339(EPOCH + 60),
        },
        {
            "name": DEPLOYMENT,
            "connectionsLeft": 70,
            "connectionsPerSlot": 70,
            "breakerOpen": False,
            "retryAt": None,
        },
    ]
