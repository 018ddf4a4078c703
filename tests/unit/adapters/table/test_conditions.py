"""Conditions hold as DynamoDB's do.

What is not there, or of another type, compares with nothing.
"""

import pytest

from service.adapters.table.conditions import (
    Above,
    Absent,
    AllOf,
    AtMost,
    Check,
    Condition,
    Delete,
    Equals,
    Item,
    Key,
    Present,
    Put,
    Update,
    all_of,
    any_of,
    applied,
    free,
    holds,
)

ITEM: Item = {"pk": "a", "sk": "b", "n": 5, "t": "text"}
KEY = Key(pk="a", sk="b")


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (None, True),
        (Absent(), False),
        (Absent("x"), True),
        (Present(), True),
        (Present("x"), False),
        (Equals("n", 5), True),
        (Equals("n", 5.0), True),
        (Equals("n", "5"), False),
        (Equals("x", 5), False),
        (AtMost("n", 5), True),
        (AtMost("n", 4), False),
        (AtMost("t", 9), False),
        (AtMost("x", 9), False),
        (Above("n", 4), True),
        (Above("n", 5), False),
        (Above("t", "s"), True),
        (all_of(Present("n"), Absent("x")), True),
        (all_of(Present("n"), Absent("n")), False),
        (any_of(Absent("n"), Equals("t", "text")), True),
        (any_of(Absent("n"), Absent("t")), False),
        (free("n", 5), True),
        (free("n", 4.9), False),
        (free("x", 0), True),
    ],
)
def test_a_condition_on_an_item(condition: Condition | None, *, expected: bool) -> None:
    assert holds(condition, ITEM) is expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [(None, True), (Absent(), True), (Present(), False), (Equals("n", 5), False)],
)
def test_a_condition_where_there_is_no_item(condition: Condition | None, *, expected: bool) -> None:
    assert holds(condition, None) is expected


def test_one_condition_stands_for_itself() -> None:
    assert all_of(Present()) == Present()
    assert all_of(Present(), Absent("x")) == AllOf((Present(), Absent("x")))


def test_an_update_sets_adds_and_removes() -> None:
    update = Update(key=KEY, put={"t": "new"}, add={"n": 2, "m": 1}, remove=("gone", "sk2"))

    assert applied(update, {**ITEM, "gone": 1}) == {
        "pk": "a",
        "sk": "b",
        "n": 7,
        "t": "new",
        "m": 1,
    }


def test_an_update_makes_the_item_where_there_is_none() -> None:
    assert applied(Update(key=KEY, put={"t": "x"}), None) == {"pk": "a", "sk": "b", "t": "x"}


def test_put_delete_and_check_say_what_is_there_afterwards() -> None:
    assert applied(Put(item={"pk": "a", "sk": "b"}), ITEM) == {"pk": "a", "sk": "b"}
    assert applied(Delete(key=KEY), ITEM) is None
    assert applied(Check(key=KEY, condition=Present()), ITEM) == ITEM
    assert Put(item=ITEM).key == KEY
