"""A courier or a sweeper that is ended at a known moment is cut off at nothing."""

import pytest

from service.domain.errors import ConfigurationError
from service.usecases.deliver_lane import RUN_SECONDS
from service.usecases.fit_run import (
    ANSWER_SECONDS,
    BEGIN_SECONDS,
    COURIER_TIMEOUT,
    LET_GO_SECONDS,
    SWEEPER_TIMEOUT,
    check_courier,
    fit_sweep,
)
from service.usecases.keep_lane import COMMIT_SECONDS
from service.usecases.record_attempt import RECORD_SECONDS
from service.usecases.sweep import SWEEP_SECONDS, VISIT_LEAST_SECONDS
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
