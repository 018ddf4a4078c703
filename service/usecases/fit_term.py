"""How long a listener may hold links where somebody ends its process at a known moment.

Pure. A Lambda function is ended without a word at its timeout (developer guide, "Configure Lambda
function timeout"), so whatever a listener does at its end must have been done before.
"""

from dataclasses import dataclass
from typing import Final

from service.domain.errors import ConfigurationError
from service.usecases.begin_term import JITTER_SHARE
from service.usecases.hold_links import DRAIN_SECONDS, RELEASE_SECONDS
from service.usecases.leases import GIVE_BACK_SECONDS
from service.usecases.serve_term import LINGER_SECONDS

LET_GO_SECONDS: Final = DRAIN_SECONDS + RELEASE_SECONDS + GIVE_BACK_SECONDS + 2.0
"""For draining, a claim on its way, giving the leases back to a table that is slow, and a rest."""
LINGER_SHARE: Final = 0.25
"""No more of a short life than this is spent waiting for successors."""
LEAST_SECONDS: Final = 20.0
"""Below this there is no time to hold anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A generation, before its jitter, and how long its end may wait for successors."""

    generation_seconds: float
    linger_seconds: float


def fit_term(remaining_seconds: float, *, wanted_seconds: float | None) -> Span:
    """The longest generation that ends in time, however the jitter falls, or the wanted one.

    Raises ConfigurationError where nothing useful fits.
    """
    if remaining_seconds < LEAST_SECONDS:
        fault = (
            f"the function's timeout leaves {remaining_seconds:.0f} s for a listener, "
            f"which needs {LEAST_SECONDS:.0f} s at the least"
        )
        raise ConfigurationError(fault)
    usable = remaining_seconds - LET_GO_SECONDS
    linger = min(LINGER_SECONDS, LINGER_SHARE * usable)
    longest = (usable - linger) / (1 + JITTER_SHARE)
    return Span(
        generation_seconds=longest if wanted_seconds is None else min(wanted_seconds, longest),
        linger_seconds=linger,
    )
