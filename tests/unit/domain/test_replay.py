"""What belongs to a replay, how its strands count, and when an event is to blame."""

from dataclasses import replace

import pytest

from service.domain.ids import EventId, SessionId
from service.domain.log import EventType
from service.domain.replay import (
    LONGEST_SECONDS,
    NAMED_MOST,
    OPEN_MOST,
    OVERDUE,
    PAST_SECONDS,
    STRANDS,
    Part,
    Range,
    ReplayState,
    Skipped,
    Strand,
    Tally,
    first_strands,
    is_hopeless,
    strand_of,
)
from tests.support.store_builders import NOW, a_replay, an_event

A, B, C = SessionId("ses_a"), SessionId("ses_b"), SessionId("ses_c")


def a_strand(*parts: Part) -> Strand:
    job = a_replay()
    return Strand(replay_id=job.id, endpoint_id=job.endpoint_id, number=0, parts=parts)


def left_behind(sequence: int) -> Skipped:
    return Skipped(
        session_id=A,
        sequence=sequence,
        event_id=EventId(f"evt_{sequence}"),
        event_type=EventType.MESSAGE_RECEIVED,
        at=NOW,
        attempts=6,
    )


@pytest.mark.parametrize(
    ("age", "belongs"),
    [(20.0, False), (10.0004, True), (10.0, True), (5.0, True), (4.9997, True), (4.0, False)],
)
def test_both_ends_belong_to_a_range_as_their_times_are_shown(age: float, *, belongs: bool) -> None:
    wanted = Range(since=NOW - 10, until=NOW - 5)

    assert wanted.has(an_event(A, 1, at=NOW - age)) is belongs


@pytest.mark.parametrize(
    ("types", "belongs"),
    [
        (None, True),
        (("*",), True),
        (("session.*", "message.received"), True),
        (("message.accepted",), False),
    ],
)
def test_types_narrow_a_range(types: tuple[str, ...] | None, *, belongs: bool) -> None:
    event = an_event(A, 1, type=EventType.MESSAGE_RECEIVED, at=NOW)

    assert Range(until=NOW, types=types).has(event) is belongs


def test_a_log_is_past_a_range_only_when_no_clock_could_be_that_wrong() -> None:
    wanted = Range(since=NOW - 60, until=NOW)

    assert not wanted.is_past(an_event(A, 1, at=NOW + PAST_SECONDS))
    assert wanted.is_past(an_event(A, 1, at=NOW + PAST_SECONDS + 0.1))
    assert wanted.begins_after(NOW - 60 - PAST_SECONDS - 0.1)
    assert not wanted.begins_after(NOW - 60)
    assert not Range(until=NOW).begins_after(0)


def test_the_last_strand_that_ends_ends_the_replay() -> None:
    job = a_replay(unfinished=2)

    one = job.without_one(at=NOW + 1)
    none = one.without_one(at=NOW + 2)

    assert (one.state, one.unfinished, one.finished_at) == (ReplayState.OPEN, 1, None)
    assert (none.state, none.unfinished, none.finished_at) == (ReplayState.DONE, 0, NOW + 2)


def test_a_replay_waits_for_thirty_days() -> None:
    job = a_replay()

    assert not job.is_overdue(now=NOW + LONGEST_SECONDS - 1)
    assert job.is_overdue(now=NOW + LONGEST_SECONDS)
    assert job.over(ReplayState.FAILED, at=NOW, failure=OVERDUE).failure == OVERDUE


def test_one_session_is_one_strand_and_begins_at_its_place() -> None:
    wanted = Range(session_id=A, from_sequence=7, until=NOW)
    (strand,) = first_strands(a_replay(range=wanted, strands=1), due_at=NOW + 2)

    assert strand.parts == (Part(session_id=A, after=6),)
    assert (strand.walked, strand.has_room, strand.due_at) == (True, False, NOW + 2)
    assert strand.tally == Tally(found=1)


def test_a_range_is_many_strands_that_know_no_session_yet() -> None:
    strands = first_strands(a_replay(strands=STRANDS), due_at=NOW)

    assert [strand.number for strand in strands] == list(range(STRANDS))
    assert all(strand.has_room and not strand.parts for strand in strands)


