"""A courier, a sweeper or a request that is ended at a known moment is cut off at nothing."""

import pytest

from service.domain.errors import ConfigurationError
from service.usecases.deliver_lane import RUN_SECONDS
from service.usecases.fit_run import (
    AGE_MOST_SECONDS,
    ANSWER_SECONDS,
    API_TIMEOUT,
    BEGIN_SECONDS,
    COURIER_TIMEOUT,
    CUT_SECONDS,
    LET_GO_SECONDS,
    SWEEPER_TIMEOUT,
    RequestSpan,
    check_api,
    check_courier,
    fit_request,
    fit_sweep,
)
from service.usecases.keep_lane import COMMIT_SECONDS
from service.usecases.record_attempt import RECORD_SECONDS
from service.usecases.sweep import SWEEP_SECONDS, VISIT_LEAST_SECONDS
from service.usecases.waiting import BUDGET_SECONDS
from service.usecases.webhook_fields import TIMEOUT_MOST


def test_in_a_minute_a_run_and_a_sweep_have_all_the_time_they_want() -> None:
    check_courier(COURIER_TIMEOUT)

    assert COURIER_TIMEOUT - LET_GO_SECONDS == RUN_SECONDS
    assert fit_sweep(SWEEPER_TIMEOUT) == SWEEP_SECONDS


def test_what_is_begun_has_time_for_the_longest_post_and_for_what_follows_it() -> None:
    assert BEGIN_SECONDS > TIMEOUT_MOST + LET_GO_SECONDS
    assert LET_GO_SECONDS >= COMMIT_SECONDS + RECORD_SECONDS + ANSWER_SECONDS


def test_a_sweep_ends_sooner_where_there_is_less_time() -> None:
    assert fit_sweep(30.0) == 20.0
    assert fit_sweep(20.0) == 2 * VISIT_LEAST_SECONDS
    assert fit_sweep(900.0) == SWEEP_SECONDS


def test_a_timeout_that_leaves_no_time_is_told() -> None:
    with pytest.raises(ConfigurationError, match=r"leaves 20 s for a sweeper, .* set 60 s"):
        fit_sweep(19.99)
    with pytest.raises(ConfigurationError, match=r"leaves 42 s for a courier, .* set 60 s"):
        check_courier(41.99)
    check_courier(42.0)


def span_of(remaining: float, age: float) -> RequestSpan:
    return fit_request(remaining, age_seconds=age)


def test_a_request_that_comes_at_once_has_its_whole_budget() -> None:
    assert span_of(API_TIMEOUT, 0.0) == RequestSpan(
        arrived_ago=0.0, cut_after=API_TIMEOUT - CUT_SECONDS
    )
    assert BUDGET_SECONDS < API_TIMEOUT - CUT_SECONDS


@pytest.mark.parametrize(
    ("remaining", "age", "ago"),
    [
        (29.0, 4.0, 4.0),  # a cold start before the function's own time began
        (26.0, 1.0, 3.0),  # the clients were opened within it
        (60.0, 2.0, 2.0),  # a timeout that is longer than the gateway's
        (12.0, 0.0, 17.0),  # and one that is shorter
    ],
)
def test_what_was_used_up_before_counts(remaining: float, age: float, ago: float) -> None:
    span = span_of(remaining, age)

    assert span.arrived_ago == ago
    assert span.cut_after == API_TIMEOUT - ago - CUT_SECONDS


def test_two_clocks_that_disagree_leave_a_request_its_time() -> None:
    assert span_of(API_TIMEOUT, -3600.0) == span_of(API_TIMEOUT, 0.0)
    assert span_of(API_TIMEOUT, 3600.0).arrived_ago == AGE_MOST_SECONDS
    assert span_of(1.0, 0.0).cut_after == 0.0


def test_a_timeout_that_is_too_short_for_requests_is_told() -> None:
    check_api(5.0)

    with pytest.raises(ConfigurationError, match=r"leaves 3 s for a request, .* set 29 s"):
        check_api(3.0)
