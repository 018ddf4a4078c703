"""Whoever asks first and waits as told is never refused, by a receiver that counts as Genesys."""

from hypothesis import given
from hypothesis import strategies as st

from service.domain.pace import (
    ECHOES_PER_MINUTE,
    MESSAGES_PER_MINUTE,
    REQUESTS_PER_MINUTE,
    RESERVE,
    TYPING_PER_MINUTE,
    WINDOW_SECONDS,
    Ask,
    Pace,
    carried_at,
    free_at,
    whole_seconds,
)

NOON = 1_900_000_000.0

asks = st.lists(
    st.tuples(st.sampled_from(Ask), st.floats(min_value=0, max_value=20)), min_size=1, max_size=200
)


def _paced(wishes: list[tuple[Ask, float]]) -> list[tuple[Ask, float]]:
    """When each goes out, if each waits for its turn and for the wish before it."""
    pace, now, gone = Pace(), NOON, []
    for ask, pause in wishes:
        now = pace.next_at(ask, now + pause)
        pace = pace.after(now, echo=ask is Ask.ECHO)
        gone.append((ask, now))
    return gone


def _most_in_a_minute(times: list[float]) -> int:
    return max((sum(at - 60.0 < each <= at for each in times) for at in times), default=0)


@given(asks)
def test_no_minute_has_more_requests_or_echoes_than_genesys_takes(
    wishes: list[tuple[Ask, float]],
) -> None:
    gone = _paced(wishes)
    assert _most_in_a_minute([at for _, at in gone]) <= REQUESTS_PER_MINUTE
    assert _most_in_a_minute([at for ask, at in gone if ask is Ask.ECHO]) <= ECHOES_PER_MINUTE


def test_messages_leave_a_reserve_and_typing_leaves_room_for_messages() -> None:
    pace = Pace()
    for _ in range(TYPING_PER_MINUTE):
        assert pace.next_at(Ask.TYPING, NOON) == NOON
        pace = pace.after(NOON)
    assert pace.next_at(Ask.TYPING, NOON) == NOON + WINDOW_SECONDS
    for _ in range(MESSAGES_PER_MINUTE - TYPING_PER_MINUTE):
        assert pace.next_at(Ask.MESSAGE, NOON) == NOON
        pace = pace.after(NOON)
    assert pace.next_at(Ask.MESSAGE, NOON) == NOON + WINDOW_SECONDS
    for _ in range(RESERVE):
        assert pace.next_at(Ask.RECOVERY, NOON) == NOON
        pace = pace.after(NOON)
    assert pace.next_at(Ask.RECOVERY, NOON) == NOON + WINDOW_SECONDS


def test_a_third_echo_waits_and_others_do_not_wait_with_it() -> None:
    pace = Pace().after(NOON, echo=True).after(NOON + 10, echo=True)
    assert pace.next_at(Ask.ECHO, NOON + 20) == NOON + WINDOW_SECONDS
    assert pace.next_at(Ask.RECOVERY, NOON + 20) == NOON + 20
    assert pace.next_at(Ask.ECHO, NOON + 70) == NOON + 70


def test_what_is_older_than_a_minute_is_forgotten() -> None:
    pace = Pace().after(NOON, echo=True).after(NOON + 70)
    assert pace == Pace(requests=(NOON + 70,))


def test_the_time_that_fits_is_a_window_after_the_one_that_makes_room() -> None:
    assert free_at([1.0, 2.0, 3.0], most=2, now=3.5, window=10.0) == 12.0
    assert free_at([1.0, 2.0], most=3, now=3.5, window=10.0) == 3.5


def test_what_waits_is_carried_five_a_second_and_fewer_than_fifty_a_minute() -> None:
    assert carried_at(0, taken=[], now=NOON) == NOON
    assert carried_at(5, taken=[], now=NOON) == NOON
    assert carried_at(6, taken=[], now=NOON) == NOON + 1
    assert carried_at(45, taken=[], now=NOON) == NOON + 8
    assert carried_at(46, taken=[], now=NOON) == NOON + WINDOW_SECONDS
    assert carried_at(1, taken=[NOON - 1.5] * 50, now=NOON) == NOON - 1.5 + WINDOW_SECONDS


def test_seconds_to_wait_are_whole_and_never_none() -> None:
    assert [whole_seconds(s) for s in (-1.0, 0.0, 0.2, 1.0, 1.1)] == [1, 1, 1, 1, 2]
