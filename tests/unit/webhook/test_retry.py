"""What follows an attempt."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.webhook.directive import Directive
from service.webhook.retry import (
    GONE_FRESH,
    RETRY_AFTER_MAX,
    SCHEDULE,
    STANDARD_SCHEDULE,
    Abort,
    Answer,
    ConfirmGone,
    Delivered,
    Disable,
    Exhausted,
    Plan,
    RetryAt,
    Waits,
    confirms_gone,
    parse_retry_after,
    plan,
)

NOW = 1_900_000_000.0
"""2030-03-17, a Sunday, 17:46:40 UTC."""


def decide(attempt: int = 1, *, scale: float = 1.0, jitter: float = 0.0, **answer: object) -> Plan:
    told = {"status": None, **answer}
    waits = Waits(jitter=jitter, scale=scale)
    return plan(attempt, Answer(**told), waits, now=NOW)  # type: ignore[arg-type]  # a test's own fields


@pytest.mark.parametrize("status", [200, 201, 202, 204, 206, 299])
def test_every_2xx_is_a_delivery(status: int) -> None:
    assert decide(status=status) == Delivered()


@pytest.mark.parametrize(
    "status",
    [
        *[100, 101, 300, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 408, 409, 413],
        *[415, 421, 422, 425, 429, 451, 500, 502, 503, 504, *range(520, 528), 599, 600, 999],
    ],
)
def test_every_other_status_is_tried_again(status: int) -> None:
    decision = decide(status=status)

    assert isinstance(decision, RetryAt)
    assert (decision.at, decision.reason) == (NOW + 5, f"HTTP {status}")
    assert decision.counts


@pytest.mark.parametrize(
    "error", ["dns", "refused", "reset", "timeout", "tls", "protocol", "blocked_target"]
)
def test_no_answer_is_tried_again_with_its_class(error: str) -> None:
    assert decide(error=error) == RetryAt(at=NOW + 5, reason=error)


def test_the_schedule_is_sixteen_attempts_over_three_days() -> None:
    assert len(SCHEDULE) + 1 == 16
    assert sum(SCHEDULE) == 75 * 3600 + 52 * 60 + 35
    assert [Waits().after(attempt) for attempt in range(1, 17)] == [
        *[5, 30, 120, 300, 900, 1800, 3600, 7200, 14400, 28800],
        *[43200] * 6,
    ]


def test_after_the_schedule_nothing_is_dropped() -> None:
    assert decide(16, status=500) == Exhausted(at=NOW + 43200, reason="HTTP 500")
    assert decide(41, status=500) == Exhausted(at=NOW + 43200, reason="HTTP 500")


def test_a_list_of_ones_own_is_followed_and_then_the_twelve_hours() -> None:
    waits = Waits(schedule=(1.0, 60.0), scale=2.0)

    assert [waits.after(attempt) for attempt in (1, 2, 3)] == [2, 120, 86400]
    third = plan(3, Answer(status=500), waits, now=NOW)
    assert third == Exhausted(at=NOW + 86400, reason="HTTP 500")


def test_the_list_of_the_specification_is_its_own() -> None:
    assert len(STANDARD_SCHEDULE) + 1 == 10
    assert sum(STANDARD_SCHEDULE) == 75 * 3600 + 35 * 60 + 5


@given(attempt=st.integers(1, 60), jitter=st.floats(0, 1, exclude_max=True))
def test_jitter_only_adds_and_at_most_a_fifth_or_a_quarter_of_an_hour(
    attempt: int, jitter: float
) -> None:
    base = Waits().after(attempt)

    assert base <= Waits(jitter=jitter).after(attempt) <= base + min(base * 0.2, 900)


def test_the_scale_shortens_our_waits_and_not_those_asked_for() -> None:
    assert decide(status=500, scale=0.01) == RetryAt(at=NOW + 0.05, reason="HTTP 500")
    assert decide(status=503, retry_after="7", scale=0.01) == RetryAt(
        at=NOW + 7,
        reason="HTTP 503",
        pause_until=NOW + 7,
        counts=False,
        asked_until=NOW + 7,
    )
    assert decide(status=410, scale=0.01) == ConfirmGone(at=NOW + 0.15, reason="HTTP 410")
    assert decide(status=410, scale=100.0) == ConfirmGone(at=NOW + 30, reason="HTTP 410")


def test_a_retry_after_shorter_than_the_schedule_changes_nothing() -> None:
    assert decide(5, status=429, retry_after="3") == RetryAt(
        at=NOW + 900,
        reason="HTTP 429",
        pause_until=NOW + 3,
        asked_until=NOW + 3,
        tells=False,
    )


@pytest.mark.parametrize("status", [429, 503])
def test_a_receiver_that_has_too_much_to_do_pauses_as_a_whole(status: int) -> None:
    short, asked = decide(status=status), decide(9, status=status, retry_after="86400")

    assert isinstance(short, RetryAt)
    assert isinstance(asked, RetryAt)
    assert (short.pause_until, short.counts) == (NOW + 5, True)
    assert (asked.pause_until, asked.counts) == (NOW + 86400, False)


def test_only_too_many_says_nothing_of_the_endpoints_health() -> None:
    told = {status: decide(status=status) for status in (429, 500, 503, 404)}

    assert {status: isinstance(d, RetryAt) and d.tells for status, d in told.items()} == {
        429: False,
        500: True,
        503: True,
        404: True,
    }
    assert decide(status=500).pause_until is None  # type: ignore[union-attr]  # a RetryAt, as above


def test_what_is_wrong_with_the_request_will_be_wrong_next_time() -> None:
    lasting = [
        status
        for status in range(300, 600)
        if isinstance(decision := decide(status=status), RetryAt) and decision.lasting
    ]

    assert lasting == [400, 413, 415, 422]


def test_410_is_confirmed_once_before_it_is_believed() -> None:
    assert decide(status=410) == ConfirmGone(at=NOW + 15, reason="HTTP 410")
    assert decide(4, status=410) == ConfirmGone(at=NOW + 15, reason="HTTP 410")
    assert isinstance(decide(2, status=410, confirms_gone=True), Disable)
    assert decide(2, status=500, confirms_gone=True) == RetryAt(at=NOW + 30, reason="HTTP 500")
    assert decide(2, status=200, confirms_gone=True) == Delivered()


@pytest.mark.parametrize(
    ("gone_at", "changed_at", "confirms"),
    [
        (None, NOW - 99, False),
        (NOW - 15, NOW - 99, True),
        (NOW - 15, NOW - 15, True),
        (NOW - 15, NOW - 14, False),
        (NOW - GONE_FRESH, NOW - 9999, True),
        (NOW - GONE_FRESH - 1, NOW - 9999, False),
    ],
)
def test_a_410_is_confirmed_soon_and_by_the_same_endpoint(
    gone_at: float | None,
    changed_at: float,
    *,
    confirms: bool,
) -> None:
    assert confirms_gone(gone_at, changed_at, now=NOW) is confirms


@pytest.mark.parametrize("status", [301, 400, 404, 410, 429, 500, 503])
def test_a_receiver_that_asks_to_be_disabled_is_believed_at_once(status: int) -> None:
    decision = decide(status=status, directive=Directive.DISABLE)

    assert isinstance(decision, Disable)
    assert "webhook-delivery: disable" in decision.reason


def test_what_was_delivered_stays_so_though_the_endpoint_asks_to_be_disabled() -> None:
    decision = decide(status=200, directive=Directive.DISABLE)

    assert isinstance(decision, Delivered)
    assert decision.then_disable is not None
    assert decide(status=200, directive=Directive.ABORT_MESSAGE) == Delivered()


@pytest.mark.parametrize("status", [400, 410, 429, 500])
def test_a_receiver_that_wants_an_event_no_more_is_believed(status: int) -> None:
    decision = decide(status=status, directive=Directive.ABORT_MESSAGE, retry_after="60")

    assert isinstance(decision, Abort)
    assert "abort-message" in decision.reason


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120),
        (" 120 ", 120),
        ("0", 0),
        ("1000000000", RETRY_AFTER_MAX),
        ("99999999999", RETRY_AFTER_MAX),
        ("Sun, 17 Mar 2030 17:48:40 GMT", 120),
        ("Sunday, 17-Mar-30 17:48:40 GMT", 120),
        ("Sun Mar 17 17:48:40 2030", 120),
        ("Mon Apr  1 00:00:00 2030", RETRY_AFTER_MAX),
        ("Sun, 17 Mar 2030 17:48:60 GMT", 140),
    ],
)
def test_retry_after_is_read_as_seconds_or_any_http_date(text: str, seconds: float) -> None:
    assert parse_retry_after(text, now=NOW) == seconds


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "soon",
        "-5",
        "1.5",
        "1e9",
        "0x10",
        "1, 2",
        "\u0661\u0662",
        "9" * 40,
        "Sun, 17 Mar 2030 17:00:00 GMT",
        "Sun, 17 Mar 2030 17:46:40 GMT",
        "Sun, 31 Feb 2030 17:48:40 GMT",
        "Sun, 17 Foo 2030 17:48:40 GMT",
        "Sun, 17 Mar 2030 25:48:40 GMT",
        "Sun, 17 Mar 2030 17:48:40 CET",
        "Sunday, 17-Mar-94 17:48:40 GMT",
        "Fri, 31 Dec 0000 23:59:59 GMT",
        "2030-03-17T17:48:40Z",
    ],
)
def test_junk_and_the_past_are_no_retry_after(text: str | None) -> None:
    assert parse_retry_after(text, now=NOW) is None


@given(st.text(max_size=60))
def test_no_text_breaks_the_parser_or_asks_for_the_past(text: str) -> None:
    asked = parse_retry_after(text, now=NOW)

    assert asked is None or 0 <= asked <= RETRY_AFTER_MAX


def test_a_two_digit_year_means_the_nearest_century() -> None:
    end_of_century = datetime(2099, 12, 31, 23, 59, 0, tzinfo=UTC).timestamp()

    assert parse_retry_after("Thursday, 31-Dec-99 23:59:30 GMT", now=end_of_century) == 30
