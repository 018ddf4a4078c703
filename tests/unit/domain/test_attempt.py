"""Whatever is not a delivery has failed."""

import pytest

from service.domain.attempt import Decision, Phases
from tests.support.store_builders import an_attempt


@pytest.mark.parametrize("decision", Decision)
def test_all_but_a_delivery_has_failed(decision: Decision) -> None:
    assert an_attempt(decision=decision).failed is (decision is not Decision.DELIVERED)


def test_phases_are_kept_as_exactly_as_they_were_measured() -> None:
    measured = Phases(dns=0.00123456, tls=0.0, first_byte=1.99996)

    assert measured.rounded() == Phases(dns=0.0012, tls=0.0, first_byte=2.0)
