"""Shapes: required, optional, alias, nested, lists, and what is left over."""

from dataclasses import dataclass, field

import pytest

from service.domain.errors import GuestProtocolError
from service.guest.scalars import MAP, STRING
from service.guest.shapes import Shape, camel, label, many, may, need, nested, step


@dataclass(frozen=True, kw_only=True)
class Leaf:
    name: str
    extras: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Tree:
    tree_name: str
    nick: str | None = None
    leaves: tuple[Leaf, ...] = ()
    notes: dict[str, str] = field(default_factory=dict)
    extras: dict[str, object] = field(default_factory=dict)


LEAF = Shape(build=Leaf, fields=(need("name", STRING),))
TREE = Shape(
    build=Tree,
    fields=(
        need("tree_name", STRING),
        may("nick", STRING, alias="nickname"),
        may("leaves", many(nested(LEAF))),
        may("notes", MAP),
    ),
)


def test_known_fields_are_read_and_the_rest_is_kept() -> None:
    raw = {"treeName": "oak", "leaves": [{"name": "a", "hue": 1}], "age": 9}

    assert TREE.read(raw, "") == Tree(
        tree_name="oak", leaves=(Leaf(name="a", extras={"hue": 1}),), extras={"age": 9}
    )


def test_reading_leaves_the_frame_as_it_was() -> None:
    raw: dict[str, object] = {"treeName": "oak"}

    TREE.read(raw, "")

    assert raw == {"treeName": "oak"}


@pytest.mark.parametrize(
    ("raw", "nick", "extras"),
    [
        ({"nick": "o"}, "o", {}),
        ({"nickname": "o"}, "o", {}),
        ({"nick": None, "nickname": "o"}, "o", {}),
        ({"nick": "o", "nickname": "p"}, "o", {"nickname": "p"}),
        ({"nick": None}, None, {}),
    ],
)
def test_an_alias_is_read_when_the_name_is_not_there(
    raw: dict[str, object], nick: str | None, extras: dict[str, object]
) -> None:
    assert TREE.read({"treeName": "oak", **raw}, "") == Tree(
        tree_name="oak", nick=nick, extras=extras
    )


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ({}, "treeName"),
        ({"treeName": None}, "treeName"),
        ({"treeName": "oak", "leaves": [{"name": "a"}, {}]}, "leaves[1].name"),
        ({"treeName": "oak", "nickname": 1}, "nickname"),
    ],
)
def test_a_fault_names_its_place(raw: dict[str, object], path: str) -> None:
    with pytest.raises(GuestProtocolError) as refusal:
        TREE.read(raw, "")

    assert refusal.value.path == path


def test_writing_leaves_out_what_is_absent_or_empty() -> None:
    assert TREE.write(Tree(tree_name="")) == {"treeName": ""}


def test_writing_puts_kept_fields_back() -> None:
    tree = Tree(tree_name="oak", leaves=(Leaf(name="a", extras={"hue": 1}),), extras={"age": 9})

    assert TREE.write(tree) == {
        "treeName": "oak",
        "leaves": [{"name": "a", "hue": 1}],
        "age": 9,
    }


def test_unknown_fields_are_labelled_without_positions() -> None:
    tree = Tree(tree_name="oak", leaves=(Leaf(name="a", extras={"hue": 1}),), extras={"age": 9})

    assert list(TREE.unknown(tree, "body")) == ["field:body.leaves[].hue", "field:body.age"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("SomethingNewEvent", "class:SomethingNewEvent"),
        ("My secret & more", "class:*"),
        ("long" * 9, "class:*"),
        ("ann.mueller@example.test", "class:*"),
        (f"{'x' * 30}3b1c1a52-6d9b-4f0e-9a55-0c5f2f6f7a11", "class:*"),
        (7, "class:*"),
    ],
)
def test_a_label_holds_nothing_that_may_be_somebodys(name: object, shown: str) -> None:
    assert label("class", name) == shown


def test_names_of_unknown_fields_are_judged_one_by_one() -> None:
    tree = Tree(tree_name="oak", leaves=(Leaf(name="a", extras={"ann.x": 1}),), extras={"é": 9})

    assert list(TREE.unknown(tree, "body")) == ["field:body.leaves[].*", "field:body.*"]


def test_names_are_spelled_as_on_the_wire() -> None:
    assert [camel("token"), camel("max_custom_data_bytes")] == ["token", "maxCustomDataBytes"]


def test_a_step_from_the_top_has_no_dot() -> None:
    assert [step("", "body"), step("body", "id")] == ["body", "body.id"]
