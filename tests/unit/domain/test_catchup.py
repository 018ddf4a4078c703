"""When enough history was read, and what of it is new."""

import pytest

from service.domain.catchup import (
    HistoryRead,
    agrees,
    in_time_order,
    is_known,
    reads_on,
    shows_join,
    unique,
)
from service.domain.log import Window, seen
from service.domain.said import Said
from tests.support.playbook import NOON, by_agent, by_guest, logged


def window(*names: str, incarnation: int = 1) -> Window:
    events = [
        logged(place, keys=frozenset({f"b:{name}"}), incarnation=incarnation)
        for place, name in enumerate(names, start=1)
    ]
    return Window().grown(map(seen, events))


def page(*names: str, oldest: float | None = NOON) -> list[Said]:
    return [by_agent(name, channel_time=oldest) for name in names]


@pytest.mark.parametrize(
    ("entries", "since", "last_page", "more"),
    [
        (page("a", "b"), NOON, 1, False),
        (page("new"), NOON, 1, False),
        (page("a", "b"), NOON, 0, False),
        (page("a", "b", oldest=NOON - 9), NOON, 0, False),
        (page("a", "b", oldest=NOON + 1), NOON, 0, True),
        (page("a", "new"), NOON, 0, True),
        ([*page("a"), *page("new", oldest=NOON - 1)], NOON, 0, False),
        ([*page("a", "new", oldest=None), *page("b", oldest=NOON - 1)], NOON, 0, True),
        (page("a", "b", oldest=None), NOON, 0, True),
        (page("a", "b"), None, 0, True),
        ([], NOON, 0, True),
    ],
    ids=[
        "history ended",
        "history ended with something new",
        "all known, back to the mark",
        "all known, past the mark",
        "all known, not back to the mark",
        "one is new",
        "one from before the mark is none of the window's",
        "one is new, and nobody knows from when",
        "no times",
        "nothing was ever good: to the beginning",
        "an empty page that is not the last",
    ],
)
def test_a_read_stops_when_a_page_reaches_back_and_all_since_then_is_known(
    entries: list[Said], since: float | None, last_page: int, *, more: bool
) -> None:
    assert reads_on(entries, window("a", "b"), since=since, last_page=bool(last_page)) is more


def test_a_message_is_known_by_any_of_its_names() -> None:
    entry = by_agent("x", keys=frozenset({"c:other", "b:a"}))

    assert is_known(entry, window("a"))
    assert not is_known(by_agent("x"), window("a"))


def test_entries_come_back_as_they_were_said() -> None:
    newest_first = [
        by_agent("d", channel_time=NOON + 2),
        by_agent("b", channel_time=NOON + 1),
        by_agent("c", channel_time=NOON + 1.5),
        by_agent("after-a"),
        by_agent("a", channel_time=NOON),
        by_agent("first"),
    ]

    said = in_time_order(iter(newest_first))

    assert [next(iter(entry.keys)) for entry in said] == [
        "b:first",
        "b:a",
        "b:after-a",
        "b:b",
        "b:c",
        "b:d",
    ]


def test_a_page_that_shifted_repeats_nothing() -> None:
    twice = by_agent("a", keys=frozenset({"b:a", "c:1"}))
    alias = by_agent("a", keys=frozenset({"c:1"}))
    nameless = by_agent("n", keys=frozenset())

    assert unique([twice, nameless, alias, nameless, by_agent("b")]) == [
        twice,
        nameless,
        nameless,
        by_agent("b"),
    ]


@pytest.mark.parametrize(
    ("known", "incarnation", "shown", "verdict"),
    [
        (("a",), 1, ("new", "a"), True),
        (("a",), 1, ("new",), False),
        (("a",), 1, (), False),
        (("a",), 2, ("new",), True),
        ((), 1, (), True),
    ],
    ids=["shows one we know", "shows none", "is empty", "nothing to know it by", "empty log"],
)
def test_history_is_that_of_the_incarnation_we_know(
    known: tuple[str, ...], incarnation: int, shown: tuple[str, ...], *, verdict: bool
) -> None:
    read = HistoryRead(at=NOON, entries=page(*shown), since=None)

    assert agrees(read, window(*known), incarnation=incarnation) is verdict


def test_a_message_of_an_earlier_incarnation_is_no_sign_of_this_one() -> None:
    log = window("a").grown([seen(logged(2, keys=frozenset({"b:b"}), incarnation=2))])
    read = HistoryRead(at=NOON, entries=page("a"), since=None)

    assert not agrees(read, log, incarnation=2)


def test_a_join_in_history_is_seen() -> None:
    join = by_guest("j", is_join=True)

    assert shows_join(HistoryRead(at=NOON, entries=[*page("a"), join], since=None))
    assert not shows_join(HistoryRead(at=NOON, entries=page("a"), since=None))
