"""What was told is remembered just as long as it is needed."""

import pytest

from service.domain.ids import SessionId
from service.domain.told import (
    EVENTS_MOST,
    HOUR,
    Stage,
    Told,
    ended_by,
    may_tell,
    standing,
    with_recovery,
    with_told,
)

NOW = 1_900_000_000.0
ONE, TWO = SessionId("ses_1"), SessionId("ses_2")


def of(*stages: Stage, log: SessionId | None = None, at: float = NOW) -> tuple[Told, ...]:
    told: tuple[Told, ...] = ()
    for stage in stages:
        told = with_told(told, stage, log=log, now=at)
    return told


def test_what_stands_is_not_told_again_however_late() -> None:
    told = of(Stage.DOWN)

    assert not may_tell(told, Stage.DOWN, log=None, now=NOW + 100 * HOUR)
    assert may_tell(told, Stage.DISABLING_50, log=None, now=NOW)


def test_of_another_event_the_same_is_told_an_hour_later() -> None:
    told = of(Stage.RETRYING, log=ONE)

    assert not may_tell(told, Stage.RETRYING, log=TWO, now=NOW + HOUR - 1)
    assert may_tell(told, Stage.RETRYING, log=TWO, now=NOW + HOUR)
    assert not may_tell(told, Stage.RETRYING, log=ONE, now=NOW + HOUR)
    assert may_tell(told, Stage.EXHAUSTED, log=ONE, now=NOW)


@pytest.mark.parametrize("stage", [Stage.RETRYING, Stage.DOWN, Stage.EXHAUSTED])
def test_after_a_recovery_everything_waits_for_an_hour(stage: Stage) -> None:
    told = with_recovery(of(Stage.DOWN, at=NOW - 2 * HOUR), now=NOW)

    assert not may_tell(told, stage, log=None, now=NOW + HOUR - 1)
    assert may_tell(told, stage, log=None, now=NOW + HOUR)


def test_a_success_ends_all_if_it_ends_anything() -> None:
    event, both = of(Stage.RETRYING, log=ONE), (*of(Stage.RETRYING, log=ONE), *of(Stage.DOWN))

    assert ended_by(event, log=TWO) == ()
    assert ended_by(event, log=ONE) == event
    assert ended_by(both, log=TWO) == both
    assert ended_by((), log=ONE) == ()


def test_nothing_stands_after_a_recovery_and_what_is_over_ends_nothing() -> None:
    told = with_recovery(of(Stage.DOWN, at=NOW - 1), now=NOW)

    assert standing(told) == ()
    assert ended_by(told, log=ONE) == ()
    assert [each.stage for each in told] == [Stage.DOWN, Stage.RECOVERED]


def test_what_does_not_count_any_more_is_dropped_with_the_next_write() -> None:
    over = with_recovery(of(Stage.DOWN), now=NOW + 1)

    later = with_told(over, Stage.RETRYING, log=ONE, now=NOW + HOUR)
    much_later = with_told(over, Stage.RETRYING, log=ONE, now=NOW + HOUR + 1)

    assert [each.stage for each in later] == [Stage.RECOVERED, Stage.RETRYING]
    assert [each.stage for each in much_later] == [Stage.RETRYING]
    assert [each.stage for each in with_recovery(of(Stage.DOWN), now=NOW + HOUR)] == [
        Stage.RECOVERED
    ]


def test_the_same_again_is_remembered_once() -> None:
    again = with_told(of(Stage.DOWN), Stage.DOWN, log=None, now=NOW + 5)

    assert again == (Told(stage=Stage.DOWN, at=NOW + 5),)


def test_of_many_events_the_earliest_is_forgotten_and_never_the_endpoint() -> None:
    told = of(Stage.DOWN)
    for number in range(EVENTS_MOST + 2):
        told = with_told(told, Stage.RETRYING, log=SessionId(f"ses_{number}"), now=NOW + number)

    assert len(told) == EVENTS_MOST + 1
    assert told[0].stage is Stage.DOWN
    assert told[1].log == "ses_2"