def test_sessions_fall_into_all_strands_and_each_for_ever_into_the_same() -> None:
    names = [SessionId(f"ses_{number}") for number in range(400)]

    assert {strand_of(name, STRANDS) for name in names} == set(range(STRANDS))
    assert strand_of(A, STRANDS) == 15


def test_who_was_set_aside_and_is_due_goes_first_and_then_what_is_in_hand() -> None:
    late, later, fresh = (
        Part(session_id=A, due_at=NOW - 1),
        Part(session_id=B, due_at=NOW + 5),
        Part(session_id=C),
    )
    strand = a_strand(fresh, late, later)

    assert strand.due_part(now=NOW) == late
    assert strand.without_part(A).due_part(now=NOW) == fresh
    assert strand.without_part(A).without_part(C).due_part(now=NOW) is None
    assert strand.next_due() == NOW - 1
    assert a_strand(fresh).next_due() is None


def test_a_strand_has_only_so_many_sessions_in_hand() -> None:
    parts = [Part(session_id=SessionId(f"ses_{number}")) for number in range(OPEN_MOST)]

    assert not a_strand(*parts).has_room
    assert a_strand(*parts[1:]).has_room
    assert not replace(a_strand(), walked=True).has_room


def test_everything_is_counted() -> None:
    strand = a_strand().found(A).found(B, after=3).passed_by()
    strand = strand.delivered(strand.parts[0], 1, at=NOW)
    strand = strand.passed_over(strand.parts[0], left_behind(2)).without_part(A)

    assert strand.tally == Tally(found=3, done=2, delivered=1, skipped=1)
    assert strand.parts == (Part(session_id=B, after=3),)
    assert strand.succeeded_at == NOW
    assert strand.tally.plus(Tally(found=1, done=1, delivered=1, skipped=1)) == Tally(
        found=4, done=3, delivered=2, skipped=2
    )


def test_the_first_that_were_left_behind_are_named_and_the_others_only_counted() -> None:
    strand = a_strand(Part(session_id=A))
    for sequence in range(1, NAMED_MOST + 3):
        strand = strand.passed_over(strand.parts[0], left_behind(sequence))

    assert [one.sequence for one in strand.named] == list(range(1, NAMED_MOST + 1))
    assert strand.tally.skipped == NAMED_MOST + 2


def test_doubts_stay_with_a_session_until_it_delivers() -> None:
    part = Part(session_id=A, after=1, attempt=6, due_at=NOW, failing_since=NOW - 9, gone_at=NOW)

    after = part.passed_over(2)

    assert after == Part(session_id=A, after=2, failing_since=NOW - 9, skipped=1)
    assert after.delivered(3) == Part(session_id=A, after=3)


def test_what_failed_before_its_endpoint_was_opened_is_as_if_never_tried() -> None:
    part = Part(session_id=A, after=1, attempt=6, due_at=NOW, failing_since=NOW, skipped=1)
    strand = a_strand(replace(part, gone_at=NOW))

    assert strand.anew(0) is strand
    anew = Part(session_id=A, after=1)
    assert strand.anew(2) == replace(strand, parts=(anew,), openings=2)


def test_what_is_closed_is_in_nobodys_hands() -> None:
    closed = replace(a_strand(), due_at=NOW, parked=True).closed()

    assert (closed.done, closed.due_at, closed.parked, closed.claim) == (True, None, False, None)


@pytest.mark.parametrize(
    ("status", "others", "failing", "hopeless"),
    [
        (500, True, 0, True),
        (None, True, 0, True),
        (404, False, 0, True),
        (422, False, 0, True),
        (408, False, 0, False),
        (429, False, 0, False),
        (500, False, 59, False),
        (500, False, 60, True),
        (None, False, 1e9, False),
    ],
)
def test_an_event_is_to_blame_where_others_get_through_or_the_receiver_says_so(
    status: int | None, failing: float, *, others: bool, hopeless: bool
) -> None:
    part = Part(session_id=A, failing_since=NOW - failing)

    found = is_hopeless(part, status=status, others_succeed=others, now=NOW, doubt=60)

    assert found is hopeless


def test_what_fails_for_the_first_time_fails_since_now() -> None:
    part = Part(session_id=A)

    assert not is_hopeless(part, status=500, others_succeed=False, now=NOW, doubt=60)
