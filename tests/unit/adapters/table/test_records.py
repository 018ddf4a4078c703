"""Values survive the way to JSON and back.

Also when they were written by an older or a newer program.
"""

import json
from dataclasses import dataclass, field

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from service.adapters.table.records import plain, plain_record, record, text_of
from service.domain.access import ApiKey, IdempotencyRecord
from service.domain.deployment import Deployment
from service.domain.endpoint import Endpoint, Lane
from service.domain.message import SendBody
from service.domain.send import PendingSend
from service.domain.session import Session

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
OBJECT = st.none() | st.dictionaries(st.text(), JSON, max_size=3)
VALUES = {
    Session: st.builds(Session, metadata=OBJECT),
    PendingSend: st.builds(PendingSend, body=st.builds(SendBody, metadata=OBJECT)),
    Lane: st.builds(Lane),
    Endpoint: st.builds(Endpoint),
    Deployment: st.builds(Deployment),
    ApiKey: st.builds(ApiKey),
    IdempotencyRecord: st.builds(IdempotencyRecord),
}


@pytest.mark.parametrize("kind", VALUES)
@given(data=st.data())
def test_every_value_comes_back_equal(kind: type[object], data: st.DataObject) -> None:
    value = _with_tuples(data.draw(VALUES[kind]))
    text = text_of(plain_record(value))
    assume("NaN" not in text)  # which equals nothing, not even itself

    again = record(kind, json.loads(text))

    assert _with_tuples(again) == value


@given(JSON)
def test_json_comes_back_equal_and_can_be_encoded(value: object) -> None:
    text = text_of(value)

    assert json.loads(text) == value
    text.encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sample:
    needed: str
    number: float = 1.5
    maybe: int | None = None
    unless: int | None = 7
    names: frozenset[str] = frozenset()
    pairs: tuple[int, int] | None = None
    more: dict[str, float] = field(default_factory=dict)


def test_what_an_older_program_did_not_write_takes_its_default() -> None:
    assert record(_Sample, {"needed": "a"}) == _Sample(needed="a")


def test_what_a_newer_program_wrote_is_passed_over() -> None:
    assert record(_Sample, {"needed": "a", "unheard": [1]}) == _Sample(needed="a")


def test_none_is_left_out_only_where_it_is_the_default() -> None:
    members = plain_record(_Sample(needed="a", unless=None))

    assert "maybe" not in members
    assert record(_Sample, members) == _Sample(needed="a", unless=None)


def test_whole_numbers_are_read_as_the_floats_they_were() -> None:
    found = record(_Sample, {"needed": "a", "number": 2, "more": {"x": 1}, "pairs": [1, 2]})

    assert isinstance(found.number, float)
    assert isinstance(found.more["x"], float)
    assert found.pairs == (1, 2)


def test_sets_are_spelled_in_one_order() -> None:
    assert plain(frozenset({"b", "a", "c"})) == ["a", "b", "c"]


def test_what_is_no_value_is_refused() -> None:
    with pytest.raises(TypeError, match="object"):
        plain(object())


def _with_tuples(value: object) -> object:
    """Sequences of a record as tuples, so that equality does not ask which sequence it was."""
    if isinstance(value, list | tuple):
        return tuple(_with_tuples(member) for member in value)
    if isinstance(value, dict):
        return {name: _with_tuples(member) for name, member in value.items()}
    if hasattr(value, "__dataclass_fields__"):
        members = {name: _with_tuples(getattr(value, name)) for name in value.__dataclass_fields__}
        return type(value)(**members)
    return value
