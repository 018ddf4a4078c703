"""A listener that is ended at a known moment has let go of everything before."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.errors import ConfigurationError
from service.usecases.begin_term import JITTER_SHARE
from service.usecases.fit_term import LEAST_SECONDS, LET_GO_SECONDS, Span, fit_term
from service.usecases.hold_links import DRAIN_SECONDS, RELEASE_SECONDS
from service.usecases.leases import GIVE_BACK_SECONDS

WANTED = st.none() | st.floats(min_value=0.1, max_value=1e6)


def test_a_quarter_of_an_hour_is_used_but_for_the_end() -> None:
    span = fit_term(900.0, wanted_seconds=None)

    # The longest generation, the wait for successors, and letting go with a rest: 900 s in all.
    assert span.linger_seconds == 45.0
    assert span.generation_seconds * 1.1 == pytest.approx(900 - 45 - 12)


def test_a_shorter_generation_may_be_wanted_a_longer_one_not() -> None:
    longest = fit_term(900.0, wanted_seconds=None)

    assert fit_term(900.0, wanted_seconds=300.0) == Span(
        generation_seconds=300.0, linger_seconds=45.0
    )
    assert fit_term(900.0, wanted_seconds=840.0) == longest


def test_a_short_life_is_not_spent_waiting() -> None:
    span = fit_term(30.0, wanted_seconds=None)

    assert span.linger_seconds == 4.5
    assert span.generation_seconds == pytest.approx(13.5 / 1.1)


@given(st.floats(min_value=LEAST_SECONDS, max_value=1e6), WANTED)
def test_the_end_comes_in_time_however_the_jitter_falls(
    remaining: float, wanted: float | None
) -> None:
    span = fit_term(remaining, wanted_seconds=wanted)
    latest = span.generation_seconds * (1 + JITTER_SHARE) + span.linger_seconds

    assert latest + LET_GO_SECONDS <= remaining * (1 + 1e-9)
    assert span.generation_seconds > 0
    assert LET_GO_SECONDS > DRAIN_SECONDS + RELEASE_SECONDS + GIVE_BACK_SECONDS


def test_no_time_to_hold_anything_is_told() -> None:
    with pytest.raises(ConfigurationError, match="timeout leaves 3 s"):
        fit_term(3.0, wanted_seconds=None)

    assert fit_term(LEAST_SECONDS, wanted_seconds=None).generation_seconds > 5
