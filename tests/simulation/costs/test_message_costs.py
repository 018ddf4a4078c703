"""What a conversation costs is counted: who adds a read or a write to it changes this table."""

import pytest

from tests.support.message_costs import CASES, COUNTED
from tests.support.virtual_time import run_virtual

NOTES = 0.1
"""What a message adds to the page of notes that its minute has anyway."""


@pytest.mark.parametrize("case", CASES)
def test_a_conversation_costs_what_it_cost(case: str) -> None:
    """docs/cost.md is computed from these numbers."""
    counted = run_virtual(CASES[case]())

    assert counted == COUNTED[case]
    assert counted.log_bytes == pytest.approx(COUNTED[case].log_bytes, rel=0.02, abs=20)


def test_nothing_else_is_expected() -> None:
    assert list(COUNTED) == list(CASES)


def test_what_is_promised_holds() -> None:
    """Write units of messages of 1 KB at most, indexes counted; an attempt's record is in it."""
    told = COUNTED["the same, told to one endpoint"].write_units
    delivered = COUNTED["the same, delivered to one endpoint"].write_units

    assert COUNTED["an agent's message"].write_units <= 1
    assert delivered <= 1 + 3
    assert COUNTED["a caller's message, accepted and proven"].write_units <= 9 + NOTES
    assert told <= 9 + NOTES + 2 * 3
    assert COUNTED["a busy half-minute of a session"].write_units <= 3 + 1
