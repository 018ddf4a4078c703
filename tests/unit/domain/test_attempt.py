"""Whatever is not a delivery has failed."""

import pytest

from service.domain.attempt import Decision
from tests.support.store_builders import an_attempt


@pytest.mark.parametrize("decision", Decision)
def test_all_but_a_delivery_has_failed(decision: Decision) -> None:
    assert an_attempt(decision=decision).failed is (decision is not Decision.DELIVERED)
