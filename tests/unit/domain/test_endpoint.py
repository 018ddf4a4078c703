"""Which events an endpoint takes, when it is open, and how its lanes count."""

from dataclasses import replace

import pytest

from service.domain.endpoint import UNVERIFIED, Endpoint, EndpointState, Lane, settled
from service.domain.ids import EndpointId, SessionId, TenantName, log_of
from tests.support.playbook import NOON
from tests.support.store_builders import an_endpoint


@pytest.mark.parametrize(
    ("wanted", "event_type", "takes"),
    [
        ("message.received", "message.received", True),
        ("message.received", "message.failed", False),
        ("message.*", "message.failed", True),
        ("message.*", "session.opened", False),
        ("*", "session.opened", True),
        ("*", "typing.started", False),
        ("typing.*", "typing.started", True),
        ("typing.started", "typing.started", True),
        ("*", "webhook.test", False),
        ("webhook.disabled", "webhook.disabled", True),
        ("webhook.disabled", "webhook.failing", False),
        ("webhook.*", "webhook.failing", True),
        ("*", "webhook.failing", False),
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


ACTIVE, PAUSED, DISABLED = EndpointState


@pytest.mark.parametrize(
    ("verify", "verified", "before", "after"),
    [
        (False, False, (ACTIVE, None), (ACTIVE, None)),
        (True, True, (ACTIVE, None), (ACTIVE, None)),
        (True, False, (ACTIVE, None), (PAUSED, UNVERIFIED)),
        (True, False, (PAUSED, UNVERIFIED), (PAUSED, UNVERIFIED)),
        (True, True, (PAUSED, UNVERIFIED), (ACTIVE, None)),
        (False, False, (PAUSED, UNVERIFIED), (ACTIVE, None)),
        (True, True, (PAUSED, None), (PAUSED, None)),
        (True, False, (PAUSED, None), (PAUSED, None)),
        (True, True, (DISABLED, "gone"), (DISABLED, "gone")),
        (True, False, (DISABLED, "gone"), (DISABLED, "gone")),
    ],
)
def test_only_what_proved_itself_is_open_and_what_was_closed_stays_closed(
    before: tuple[EndpointState, str | None],
    after: tuple[EndpointState, str | None],
    *,
    verify: bool,
    verified: bool,
) -> None:
    state, reason = before
    endpoint = an_endpoint(verify=verify, verified=verified, state=state, disabled_reason=reason)

    now = settled(endpoint)

    assert (now.state, now.disabled_reason) == after
    assert settled(now) == now


LANE = Lane(
    endpoint_id=EndpointId("whk_1"),
    session_id=SessionId("ses_1"),
    cursor=7,
    delivered=4,
    attempt=9,
    gap=(5, 7),
    failing_since=NOON,
    gone_at=NOON,
)


def test_deliveries_of_a_session_are_counted_and_those_of_a_tenant_are_not() -> None:
    theirs = replace(LANE, session_id=log_of(TenantName("acme")))

    assert (LANE.number, LANE.told_gap) == (5, (5, 7))
    assert (theirs.number, theirs.told_gap) == (None, None)


def test_a_lane_goes_on_as_if_never_tried_once_its_endpoint_was_opened() -> None:
    endpoint = Endpoint(
        id=EndpointId("whk_1"),
        tenant=TenantName("acme"),
        url="https://x.test",
        event_types=["*"],
        created_at=NOON,
        updated_at=NOON,
    )
    opened = replace(endpoint, openings=1)

    anew = LANE.anew(opened)

    assert LANE.anew(endpoint) is LANE
    assert anew == replace(LANE, attempt=0, failing_since=None, gone_at=None, openings=1)
    assert anew.anew(opened) is anew
