"""What the owner of an endpoint was told, so that nothing is told twice or too often. Pure.

It lies with the endpoint's health. An endpoint of which nothing was ever told has none of it.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from service.domain.ids import LogId

HOUR: Final = 3600.0
EVENTS_MOST: Final = 16
"""Single events that are remembered as told of; beyond them the earliest is forgotten."""


class Stage(StrEnum):
    """What can be told of an endpoint."""

    RETRYING = "retrying"
    """One event failed four times in a row."""
    EXHAUSTED = "exhausted"
    """One event used up its schedule; it is kept, and still tried."""
    DOWN = "down"
    """The endpoint as a whole has been down for some minutes."""
    DISABLING_50 = "disabling50"
    """Half of the time without a success has passed after which it is disabled."""
    DISABLING_70 = "disabling70"
    DISABLING_90 = "disabling90"
    DISABLED = "disabled"
    RECOVERED = "recovered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One thing that was told, and when."""

    stage: Stage
    at: float
    log: LogId | None = None
    """Whose event it was about; None: about the endpoint as a whole."""
    stands: bool = True
    """Whether it is still so, as far as anybody knows."""


def may_tell(told: tuple[Told, ...], stage: Stage, *, log: LogId | None, now: float) -> bool:
    """Whether it is news, and neither it nor a recovery was told within the last hour.

    After a recovery all waits for an hour: an endpoint that comes and goes is told of once an hour,
    and each warning is followed by its end.
    """
    stands = any(each.stands and (each.stage, each.log) == (stage, log) for each in told)
    return not stands and not any(
        each.stage in {stage, Stage.RECOVERED} and now - each.at < HOUR for each in told
    )


def with_told(
    told: tuple[Told, ...], stage: Stage, *, log: LogId | None, now: float
) -> tuple[Told, ...]:
    """With one more that stands; what neither stands nor counts for the hour is left out."""
    kept = [
        each
        for each in told
        if ((each.stage, each.log) != (stage, log) if each.stands else now - each.at < HOUR)
    ]
    kept.append(Told(stage=stage, at=now, log=log))
    events = [each for each in kept if each.log is not None]
    forgotten = events[:-EVENTS_MOST]
    return tuple(each for each in kept if each not in forgotten)


def standing(told: tuple[Told, ...]) -> tuple[Told, ...]:
    """What was told and is still so."""
    return tuple(each for each in told if each.stands)


def ended_by(told: tuple[Told, ...], *, log: LogId) -> tuple[Told, ...]:
    """All that stands, if a success in that log ends it; else nothing.

    Any success ends what was told of the endpoint; what was told of one event only ends with a
    success in its own log: others get through all the time.
    """
    stand = standing(told)
    ends = any(each.log is None or each.log == log for each in stand)
    return stand if ends else ()


def with_recovery(told: tuple[Told, ...], *, now: float) -> tuple[Told, ...]:
    """Nothing stands any more, and the recovery was told."""
    past = (replace(each, stands=False) for each in told if now - each.at < HOUR)
    return (*past, Told(stage=Stage.RECOVERED, at=now, stands=False))
