"""What is looked for, and where a page of several sources ends."""

from typing import Any

import pytest

from service.domain.ids import MessageId
from service.domain.timeline import (
    FACT_CHARACTERS,
    Entry,
    Kind,
    Position,
    Stretch,
    TimelineFilter,
    cut,
    facts_of,
)


def _entry(at: float, rank: int = 0) -> Entry:
    return Entry(position=Position(at, rank), at=at, kind=Kind.EVENT, what=f"{at}")


def _whats(*stretches: Stretch, limit: int = 10) -> tuple[list[str], Position | None]:
    page = cut(stretches, limit=limit)
    return [entry.what for entry in page.entries], page.end


def test_facts_that_are_not_known_are_left_out_and_long_ones_cut() -> None:
    facts = facts_of({"code": None, "fence": 0, "clean": False, "name": "x" * 500})

    assert facts == {"fence": 0, "clean": False, "name": "x" * FACT_CHARACTERS}


@pytest.mark.parametrize(
    ("wanted", "takes"),
    [
        ({}, {Kind.EVENT, Kind.FRAME}),
        ({"kinds": frozenset({Kind.FRAME})}, {Kind.FRAME}),
        ({"message_id": MessageId("msg_1")}, {Kind.EVENT, Kind.FRAME}),
    ],
)
def test_kinds_are_looked_for(wanted: dict[str, Any], takes: set[Kind]) -> None:
    asked = TimelineFilter(**wanted)

    assert {kind for kind in (Kind.EVENT, Kind.FRAME) if asked.has(kind)} == takes


@pytest.mark.parametrize(
    ("since", "until", "covered"),
    [
        (None, None, {1.0, 2.0, 3.0}),
        (2.0, None, {2.0, 3.0}),
        (None, 2.0, {1.0}),
        (2.0, 3.0, {2.0}),
    ],
)
def test_a_time_begins_with_since_and_ends_before_until(
    since: float | None, until: float | None, covered: set[float]
) -> None:
    asked = TimelineFilter(since=since, until=until)

    assert {at for at in (1.0, 2.0, 3.0) if asked.covers(at)} == covered


def test_sources_are_put_in_one_order() -> None:
    log = Stretch(entries=[_entry(1), _entry(4)])
    notes = Stretch(entries=[_entry(2), _entry(3)])

    assert _whats(log, notes) == (["1", "2", "3", "4"], None)


def test_a_full_page_ends_with_its_last_entry() -> None:
    log = Stretch(entries=[_entry(1), _entry(2)])

    assert _whats(log, limit=2) == (["1", "2"], None)
    assert _whats(log, limit=1) == (["1"], Position(1, 0))


def test_nothing_is_shown_before_all_sources_are_known_so_far() -> None:
    log = Stretch(entries=[_entry(1), _entry(5)])
    notes = Stretch(entries=[_entry(2)], known_to=Position(3))
    more = Stretch(entries=[_entry(2, rank=3)], known_to=Position(2, 0))

    assert _whats(log, notes) == (["1", "2"], Position(3))
    assert _whats(log, notes, more) == (["1", "2"], Position(2, 0))
