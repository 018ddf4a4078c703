"""How many connections a deployment may open, and when nobody should try. Pure.

Genesys takes 1,000 new connections a minute for a deployment (its limits page,
`connections.rate.per.minute`). All processes share that through slots of 5 s: whoever wants to
connect takes permits of the slot that its clock shows, uses them before that slot is over, and
never gives one back. So a crash wastes some and nothing can exceed the budget.

A slot has seven hundredths of what a minute may have: 70 of 1,000, which is 140 in ten seconds. By
clocks that are right within 2 s, and with handshakes that arrive within a second, any 60 s touch at
most 14 slots (`slots_touched`), so at most 980 connections are seen in them. Slots of ten seconds
with 140 each would let 1,120 be seen: the longer a slot, the more its two ends weigh.
"""

import math
from dataclasses import dataclass, replace
from typing import Final

from service.domain.deployment import Deployment

MINUTE_LIMIT: Final = 1000
SLOT_SECONDS: Final = 5.0
SHARE_PERCENT: Final = 7
"""What part of a minute's connections a slot has."""
KEPT_PART: Final = 5
"""A fifth of a slot is kept for connections that a caller waits for."""
BLOCK: Final = 10
"""As many permits are taken with one request at most."""

TROUBLE_COUNT: Final = 5
"""So many failures in a row, and it is not one connection that is ill."""
TROUBLE_SECONDS: Final = 60.0
"""A failure that is older does not count with the next."""
OPEN_FIRST_SECONDS: Final = 0.5
OPEN_LONGEST_SECONDS: Final = 4.0
"""One probe in that time, however many wait: nothing to Genesys, and few who back off by themselves
would not try less often.
"""
PROBE_SECONDS: Final = 15.0
"""How long a probe may take before another is made: opening ends within 10 s; clocks differ."""

_THROTTLED: Final = 429
_SERVER_FAULT: Final = 500


def slots_touched(seconds: float, *, apart: float) -> int:
    """How many slots can have a connection that is seen within so many seconds.

    `apart` is how much the time between a slot's clock and the sight of a connection may differ
    from one connection to another: both ways of the clocks, and the longest handshake.
    """
    return math.ceil((seconds + SLOT_SECONDS + apart) / SLOT_SECONDS)


def line_of(deployment: Deployment) -> str:
    """What a budget and a breaker belong to: the deployment as Genesys knows it.

    Two tenants, or two names, may stand for one: Genesys counts them together, and so do we.
    """
    return deployment.socket_url().lower()


def slot_of(now: float) -> int:
    """The slot of an instant."""
    return math.floor(now / SLOT_SECONDS)


def slot_end(slot: int) -> float:
    """When the next one begins."""
    return (slot + 1) * SLOT_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What a slot has."""

    per_slot: int

    def most(self, *, urgent: bool) -> int:
        """How many of a slot may be used: all, if a caller waits; else all but the kept part."""
        return self.per_slot if urgent else self.per_slot - self.per_slot // KEPT_PART

    @property
    def spacing(self) -> float:
        """Seconds between two connections when nobody's caller waits."""
        return SLOT_SECONDS / self.most(urgent=False)


