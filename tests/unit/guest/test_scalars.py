"""The kinds of plain values: what they take, and how they say what came instead."""

import pytest

from service.domain.errors import GuestProtocolError
from service.guest.scalars import BOOLEAN, CODE, INTEGER, MAP, NUMBER, OBJECT, STRING
from service.guest.shapes import Kind


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        (STRING, "", ""),
        (BOOLEAN, False, False),
        (INTEGER, 3, 3),
        (INTEGER, 3.0, 3),
        (NUMBER, 1.5, 1.5),
        (CODE, "4007", "4007"),
        (CODE, 4007, 4007),
        (CODE, 4007.0, 4007),
        (OBJECT, {"a": 1}, {"a": 1}),
        (MAP, {"a": "b"}, {"a": "b"}),
        (MAP, {"yes": True, "n": 3, "f": 1.5, "none": None}, {"yes": "true", "n": "3", "f": "1.5"}),
    ],
)
def test_a_value_of_its_kind_is_taken(kind: Kind, raw: object, value: object) -> None:
    assert kind.read(raw, "p") == value


@pytest.mark.parametrize(
    ("kind", "raw", "problem"),
    [
        (STRING, 1, "must be a string, not a number"),
        (BOOLEAN, 1, "must be a boolean, not a number"),
        (INTEGER, True, "must be a number, not a boolean"),
        (INTEGER, 3.5, "must be a whole number of at most 18 digits"),
        (INTEGER, 1e18, "must be a whole number of at most 18 digits"),
        (CODE, 1e300, "must be a whole number of at most 18 digits"),
        (NUMBER, "3", "must be a number, not a string"),
        (NUMBER, True, "must be a number, not a boolean"),
        (CODE, True, "must be a number or a string, not a boolean"),
        (CODE, [], "must be a number or a string, not a list"),
        (OBJECT, [], "must be an object, not a list"),
        (MAP, "a", "must be an object, not a string"),
    ],
)
def test_a_value_of_another_kind_is_refused(kind: Kind, raw: object, problem: str) -> None:
    with pytest.raises(GuestProtocolError) as refusal:
        kind.read(raw, "p")

    assert (refusal.value.path, refusal.value.problem) == ("p", problem)


def test_a_map_with_an_object_inside_is_refused_without_naming_the_customers_words() -> None:
    with pytest.raises(GuestProtocolError) as refusal:
        MAP.read({"ann@example.test": {}}, "metadata")

    assert str(refusal.value) == "at metadata.*: must be a string, not an object"
