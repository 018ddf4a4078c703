"""How an endpoint does as a whole: whether its lanes may try, wait, or send one probe. Pure.

A lane alone cannot tell a receiver that dislikes one event from one that is down. So lanes that
fail write it down here, for all couriers to see. Nothing is written of an endpoint that is well.
"""

from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from service.domain.ids import LogId
from service.domain.told import Told

TROUBLE_FAILURES: Final = 5
TROUBLE_LANES: Final = 2
"""So many failures in a row, from so many lanes: it is not one event that the receiver dislikes."""
PROBE_FIRST: Final = 5.0
PROBE_LONGEST: Final = 600.0
"""An endpoint that is back is found within a quarter of an hour: the stretch of an interval, what
whoever failed waits behind others, and the sweeper's minute come on top of it.
"""
PROBE_TAKES: Final = 60.0
"""How long a probe may be under way before another one is sent: as long as a courier lives."""
GIVE_UP_SECONDS: Final = 5 * 24 * 3600.0
GIVE_UP_ATTEMPTS: Final = 20
"""After five days without a single success it is disabled; fewer attempts than that prove nothing.
"""
RAMP_DOUBLINGS: Final = 8
RAMP_STEP: Final = 1.0
"""Once a probe came through, one lane may send, then twice as many with each such step, until all
may after the last one.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What lanes wrote down of an endpoint; the default is that of one that is well."""

    version: int = 0
    by: str = ""
    """Names the change, so that whoever made it knows it again."""
    changed_at: float = 0.0
    failed: int = 0
    """Attempts that failed since the last that did not."""
    row: int = 0
    """Those of them that speak against the endpoint, and not against an event alone."""
    lanes: tuple[LogId, ...] = ()
    """Up to `TROUBLE_LANES` different ones of which those are."""
    disliked: tuple[LogId, ...] = ()
    """As many of those whose event the receiver dislikes."""
    failing_since: float | None = None
    """When the first of those attempts failed."""
    paused_until: float | None = None
    """The receiver asked to be left alone until then."""
    probe_at: float | None = None
    """While it is down: when the next probe may be sent."""
    probes: int = 0
    """Probes that failed since it went down."""
    back_at: float | None = None
    """When a probe came through: since then lanes wake, more and more of them."""
    told: tuple[Told, ...] = ()
    """What its owner was told. It outlives the trouble: the end of it is to be told too."""

    @property
    def is_well(self) -> bool:
        """Whether nothing is written down that a success would have to wipe out."""
        return self.failed == 0 and self.probe_at is None and self.back_at is None


@dataclass(frozen=True, slots=True)
class Go:
    """The lane may try."""


@dataclass(frozen=True, slots=True)
class Narrow:
    """The lane may try if it is one of so many at a time."""

    places: int


@dataclass(frozen=True, slots=True)
class Probe:
    """Whoever writes first that it tries may try; all others wait."""


@dataclass(frozen=True, slots=True)
class Wait:
    """No lane may try before then."""

    until: float


Leave: TypeAlias = Go | Narrow | Probe | Wait


