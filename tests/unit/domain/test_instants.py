"""Instants spelled for the wires."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.instants import maybe_rfc3339, rfc3339


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (0.0, "1970-01-01T00:00:00.000Z"),
        (1_900_000_000.25, "2030-03-17T17:46:40.250Z"),
        (1_900_000_000.9996, "2030-03-17T17:46:41.000Z"),
        (-0.001, "1969-12-31T23:59:59.999Z"),
        (1e17, "9999-12-31T23:59:59.999Z"),
        (253_402_300_799.9996, "9999-12-31T23:59:59.999Z"),
        (-1e17, "0001-01-01T00:00:00.000Z"),
    ],
)
def test_an_instant_has_milliseconds_and_is_in_utc(at: float, text: str) -> None:
    assert rfc3339(at) == text


@given(st.integers(0, 4_000_000_000_000))
def test_milliseconds_survive(milliseconds: int) -> None:
    back = datetime.fromisoformat(rfc3339(milliseconds / 1000)).timestamp()

    assert round(back * 1000) == milliseconds


def test_an_unknown_instant_stays_unknown() -> None:
    assert maybe_rfc3339(None) is None
    assert maybe_rfc3339(0.0) == "1970-01-01T00:00:00.000Z"
