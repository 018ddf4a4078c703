"""Declarative reading and writing of JSON objects: one table row per field, both directions.

A shape reads a JSON object into a dataclass and keeps the fields it does not know; writing puts
them back. It must not know any message, and reports a fault by path and type, never by value.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Generic, NoReturn, TypeVar

from service.domain.drift import FIELD, field_name, plain_name
from service.domain.errors import GuestProtocolError

T = TypeVar("T")

_TYPE_WORDS: Final = {
    dict: "an object",
    list: "a list",
    str: "a string",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    type(None): "null",
}


def _itself(value: object) -> object:
    return value


def _nothing_unknown(_value: object, _path: str) -> Iterator[str]:
    return iter(())


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One sort of value: JSON to Python, Python to JSON, and the unknown things inside."""

    # Any: a table is the JSON edge, where only the row knows what its attribute holds.
    read: Callable[[object, str], object]
    write: Callable[[Any], object] = _itself
    unknown: Callable[[Any, str], Iterator[str]] = _nothing_unknown
    empty: object = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One row: the attribute, its name on the wire, and whether a frame without it is a fault."""

    attr: str
    wire: str
    kind: Kind
    required: bool = False
    alias: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(Generic[T]):
    """A JSON object with known fields; the others go to the attribute named by ``rest``."""

    build: Callable[..., T]
    fields: tuple[Field, ...]
    rest: str = "extras"

    def read(self, raw: object, path: str, **more: object) -> T:
        """Build the value from ``raw``; ``more`` is passed on. Raises: GuestProtocolError."""
        return self.build(**self.values(raw, path), **more)

    def values(self, raw: object, path: str) -> dict[str, Any]:
        """Read the known fields, and the rest, as keyword arguments."""
        left = dict(object_at(raw, path))
        found: dict[str, object] = {}
        for row in self.fields:
            name, value = _take(left, row)
            if value is not None:
                found[row.attr] = row.kind.read(value, step(path, name))
            elif row.required:
                raise fault(step(path, row.wire), "is missing")
        return {**found, self.rest: left}

    def write(self, value: object) -> dict[str, Any]:
        """Write a value of this shape back, kept fields included."""
        written: dict[str, object] = {}
        for row in self.fields:
            item = getattr(value, row.attr)
            if item is not None and (row.required or item != row.kind.empty):
                written[row.wire] = row.kind.write(item)
        return {**written, **getattr(value, self.rest)}

    def unknown(self, value: object, path: str) -> Iterator[str]:
        """Yield a label for each thing in ``value`` that no table knows."""
        for row in self.fields:
            item = getattr(value, row.attr)
            if item is not None:
                yield from row.kind.unknown(item, step(path, row.wire))
        yield from unknown_fields(getattr(value, self.rest), path)


def need(attr: str, kind: Kind, *, wire: str = "") -> Field:
    """Row of a field without which the frame is a fault."""
    return Field(attr=attr, wire=wire or camel(attr), kind=kind, required=True)


def may(attr: str, kind: Kind, *, wire: str = "", alias: str | None = None) -> Field:
    """Row of a field that may be absent or null; ``alias`` is read when the name is not there."""
    return Field(attr=attr, wire=wire or camel(attr), kind=kind, alias=alias)


def nested(shape: Shape[T]) -> Kind:
    """Make the kind of an object that has a shape of its own."""
    return Kind(read=shape.read, write=shape.write, unknown=shape.unknown)


def many(kind: Kind) -> Kind:
    """Make the kind of a list of ``kind``, held as a tuple."""

    def read(raw: object, path: str) -> object:
        items = _list_at(raw, path)
        return tuple(kind.read(item, f"{path}[{index}]") for index, item in enumerate(items))

    def write(value: tuple[object, ...]) -> object:
        return [kind.write(item) for item in value]

    def unknown(value: tuple[object, ...], path: str) -> Iterator[str]:
        for item in value:
            yield from kind.unknown(item, f"{path}[]")

    return Kind(read=read, write=write, unknown=unknown, empty=())


def many_or_one(kind: Kind) -> Kind:
    """Make the kind of such a list in which anything else than a list is taken for its one item."""
    listed = many(kind)

    def read(raw: object, path: str) -> object:
        return listed.read(raw if isinstance(raw, list) else [raw], path)

    return replace(listed, read=read)


def camel(attr: str) -> str:
    """Spell an attribute as the wire does: ``deployment_id`` is ``deploymentId``."""
    head, *tail = attr.split("_")
    return head + "".join(word.capitalize() for word in tail)


def step(path: str, name: str) -> str:
    """Go one field deeper."""
    return f"{path}.{name}" if path else name


def label(sort: str, name: object) -> str:
    """Name an unknown thing so that it can be counted: a star where it may be somebody's."""
    return f"{sort}:{plain_name(str(name))}"


def label_at(sort: str, path: str, name: object) -> str:
    """The same of something at a path of our own tables, which is no remote text."""
    shown = field_name if sort == FIELD else plain_name
    return f"{sort}:{step(path, shown(str(name)))}"


def unknown_fields(rest: Mapping[str, object], path: str) -> Iterator[str]:
    """Label the fields that were only kept."""
    for name in rest:
        yield label_at(FIELD, path, name)


def fault(path: str, problem: str) -> GuestProtocolError:
    """Make the error to raise: the place and the problem only."""
    return GuestProtocolError(path=path, problem=problem)


def wrong_type(wanted: str, raw: object, path: str) -> NoReturn:
    """Refuse a value of another JSON type."""
    raise fault(path, f"must be {wanted}, not {_TYPE_WORDS[type(raw)]}")


def object_at(raw: object, path: str) -> dict[str, object]:
    """Demand an object."""
    return raw if isinstance(raw, dict) else wrong_type("an object", raw, path)


def _list_at(raw: object, path: str) -> list[object]:
    return raw if isinstance(raw, list) else wrong_type("a list", raw, path)


def _take(left: dict[str, object], row: Field) -> tuple[str, object]:
    value = left.pop(row.wire, None)
    if value is None and row.alias is not None:
        return row.alias, left.pop(row.alias, None)
    return row.wire, value
