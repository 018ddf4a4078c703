"""Frozen values to JSON text and back, by their type hints. Knows no value by name.

Reading is lenient so that old items stay readable: an unknown member is passed over, a missing one
takes the field's default. JSON text, not a DynamoDB map: numbers, order and absence come back
exactly as they were.
"""

import dataclasses
import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import (
    Any,
    Final,
    NewType,
    TypeAlias,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

T = TypeVar("T")
Decoder: TypeAlias = Callable[[Any], Any]

# Made once: json.dumps would make an encoder for each value, and every message writes several.
_SPELLED: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_ESCAPED: Final = json.JSONEncoder(separators=(",", ":"))


def text_of(value: object) -> str:
    """Compact JSON. Text that UTF-8 cannot spell (a lone surrogate) is escaped."""
    text = _SPELLED.encode(value)
    if text.isascii() or _encodes(text):
        return text
    return _ESCAPED.encode(value)


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def plain(value: object) -> object:
    """The value as what JSON has: members that are None by default and are None are left out."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, frozenset):
        return sorted(cast("frozenset[str]", value))
    if isinstance(value, Mapping):
        return {str(name): plain(member) for name, member in value.items()}
    if isinstance(value, Sequence):
        return [plain(member) for member in value]
    return plain_record(value)


def plain_record(record: object) -> dict[str, object]:
    """The members of a frozen value."""
    if not dataclasses.is_dataclass(record) or isinstance(record, type):
        fault = f"not a value that can be stored: {type(record).__name__}"
        raise TypeError(fault)
    return {
        member.name: plain(value)
        for member in dataclasses.fields(record)
        if (value := getattr(record, member.name)) is not None or _must_be_spelled(member)
    }


def _must_be_spelled(member: "dataclasses.Field[Any]") -> bool:
    """Whether leaving out None would be read back as something else."""
    has_default = member.default is not dataclasses.MISSING
    return (has_default and member.default is not None) or (
        member.default_factory is not dataclasses.MISSING
    )


def record(kind: type[T], members: Mapping[str, object]) -> T:
    """The value that those members say."""
    return cast("T", _decoder(cast("Hashable", kind))(members))


@cache
def _decoder(hint: Hashable) -> Decoder:
    """How to read one type; found out once."""
    if isinstance(hint, NewType):
        return _decoder(hint.__supertype__)
    if get_origin(hint) in {Union, UnionType}:
        return _optional(hint)
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return _dataclass(hint)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return hint
    if hint is float:
        return float
    return _collection(hint)


def _optional(hint: object) -> Decoder:
    parts = [part for part in get_args(hint) if part is not NoneType]
    # Several are names of several kinds of things: all are text.
    inner = _decoder(parts[0])
    return lambda value: None if value is None else inner(value)


def _dataclass(kind: type) -> Decoder:
    hints = get_type_hints(kind)
    members = [
        (
            member.name,
            _decoder(hints[member.name]),
            member.default is dataclasses.MISSING and member.default_factory is dataclasses.MISSING,
        )
        for member in dataclasses.fields(kind)
    ]

    def read(value: Mapping[str, Any]) -> object:
        found = {name: decode(value[name]) for name, decode, _ in members if name in value}
        empty = {name: None for name, _, needed in members if needed and name not in found}
        return kind(**found, **empty)

    return read


def _collection(hint: object) -> Decoder:
    arguments = get_args(hint)
    origin = get_origin(hint)
    if origin is None or not arguments:
        return lambda value: value
    if origin is frozenset:
        return frozenset
    inner = _decoder(arguments[-1] if issubclass(origin, Mapping) else arguments[0])
    if issubclass(origin, Mapping):
        return lambda value: {name: inner(member) for name, member in value.items()}
    return lambda value: tuple(inner(member) for member in value)
