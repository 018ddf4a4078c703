"""What a delivery costs is counted: who adds a read or a write to it changes this table."""

import pytest

from tests.support.delivery_costs import CASES, COUNTED, Cost, costs


@pytest.fixture(scope="module")
def counted() -> dict[str, Cost]:
    return costs()


@pytest.mark.parametrize("case", CASES)
def test_a_delivery_costs_what_it_cost(counted: dict[str, Cost], case: str) -> None:
    """The table is also in docs/performance.md."""
    assert counted[case] == COUNTED[case]


def test_nothing_else_is_expected() -> None:
    assert list(COUNTED) == list(CASES)
