"""How long couriers, sweepers and requests may work where somebody ends them at a known moment.

Pure. A Lambda function is ended without a word at its timeout (developer guide, "Configure Lambda
function timeout"), so a POST and what follows it must be over before.
"""

from dataclasses import dataclass
from typing import Final

from service.domain.errors import ConfigurationError
from service.usecases.sweep import SWEEP_SECONDS, VISIT_LEAST_SECONDS
from service.usecases.webhook_fields import TIMEOUT_MOST

LET_GO_SECONDS: Final = 10.0
"""For what follows a POST or a visit: its commit, its record, a hint, and a table that is slow."""
ANSWER_SECONDS: Final = 3.0
"""What is still at work then is given up: a batch that is not answered comes again as a whole."""
BEGIN_SECONDS: Final = TIMEOUT_MOST + LET_GO_SECONDS + 2.0
"""With less left no lane is begun: reading takes a moment, and its POST may take the longest."""
COURIER_TIMEOUT: Final = 60.0
SWEEPER_TIMEOUT: Final = 60.0
API_TIMEOUT: Final = 29.0
"""An HTTP API gives up 30 s after it took a request, at the most (API Gateway, "Quotas")."""
REQUEST_LEAST_SECONDS: Final = 5.0
"""Lambda's default is 3 s. Not more: what a slow start leaves is better used than refused."""
AGE_MOST_SECONDS: Final = 15.0
"""A cold start takes no longer; what is more, two clocks disagree about."""
CUT_SECONDS: Final = 1.5
"""For letting go of what a request holds, and for an answer that says it took too long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestSpan:
    """When a request counts as arrived, and after how long it is given up; seconds from now."""

    arrived_ago: float
    cut_after: float


def check_courier(remaining_seconds: float) -> None:
    """Raises ConfigurationError where a courier could never begin anything."""
    _check(remaining_seconds, BEGIN_SECONDS, who="a courier", timeout=COURIER_TIMEOUT)


def fit_sweep(remaining_seconds: float) -> float:
    """How long one sweep may take.

    Raises ConfigurationError where no visit would fit.
    """
    least = LET_GO_SECONDS + 2 * VISIT_LEAST_SECONDS
    _check(remaining_seconds, least, who="a sweeper", timeout=SWEEPER_TIMEOUT)
    return min(SWEEP_SECONDS, remaining_seconds - LET_GO_SECONDS)


def check_api(remaining_seconds: float) -> None:
    """Raises ConfigurationError where a request could hardly do anything."""
    _check(remaining_seconds, REQUEST_LEAST_SECONDS, who="a request", timeout=API_TIMEOUT)


def fit_request(remaining_seconds: float, *, age_seconds: float) -> RequestSpan:
    """One request's time, however it was used up so far: by the gateway, by a cold start.

    `age_seconds` is what has gone since the gateway took it, by two clocks.
    """
    age = min(max(age_seconds, 0.0), AGE_MOST_SECONDS)
    left = min(remaining_seconds, API_TIMEOUT - age)
    return RequestSpan(arrived_ago=API_TIMEOUT - left, cut_after=max(0.0, left - CUT_SECONDS))


def _check(remaining_seconds: float, least: float, *, who: str, timeout: float) -> None:
    if remaining_seconds < least:
        fault = (
            f"the function's timeout leaves {remaining_seconds:.0f} s for {who}, "
            f"which needs {least:.0f} s at the least: set {timeout:.0f} s"
        )
        raise ConfigurationError(fault)
