"""Puts pushed messages right by channel time: a short hold that is zero until disorder is seen.

Genesys promises no order between pushed messages. Waiting always would cost every message; so the
hold grows when a message arrives after a later one, and shrinks again in quiet.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from service.domain.said import Said

SMALLEST_SECONDS: Final = 0.25
LONGEST_SECONDS: Final = 1.5
CALM_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A message that waits, and until when."""

    said: Said
    arrived_at: float
    due_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """What waits, how long messages wait now, and the latest channel time that was let through."""

    seconds: float = 0.0
    waiting: tuple[Held, ...] = ()
    passed: float | None = None
    passed_at: float = 0.0
    disorder_at: float | None = None

    def taken(self, said: Said, now: float) -> "Hold":
        """The hold with one more message that arrived now."""
        calmed = _calmed(self, now)
        grown = _grown(calmed, now) if calmed.is_late(said) else calmed
        due = now + (0.0 if said.channel_time is None else grown.seconds)
        held = Held(said=said, arrived_at=now, due_at=due)
        return replace(grown, waiting=(*grown.waiting, held))

    def is_late(self, said: Said) -> bool:
        """Whether a later message was let through before it."""
        if said.channel_time is None or self.passed is None:
            return False
        return said.channel_time < self.passed

    def released(self, now: float) -> tuple["Hold", Sequence[Said]]:
        """What may go now, by channel time: what is due, and what was said before that."""
        due = [held for held in self.waiting if held.due_at <= now]
        if not due:
            return self, ()
        horizon = max(_time(held) for held in due)
        going = [held for held in self.waiting if held in due or _time(held) <= horizon]
        kept = tuple(held for held in self.waiting if held not in going)
        order = sorted(going, key=lambda held: (_time(held), held.arrived_at))
        # Only the contact centre's own times tell what is late: our clock may be ahead of them.
        times = (self.passed, *(held.said.channel_time for held in going))
        passed = max((time for time in times if time is not None), default=None)
        rest = replace(self, waiting=kept, passed=passed, passed_at=now)
        return rest, [held.said for held in order]

    def next_due(self) -> float | None:
        """When something may go next."""
        return min((held.due_at for held in self.waiting), default=None)


def _grown(hold: Hold, now: float) -> Hold:
    gap = now - hold.passed_at
    seconds = min(LONGEST_SECONDS, max(SMALLEST_SECONDS, 2 * gap, hold.seconds))
    return replace(hold, seconds=seconds, disorder_at=now)


def _calmed(hold: Hold, now: float) -> Hold:
    if hold.disorder_at is None or now - hold.disorder_at < CALM_SECONDS:
        return hold
    return replace(hold, seconds=0.0, disorder_at=None)


def _time(held: Held) -> float:
    return held.said.channel_time if held.said.channel_time is not None else held.arrived_at
