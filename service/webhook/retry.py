"""What follows an attempt: delivered, tried again, or the endpoint given up. Pure: only decides.

Nothing is ever dropped here. When the schedule is used up the head of a lane is still tried every
twelve hours.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from service.webhook.directive import Directive

SCHEDULE: Final = (
    5.0,
    30.0,
    120.0,
    300.0,
    900.0,
    1800.0,
    3600.0,
    7200.0,
    14400.0,
    28800.0,
    43200.0,
    43200.0,
    43200.0,
    43200.0,
    43200.0,
)
"""Seconds to wait after the n-th failed attempt: 16 attempts within 75 h 52 m 35 s."""
STANDARD_SCHEDULE: Final = (
    5.0,
    300.0,
    1800.0,
    7200.0,
    18000.0,
    36000.0,
    50400.0,
    72000.0,
    86400.0,
)
"""The example of Standard Webhooks 1.0, "Deliverability and reliability"."""
NAMED_SCHEDULES: Final = {"default": SCHEDULE, "standard": STANDARD_SCHEDULE}
AFTER_SCHEDULE: Final = 43200.0
JITTER_SHARE: Final = 0.2
JITTER_MAX: Final = 900.0
RETRY_AFTER_MAX: Final = 86400.0
GONE_CONFIRM: Final = 15.0
"""Seconds between a 410 and the one attempt that confirms it: a slip in a deploy passes sooner."""

GONE_CONFIRM_MAX: Final = 30.0
"""Whatever the scale: mostly the confirming attempt finds room in the same run."""
GONE_FRESH: Final = 900.0
"""A 410 that could not be confirmed for so long proves nothing: what was deployed may be back."""

_GONE: Final = 410
_TOO_MANY: Final = 429
_PAUSES: Final = frozenset({_TOO_MANY, 503})
"""RFC 6585, 4 and RFC 9110, 15.6.4: the receiver as a whole has too much to do."""
_ASKED: Final = "the endpoint answered webhook-delivery: disable"
_LASTING: Final = frozenset({400, 413, 415, 422})
"""RFC 9110, 15.5: the request itself is what is wrong, and it will be the same next time."""
_SECONDS: Final = re.compile(r"[0-9]{1,18}")
_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1
    )
}
_CLOCK: Final = r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
_MONTH: Final = r"(?P<month>[A-Z][a-z]{2})"
_DATES: Final = (  # RFC 9110, 5.6.7: the current form, RFC 850, asctime
    re.compile(rf"[A-Z][a-z]{{2}}, (?P<day>[0-9]{{2}}) {_MONTH} (?P<year>[0-9]{{4}}) {_CLOCK} GMT"),
    re.compile(
        rf"[A-Z][a-z]{{5,8}}, (?P<day>[0-9]{{2}})-{_MONTH}-(?P<year>[0-9]{{2}}) {_CLOCK} GMT"
    ),
    re.compile(rf"[A-Z][a-z]{{2}} {_MONTH} (?P<day>[ 0-9][0-9]) {_CLOCK} (?P<year>[0-9]{{4}})"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one attempt came to, as far as it decides: a status, or the class of what went wrong."""

    status: int | None
    error: str | None = None
    retry_after: str | None = None
    directive: Directive | None = None
    confirms_gone: bool = False
    belied: bool = False
    """It was 410 before, and the endpoint has taken other events since."""
    """Whether the attempt before was a 410, so that another one settles it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """A complete 2xx head came, whatever its body did."""

    then_disable: str | None = None
    """Why the endpoint is to be disabled once the delivery is committed, if its receiver asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryAt:
    """Try again then."""

    at: float
    reason: str
    pause_until: float | None = None
    """The receiver has too much to do: no lane may try before then."""
    counts: bool = True
    """Whether it used up an attempt: to be sent away for longer than we would wait does not."""
    asked_until: float | None = None
    """The receiver said when: nobody may try this event before, not even as a probe."""
    lasting: bool = False
    """Whether the receiver will give the same answer again, as far as it says."""
    tells: bool = True
    """Whether it says anything of the endpoint's health: one that says "too many" is well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmGone:
    """410: ask once more then, before believing it."""

    at: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Disable:
    """The endpoint is gone. Its backlog stays."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhausted(RetryAt):
    """The schedule is used up; the event is kept and still tried then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Abort:
    """The receiver wants this event no more. It is left behind, and a gap tells of it."""

    reason: str


Plan = Delivered | Abort | RetryAt | ConfirmGone | Disable | Exhausted


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """How long to wait between attempts.

    `jitter` is a number in [0, 1). `scale` multiplies our own waits, never what the receiver asked
    for.
    """

    schedule: Sequence[float] = SCHEDULE
    jitter: float = 0.0
    scale: float = 1.0

    def after(self, attempt: int) -> float:
        """Seconds to wait after the n-th failed attempt; jitter only adds: no attempt is early."""
        left = attempt <= len(self.schedule)
        base = self.schedule[attempt - 1] if left else AFTER_SCHEDULE
        return (base + min(base * JITTER_SHARE, JITTER_MAX) * self.jitter) * self.scale


def plan(attempt: int, answer: Answer, waits: Waits, *, now: float) -> Plan:
    """Decide what follows the `attempt`-th attempt (from 1), which ended at `now`."""
    reason = _reason(answer)
    disables = answer.directive is Directive.DISABLE
    if answer.status is not None and 200 <= answer.status <= 299:  # noqa: PLR2004 - RFC 9110, 15.3
        return Delivered(then_disable=_ASKED if disables else None)
    if disables:
        return Disable(reason=_ASKED)
    if answer.directive is Directive.ABORT_MESSAGE:
        return Abort(reason="the endpoint answered webhook-delivery: abort-message")
    asked = parse_retry_after(answer.retry_after, now=now)
    if answer.status == _GONE and not answer.belied:
        if answer.confirms_gone:
            return Disable(reason="the endpoint answered 410 Gone, twice")
        wait = min(GONE_CONFIRM * waits.scale, GONE_CONFIRM_MAX)
        return ConfirmGone(at=now + max(wait, asked or 0.0), reason=reason)
    own = waits.after(attempt)
    kind = Exhausted if attempt > len(waits.schedule) else RetryAt
    pauses = answer.status in _PAUSES
    pause = SCHEDULE[0] * waits.scale if asked is None else asked
    return kind(
        at=now + max(own, asked or 0.0),
        reason=reason,
        pause_until=now + pause if pauses else None,
        counts=not pauses or (asked or 0.0) <= own,
        asked_until=now + asked if asked else None,
        lasting=answer.status in _LASTING,
        tells=answer.status != _TOO_MANY,
    )


def confirms_gone(gone_at: float | None, changed_at: float, *, now: float) -> bool:
    """Whether an attempt that begins `now` settles a 410 of then.

    It does not where the endpoint was changed since, or so long ago.
    """
    return gone_at is not None and changed_at <= gone_at and now - gone_at <= GONE_FRESH


def parse_retry_after(text: str | None, *, now: float) -> float | None:
    """Seconds that a Retry-After header asks for, at most a day; None for absent, past, invalid."""
    if text is None:
        return None
    bare = text.strip()
    if _SECONDS.fullmatch(bare):
        return min(float(bare), RETRY_AFTER_MAX)
    moment = http_date(bare, now=now)
    if moment is None or moment <= now:
        return None
    return min(moment - now, RETRY_AFTER_MAX)


def _reason(answer: Answer) -> str:
    return f"HTTP {answer.status}" if answer.status is not None else answer.error or "unknown"


def http_date(text: str, *, now: float) -> float | None:
    """The instant of a date in any form of RFC 9110, 5.6.7; None for anything else."""
    for pattern in _DATES:
        found = pattern.fullmatch(text)
        if found is not None and found["month"] in _MONTHS:
            return _instant(found, now=now)
    return None


def _instant(found: re.Match[str], *, now: float) -> float | None:
    year = int(found["year"])
    if len(found["year"]) == 2:  # noqa: PLR2004 - RFC 9110: over 50 years ahead means the past century
        this_year = datetime.fromtimestamp(now, UTC).year
        year += this_year - this_year % 100
        year -= 100 if year > this_year + 50 else 0
    try:
        moment = datetime(
            year,
            _MONTHS[found["month"]],
            int(found["day"]),
            int(found["hour"]),
            int(found["minute"]),
            tzinfo=UTC,
        ) + timedelta(seconds=int(found["second"]))
    except (ValueError, OverflowError):
        return None
    return moment.timestamp()
