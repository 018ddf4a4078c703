"""What couriers share of an endpoint: one change at a time, and no place or second taken twice."""

import asyncio
from dataclasses import replace

import pytest

from service.adapters.table import index_keys, schema
from service.adapters.table.lanes import LaneTable
from service.domain.health import Health, Stamp, failed, probing, succeeded
from service.domain.ids import EndpointId, SessionId
from service.domain.told import Stage, Told
from tests.contract.store.conftest import CIPHER, Table
from tests.support.store_builders import NOW, a_lane, a_session

MANY = 16
HOOK, OTHER = EndpointId("whk_1"), EndpointId("whk_2")


def down(health: Health) -> Health:
    for number in range(5):
        stamp = Stamp(by=f"b{number}", at=NOW)
        health = failed(health, SessionId(f"ses_{number % 2}"), stamp, probed=False) or health
    return health


async def test_an_endpoint_of_which_nothing_is_written_is_well(table: Table) -> None:
    assert await table.healths.health(HOOK) == Health()


async def test_what_is_written_is_read_back_whole(table: Table) -> None:
    shut = down(Health())
    told = (
        Told(stage=Stage.RETRYING, at=NOW + 0.25, log=SessionId("ses_1")),
        Told(stage=Stage.DOWN, at=NOW, stands=False),
    )
    full = replace(shut, paused_until=NOW + 1.25, back_at=NOW + 0.5, told=told)

    assert await table.healths.change_health(HOOK, Health(), full) == full
    assert await table.healths.health(HOOK) == full
    assert await table.healths.health(OTHER) == Health()


async def test_it_goes_down_and_comes_back(table: Table) -> None:
    now = Health()
    shut = down(now)
    tried = probing(shut, Stamp(by="p", at=NOW + 5))
    back = succeeded(tried, Stamp(by="s", at=NOW + 6))
    assert back is not None

    for wanted in (shut, tried, back):
        assert await table.healths.change_health(HOOK, now, wanted) == wanted
        now = await table.healths.health(HOOK)
        assert now == wanted


async def test_who_saw_an_older_state_changes_nothing(table: Table) -> None:
    shut = down(Health())
    await table.healths.change_health(HOOK, Health(), shut)

    for before in (Health(), replace(shut, version=2)):
        assert await table.healths.change_health(HOOK, before, down(before)) == shut
    assert await table.healths.health(HOOK) == shut


async def test_a_state_that_expired_is_that_of_one_that_is_well(table: Table) -> None:
    seen = down(Health())

    assert await table.healths.change_health(HOOK, seen, down(seen)) == Health()


async def test_of_many_who_would_probe_one_may(table: Table) -> None:
    shut = down(Health())
    await table.healths.change_health(HOOK, Health(), shut)
    wishes = [probing(shut, Stamp(by=f"p{n}", at=NOW + 5)) for n in range(MANY)]

    found = await asyncio.gather(
        *(table.healths.change_health(HOOK, shut, wanted) for wanted in wishes)
    )

    assert sum(there.by == own.by for own, there in zip(wishes, found, strict=True)) == 1
    assert len({there.by for there in found}) == 1


async def test_a_place_is_one_couriers_until_it_leaves_or_its_time_is_over(table: Table) -> None:
    async def take(token: str, *, at: float = NOW, place: int = 0) -> bool:
        until = at + 60
        return await table.healths.take_place(HOOK, place, token=token, now=at, until=until)

    assert await take("one")
    assert await take("one"), "a reply that was lost is no lost place"
    assert not await take("two")
    assert await take("two", place=1)
    await table.healths.leave_place(HOOK, 0, token="two")
    assert not await take("three"), "only its owner gives it back"
    await table.healths.leave_place(HOOK, 0, token="one")
    assert await take("three")
    assert not await take("four", at=NOW + 59)
    assert await take("four", at=NOW + 60)
    await table.healths.leave_place(HOOK, 7, token="nobody")


async def test_of_many_who_want_a_place_one_gets_it(table: Table) -> None:
    got = await asyncio.gather(
        *(
            table.healths.take_place(HOOK, 0, token=f"t{n}", now=NOW, until=NOW + 60)
            for n in range(MANY)
        )
    )

    assert sum(got) == 1


async def test_a_second_has_as_many_turns_as_it_has(table: Table) -> None:
    second = int(NOW)

    got = await asyncio.gather(
        *(table.healths.take_turn(HOOK, second, most=5) for _ in range(MANY))
    )

    assert sum(got) == 5
    assert await table.healths.take_turn(HOOK, second + 1, most=5)
    assert await table.healths.take_turn(OTHER, second, most=5)


async def test_places_and_seconds_go_by_themselves(table: Table) -> None:
    await table.healths.take_place(HOOK, 0, token="one", now=NOW, until=NOW + 60)
    await table.healths.take_turn(HOOK, int(NOW), most=5)
    await table.healths.change_health(HOOK, Health(), down(Health()))

    for key, least in (
        (schema.place_key(HOOK, 0), NOW + 60),
        (schema.second_key(HOOK, int(NOW)), NOW),
        (schema.health_key(HOOK), NOW + 80 * 24 * 3600),
    ):
        item = await table.driver.get(key)
        assert item is not None
        assert float(item[schema.TTL]) > least


async def test_lanes_that_wait_are_found_by_their_endpoint(table: Table) -> None:
    sessions = [a_session() for _ in range(12)]
    for number, session in enumerate(sessions):
        waits = NOW + 900 if number % 2 else None
        held = await table.lanes.claim(
            a_lane(session, endpoint_id=HOOK), token="t", now=NOW, until=NOW + 60
        )
        assert held is not None
        parked = replace(held, claim=None, due_at=waits, parked=waits is not None)
        await table.lanes.save(held, parked)

    waiting = await table.lanes.waiting_lanes(HOOK, limit=100)

    assert sorted(waiting) == sorted(session.id for session in sessions[1::2])
    assert await table.lanes.count_waiting(HOOK, most=100) == 6
    assert await table.lanes.count_waiting(HOOK, most=5) == 5
    assert await table.lanes.count_waiting(OTHER, most=5) == 0
    assert len(await table.lanes.waiting_lanes(HOOK, limit=2)) == 2
    assert await table.lanes.waiting_lanes(OTHER, limit=100) == []


@pytest.mark.parametrize("the_latest_waits", [True, False])
async def test_what_waits_is_counted_among_the_latest_lanes(
    table: Table, *, the_latest_waits: bool
) -> None:
    sessions = [a_session() for _ in range(schema.LANE_BUCKETS + 1)]
    buckets = [index_keys.bucket(session.id, schema.LANE_BUCKETS) for session in sessions]
    twice = next(number for number in buckets if buckets.count(number) > 1)
    both = [each for each, number in zip(sessions, buckets, strict=True) if number == twice]
    for session in both:
        held = await table.lanes.claim(
            a_lane(session, endpoint_id=HOOK), token="t", now=NOW, until=NOW + 60
        )
        assert held is not None
        waits = the_latest_waits is (session is both[-1])
        await table.lanes.save(held, replace(held, due_at=NOW + 9 if waits else None))

    count = await LaneTable(table.driver, CIPHER, looked_at=1).count_waiting(HOOK, most=9)

    assert count == (1 if the_latest_waits else 0)
