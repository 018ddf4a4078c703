"""What a webhook may ask for."""

from dataclasses import replace

import pytest

from service.domain.endpoint import Endpoint, EndpointState, SigningSecret
from service.domain.ids import EndpointId, TenantName
from service.domain.log import EventType
from service.usecases.webhook_fields import endpoint_faults, endpoint_view

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


@pytest.mark.parametrize("family", ["message.*", "session.*", "conversation.*", "attachment.*"])
def test_families_of_the_log_may_be_asked_for(family: str) -> None:
    asked = replace(ENDPOINT, event_types=(family,))

    assert endpoint_faults(asked) == []
    assert any(asked.wants(kind.value) for kind in EventType)


@pytest.mark.parametrize("wrong", ["typing.*", "webhook.*", "session.erased", "message", ""])
def test_what_would_never_come_is_refused(wrong: str) -> None:
    asked = replace(ENDPOINT, event_types=("*", wrong))

    assert [fault.pointer for fault in endpoint_faults(asked)] == ["/eventTypes/1"]


def test_too_many_types_a_long_description_and_odd_rates_are_refused() -> None:
    asked = replace(ENDPOINT, event_types=("*",) * 33, description="x" * 1025, rate_limit=0)

    pointers = [fault.pointer for fault in endpoint_faults(asked)]
    assert pointers == ["/eventTypes", "/description", "/rateLimit"]


def test_the_view_tells_the_state_and_no_secret() -> None:
    view = endpoint_view(replace(ENDPOINT, state=EndpointState.PAUSED))

    assert view["state"] == "paused"
    assert view["enabled"] is False
    assert "whsec_hidden" not in str(view)
