"""What an event shows to callers, and what a writer's window knows."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.log import EventType, LogEvent, Seen, Window, seen
from tests.support.playbook import NOON, logged


def window(*events: LogEvent) -> Window:
    return Window().grown(map(seen, events))


def heard(place: int, name: str, at: float | None = None, incarnation: int = 1) -> LogEvent:
    keys = frozenset({f"b:{name}", f"c:{name}"})
    return logged(place, keys=keys, channel_time=at, incarnation=incarnation)


def test_an_event_shows_four_members_in_one_order() -> None:
    event = logged(7, EventType.SESSION_OPENED, at=NOON + 0.25, data={"sequence": 7})

    assert list(event.public().items()) == [
        ("id", "evt_7"),
        ("type", "session.opened"),
        ("timestamp", "2030-03-17T17:46:40.250Z"),
        ("data", {"sequence": 7}),
    ]


def test_an_empty_window_is_that_of_an_empty_log() -> None:
    assert Window().last_sequence == 0
    assert Window().starts_at_beginning
    assert Window().oldest_channel_time is None
    assert Window().knows_all_since(None)


def test_a_window_grows_by_what_follows_and_passes_over_what_it_has() -> None:
    grown = window(logged(1), logged(2)).grown(map(seen, (logged(2), logged(3))))

    assert [event.sequence for event in grown.events] == [1, 2, 3]
    assert grown.last_sequence == 3


@pytest.mark.parametrize(("places", "hole"), [((1, 2, 4), "2 and 4"), ((1, 4, 3), "1 and 4")])
def test_a_hole_is_refused(places: tuple[int, ...], hole: str) -> None:
    start = window(logged(1))

    with pytest.raises(ValueError, match=f"a hole between {hole}"):
        start.grown(seen(logged(place)) for place in places)


def test_a_window_may_begin_anywhere() -> None:
    late = window(logged(500), logged(501))

    assert late.last_sequence == 501
    assert not late.starts_at_beginning


def test_what_is_kept_of_an_event_is_all_but_its_content() -> None:
    event = heard(3, "a", NOON - 1, incarnation=2)

    assert seen(event) == Seen(
        sequence=3,
        type=EventType.MESSAGE_RECEIVED,
        at=NOON,
        incarnation=2,
        keys=event.keys,
        channel_time=NOON - 1,
    )


def test_an_event_is_found_by_any_of_its_keys() -> None:
    both = window(heard(1, "a"), heard(2, "b"))

    assert both.find(frozenset({"t:other", "c:b"})) == seen(heard(2, "b"))
    assert both.find(frozenset({"c:x"})) is None
    assert both.find(frozenset()) is None


@pytest.mark.parametrize(
    ("first", "time", "knows"),
    [
        (1, None, True),
        (1, NOON - 99, True),
        (5, NOON, True),
        (5, NOON + 1, True),
        (5, NOON - 0.1, False),
        (5, NOON - 5, False),
        (5, None, False),
    ],
)
def test_absence_is_proof_no_further_back_than_the_oldest_known_time(
    first: int, time: float | None, *, knows: bool
) -> None:
    begun = replace(heard(first, "a"), at=NOON - 2)
    some = window(begun, heard(first + 1, "b", NOON + 3), heard(first + 2, "c", NOON))

    assert some.knows_all_since(time) is knows


def test_one_that_came_late_does_not_make_a_window_know_what_was_logged_before_it() -> None:
    first = replace(heard(5, "a", NOON), at=NOON)
    some = window(first, heard(6, "late", NOON - 600))

    assert not some.knows_all_since(NOON - 60)
    assert some.knows_all_since(NOON + 60)


@pytest.mark.parametrize(
    ("events", "since", "left"),
    [(500, 9999, 200), (150, 9999, 150), (500, 250, 251), (500, 0, 500)],
)
def test_a_window_is_trimmed_to_its_last_events_and_all_that_are_younger(
    events: int, since: float, left: int
) -> None:
    some = window(*(replace(logged(place), at=NOON + place) for place in range(1, events + 1)))

    assert len(some.trimmed(since=NOON + since).events) == left


def test_a_window_without_times_proves_nothing() -> None:
    assert not window(heard(5, "a")).knows_all_since(NOON)


def test_only_what_came_from_the_wire_counts_as_shown() -> None:
    accepted = logged(1, EventType.MESSAGE_ACCEPTED)
    confirmed = heard(2, "a", incarnation=2)

    assert not window(accepted).has_messages_of(1)
    assert window(accepted, confirmed).has_messages_of(2)
    assert not window(accepted, confirmed).has_messages_of(1)


def test_what_was_heard_behind_a_place_is_told_from_what_is_logged_there() -> None:
    some = window(heard(1, "a"), logged(2, EventType.MESSAGE_ACCEPTED))

    assert [some.was_heard_after(place) for place in (0, 1, 2)] == [True, False, False]


@given(st.lists(st.integers(1, 12), max_size=12))
def test_a_window_never_has_holes(places: list[int]) -> None:
    grown = window(logged(4))

    for place in places:
        try:
            grown = grown.grown([seen(logged(place))])
        except ValueError:
            assert place > grown.last_sequence + 1

    sequences = [event.sequence for event in grown.events]
    assert sequences == list(range(4, 4 + len(sequences)))
