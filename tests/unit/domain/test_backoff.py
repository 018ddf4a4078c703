"""How long to wait."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.backoff import LONGEST_SECONDS, after_eviction, after_failure


@pytest.mark.parametrize(
    ("attempts", "seconds"),
    [(0, 0.5), (1, 0.5), (2, 1.0), (3, 2.0), (6, 16.0), (7, 30.0), (10_000, 30.0)],
)
def test_failures_double_the_wait_up_to_half_a_minute(attempts: int, seconds: float) -> None:
    assert after_failure(attempts, jitter=1.0) == seconds


@given(st.integers(1, 10**9), st.floats(0, 1, exclude_max=True))
def test_jitter_spreads_over_the_whole_wait(attempts: int, jitter: float) -> None:
    whole = after_failure(attempts, jitter=1.0)

    assert after_failure(attempts, jitter=jitter) == jitter * whole
    assert 0 < whole <= LONGEST_SECONDS


@pytest.mark.parametrize(
    ("times", "seconds"), [(1, 5.0), (2, 10.0), (6, 160.0), (7, 300.0), (10_000, 300.0)]
)
def test_evictions_double_from_five_seconds_to_five_minutes(times: int, seconds: float) -> None:
    assert after_eviction(times) == seconds
