"""Strict JSON: what is refused, what is repaired, and that nothing else escapes."""

import pytest

from service.domain.errors import GuestProtocolError
from service.guest.json_text import MAX_DEPTH, parse_object, render


def _nested(levels: int) -> str:
    return '{"a":' * levels + "1" + "}" * levels


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is not JSON (at character 0)"),
        ('{"a":', "is not JSON (at character 5)"),
        ("\ufeff{}", "is not JSON (at character 0)"),
        ('{"a":1} x', "is not JSON (at character 8)"),
        ("[]", "must be an object"),
        ("null", "must be an object"),
        ('{"a":1,"a":1}', "names a field twice in one object"),
        ('{"a":{"b":1,"b":2}}', "names a field twice in one object"),
        ('{"a":NaN}', "holds NaN or Infinity, which are not JSON"),
        ('{"a":-Infinity}', "holds NaN or Infinity, which are not JSON"),
        ('{"a":1e999}', "holds a number that is out of range"),
        ('{"a":1234567890123456789}', "holds an integer that is out of range"),
        ('{"a":-' + "9" * 5000 + "}", "holds an integer that is out of range"),
        (_nested(MAX_DEPTH + 1), "nests deeper than 64 levels"),
        ('{"a":' + "[" * 65 + "]" * 65 + "}", "nests deeper than 64 levels"),
        (_nested(100_000), "nests deeper than 64 levels"),
        ("[" * 1_000_000, "nests deeper than 64 levels"),
    ],
    ids=range(17),
)
def test_text_that_is_no_strict_json_object_is_refused(text: str, problem: str) -> None:
    with pytest.raises(GuestProtocolError) as refusal:
        parse_object(text)

    assert (refusal.value.path, refusal.value.problem) == ("$", problem)


@pytest.mark.parametrize(
    "text", [_nested(MAX_DEPTH), '{"a":-123456789012345678}', '{"a":[{}],"b":1e5}']
)
def test_what_is_within_the_limits_is_read(text: str) -> None:
    assert "a" in parse_object(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'{"a":"cut \ud83d"}', "cut \ufffd"),
        (r'{"a":"\ude00 cut"}', "\ufffd cut"),
        (r'{"a":"\ud83dx"}', "\ufffdx"),
        ('{"a":"\ud83d"}', "\ufffd"),
        (r'{"a":"\ud83d\ude00"}', "\U0001f600"),
        (r'{"a":"\\ud83d"}', r"\ud83d"),
    ],
)
def test_half_a_surrogate_pair_is_replaced_and_the_rest_is_kept(text: str, value: str) -> None:
    assert parse_object(text) == {"a": value}


def test_written_text_is_compact_and_keeps_its_letters() -> None:
    assert render({"a": "é", "b": [1, None]}) == '{"a":"é","b":[1,null]}'


def test_written_text_always_encodes_as_utf_8() -> None:
    assert render({"a": "cut \ud83d"}).encode() == '{"a":"cut \ufffd"}'.encode()
