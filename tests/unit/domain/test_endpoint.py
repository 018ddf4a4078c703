"""Which events an endpoint takes."""

import pytest

from service.domain.endpoint import Endpoint
from service.domain.ids import EndpointId, TenantName
from tests.support.playbook import NOON


@pytest.mark.parametrize(
    ("wanted", "event_type", "takes"),
    [
        ("message.received", "message.received", True),
        ("message.received", "message.failed", False),
        ("message.*", "message.failed", True),
        ("message.*", "session.opened", False),
        ("*", "session.opened", True),
        ("*", "typing.started", False),
        ("typing.*", "typing.started", False),
        ("typing.started", "typing.started", True),
        ("*", "webhook.test", False),
        ("webhook.disabled", "webhook.disabled", True),
        ("*", "session.erased", False),
        ("session.*", "session.erased", False),
        ("session.erased", "session.erased", False),
    ],
)
def test_an_endpoint_takes_what_it_asked_for(wanted: str, event_type: str, *, takes: bool) -> None:
    endpoint = Endpoint(
        id=EndpointId("whk_1"),
        tenant=TenantName("acme"),
        url="https://x.test",
        event_types=["attachment.uploaded", wanted],
        created_at=NOON,
        updated_at=NOON,
    )

    assert endpoint.wants(event_type) is takes
