"""How large attributes are."""

from service.domain.message import attribute_bytes


def test_attributes_are_counted_in_bytes_of_keys_and_values() -> None:
    assert attribute_bytes({}) == 0
    assert attribute_bytes({"é": "ab", "k": ""}) == 5
