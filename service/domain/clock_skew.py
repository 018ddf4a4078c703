"""Whether our clock is wrong, as far as others' clocks tell: one alone proves nothing. Pure."""

from collections.abc import Collection
from ipaddress import ip_address
from statistics import median
from typing import Final

SKEWED_SECONDS: Final = 60.0
"""Receivers refuse signatures that are five minutes off; two clocks may be wrong at once."""
AGREE_SECONDS: Final = 30.0
WITNESSES_LEAST: Final = 3
SHORT_LABEL: Final = 3
"""`co.uk`, `com.au`: a name under these is three labels long."""


def agreed_skew(offsets: Collection[float]) -> float | None:
    """By how many seconds we are behind (ahead: negative); None while all is well or unclear.

    `offsets`: of independent clocks, theirs minus ours. At least three, and more than half of all,
    must agree to half a minute.
    """
    if len(offsets) < WITNESSES_LEAST:
        return None
    middle = median(offsets)
    agreeing = sum(abs(offset - middle) <= AGREE_SECONDS for offset in offsets)
    if abs(middle) <= SKEWED_SECONDS or agreeing < WITNESSES_LEAST or 2 * agreeing <= len(offsets):
        return None
    return middle


def owner_of(host: str) -> str:
    """What stands for whoever runs a host: hosts of one domain are one witness.

    Two labels, three where the second is as short as a country's categories are: that may take
    two owners for one, and rarely one for two.
    """
    try:
        return str(ip_address(host))
    except ValueError:
        labels = host.lower().split(".")
    kept = 3 if len(labels) > 2 and len(labels[-2]) <= SHORT_LABEL else 2  # noqa: PLR2004 - labels
    return ".".join(labels[-kept:])
