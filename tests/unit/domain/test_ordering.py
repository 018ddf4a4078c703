"""The hold that puts pushed messages right by their channel time."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from service.domain.ordering import CALM_SECONDS, LONGEST_SECONDS, SMALLEST_SECONDS, Hold
from service.domain.said import Said
from tests.support.playbook import NOON, by_agent


def said(name: str, at: float | None) -> Said:
    return by_agent(name, channel_time=None if at is None else NOON + at)


def names(messages: Sequence[Said]) -> list[str]:
    return [next(iter(message.keys)).removeprefix("b:") for message in messages]


def disordered(*, late_after: float = 0.0) -> Hold:
    """A hold that let `b` through and then met the earlier `a`, which has gone as well."""
    hold, _ = Hold().taken(said("b", 2), NOON).released(NOON)
    hold = hold.taken(said("a", 1), NOON + late_after)
    hold, _ = hold.released(NOON + late_after + LONGEST_SECONDS)
    return hold


def test_nothing_waits_until_disorder_is_seen() -> None:
    hold = Hold().taken(said("a", 1), NOON)

    after, going = hold.released(NOON)

    assert (names(going), after.waiting, after.next_due()) == (["a"], (), None)


def test_a_message_behind_a_later_one_is_late_and_starts_the_hold() -> None:
    hold, _ = Hold().taken(said("b", 2), NOON).released(NOON)

    late = hold.taken(said("a", 1), NOON)

    assert hold.is_late(said("a", 1))
    assert not hold.is_late(said("c", 2))
    assert late.seconds == SMALLEST_SECONDS
    assert late.next_due() == NOON + SMALLEST_SECONDS
    assert late.released(NOON)[1] == ()


def test_the_hold_covers_twice_the_disorder_that_was_seen_but_not_for_long() -> None:
    assert disordered(late_after=0.5).seconds == 1.0
    assert disordered(late_after=30.0).seconds == LONGEST_SECONDS


def test_the_hold_does_not_shrink_while_disorder_goes_on() -> None:
    hold = disordered(late_after=0.5)
    hold, _ = hold.taken(said("d", 9), NOON + 5).released(NOON + 10)

    again = hold.taken(said("c", 8), NOON + 10.1)

    assert again.seconds == 1.0


def test_the_hold_ends_when_it_was_calm_for_long_enough() -> None:
    hold = disordered()
    almost = hold.taken(said("c", 3), NOON + CALM_SECONDS - 0.1)
    calm = hold.taken(said("c", 3), NOON + CALM_SECONDS)

    assert almost.released(NOON + CALM_SECONDS - 0.1)[1] == ()
    assert names(calm.released(NOON + CALM_SECONDS)[1]) == ["c"]
    assert (almost.disorder_at, calm.disorder_at) == (NOON, None)


def test_messages_that_arrive_within_the_hold_go_in_the_order_they_were_said() -> None:
    hold = disordered()
    begin = NOON + 3
    hold = hold.taken(said("d", 6), begin).taken(said("c", 5), begin + 0.1)

    after, going = hold.released(begin + SMALLEST_SECONDS)

    assert names(going) == ["c", "d"]
    assert after.waiting == ()


def test_what_was_said_later_than_what_is_due_keeps_waiting() -> None:
    hold = disordered()
    begin = NOON + 3
    hold = hold.taken(said("c", 5), begin).taken(said("d", 6), begin + 0.1)

    after, going = hold.released(begin + SMALLEST_SECONDS)

    assert names(going) == ["c"]
    assert after.next_due() == begin + 0.1 + SMALLEST_SECONDS


def test_a_message_without_a_time_never_waits_and_is_never_late() -> None:
    hold = disordered()
    timeless = said("c", None)

    after, going = hold.taken(timeless, NOON + 3).released(NOON + 3)

    assert names(going) == ["c"]
    assert not hold.is_late(timeless)
    assert not Hold().is_late(said("a", 1))
    assert after.waiting == ()


def test_a_message_without_a_time_makes_no_other_late() -> None:
    """It is placed by our clock, which may be ahead of the contact centre's."""
    hold, _ = Hold().taken(said("a", None), NOON + 5).released(NOON + 5)

    assert not hold.is_late(said("b", 1))


ARRIVALS = st.lists(
    st.tuples(
        st.floats(0, 3, allow_nan=False),
        st.none() | st.floats(-2, 0, allow_nan=False),
        st.booleans(),
    ),
    max_size=25,
)


@given(ARRIVALS)
def test_everything_goes_once_and_in_order_within_the_hold(
    arrivals: list[tuple[float, float | None, bool]],
) -> None:
    hold, now, released = Hold(), 0.0, list[Said]()
    taken = []

    for number, (pause, delay, pumps) in enumerate(arrivals):
        now += pause
        message = said(str(number), None if delay is None else now + delay)
        held_before = hold.waiting
        hold = hold.taken(message, NOON + now)
        taken.append(str(number))
        assert hold.waiting[:-1] == held_before
        assert hold.waiting[-1].due_at <= NOON + now + LONGEST_SECONDS
        if pumps:
            hold, going = hold.released(NOON + now)
            _check_order(going)
            _check_kept(hold, going)
            released.extend(going)
    hold, going = hold.released(NOON + now + LONGEST_SECONDS)
    _check_order(going)

    assert sorted(names([*released, *going]), key=int) == taken
    assert hold.waiting == ()


def _check_kept(hold: Hold, going: Sequence[Said]) -> None:
    """Nothing that waits was said before what went."""
    times = [message.channel_time for message in going if message.channel_time is not None]
    for held in hold.waiting:
        waiting = held.said.channel_time
        assert waiting is None or not times or waiting > max(times)


def _check_order(going: Sequence[Said]) -> None:
    times = [message.channel_time for message in going if message.channel_time is not None]
    assert times == sorted(times)
