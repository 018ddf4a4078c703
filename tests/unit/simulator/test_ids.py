"""Ids follow from the seed and look like the real ones."""

from uuid import UUID

from service.simulator.ids import Ids
from service.simulator.system import seeded


def test_uuids_are_of_version_four() -> None:
    made = [Ids(seeded(1)).uuid(), Ids(seeded(2)).uuid()]

    assert {UUID(each).version for each in made} == {4}
    assert len(set(made)) == 2


def test_the_same_seed_makes_the_same_ids() -> None:
    first, second = Ids(seeded(1)), Ids(seeded(1))

    assert [first.uuid(), first.hexadecimal()] == [second.uuid(), second.hexadecimal()]


def test_message_ids_are_32_hex_digits() -> None:
    ident = Ids(seeded(1)).hexadecimal()

    assert len(ident) == 32
    assert set(ident) <= set("0123456789abcdef")
