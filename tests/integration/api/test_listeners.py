"""Listeners over HTTP."""

from service.domain.ids import ListenerName
from tests.support.api_bench import DEPLOYMENT, EPOCH, Bench


async def test_an_admin_sees_who_holds_which_shard(bench: Bench) -> None:
    name = ListenerName(bench.ids.ulid("own"))
    await bench.table.shards.acquire(2, name, now=EPOCH, until=EPOCH + 15, retires_at=EPOCH + 60)

    answer = await bench.http.get("/v1/listeners")

    told = answer.json()
    assert answer.status_code == 200
    assert [shard["listener"] for shard in told["shards"]] == [None, None, name, None]
    assert [listener["id"] for listener in told["listeners"]] == [name]
    assert told["totals"]["heldShards"] == 1
    assert [(each["name"], each["breakerOpen"]) for each in told["deployments"]] == [
        (DEPLOYMENT, False)
    ]
