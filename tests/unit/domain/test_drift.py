"""Kinds of unknown things: few, and named after nobody."""

import pytest

from service.domain.drift import Drift, field_name, kind_of, plain_name
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
        ("field:body.users.AnnMueller.mood", "field:body.users.*.mood"),
        ("field:AnnMueller[].mood", "field:*[].mood"),
        ("value:body.type.Poll", "value:body.type.Poll"),
        ("field:body.oauth2", "field:body.oauth2"),
        (f"field:{'x' * 200}", "field:*"),
        (f"field:{'.'.join(['x' * 30] * 6)}", "field:*"),
        ("field:body.content[].card.mood", "field:body.content[].card.mood"),
        ("field:body.list[].ann@example", "field:body.list[].*"),
        ("field:body.*[].mood", "field:body.*[].mood"),
        ("field:ann.mueller@example.test", "field:ann.*.test"),
        ("code:ann@example", "code:*"),
        ("code:\u0664\u0665", "code:*"),
        ("class:", "class:"),
        ("other", "other"),
    ],
)
def test_what_looks_like_an_id_is_a_star(label: str, kind: str) -> None:
    assert kind_of(label) == kind


@pytest.mark.parametrize(
    "name",
    [
        *("mood", "sha256", "oauth2", "maxFileSizeKB", "clearedExistingSession", "QuickReplyV2"),
        *(
            "ipv4Address",
            "session_not_found",
            "feedback",
            "abcdefabcdef",
            "isAOrB",
            "x" * 32,
            "TheNewOneOfGenesys",
        ),
    ],
)
def test_a_name_of_a_protocol_stays(name: str) -> None:
    assert plain_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        *("", "two words", "ann.mueller", "ann@example.test", "Ann-Marie", "Müller", "x" * 33),
        *("01J9ZK3QW8XV5T2N7M4P6R8S0A", "c2VjcmV0LXRva2Vu", "eyJhbGciOiJIUzI1NiIsInR5cCI"),
        *("X7K9Q2", "u491701234567", "a0af7651916cd43dd", "QbVnYrTeWqLkJhGfDs", "_x", "7up", "a\n"),
        *("QbVnXrTeWqLkJhGf", "abCdEfGhIjKlMnOp"),
    ],
)
def test_a_name_that_may_be_somebodys_is_a_star(name: str) -> None:
    assert plain_name(name) == "*"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        *(("mood", "mood"), ("maxFileSizeKB", "maxFileSizeKB"), ("x_y", "x_y")),
        *(("AnnMueller", "*"), ("ANN", "*"), ("_x", "*"), ("", "*"), ("äb", "*"), ("a" * 33, "*")),
    ],
)
def test_a_field_begins_with_a_small_letter(name: str, shown: str) -> None:
    assert field_name(name) == shown


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
    earlier = again.again(9.0)

    assert (drift.sort, drift.name) == ("field", "body.mood")
    assert (again.count, again.first_at, again.last_at) == (2, 10.0, 12.0)
    assert (earlier.count, earlier.first_at, earlier.last_at) == (3, 10.0, 12.0)


def test_two_counts_of_a_kind_are_one() -> None:
    def drift(count: int, first_at: float, last_at: float, sample: dict[str, str]) -> Drift:
        return Drift(
            tenant=TenantName("acme"),
            deployment=DeploymentName("shop"),
            kind="class:New",
            count=count,
            first_at=first_at,
            last_at=last_at,
            sample=sample,
        )

    bare, whole = drift(2, 10.0, 40.0, {}), drift(3, 20.0, 30.0, {"class": "New"})

    assert bare.and_also(whole) == whole.and_also(bare) == drift(5, 10.0, 40.0, {"class": "New"})
