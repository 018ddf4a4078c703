"""Requests are spelled as DynamoDB wants them: by placeholder, none of them empty."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.adapters.dynamodb.expressions import (
    plain_item,
    spell_query,
    spell_write,
    typed,
    typed_item,
)
from service.adapters.table.conditions import (
    Above,
    Absent,
    AtMost,
    Check,
    Delete,
    Equals,
    Item,
    Key,
    Present,
    Put,
    Update,
    all_of,
    any_of,
)
from service.adapters.table.driver import Query
from service.adapters.table.schema import DUE, LIVE

KEY = Key(pk="a", sk="b")
TYPED_KEY = {"pk": {"S": "a"}, "sk": {"S": "b"}}
VALUES = st.text() | st.integers(-(10**18), 10**18) | st.floats(0, 1e15, allow_subnormal=False)


@given(st.dictionaries(st.text(min_size=1), VALUES))
def test_values_come_back_equal(item: dict[str, str | int | float]) -> None:
    assert plain_item(typed_item(item)) == item


def test_a_float_is_spelled_so_that_it_reads_back() -> None:
    assert typed(1_900_000_000.1) == {"N": "1900000000.1"}
    assert plain_item({"n": {"N": "-5"}, "m": {"N": "1E+3"}}) == {"n": -5, "m": 1000.0}


def test_a_put_without_a_condition_has_no_words() -> None:
    request = spell_write(Put(item={"pk": "a", "sk": "b"}), "t")

    assert request == {
        "TableName": "t",
        "Item": TYPED_KEY,
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def test_an_update_has_one_clause_of_each_kind() -> None:
    update = Update(
        key=KEY, put={"state": "x"}, add={"fence": 1}, remove=("lock",), condition=Present()
    )

    request = spell_write(update, "t")

    assert request["UpdateExpression"] == "SET #n0 = :v0 ADD #n1 :v1 REMOVE #n2"
    assert request["ConditionExpression"] == "attribute_exists(#n3)"
    assert request["ExpressionAttributeNames"] == {
        "#n0": "state",
        "#n1": "fence",
        "#n2": "lock",
        "#n3": "pk",
    }
    assert request["ExpressionAttributeValues"] == {":v0": {"S": "x"}, ":v1": {"N": "1"}}


def test_conditions_nest() -> None:
    condition = all_of(Equals("v", 1), any_of(Absent("until"), AtMost("until", 2.5)), Above("n", 0))

    request = spell_write(Check(key=KEY, condition=condition), "t")

    expected = "(#n0 = :v0 AND (attribute_not_exists(#n1) OR #n1 <= :v1) AND #n2 > :v2)"
    assert request["ConditionExpression"] == expected
    assert request["Key"] == TYPED_KEY


def test_a_delete_names_its_key() -> None:
    request = spell_write(Delete(key=KEY), "t")

    assert request["Key"] == TYPED_KEY
    assert "ConditionExpression" not in request


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (None, None, "#n0 = :v0"),
        ("a", None, "#n0 = :v0 AND #n1 >= :v1"),
        (None, "z", "#n0 = :v0 AND #n1 <= :v1"),
        ("a", "z", "#n0 = :v0 AND #n1 BETWEEN :v1 AND :v2"),
    ],
)
def test_a_query_takes_what_lies_between(low: str | None, high: str | None, expected: str) -> None:
    request = spell_query(Query(partition="p", low=low, high=high), "t")

    assert request["KeyConditionExpression"] == expected
    assert request["ConsistentRead"] is True


def test_an_index_is_never_asked_for_consistency() -> None:
    request = spell_query(Query(partition="p", index=LIVE, forward=False, limit=5), "t")

    assert request["IndexName"] == "live"
    assert "ConsistentRead" not in request
    assert (request["ScanIndexForward"], request["Limit"]) == (False, 5)


def test_a_page_goes_on_where_the_last_one_ended() -> None:
    start: Item = {DUE.pk: "DUE#SES#1", DUE.sk: 5.5, "pk": "a", "sk": "b"}

    request = spell_query(Query(partition="p", index=DUE, high=9.0, start=start), "t")

    assert request["ExclusiveStartKey"]["due_sk"] == {"N": "5.5"}


def test_a_projection_always_brings_the_keys() -> None:
    request = spell_query(Query(partition="p", attributes=("type",)), "t")

    words = request["ExpressionAttributeNames"]
    assert [words[word] for word in request["ProjectionExpression"].split(", ")] == [
        "pk",
        "sk",
        "type",
    ]
