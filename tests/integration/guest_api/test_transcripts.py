"""That a transcript can be missed: what differs from it is named, with its place."""

from pathlib import Path

import pytest

from tests.integration.guest_api.golden_files import golden, golden_names
from tests.support.transcript import Line, differences, filled, read_transcript


def _said(*lines: tuple[str, int, object]) -> list[Line]:
    return [Line(who=who, link=link, what=what) for who, link, what in lines]


WANTED = _said(
    ("C", 1, {"token": "$t", "a": [1, "$_"]}),
    ("S", 1, {"of": "$t", "...": True}),
    ("C", 0, "GET /x bearer $j"),
    ("C", 1, "closes 1000"),
)
RIGHT = _said(
    ("C", 1, {"token": "T", "a": [1, {"any": "thing"}]}),
    ("S", 1, {"of": "T", "more": 1}),
    ("C", 0, "GET /x bearer J"),
    ("C", 1, "closes 1000"),
)


def test_what_fits_has_no_differences() -> None:
    assert differences(WANTED, RIGHT) == []


@pytest.mark.parametrize(
    ("number", "line", "told"),
    [
        (0, ("S", 1, {}), "S1> {} came"),
        (0, ("C", 2, {}), "C2> {} came"),
        (0, ("C", 1, {"token": "T"}), "line 1.a: is missing"),
        (0, ("C", 1, {"token": "T", "a": [1, 2], "b": 0}), "line 1.b: is too much"),
        (0, ("C", 1, {"token": "T", "a": [2, 2]}), "line 1.a[0]: 1 was wanted, 2 came"),
        (0, ("C", 1, {"token": "T", "a": [1]}), "line 1.a"),
        (1, ("S", 1, {"of": "another"}), "line 2.of: $t was 'T' and is 'another'"),
        (2, ("C", 0, "GET /y bearer J"), "line 3[1]"),
        (3, ("C", 1, "closes 1001"), "line 4"),
    ],
)
def test_what_differs_is_named(number: int, line: tuple[str, int, object], told: str) -> None:
    seen = [*RIGHT[:number], *_said(line), *RIGHT[number + 1 :]]

    assert told in " ".join(differences(WANTED, seen))


def test_too_few_and_too_many_lines_are_named() -> None:
    assert differences(WANTED, RIGHT[:3]) == ["missing: C1> closes 1000"]
    assert differences(WANTED[:3], RIGHT) == ["too much: C1> closes 1000"]


def test_a_line_to_say_has_no_names_left() -> None:
    names = {"$t": "T", "$n": 3}

    assert filled({"a": ["$t", {"b": "$n"}], "...": True}, names) == {"a": ["T", {"b": 3}]}


@pytest.mark.parametrize("name", golden_names())
def test_each_transcript_begins_with_a_client(name: str) -> None:
    first = golden(name)[0]

    assert (first.who, first.link, first.what["action"]) == ("C", 1, "configureSession")


def test_a_line_that_is_none_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.txt"
    file.write_text("# a comment\n\nX> what\n", encoding="utf-8")

    with pytest.raises(ValueError, match="X> what"):
        read_transcript(file)
