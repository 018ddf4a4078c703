"""Leases of shards: one owner, a fence that grows, a wish, and a shard that is given away."""

import asyncio
from dataclasses import replace
from typing import Final

from service.domain.ids import ListenerName
from service.domain.lease import Lease
from tests.contract.store.conftest import Table
from tests.support.store_builders import NOW

TAKERS: Final = 16
ONE, TWO, THREE = ListenerName("own_1"), ListenerName("own_2"), ListenerName("own_3")


async def taken(table: Table, owner: ListenerName = ONE, *, now: float = NOW) -> Lease:
    lease = await table.shards.acquire(3, owner, now=now, until=now + 15)
    assert lease is not None
    return lease


async def test_of_sixteen_listeners_one_gets_the_lease(table: Table) -> None:
    owners = [ListenerName(f"listener-{number}") for number in range(TAKERS)]

    won = await asyncio.gather(
        *(table.shards.acquire(3, owner, now=NOW, until=NOW + 15) for owner in owners)
    )

    (lease,) = [each for each in won if each is not None]
    assert lease == Lease(shard=3, fence=1, owner=lease.owner, expires_at=NOW + 15)
    assert await table.shards.lease(3) == lease


async def test_a_lease_lapses_and_is_taken_over(table: Table) -> None:
    old = await taken(table)
    assert not old.is_valid(NOW + 15)

    new = await taken(table, TWO, now=NOW + 15)

    assert (new.owner, new.fence) == (TWO, 2)
    assert await table.shards.renew(old, until=NOW + 60) is None
    assert (await table.shards.lease(3)).expires_at == NOW + 30


async def test_an_owner_renews_and_tells_its_links_and_its_end(table: Table) -> None:
    lease = await taken(table)

    told = replace(lease, links=7, retires_at=NOW + 700)
    kept = await table.shards.renew(told, until=NOW + 20)

    assert kept == replace(told, expires_at=NOW + 20)
    assert await table.shards.lease(3) == kept
    again = await table.shards.renew(replace(told, retires_at=None), until=NOW + 25)
    assert again is not None
    assert again.retires_at is None


async def test_who_takes_it_twice_has_it_with_a_new_fence(table: Table) -> None:
    """The answer to the first try may have been lost."""
    first = await taken(table)

    second = await taken(table, now=NOW + 1)

    assert second.fence == 2
    assert await table.shards.renew(first, until=NOW + 60) is None


async def test_only_the_holder_gives_it_back_and_the_fence_stays(table: Table) -> None:
    lease = await taken(table)

    await table.shards.release(replace(lease, owner=TWO))
    await table.shards.release(replace(lease, fence=0))
    assert (await table.shards.lease(3)).owner == ONE
    await table.shards.release(lease)

    assert await table.shards.lease(3) == Lease(shard=3, fence=1)
    assert (await taken(table, TWO)).fence == 2


async def test_one_wish_stands_until_its_time_is_over(table: Table) -> None:
    lease = await taken(table)

    assert await table.shards.ask(lease, TWO, now=NOW, until=NOW + 5)
    assert not await table.shards.ask(lease, THREE, now=NOW, until=NOW + 5)
    assert await table.shards.ask(lease, TWO, now=NOW + 1, until=NOW + 6)
    kept = await table.shards.renew(lease, until=NOW + 20)
    assert kept is not None
    assert (kept.successor(NOW + 5), kept.successor(NOW + 6)) == (TWO, None)
    assert await table.shards.ask(lease, THREE, now=NOW + 6, until=NOW + 12)


async def test_nobody_wishes_for_a_lease_that_moved(table: Table) -> None:
    old = await taken(table)
    await table.shards.release(old)
    await taken(table, THREE)

    assert not await table.shards.ask(old, TWO, now=NOW, until=NOW + 5)


async def test_a_shard_is_given_to_who_asked_and_its_giver_drains(table: Table) -> None:
    lease = await taken(table)
    await table.shards.renew(replace(lease, retires_at=NOW + 9, links=4), until=NOW + 15)
    await table.shards.ask(lease, TWO, now=NOW, until=NOW + 5)

    given = await table.shards.transfer(lease, TWO, until=NOW + 16, drained_by=NOW + 30)

    assert given == Lease(
        shard=3, fence=2, owner=TWO, expires_at=NOW + 16, drainer=ONE, drained_by=NOW + 30
    )
    assert (given.predecessor(NOW + 29), given.predecessor(NOW + 30)) == (ONE, None)
    assert await table.shards.renew(lease, until=NOW + 60) is None
    kept = await table.shards.renew(given, until=NOW + 31)
    assert kept == replace(given, expires_at=NOW + 31)


async def test_a_shard_is_given_to_nobody_who_did_not_ask(table: Table) -> None:
    lease = await taken(table)
    await table.shards.ask(lease, TWO, now=NOW, until=NOW + 5)

    assert await table.shards.transfer(lease, THREE, until=NOW + 9, drained_by=NOW + 9) is None
    assert (await table.shards.lease(3)).owner == ONE


async def test_a_renewal_that_comes_late_does_not_shorten_a_later_one(table: Table) -> None:
    """Whoever waited for it gave up, and renewed again."""
    lease = await taken(table)
    await table.shards.renew(lease, until=NOW + 25)

    assert await table.shards.renew(lease, until=NOW + 20) is None
    assert (await table.shards.lease(3)).expires_at == NOW + 25


async def test_a_request_that_comes_late_does_not_take_what_its_owner_has_anew(
    table: Table,
) -> None:
    lease = await taken(table, now=NOW + 10)

    assert await table.shards.acquire(3, ONE, now=NOW, until=NOW + 15) is None
    assert await table.shards.lease(3) == lease


async def test_a_gift_that_comes_late_is_not_made_once_its_owner_renewed(table: Table) -> None:
    lease = await taken(table)
    await table.shards.ask(lease, TWO, now=NOW, until=NOW + 15)
    await table.shards.renew(lease, until=NOW + 20)

    assert await table.shards.transfer(lease, TWO, until=NOW + 16, drained_by=NOW + 31) is None
    assert (await table.shards.lease(3)).owner == ONE


async def test_the_successor_of_a_successor_knows_who_drains(table: Table) -> None:
    lease = await taken(table)
    await table.shards.ask(lease, TWO, now=NOW, until=NOW + 5)
    await table.shards.transfer(lease, TWO, until=NOW + 5, drained_by=NOW + 30)

    third = await taken(table, THREE, now=NOW + 6)

    assert (third.fence, third.predecessor(NOW + 6)) == (3, ONE)


async def test_all_leases_are_read_at_once_in_the_order_of_shards(table: Table) -> None:
    lease = await taken(table)
    calls = dict(table.driver.meter.calls)

    found = await table.shards.leases(130)

    assert [each.shard for each in found] == list(range(130))
    assert [each for each in found if each.owner] == [lease]
    assert table.driver.meter.calls["get_many"] - calls.get("get_many", 0) == 2
