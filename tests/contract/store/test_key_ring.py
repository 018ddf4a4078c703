"""The ring of data keys: one item that two never make at once."""

import asyncio

import pytest

from service.adapters.table.schema import KEY_RING
from service.domain.data_keys import DataKey, KeyRing
from service.domain.errors import UnavailableError
from tests.contract.store.conftest import Table
from tests.support.store_builders import NOW


def a_key(name: str) -> DataKey:
    return DataKey(id=name, wrapped="d3JhcHBlZA==", made_at=NOW, used_from=NOW + 0.5)


async def test_where_nobody_made_a_key_the_ring_is_empty(table: Table) -> None:
    assert await table.key_ring.load() == KeyRing()


async def test_keys_come_back_in_the_order_in_which_they_were_added(table: Table) -> None:
    one = await table.key_ring.add(KeyRing(), a_key("one"))
    two = await table.key_ring.add(one, a_key("two"))

    assert two == KeyRing(version=2, keys=(a_key("one"), a_key("two")))
    assert await table.key_ring.load() == two


async def test_of_those_that_add_at_once_one_is_heard_and_the_others_are_given_its_ring(
    table: Table,
) -> None:
    names = ["one", "two", "three"]
    first = await asyncio.gather(*(table.key_ring.add(KeyRing(), a_key(name)) for name in names))
    later = await asyncio.gather(*(table.key_ring.add(first[0], a_key(f"4{n}")) for n in names))

    assert first == [first[0]] * 3
    assert later == [later[0]] * 3
    assert (len(first[0].keys), len(later[0].keys)) == (1, 2)


async def test_a_repeat_of_what_was_written_is_no_lost_race(table: Table) -> None:
    """As after a reply that was lost."""
    first = await table.key_ring.add(KeyRing(), a_key("one"))

    assert await table.key_ring.add(KeyRing(), a_key("one")) == first


async def test_a_ring_that_somebody_deleted_is_not_made_anew_from_one_that_was_read(
    table: Table,
) -> None:
    ring = await table.key_ring.add(KeyRing(), a_key("one"))
    await table.driver.delete_many([KEY_RING])

    with pytest.raises(UnavailableError):
        await table.key_ring.add(ring, a_key("two"))
    assert await table.key_ring.load() == KeyRing()


async def test_reading_it_is_one_read_and_adding_one_write(table: Table) -> None:
    await table.key_ring.add(KeyRing(), a_key("one"))
    await table.key_ring.load()

    assert table.driver.meter.calls == {"write": 1, "get": 1}
    assert table.driver.meter.write_units == 1
