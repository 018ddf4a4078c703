"""Secrets shown in part."""

import pytest

from service.domain.ids import (
    LogId,
    SessionId,
    TenantName,
    born_at,
    log_named,
    log_of,
    masked,
    tenant_of,
)


def test_a_masked_secret_shows_its_last_four_characters() -> None:
    assert masked("0123456789abcdef") == "…cdef"


@pytest.mark.parametrize("tenant", ["acme", "a-b", "ses_1", "ten_x"])
def test_a_log_tells_by_its_name_whose_it_is(tenant: str) -> None:
    named: LogId = log_named(log_of(TenantName(tenant)))

    assert tenant_of(named) == tenant
    assert tenant_of(SessionId("ses_1")) is None
    assert log_named("ses_1") == "ses_1"


@pytest.mark.parametrize(
    ("name", "at"),
    [
        ("own_01ARZ3NDEKTSV4RRFFQ69G5FAV", 1_469_922_850.259),  # the example of the ULID spec
        ("own_7ZZZZZZZZZZZZZZZZZZZZZZZZZ", 281_474_976_710.655),
        ("own_80000000000000000000000000", None),
        ("own_1", None),
        ("own_01ARZ3NDEKTSV4RRFFQ69G5FAU", None),
    ],
)
def test_an_id_tells_when_it_was_made(name: str, at: float | None) -> None:
    assert born_at(name) == at
