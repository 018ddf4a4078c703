"""How long to wait before the next attach: doubling with full jitter, slower after an eviction."""

from typing import Final

FIRST_SECONDS: Final = 0.5
LONGEST_SECONDS: Final = 30.0
EVICTED_FIRST_SECONDS: Final = 5.0
EVICTED_LONGEST_SECONDS: Final = 300.0


def after_failure(attempts: int, *, jitter: float) -> float:
    """Seconds to wait after so many failures in a row (1 or more); `jitter` in [0, 1) picks within.

    Full jitter spreads a crowd that lost its links at one moment (AWS Architecture Blog,
    "Exponential Backoff And Jitter").
    """
    return jitter * _doubled(FIRST_SECONDS, attempts, LONGEST_SECONDS)


def after_eviction(attempts: int) -> float:
    """Seconds to wait after an eviction: two owners must not evict each other quickly."""
    return _doubled(EVICTED_FIRST_SECONDS, attempts, EVICTED_LONGEST_SECONDS)


def _doubled(first: float, attempts: int, longest: float) -> float:
    # Beyond 2**16 every first delay here is past the longest, and a float must not overflow.
    return min(longest, first * 2.0 ** min(max(attempts, 1) - 1, 16))
