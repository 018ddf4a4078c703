"""Our clock beside those of receivers."""

import logging
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from service.usecases.watch_clock import (
    FRESH_SECONDS,
    WARN_SECONDS,
    WITNESSES_MOST,
    WatchClock,
)

NOW = 1_900_000_000.0
BEHIND = 120


def date(at: float) -> str:
    return format_datetime(datetime.fromtimestamp(at, UTC), usegmt=True)


def told(watch: WatchClock, *hosts: str, now: float = NOW, off: float = BEHIND) -> None:
    for host in hosts:
        watch.hear(f"https://{host}/hook", date(now + off), now=now)


def test_three_owners_that_agree_are_believed() -> None:
    watch = WatchClock()

    told(watch, "a.example", "b.example.org")
    before = watch.skew(NOW)
    told(watch, "c.test")

    assert before is None
    assert watch.skew(NOW) == BEHIND


def test_one_receiver_under_many_names_is_one_witness() -> None:
    watch = WatchClock()

    told(watch, "a.evil.example", "b.evil.example", "c.evil.example", "evil.example:8443")

    assert watch.skew(NOW) is None
    assert len(watch.heard) == 1


@pytest.mark.parametrize("text", ["", "yesterday", "1900000120", "Sun, 17 Mar 2030"])
def test_what_is_no_date_is_not_heard(text: str) -> None:
    watch = WatchClock()

    watch.hear("https://a.example/", text, now=NOW)

    assert watch.heard == {}


def test_what_was_told_long_ago_or_before_a_correction_counts_no_more() -> None:
    watch = WatchClock()
    told(watch, "a.example", "b.test", "c.org")

    assert watch.skew(NOW + FRESH_SECONDS) == BEHIND
    assert watch.skew(NOW + FRESH_SECONDS + 1) is None
    assert watch.skew(NOW - FRESH_SECONDS - 1) is None
    told(watch, "a.example", "b.test", off=0.0)
    assert watch.skew(NOW) is None


def test_it_is_said_once_an_hour(caplog: pytest.LogCaptureFixture) -> None:
    watch = WatchClock()

    with caplog.at_level(logging.INFO):
        for later in (0, 60, WARN_SECONDS - 1, WARN_SECONDS, -9 * WARN_SECONDS):
            told(watch, "a.example", "b.test", "c.org", now=NOW + later)

    lines = [line for line in caplog.records if line.message == "clock.skewed"]
    assert [line.levelname for line in lines] == ["WARNING"] * 3
    assert lines[0].__dict__["seconds_behind"] == BEHIND


def test_only_so_many_are_remembered_the_latest() -> None:
    watch = WatchClock()

    told(watch, *(f"h{number}.h{number}" for number in range(WITNESSES_MOST + 5)))

    assert len(watch.heard) == WITNESSES_MOST
    assert next(iter(watch.heard)) == "h5.h5"
