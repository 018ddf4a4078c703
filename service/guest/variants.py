"""List items told apart by a tag: ``{"contentType": "Card", "card": {...}}``.

Built on ``shapes``. An item whose tag no table knows is kept whole, never refused; one that does
not fit its tag is kept so too where that is asked for.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from service.domain.errors import GuestProtocolError
from service.guest.content_names import Names
from service.guest.scalars import STRING
from service.guest.shapes import (
    Kind,
    Shape,
    fault,
    label,
    object_at,
    step,
    unknown_fields,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One known tag: its property, its class, and the class's shape (None: JSON is kept).

    Of JSON that is kept, `names` are those that are known.
    """

    name: str
    prop: str
    build: Callable[..., object]
    shape: Shape[Any] | None = None
    names: Names | None = None

    def read(self, item: dict[str, object], path: str) -> object:
        """Build the item from its property and what stands beside it."""
        rest = dict(item)
        inner, where = rest.pop(self.prop, None), step(path, self.prop)
        if inner is None:
            raise fault(where, "is missing")
        if self.shape is None:
            return self.build(fields=object_at(inner, where), item_extras=rest)
        return self.shape.read(inner, where, item_extras=rest)

    # Any: only this row knows the class of its own values.
    def write(self, value: Any) -> dict[str, object]:  # noqa: ANN401
        """Write the property and what stood beside it."""
        inner = dict(value.fields) if self.shape is None else self.shape.write(value)
        return {self.prop: inner, **value.item_extras}

    def unknown(self, value: Any, path: str) -> Iterator[str]:  # noqa: ANN401
        """Label the fields that no table knows."""
        if self.shape is not None:
            yield from self.shape.unknown(value, step(path, self.prop))
        elif self.names is not None:
            yield from self.names.unknown(value.fields, step(path, self.prop))
        yield from unknown_fields(value.item_extras, path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tagged(Generic[T]):
    """All variants of one list, and what becomes of other tags."""

    tag: str
    attr: str
    sort: str
    variants: tuple[Variant, ...]
    other: Callable[..., T]
    passed_on: frozenset[str] = frozenset()

    def kind(self) -> Kind:
        """Make the kind of one such item."""
        return Kind(read=self.read, write=self.write, unknown=self.unknown)

    def forgiving(self) -> Kind:
        """Make the kind of an item that is kept whole when it does not fit its tag.

        For what comes from the service: one odd button must not cost the message, and in history
        not the whole page with it.
        """
        return Kind(read=self._read_or_keep, write=self.write, unknown=self.unknown)

    def _read_or_keep(self, raw: object, path: str) -> object:
        if not isinstance(raw, dict):
            # Not even an object: what it is stands where an item has its members.
            return self.other(**{self.attr: "", "fields": {"value": raw}})
        item = dict(raw)
        try:
            return self.read(item, path)
        except GuestProtocolError:
            name = item.get(self.tag)
        if isinstance(name, str):
            del item[self.tag]
        return self.other(**{self.attr: name if isinstance(name, str) else "", "fields": item})

    def read(self, raw: object, path: str) -> object:
        """Build the item its tag names. Raises: GuestProtocolError."""
        item = dict(object_at(raw, path))
        where = step(path, self.tag)
        name = item.pop(self.tag, None)
        if name is None:
            raise fault(where, "is missing")
        STRING.read(name, where)
        for variant in self.variants:
            if variant.name == name:
                return variant.read(item, path)
        return self.other(**{self.attr: name}, fields=item)

    def write(self, value: Any) -> dict[str, object]:  # noqa: ANN401 - one of the variants
        """Write the tag and the rest of the item."""
        variant = self._of(value)
        if variant is None:
            return {self.tag: getattr(value, self.attr), **value.fields}
        return {self.tag: variant.name, **variant.write(value)}

    def unknown(self, value: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - as above
        """Label an unknown tag, what is unknown inside a known one, or that it does not fit."""
        variant = self._of(value)
        if variant is not None:
            yield from variant.unknown(value, path)
            return
        name = getattr(value, self.attr)
        props = {known.name: known.prop for known in self.variants}
        if not name or name in props:
            yield f"malformed:{step(path, props.get(name, self.tag))}"
        elif name not in self.passed_on:
            yield label(self.sort, name)

    def _of(self, value: object) -> Variant | None:
        return next((known for known in self.variants if known.build is type(value)), None)
