"""Kept mappings: compared, neither hashed nor shown."""

from dataclasses import dataclass

from service.guest.values import JsonObject, kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    rest: JsonObject = kept()


def test_a_kept_mapping_is_empty_by_default_and_not_shared() -> None:
    assert Holder().rest == {}
    assert Holder().rest is not Holder().rest


def test_a_kept_mapping_counts_for_equality_but_not_for_hash_and_repr() -> None:
    one, other = Holder(rest={"a": 1}), Holder(rest={"a": 2})

    assert one != other
    assert hash(one) == hash(other)
    assert "a" not in repr(one).removeprefix("Holder")
