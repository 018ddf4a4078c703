"""When something is told of an endpoint, in which words, and to whom it goes."""

from dataclasses import replace

import pytest

from service.domain.endpoint import Endpoint, EndpointState
from service.domain.health import GIVE_UP_ATTEMPTS, GIVE_UP_SECONDS, Health
from service.domain.ids import EndpointId, EventId, SessionId, TenantName
from service.domain.instants import rfc3339
from service.domain.log import EventType, LogEvent
from service.domain.notice import (
    FAILURES_TOLD,
    PROBES_TOLD,
    Failure,
    bare_url,
    disabled,
    failing,
    recovered,
    stages,
    takes,
)
from service.domain.told import Stage, Told

NOW = 1_900_000_000.0
ID = EventId("evt_9")
HOOK = Endpoint(
    id=EndpointId("whk_1"),
    tenant=TenantName("acme"),
    url="https://user:pass@hooks.example:8443/in?token=secret#part",
    event_types=("*",),
    description="orders",
    created_at=NOW,
    updated_at=NOW,
)
EVENT = LogEvent(
    id=EventId("evt_1"),
    session_id=SessionId("ses_1"),
    sequence=3,
    type=EventType.MESSAGE_RECEIVED,
    at=NOW,
    incarnation=1,
    data={"text": "secret"},
)
FAILURE = Failure(
    event=EVENT, row=1, exhausted=False, reason="HTTP 500", since=NOW - 9, endpoint_since=NOW - 60
)


def failing_for(share: float, **fields: float) -> Health:
    """Without a success for that share of the five days, and of the attempts."""
    failed = round(GIVE_UP_ATTEMPTS * share)
    health = Health(version=1, failed=failed, failing_since=NOW - share * GIVE_UP_SECONDS)
    return replace(health, **fields)  # type: ignore[arg-type]  # fields of Health


@pytest.mark.parametrize(
    ("health", "row", "exhausted", "wanted"),
    [
        (Health(), FAILURES_TOLD - 1, False, ()),
        (Health(), FAILURES_TOLD, False, (Stage.RETRYING,)),
        (Health(), FAILURES_TOLD + 5, True, (Stage.EXHAUSTED,)),
        (failing_for(0.45), 1, False, ()),
        (failing_for(0.5), 9, False, (Stage.DISABLING_50, Stage.RETRYING)),
        (failing_for(0.7), 1, False, (Stage.DISABLING_70,)),
        (failing_for(0.9), 9, True, (Stage.EXHAUSTED, Stage.DISABLING_90)),
        (replace(failing_for(0.5), failed=9), 1, False, ()),
        (Health(probe_at=NOW, probes=PROBES_TOLD - 1), 9, False, ()),
        (Health(probe_at=NOW, probes=PROBES_TOLD), 9, True, (Stage.DOWN,)),
        (
            failing_for(0.5, probe_at=NOW, probes=PROBES_TOLD),
            1,
            False,
            (Stage.DISABLING_50, Stage.DOWN),
        ),
    ],
)
def test_what_is_told_follows_from_how_things_stand(
    health: Health, row: int, *, exhausted: bool, wanted: tuple[Stage, ...]
) -> None:
    assert stages(health, replace(FAILURE, row=row, exhausted=exhausted), now=NOW) == wanted


def test_a_warning_about_one_event_names_it_and_shows_nothing_of_it() -> None:
    notice = failing(ID, HOOK, Stage.RETRYING, FAILURE, at=NOW)

    assert (notice.id, notice.tenant, notice.type) == (ID, "acme", EventType.WEBHOOK_FAILING)
    assert notice.data == {
        "webhook": {
            "id": "whk_1",
            "url": "https://hooks.example:8443/in",
            "description": "orders",
            "state": "active",
        },
        "stage": "retrying",
        "reason": "HTTP 500",
        "failingSince": rfc3339(NOW - 9),
        "disableAt": None,
        "eventId": "evt_1",
        "eventType": "message.received",
    }


def test_a_warning_about_the_endpoint_says_when_it_will_be_disabled() -> None:
    data = failing(ID, HOOK, Stage.DOWN, FAILURE, at=NOW).data

    assert data["failingSince"] == rfc3339(NOW - 60)
    assert data["disableAt"] == rfc3339(NOW - 60 + GIVE_UP_SECONDS)
    assert (data["eventId"], data["eventType"]) == (None, None)
    unknown = replace(FAILURE, endpoint_since=None)
    data = failing(ID, HOOK, Stage.DOWN, unknown, at=NOW).data
    assert (data["failingSince"], data["disableAt"]) == (None, None)


def test_a_verdict_gives_its_reason_and_a_recovery_what_it_ends() -> None:
    closed = replace(HOOK, state=EndpointState.DISABLED, disabled_reason="gone")
    ended = (
        Told(stage=Stage.RETRYING, at=NOW - 5, log=SessionId("ses_1")),
        Told(stage=Stage.DOWN, at=NOW - 7),
        Told(stage=Stage.RETRYING, at=NOW - 2, log=SessionId("ses_2")),
    )

    verdict, back = disabled(ID, closed, at=NOW), recovered(ID, HOOK, ended, at=NOW)

    assert (verdict.type, verdict.data["reason"]) == (EventType.WEBHOOK_DISABLED, "gone")
    assert verdict.data["webhook"]["state"] == "disabled"
    assert back.type is EventType.WEBHOOK_RECOVERED
    assert back.data["stages"] == ["down", "retrying"]
    assert back.data["warnedAt"] == rfc3339(NOW - 7)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://a.example/x?y=z", "https://a.example/x"),
        ("https://u:p@a.example", "https://a.example"),
        ("http://[::1]:8080/#f", "http://[::1]:8080/"),
    ],
)
def test_what_may_be_secret_in_a_url_is_not_told(url: str, shown: str) -> None:
    assert bare_url(url) == shown


def test_a_notice_goes_to_those_that_asked_and_never_to_the_one_it_speaks_of() -> None:
    event = disabled(ID, HOOK, at=NOW).placed(4)
    itself = replace(HOOK, event_types=("*", "webhook.*"))
    other = replace(itself, id=EndpointId("whk_2"))

    assert (event.session_id, event.sequence) == ("ten_acme", 4)
    assert not takes(itself, event)
    assert takes(other, event)
    assert not takes(replace(other, event_types=("*",)), event)
    assert takes(HOOK, EVENT)
