"""Others' clocks: one alone, or a few that contradict each other, prove nothing."""

from collections.abc import Sequence

import pytest

from service.domain.clock_skew import agreed_skew, owner_of


@pytest.mark.parametrize(
    ("offsets", "skew"),
    [
        ([], None),
        ([900.0], None),
        ([900.0, 900.0], None),
        ([900.0, 901.0, 905.0], 901.0),
        ([-90.0, -92.0, -91.0, 0.5], -90.5),
        ([61.0, 61.0, 61.0], 61.0),
        ([60.0, 60.0, 60.0], None),
        ([0.2, 0.4, 900.0], None),
        ([900.0, 900.0, 900.0, 0.1, 0.2, 0.3], None),
        ([900.0, 900.0, 900.0, 0.1, 0.2], 900.0),
        ([100.0, 5000.0, 86400.0], None),
        ([-9000.0, -500.0, 100.0, 100.0, 100.0, 3000.0, 5000.0], None),
        ([100.0, 129.0, 159.0], 129.0),
        ([98.0, 129.0, 159.0], None),
    ],
)
def test_most_of_three_or_more_must_agree(offsets: Sequence[float], skew: float | None) -> None:
    assert agreed_skew(offsets) == skew


@pytest.mark.parametrize(
    ("host", "owner"),
    [
        ("example.com", "example.com"),
        ("A.B.Example.com", "example.com"),
        ("hooks.example.co.uk", "example.co.uk"),
        ("co.uk", "co.uk"),
        ("localhost", "localhost"),
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8::1", "2001:db8::1"),
    ],
)
def test_hosts_of_one_domain_are_one_owner(host: str, owner: str) -> None:
    assert owner_of(host) == owner
