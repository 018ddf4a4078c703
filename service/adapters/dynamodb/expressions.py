"""Conditions, writes and queries in DynamoDB's own words. Pure: it spells requests and sends none.

Every name and value goes in by placeholder, so no word of ours can be one of DynamoDB's reserved
words.
"""

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias, assert_never

from service.adapters.table.conditions import (
    Above,
    Absent,
    AllOf,
    AnyOf,
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
    Value,
    Write,
)
from service.adapters.table.driver import Query

Request: TypeAlias = dict[str, Any]
Typed: TypeAlias = Mapping[str, Any]
"""A value as DynamoDB has it: {"S": text} or {"N": number as text}."""


def typed(value: Value) -> dict[str, str]:
    """One value. `repr` of a float is the shortest text that reads back as the same float."""
    return {"S": value} if isinstance(value, str) else {"N": repr(value)}


def typed_item(item: Mapping[str, Value]) -> dict[str, dict[str, str]]:
    """All values of an item."""
    return {name: typed(value) for name, value in item.items()}


def plain_item(item: Mapping[str, Typed]) -> Item:
    """An item as it came.

    DynamoDB drops a fraction of zero, so whoever wants a float makes it one.
    """
    return {name: _plain(value) for name, value in item.items()}


def _plain(value: Typed) -> Value:
    if "S" in value:
        return str(value["S"])
    text = str(value["N"])
    return int(text) if text.removeprefix("-").isdecimal() else float(text)


class Words:
    """The placeholders of one request."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._values: dict[str, dict[str, str]] = {}

    def name(self, attribute: str) -> str:
        """The placeholder of an attribute."""
        return self._names.setdefault(attribute, f"#n{len(self._names)}")

    def value(self, value: Value) -> str:
        """A placeholder for a value."""
        placeholder = f":v{len(self._values)}"
        self._values[placeholder] = typed(value)
        return placeholder

    def spelled(self) -> Request:
        """What the request says of them; DynamoDB wants none of the two empty."""
        request: Request = {}
        if self._names:
            request["ExpressionAttributeNames"] = {
                word: attribute for attribute, word in self._names.items()
            }
        if self._values:
            request["ExpressionAttributeValues"] = self._values
        return request


def spell_condition(condition: Condition, words: Words) -> str:
    """A condition expression."""
    match condition:
        case AllOf(parts):
            return _joined(" AND ", parts, words)
        case AnyOf(parts):
            return _joined(" OR ", parts, words)
        case Absent(attribute):
            return f"attribute_not_exists({words.name(attribute)})"
        case Present(attribute):
            return f"attribute_exists({words.name(attribute)})"
        case Equals(attribute, value):
            return f"{words.name(attribute)} = {words.value(value)}"
        case AtMost(attribute, value):
            return f"{words.name(attribute)} <= {words.value(value)}"
        case Above(attribute, value):
            return f"{words.name(attribute)} > {words.value(value)}"
        case _:
            assert_never(condition)


def _joined(word: str, parts: Iterable[Condition], words: Words) -> str:
    return "(" + word.join(spell_condition(part, words) for part in parts) + ")"


def spell_write(write: Write, table: str) -> Request:
    """One write, as a request of its own or as a member of a transaction.

    It asks for the item that refuses it.
    """
    words = Words()
    request: Request = {"TableName": table, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    match write:
        case Put():
            request["Item"] = typed_item(write.item)
        case Update():
            request["Key"] = typed_key(write.key)
            request["UpdateExpression"] = _spell_update(write, words)
        case Delete() | Check():
            request["Key"] = typed_key(write.key)
        case _:
            assert_never(write)
    if write.condition is not None:
        request["ConditionExpression"] = spell_condition(write.condition, words)
    return {**request, **words.spelled()}


def _spell_update(update: Update, words: Words) -> str:
    clauses = {
        "SET": [f"{words.name(name)} = {words.value(value)}" for name, value in update.put.items()],
        "ADD": [f"{words.name(name)} {words.value(value)}" for name, value in update.add.items()],
        "REMOVE": [words.name(name) for name in update.remove],
    }
    return " ".join(f"{word} {', '.join(parts)}" for word, parts in clauses.items() if parts)


def spell_query(query: Query, table: str) -> Request:
    """One page of a partition: of the table strongly consistent, of an index as it can."""
    words = Words()
    index = query.index
    request: Request = {
        "TableName": table,
        "KeyConditionExpression": _spell_range(query, words),
        "ScanIndexForward": query.forward,
    }
    if index is None:
        request["ConsistentRead"] = True
    else:
        request["IndexName"] = index.name
    if query.attributes:
        names = ("pk", "sk", *query.attributes)
        request["ProjectionExpression"] = ", ".join(words.name(name) for name in names)
    if query.limit is not None:
        request["Limit"] = query.limit
    if query.start is not None:
        request["ExclusiveStartKey"] = typed_item(query.start)
    return {**request, **words.spelled()}


def _spell_range(query: Query, words: Words) -> str:
    pk, sk = ("pk", "sk") if query.index is None else (query.index.pk, query.index.sk)
    partition = f"{words.name(pk)} = {words.value(query.partition)}"
    if query.low is None and query.high is None:
        return partition
    if query.high is None:
        return f"{partition} AND {words.name(sk)} >= {words.value(_some(query.low))}"
    if query.low is None:
        return f"{partition} AND {words.name(sk)} <= {words.value(query.high)}"
    low, high = words.value(query.low), words.value(query.high)
    return f"{partition} AND {words.name(sk)} BETWEEN {low} AND {high}"


def _some(value: Value | None) -> Value:
    return "" if value is None else value


def typed_key(key: Key) -> dict[str, dict[str, str]]:
    """The key of an item."""
    return {"pk": typed(key.pk), "sk": typed(key.sk)}
