"""Bodies read strictly."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.api.problems import RefusedError
from service.api.strict_json import canonical, parsed

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(-1e9, 1e9) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=10,
)


@given(VALUES)
def test_every_json_value_is_read_as_it_was_written(value: object) -> None:
    assert parsed(json.dumps(value).encode()) == value


@given(VALUES)
def test_one_value_has_one_canonical_form(value: object) -> None:
    spaced = json.dumps(value, indent=3).encode()
    tight = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()

    assert canonical(parsed(spaced)) == canonical(parsed(tight))


@given(st.binary(max_size=40))
def test_no_bytes_bring_the_reader_down(body: bytes) -> None:
    with suppress(RefusedError):
        assert canonical(parsed(body))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b"NaN",
        b"[Infinity]",
        b"[-Infinity]",
        b"1e400",
        b"9" * 5000,
        b'{"a":1,"a":1}',
        b'"\\ud800"',
        b'{"\\udfff":1}',
        b"[" * 66 + b"]" * 66,
        b"[" * 200_000,
        b"\xef\xbb\xbf{}",
    ],
)
def test_what_is_no_strict_json_is_refused(body: bytes) -> None:
    with pytest.raises(RefusedError) as refused:
        parsed(body)

    assert refused.value.problem.status == 400


def test_a_whole_surrogate_pair_is_one_character() -> None:
    assert parsed(b'"\\ud83d\\ude00"') == "😀"


def test_nesting_up_to_the_limit_is_taken() -> None:
    assert canonical(parsed(b"[" * 65 + b"]" * 65)) == b"[" * 65 + b"]" * 65
