"""What a write may demand of an item and what it may do to it, as values.

The part of DynamoDB that we use.

Pure. The embedded driver evaluates these values, the DynamoDB driver spells them as expressions; a
thing that cannot be said here cannot be done to the table.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, assert_never

Value: TypeAlias = str | int | float
Item: TypeAlias = Mapping[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """A global secondary index: its key attributes, and what it holds besides keys."""

    name: str
    pk: str
    sk: str
    numeric: bool = False
    """Whether its sort key is a number."""
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """An item's name: partition and sort key."""

    pk: str
    sk: str


@dataclass(frozen=True, slots=True)
class Absent:
    """The item has no such attribute; with "pk": there is no item."""

    attribute: str = "pk"


@dataclass(frozen=True, slots=True)
class Present:
    """The item has the attribute; with "pk": there is an item."""

    attribute: str = "pk"


@dataclass(frozen=True, slots=True)
class Equals:
    """The attribute is there and is exactly that."""

    attribute: str
    value: Value


@dataclass(frozen=True, slots=True)
class AtMost:
    """The attribute is there and not above that."""

    attribute: str
    value: Value


@dataclass(frozen=True, slots=True)
class Above:
    """The attribute is there and above that."""

    attribute: str
    value: Value


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every one of them holds."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of them holds."""

    parts: tuple["Condition", ...]


Condition: TypeAlias = Absent | Present | Equals | AtMost | Above | AllOf | AnyOf


def all_of(*parts: Condition) -> Condition:
    """Every one of them; a single one stands for itself."""
    return parts[0] if len(parts) == 1 else AllOf(parts)


def any_of(*parts: Condition) -> Condition:
    """At least one of them."""
    return AnyOf(parts)


def free(attribute: str, now: float) -> Condition:
    """A hold that lasts until the time in that attribute is absent or over."""
    return AnyOf((Absent(attribute), AtMost(attribute, now)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """Write the whole item."""

    item: Item
    condition: Condition | None = None

    @property
    def key(self) -> Key:
        """The item it writes."""
        return key_of(self.item)


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """Set, add to and remove attributes.

    Makes the item where there is none, unless the condition forbids it.
    """

    key: Key
    put: Mapping[str, Value] = field(default_factory=dict)
    add: Mapping[str, int] = field(default_factory=dict)
    remove: tuple[str, ...] = ()
    condition: Condition | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    """Remove the item; that there is none is no failure, unless the condition says so."""

    key: Key
    condition: Condition | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Change nothing, but let the transaction fail where the condition does not hold."""

    key: Key
    condition: Condition


Write: TypeAlias = Put | Update | Delete | Check


def key_of(item: Item) -> Key:
    """The name of an item."""
    return Key(pk=str(item["pk"]), sk=str(item["sk"]))


def holds(condition: Condition | None, item: Item | None) -> bool:
    """Whether the condition holds for the item as it is; None is no item."""
    if condition is None:
        return True
    found: Item = {} if item is None else item
    match condition:
        case AllOf(parts):
            return all(holds(part, item) for part in parts)
        case AnyOf(parts):
            return any(holds(part, item) for part in parts)
        case Absent(attribute):
            return attribute not in found
        case Present(attribute):
            return attribute in found
        case Equals() | AtMost() | Above():
            return _compares(condition, found.get(condition.attribute))
        case _:
            assert_never(condition)


def _compares(condition: Equals | AtMost | Above, value: Value | None) -> bool:
    """DynamoDB compares only what is there and of the same type."""
    wanted = condition.value
    if value is None or isinstance(value, str) is not isinstance(wanted, str):
        return False
    if isinstance(condition, Equals):
        return value == wanted
    above = value > wanted  # type: ignore[operator] # both are text or both are numbers, as asked above
    return bool(above) if isinstance(condition, Above) else not above


def applied(write: Write, item: Item | None) -> Item | None:
    """What is there after the write (None: nothing), given what was there before."""
    match write:
        case Put():
            return write.item
        case Delete():
            return None
        case Check():
            return item
        case Update():
            return _updated(write, item)
        case _:
            assert_never(write)


def _updated(update: Update, item: Item | None) -> Item:
    new: dict[str, Value] = dict(item or {"pk": update.key.pk, "sk": update.key.sk})
    new.update(update.put)
    for attribute, amount in update.add.items():
        new[attribute] = _number(new.get(attribute, 0)) + amount
    for attribute in update.remove:
        new.pop(attribute, None)
    return new


def _number(value: Value) -> int:
    return int(value)