def leave(health: Health, *, now: float) -> Leave:
    """Whether a lane may make an attempt now."""
    if health.paused_until is not None and now < health.paused_until:
        return Wait(health.paused_until)
    if health.probe_at is not None:
        return Wait(health.probe_at) if now < health.probe_at else Probe()
    if health.back_at is None:
        return Go()
    steps = max(0, int((now - health.back_at) / RAMP_STEP))
    return Go() if steps >= RAMP_DOUBLINGS else Narrow(2**steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """Who changes it, and when. `stretch` multiplies the wait for the next probe."""

    by: str
    at: float
    stretch: float = 1.0
    succeeded_at: float | None = None
    """When it last saw a success, which nobody may have written down."""


def probing(health: Health, stamp: Stamp) -> Health:
    """One of us tries; the others wait for what comes of it."""
    return _next(health, stamp, probe_at=stamp.at + PROBE_TAKES)


def failed(
    health: Health, lane: LogId, stamp: Stamp, *, probed: bool, lasting: bool = False
) -> Health | None:
    """One attempt more that failed; None where that is no news.

    `probed`: it was the probe. Others that were under way when the endpoint went down tell nothing.
    `lasting`: the receiver is there and dislikes the request. That shuts no endpoint, and opens one
    that is down; the days without a success run on.
    """
    down = health.probe_at is not None
    if down and not probed:
        return None
    health = _as_of(health, stamp)
    since = stamp.at if health.failing_since is None else health.failing_since
    health = replace(health, failed=health.failed + 1, failing_since=since)
    if lasting:
        return _disliked(health, lane, stamp)
    known, row = _with(health.lanes, lane), health.row + 1
    if not down and not (row >= TROUBLE_FAILURES and len(known) >= TROUBLE_LANES):
        return _next(health, stamp, row=row, lanes=known)
    # One that goes down on its way up was not back: the next interval is longer.
    probes = health.probes + 1 if down or health.back_at is not None else 0
    return _next(
        health,
        stamp,
        row=row,
        lanes=known,
        probes=probes,
        probe_at=stamp.at + probe_interval(probes) * stamp.stretch,
        back_at=None,
    )


def _as_of(health: Health, stamp: Stamp) -> Health:
    """Without what has nothing to do with a failure now."""
    if health.back_at is not None and stamp.at - health.back_at >= RAMP_STEP * RAMP_DOUBLINGS:
        # The outage is over, though nobody had anything to send since.
        health = replace(health, back_at=None, probes=0)
    seen = stamp.succeeded_at
    if health.probe_at is None and seen is not None and seen >= health.changed_at:
        # The failures before were not in a row with this one.
        health = replace(health, failed=0, row=0, lanes=(), disliked=(), failing_since=None)
    return health


def _disliked(health: Health, lane: LogId, stamp: Stamp) -> Health:
    told = _next(health, stamp, disliked=_with(health.disliked, lane))
    if health.probe_at is None:
        return told
    return replace(told, row=0, lanes=(), probe_at=None, back_at=stamp.at)


def _with(lanes: tuple[LogId, ...], lane: LogId) -> tuple[LogId, ...]:
    known = lane in lanes or len(lanes) >= TROUBLE_LANES
    return lanes if known else (*lanes, lane)


def probe_interval(probes: int) -> float:
    """Seconds from the n-th probe that failed (0: from when it went down) to the next."""
    # Beyond 2**10 every interval is the longest.
    return min(PROBE_LONGEST, PROBE_FIRST * 2.0 ** min(probes, 10))


def paused(health: Health, stamp: Stamp, *, until: float) -> Health | None:
    """The receiver asked for a pause; None where a longer one is known."""
    if health.paused_until is not None and health.paused_until >= until:
        return None
    return _next(health, stamp, paused_until=until)


def succeeded(health: Health, stamp: Stamp) -> Health | None:
    """An attempt came through; None where that is no news."""
    if health.probe_at is not None:
        return replace(_cleared(health, stamp), probe_at=None, back_at=stamp.at)
    if isinstance(leave(health, now=stamp.at), Narrow):
        # What is known of the outage stays until the ramp is over.
        if health.failed == 0:
            return None
        return _cleared(health, stamp)
    if health.is_well:
        return None
    # A pause outlives it: this attempt may have begun before the receiver asked for one.
    return Health(
        version=health.version + 1,
        by=stamp.by,
        changed_at=stamp.at,
        paused_until=health.paused_until,
        told=health.told,
    )


def _cleared(health: Health, stamp: Stamp) -> Health:
    return _next(health, stamp, failed=0, row=0, lanes=(), disliked=(), failing_since=None)


def is_given_up(health: Health, *, now: float) -> bool:
    """Whether nothing came through for so long that the endpoint is to be disabled."""
    return given_up_share(health, now=now) >= 1.0


def given_up_share(health: Health, *, now: float) -> float:
    """How much of that has passed, time or attempts, whichever is less; 1: all of it."""
    if health.failing_since is None:
        return 0.0
    time = (now - health.failing_since) / GIVE_UP_SECONDS
    return min(time, health.failed / GIVE_UP_ATTEMPTS)


def blames_event(health: Health, lane: LogId, *, since: float, lasting: bool) -> bool:
    """Whether one event fails and not the endpoint; `health` is as its latest failure left it.

    Nobody else failed since the last success, and that came after `since`, when the event failed
    first. Where no other lane tried at all the answer must be `lasting`: the receiver will give it
    again.
    """
    if health.probe_at is not None or health.back_at is not None or health.failing_since is None:
        return False
    alone = all(other == lane for other in (*health.lanes, *health.disliked))
    return alone and (lasting or health.failing_since > since)


def forgotten(health: Health, stamp: Stamp, told: tuple[Told, ...] = ()) -> Health | None:
    """As if nothing was known of the endpoint but that its owner was told; None if that is so."""
    if health.version == 0 and not told:
        return None
    return Health(version=health.version + 1, by=stamp.by, changed_at=stamp.at, told=told)


def telling(health: Health, stamp: Stamp, told: tuple[Told, ...]) -> Health:
    """Its owner was told something."""
    return _next(health, stamp, told=told)


def _next(health: Health, stamp: Stamp, **changes: object) -> Health:
    return replace(
        health,
        version=health.version + 1,
        by=stamp.by,
        changed_at=stamp.at,
        **changes,  # type: ignore[arg-type]  # fields of Health, all of them
    )
