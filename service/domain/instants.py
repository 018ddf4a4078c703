"""Points in time as seconds since the epoch (float), and their RFC 3339 spelling in UTC.

The core counts in seconds: they compare, add and store without a calendar. Only the two wires spell
dates.
"""

from datetime import UTC, datetime
from typing import Final

_FIRST_MS: Final = -62_135_596_800_000
_LAST_MS: Final = 253_402_300_799_999
"""The years 1 to 9999: RFC 3339 spells no others."""


def rfc3339(at: float) -> str:
    """Spell an instant as RFC 3339 in UTC with milliseconds, such as 2031-04-05T10:11:12.345Z.

    What lies beyond its years, as an expiry that a peer made up, is spelled as their first or last.
    """
    whole_ms = max(_FIRST_MS, min(_LAST_MS, round(at * 1000)))
    seconds, milliseconds = divmod(whole_ms, 1000)
    whole = datetime.fromtimestamp(seconds, UTC).isoformat().removesuffix("+00:00")
    return f"{whole}.{milliseconds:03d}Z"


def maybe_rfc3339(at: float | None) -> str | None:
    """Spell an instant that may be unknown."""
    return None if at is None else rfc3339(at)
