"""What a webhook may ask for."""

from dataclasses import replace
from typing import Any

import pytest

from service.domain.endpoint import Endpoint, EndpointState, SigningSecret
from service.domain.ids import EndpointId, TenantName
from service.domain.log import EventType
from service.usecases.webhook_fields import endpoint_faults, endpoint_view
from service.webhook.retry import SCHEDULE, STANDARD_SCHEDULE

ENDPOINT = Endpoint(
    id=EndpointId("whk_1"),
    tenant=TenantName("default"),
    url="https://example.com",
    event_types=("*",),
    secrets=(SigningSecret(secret="whsec_hidden"),),
    created_at=0.0,
    updated_at=0.0,
)


@pytest.mark.parametrize("kind", [kind for kind in EventType if kind is not EventType.ERASED])
def test_every_public_type_may_be_asked_for(kind: EventType) -> None:
    assert endpoint_faults(replace(ENDPOINT, event_types=(kind.value,))) == []


@pytest.mark.parametrize(
    "family",
    ["message.*", "session.*", "conversation.*", "attachment.*", "typing.*", "webhook.*"],
)
def test_families_may_be_asked_for(family: str) -> None:
    asked = replace(ENDPOINT, event_types=(family,))

    assert endpoint_faults(asked) == []
    assert any(asked.wants(kind.value) for kind in EventType)


@pytest.mark.parametrize("wrong", ["guest.*", "session.erased", "message", ""])
def test_what_would_never_come_is_refused(wrong: str) -> None:
    asked = replace(ENDPOINT, event_types=("*", wrong))

    assert [fault.pointer for fault in endpoint_faults(asked)] == ["/eventTypes/1"]


def test_too_many_types_a_long_description_and_odd_rates_are_refused() -> None:
    asked = replace(ENDPOINT, event_types=("*",) * 33, description="x" * 1025, rate_limit=0)
    asked = replace(asked, skip_after_seconds=59)

    pointers = [fault.pointer for fault in endpoint_faults(asked)]
    assert pointers == ["/eventTypes", "/description", "/rateLimit", "/skipAfterSeconds"]


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"max_concurrency": 0}, "/maxConcurrency"),
        ({"max_concurrency": 101}, "/maxConcurrency"),
        ({"timeout_seconds": 0.9}, "/timeoutSeconds"),
        ({"timeout_seconds": 30.1}, "/timeoutSeconds"),
        ({"schedule": ()}, "/retrySchedule"),
        ({"schedule": (5.0,) * 21}, "/retrySchedule"),
        ({"schedule": (5.0, 0.5)}, "/retrySchedule/1"),
        ({"schedule": (86_401.0,)}, "/retrySchedule/0"),
    ],
)
def test_limits_and_waits_have_their_bounds(fields: dict[str, Any], pointer: str) -> None:
    assert [fault.pointer for fault in endpoint_faults(replace(ENDPOINT, **fields))] == [pointer]


@pytest.mark.parametrize(
    "fields",
    [
        {"max_concurrency": 100, "timeout_seconds": 30.0, "schedule": (86_400.0,) * 20},
        {"max_concurrency": 1, "timeout_seconds": 1.0, "schedule": (1.0,)},
    ],
)
def test_bounds_are_inside(fields: dict[str, Any]) -> None:
    assert endpoint_faults(replace(ENDPOINT, **fields)) == []


def test_a_schedule_is_told_as_it_was_asked_for() -> None:
    asked = [None, SCHEDULE, STANDARD_SCHEDULE, (1.5, 60.0)]

    views = [endpoint_view(replace(ENDPOINT, schedule=one)) for one in asked]

    told = [view["retrySchedule"] for view in views]
    assert told == ["default", "default", "standard", [1.5, 60.0]]


def test_the_view_tells_the_state_and_no_secret() -> None:
    view = endpoint_view(replace(ENDPOINT, state=EndpointState.PAUSED))

    assert view["state"] == "paused"
    assert view["enabled"] is False
    assert "whsec_hidden" not in str(view)
