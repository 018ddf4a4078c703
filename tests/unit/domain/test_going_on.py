"""When history may be read after what waits was sent, and how often a minute it is read then."""

from itertools import pairwise
from typing import Any

import pytest

from service.domain.going_on import (
    GOES_ON_SECONDS,
    SLOT_SECONDS,
    VISIT_EVERY_SECONDS,
    VISITS_FREE,
    goes_on,
    next_read_at,
    next_visit_at,
)
from service.domain.log import EventType, LogEvent, Window, seen
from service.domain.pace import CONFIGURES_PER_MINUTE, WINDOW_SECONDS
from service.domain.session import Cause, Outage, State
from tests.support.playbook import NOON, logged, session_in

OUTAGE = Outage(cause=Cause.LINK_LOST, code=None, last_good_at=NOON)


def proofs(*times: float, incarnation: int = 1) -> Window:
    """A log in which a message of the guest was proven at each of those times."""
    events = [proof(place, at, incarnation) for place, at in enumerate(times, start=1)]
    return Window().grown(map(seen, events))


def proof(place: int, at: float, incarnation: int = 1) -> LogEvent:
    """A message of the guest, proven at that time."""
    return logged(
        place,
        type=EventType.MESSAGE_CONFIRMED,
        keys=frozenset({f"b:{place}"}),
        incarnation=incarnation,
        at=at,
    )


@pytest.mark.parametrize(
    ("facts", "heard", "well"),
    [
        ({}, 1, True),
        ({}, GOES_ON_SECONDS - 1, True),
        ({}, GOES_ON_SECONDS, False),
        ({}, None, False),
        ({"expires_at": NOON + 9}, 1, True),
        ({"expires_at": NOON}, 1, False),
        ({"outage": OUTAGE}, 1, False),
        ({"held_by": "dead"}, 1, False),
        ({"state": State.LOST, "outage": OUTAGE}, 1, False),
        ({"state": State.OPENING}, 1, False),
        ({"incarnation": 2}, 1, False),
    ],
)
def test_a_visit_goes_on_where_the_last_link_ended_as_it_should(
    facts: dict[str, Any], heard: float | None, *, well: bool
) -> None:
    session = session_in(**({"state": State.DETACHED} | facts))
    window = Window() if heard is None else proofs(NOON - heard)
    assert goes_on(session, window, unanswered_after=0, auto_start=False, now=NOON) is well


@pytest.mark.parametrize(("unanswered_after", "well"), [(1, True), (2, False), (5, False)])
def test_where_an_attach_had_no_answer_something_must_have_been_heard_since(
    unanswered_after: int, *, well: bool
) -> None:
    session, window = session_in(State.DETACHED), proofs(NOON - 2, NOON - 1)
    found = goes_on(session, window, unanswered_after=unanswered_after, auto_start=False, now=NOON)
    assert found is well


@pytest.mark.parametrize(
    ("auto_start", "joined", "well"),
    [(True, 1, True), (True, 0, False), (False, 0, True), (None, 0, True)],
)
def test_where_a_join_may_be_owed_history_is_asked_first(
    auto_start: bool | None,  # noqa: FBT001 - a column of the table above
    joined: int,
    *,
    well: bool,
) -> None:
    session = session_in(State.DETACHED, joined=bool(joined))
    window = proofs(NOON - 1)
    found = goes_on(session, window, unanswered_after=0, auto_start=auto_start, now=NOON)
    assert found is well


def test_a_chat_in_which_little_is_said_is_read_each_time() -> None:
    few = proofs(NOON - WINDOW_SECONDS, NOON - 2, NOON - 1)
    assert next_read_at(few, [NOON - WINDOW_SECONDS, NOON - 2, NOON - 1], now=NOON) == NOON


def test_else_it_is_read_once_in_ten_seconds_by_all_processes_together() -> None:
    begins = NOON // SLOT_SECONDS * SLOT_SECONDS
    now = begins + 4
    before, within = begins - 1, begins + 1
    assert next_read_at(proofs(before - 1, before, within), [], now=now) == begins + SLOT_SECONDS
    assert next_read_at(proofs(before - 2, before - 1, before), [], now=now) == now
    # Typing is in no log; what this process read counts too.
    assert next_read_at(Window(), [before - 1, before, within], now=now) == begins + SLOT_SECONDS


@pytest.mark.parametrize("every", [0.5, 1.0, 4.0])
@pytest.mark.parametrize("offset", [0.0, 3.0, 7.0, 9.5])
def test_so_a_minute_never_has_more_than_ten_reads(every: float, offset: float) -> None:
    reads: list[float] = []
    window = Window()
    for place in range(1, int((200 - offset) / every) + 1):
        now = NOON + offset + (place - 1) * every
        if next_read_at(window, [], now=now) <= now:
            reads.append(now)
        window = window.grown([seen(proof(place, now))])
    assert max(sum(at <= t < at + WINDOW_SECONDS for t in reads) for at in reads) <= 10
    assert max(later - one for one, later in pairwise(reads)) < 2 * SLOT_SECONDS


def test_visits_slow_down_after_half_of_a_minutes_configures() -> None:
    times = [NOON - 30 + n for n in range(VISITS_FREE)]
    last = times[-1]
    assert next_visit_at(proofs(*times[1:]), times[1:], now=last) == last
    assert next_visit_at(proofs(*times), [], now=last) == last + VISIT_EVERY_SECONDS
    assert next_visit_at(Window(), times, now=last) == last + VISIT_EVERY_SECONDS
    assert next_visit_at(proofs(*times), times, now=last + 9) == last + 9


def test_so_that_the_rest_lasts_for_the_minute() -> None:
    times: list[float] = []
    now = NOON
    while now < NOON + 200:
        now = max(now + 0.2, next_visit_at(Window(), times, now=now))
        times.append(now)
    most = max(sum(at <= t < at + WINDOW_SECONDS for t in times) for at in times)
    assert most <= CONFIGURES_PER_MINUTE + 1
