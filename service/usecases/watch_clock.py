"""Compare our clock with those of receivers, and say when several agree that it is wrong.

Signatures keep the system's clock: to correct it is for whoever runs the machine.
"""

import logging
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from service.domain.clock_skew import SKEWED_SECONDS, agreed_skew, owner_of
from service.webhook.retry import http_date

FRESH_SECONDS: Final = 900.0
WITNESSES_MOST: Final = 64
"""The one that was heard longest ago makes room."""
WARN_SECONDS: Final = 3600.0

_log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class WatchClock:
    """What the clocks of others told this process of late. Instants are those of our own clock."""

    heard: dict[str, tuple[float, float]] = field(default_factory=dict)
    """By owner: theirs minus ours, and when."""
    warned_at: float | None = None

    def hear(self, url: str, date: str, *, now: float) -> None:
        """A receiver dated its answer; one warning an hour, `clock.skewed`."""
        told = http_date(date.strip(), now=now)
        if told is None:
            return
        owner = owner_of(urlsplit(url).hostname or "")
        self.heard.pop(owner, None)
        if len(self.heard) >= WITNESSES_MOST:
            del self.heard[next(iter(self.heard))]
        self.heard[owner] = (told - now, now)
        if abs(told - now) > SKEWED_SECONDS:
            self._say(now)

    def _say(self, now: float) -> None:
        skew = self.skew(now)
        lately = self.warned_at is not None and 0 <= now - self.warned_at < WARN_SECONDS
        if skew is None or lately:
            return
        self.warned_at = now
        facts = {"seconds_behind": round(skew), "heard": len(self.heard)}
        _log.warning("clock.skewed", extra=facts)

    def skew(self, now: float) -> float | None:
        """By how many seconds we are behind, as most of those tell that were heard of late."""
        fresh = [off for off, at in self.heard.values() if abs(now - at) <= FRESH_SECONDS]
        return agreed_skew(fresh)
