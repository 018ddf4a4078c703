"""Kinds of unknown things: few, and named after nobody."""

import pytest

from service.domain.drift import Drift, kind_of, without_ids
from service.domain.ids import DeploymentName, TenantName


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("class:SomethingNewEvent", "class:SomethingNewEvent"),
        ("code:4999", "code:4999"),
        ("code:123456", "code:123456"),
        ("code:1234567890", "code:*"),
        ("field:body.users.7f6c1f0e-0000-4000-8000-000000000001.mood", "field:body.users.*.mood"),
        ("field:body.0af7651916cd43dd.x", "field:body.*.x"),
        ("field:491701234567", "field:*"),
        ("field:body.feedback", "field:body.feedback"),
        ("field:body.oauth2", "field:body.oauth2"),
        (f"field:{'x' * 200}", f"field:{'x' * 90}"),
    ],
)
def test_what_looks_like_an_id_is_a_star(label: str, kind: str) -> None:
    assert kind_of(label) == kind


def test_times_stay_readable() -> None:
    assert without_ids("2026-11-26T10:00:00.100Z") == "2026-11-26T10:00:00.100Z"


def test_a_kind_has_a_sort_and_a_name_and_is_seen_again() -> None:
    drift = Drift(
        tenant=TenantName("acme"),
        deployment=DeploymentName("shop"),
        kind="field:body.mood",
        count=1,
        first_at=10.0,
        last_at=10.0,
    )

    again = drift.again(12.0)

    assert (drift.sort, drift.name) == ("field", "body.mood")
    assert (again.count, again.first_at, again.last_at) == (2, 10.0, 12.0)
