"""What is shown of attempts and of an endpoint's health."""

from dataclasses import replace

import pytest

from service.domain.attempt import Decision, Phases, Trigger
from service.domain.health import Health
from service.domain.ids import log_of
from service.domain.instants import rfc3339
from service.domain.told import Stage, Told
from service.usecases.read_deliveries import attempt_view, health_view
from tests.support.store_builders import NOW, TENANT, an_attempt


def test_an_attempt_is_shown_whole() -> None:
    made = an_attempt(
        trigger=Trigger.PROBE,
        number=3,
        status=503,
        detail="d",
        seconds=0.12345,
        phases=Phases(dns=0.0012, first_byte=0.12),
        answer="busy",
        decision=Decision.RETRY,
        next_at=NOW + 30,
    )

    assert attempt_view(made) == {
        "id": made.id,
        "sessionId": made.session_id,
        "sequence": made.sequence,
        "eventId": made.event_id,
        "eventType": "message.received",
        "at": rfc3339(made.at),
        "trigger": "probe",
        "attempt": 3,
        "status": 503,
        "error": None,
        "detail": "d",
        "seconds": 0.123,
        "phases": {"dns": 0.0012, "connect": None, "tls": None, "firstByte": 0.12},
        "answer": "busy",
        "decision": "retry",
        "nextAttemptAt": rfc3339(NOW + 30),
    }


def test_what_was_told_about_an_endpoint_belongs_to_no_session() -> None:
    view = attempt_view(an_attempt(session_id=log_of(TENANT), sequence=7))

    assert (view["sessionId"], view["sequence"]) == (None, None)


def test_warnings_that_stand_are_shown() -> None:
    over = Told(stage=Stage.RETRYING, at=NOW, stands=False)
    told = (over, Told(stage=Stage.DOWN, at=NOW + 1))

    assert health_view(Health(told=told), now=NOW)["warnings"] == [
        {"stage": "down", "at": rfc3339(NOW + 1)}
    ]


@pytest.mark.parametrize(
    ("health", "word", "paused"),
    [
        (Health(), "well", None),
        (Health(failed=2, failing_since=NOW - 5), "well", None),
        (Health(paused_until=NOW + 9), "paused", NOW + 9),
        (Health(paused_until=NOW), "well", None),
        (Health(probe_at=NOW - 1, failed=7), "down", None),
        (Health(probe_at=NOW + 5, paused_until=NOW + 9), "down", NOW + 9),
    ],
)
def test_health_is_one_word_with_its_times(health: Health, word: str, paused: float | None) -> None:
    view = health_view(health, now=NOW)

    assert view["health"] == word
    assert view["pausedUntil"] == (None if paused is None else rfc3339(paused))
    assert view["failuresInARow"] == health.failed
    assert (view["nextProbeAt"] is None) is (health.probe_at is None)
    assert (view["failingSince"] is None) is (health.failing_since is None)
    assert health_view(replace(health, failing_since=NOW), now=NOW)["failingSince"] == rfc3339(NOW)