def allowance(per_minute: int) -> Allowance:
    """A slot's part of what Genesys takes in a minute."""
    return Allowance(per_slot=per_minute * SHARE_PERCENT // 100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What came of taking permits: how many we got, and how many of the slot are gone by now."""

    granted: int
    used: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Purse:
    """What one process knows of the slot it is in."""

    slot: int = -1
    used: int = 0
    """How many of the slot are gone, as the table said last."""
    plain: int = 0
    """Permits in hand."""
    urgent: int = 0
    """Permits in hand that come from the kept part: only for whom a caller waits."""
    spent: int = 0
    spent_before: int = 0
    """What this process spent in this slot, and in the one before."""

    def at(self, slot: int) -> "Purse":
        """The purse in that slot; what was not spent in another is lost."""
        if slot == self.slot:
            return self
        return Purse(slot=slot, spent_before=self.spent if slot == self.slot + 1 else 0)

    def room(self, allowed: Allowance, *, urgent: bool) -> int:
        """How many may still connect in this slot, as far as is known here."""
        in_hand = self.plain + (self.urgent if urgent else 0)
        return in_hand + self._untaken(allowed, urgent=urgent)

    def wish(self, allowed: Allowance, *, urgent: bool, waiting: int) -> int:
        """How many permits to take.

        As many as are likely to be used: what is left over is lost to everybody, and a process that
        opens one connection now and then must not use up the slot of those that open many.
        """
        likely = waiting + self.spent + self.spent_before
        return min(BLOCK, likely, self._untaken(allowed, urgent=urgent))

    def filled(self, taken: Taken, *, urgent: bool) -> "Purse":
        """With what was taken for it."""
        return replace(
            self,
            used=max(self.used, taken.used),
            plain=self.plain + (0 if urgent else taken.granted),
            urgent=self.urgent + (taken.granted if urgent else 0),
        )

    def spend(self, *, urgent: bool) -> "Purse | None":
        """With one permit less; None if there is none that fits."""
        if urgent and self.urgent:
            return replace(self, urgent=self.urgent - 1, spent=self.spent + 1)
        if self.plain:
            return replace(self, plain=self.plain - 1, spent=self.spent + 1)
        return None

    def _untaken(self, allowed: Allowance, *, urgent: bool) -> int:
        return max(0, allowed.most(urgent=urgent) - self.used)


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """What all processes know of a deployment that does not let us in.

    Closed while `retry_at` is None. Else nobody connects before then, and who moves `retry_at` on
    first may try one connection. A success closes it for all.
    """

    version: int = 0
    by: str = ""
    """Names the change, so that whoever made it knows it again."""
    trips: int = 0
    """How often in a row it was found that Genesys does not let us in."""
    retry_at: float | None = None


@dataclass(frozen=True, slots=True)
class Streak:
    """Failures in a row, as one process met them."""

    count: int = 0
    last_at: float = 0.0

    def longer(self, now: float) -> "Streak":
        """One more."""
        goes_on = now - self.last_at <= TROUBLE_SECONDS
        return Streak(self.count + 1 if goes_on else 1, now)

    @property
    def is_trouble(self) -> bool:
        """Whether it is time to tell everybody."""
        return self.count >= TROUBLE_COUNT


def tripped(before: Breaker, *, by: str, now: float, jitter: float) -> Breaker:
    """Genesys does not let us in: stay away, longer each time."""
    trips = before.trips + 1
    # Beyond 2**8 every first time here is past the longest.
    longest = min(OPEN_LONGEST_SECONDS, OPEN_FIRST_SECONDS * 2.0 ** min(trips - 1, 8))
    return _next(before, by, trips, now + longest * (1 + jitter) / 2)


def throttled(before: Breaker, *, by: str, until: float, probed: bool) -> Breaker | None:
    """Genesys counts too many connections; None where everybody waits as long already.

    Who was the probe knows best how long.
    """
    waits = before.retry_at is not None and before.retry_at >= until
    return None if waits and not probed else _next(before, by, before.trips, until)


def probing(before: Breaker, *, by: str, now: float) -> Breaker:
    """One of us tries; the others wait for what comes of it."""
    return _next(before, by, before.trips, now + PROBE_SECONDS)


def closed(before: Breaker, *, by: str) -> Breaker | None:
    """Genesys lets us in; None where that is known."""
    return None if before.retry_at is None else _next(before, by, 0, None)


def _next(before: Breaker, by: str, trips: int, retry_at: float | None) -> Breaker:
    return Breaker(version=before.version + 1, by=by, trips=trips, retry_at=retry_at)


def is_throttled(status: int) -> bool:
    """Whether an upgrade that was answered with that status came too soon after others."""
    return status == _THROTTLED


def is_trouble(status: int) -> bool:
    """Whether such an answer speaks of Genesys's health.

    A 403 does not: whoever refuses, answers.
    """
    return status >= _SERVER_FAULT
