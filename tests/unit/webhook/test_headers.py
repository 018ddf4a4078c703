"""Reserved headers stay ours, whatever a caller asks for."""

import pytest

from service.domain.errors import InvalidRequestError
from service.webhook.headers import check_headers, delivery_headers

SIGNED = {"webhook-id": "evt_1", "webhook-timestamp": "1", "webhook-signature": "v1,x"}


def test_a_callers_own_headers_are_accepted() -> None:
    check_headers({"Authorization": "Bearer abc def", "X-Own": "1", "x_own": "2"})


@pytest.mark.parametrize(
    "name",
    [
        "webhook-id",
        "Webhook-Signature",
        "webhook_timestamp",
        "WEBHOOK_ID",
        "svix_signature",
        "Host",
        "Transfer_Encoding",
        "Connection",
        "Expect",
        "Content-Encoding",
        "SVIX-ID",
        "broker-gap",
        "host",
        "Content-Length",
        "content_length",
        "transfer-encoding",
        "connection",
        "content-type",
        "accept-encoding",
        "User-Agent",
        "proxy-authorization",
        "traceparent",
        "TraceState",
        "",
        "two words",
        "colon:",
        "n\u00e4me",
        "x\r\nhost",
        "x" * 129,
    ],
)
def test_reserved_and_impossible_names_are_refused(name: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        check_headers({name: "secret-value"})

    assert "secret-value" not in str(refused.value)


@pytest.mark.parametrize(
    "value", ["", " a", "a ", "a\r\nb: c", "a\nb", "a\0b", "n\u00e4", "\u4f60"]
)
def test_values_that_could_break_the_request_are_refused(value: str) -> None:
    with pytest.raises(InvalidRequestError):
        check_headers({"x-own": value})


@pytest.mark.parametrize(
    "headers",
    [
        {f"x-{number}": "1" for number in range(21)},
        {"x-own": "v" * 8190},
        {"X-Own": "1", "x-own": "2"},
    ],
    ids=["too many", "too large", "twice"],
)
def test_too_many_or_doubled_headers_are_refused(headers: dict[str, str]) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        check_headers(headers)

    assert refused.value.faults[-1].pointer == "/headers"


def test_a_fault_points_at_its_header() -> None:
    with pytest.raises(InvalidRequestError) as refused:
        check_headers({"x/y~": "1"})

    assert refused.value.faults[0].pointer == "/headers/x~1y~0"


def test_ours_win_even_if_a_reserved_name_got_stored() -> None:
    stored = {"Webhook-Id": "theirs", "HOST": "evil", "x-own": "1", "x-bad": "a\r\nb"}

    sent = delivery_headers(stored, signed=SIGNED, lane_sequence=4)

    assert sent == {
        "x-own": "1",
        "content-type": "application/json",
        "user-agent": "guest-session-broker/0.1.0",
        "accept-encoding": "identity",
        "broker-lane-sequence": "4",
        **SIGNED,
    }


def test_ours_win_also_under_a_name_that_is_not_reserved() -> None:
    signed = {**SIGNED, "x-signed": "ours"}

    sent = delivery_headers({"X-Signed": "theirs"}, signed=signed, lane_sequence=None)

    assert sent["x-signed"] == "ours"


def test_what_belongs_to_no_lane_has_no_lane_sequence() -> None:
    assert "broker-lane-sequence" not in delivery_headers({}, signed=SIGNED, lane_sequence=None)


def test_a_replay_is_told_and_cannot_be_forged() -> None:
    forged = {"Broker-Replay": "rpl_9"}

    told = delivery_headers(forged, signed=SIGNED, lane_sequence=None, replay="rpl_1")

    assert told["broker-replay"] == "rpl_1"
    assert "broker-replay" not in delivery_headers(forged, signed=SIGNED, lane_sequence=4)


def test_what_was_skipped_is_told_and_cannot_be_forged() -> None:
    told = delivery_headers({"Broker-Gap": "9-9"}, signed=SIGNED, lane_sequence=4, gap=(2, 3))
    quiet = delivery_headers({"Broker-Gap": "9-9"}, signed=SIGNED, lane_sequence=5)

    assert told["broker-gap"] == "2-3"
    assert "broker-gap" not in quiet
