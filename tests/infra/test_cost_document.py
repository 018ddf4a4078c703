"""docs/cost.md says what the counts and the prices give."""

from pathlib import Path
from typing import Final

import pytest

from tests.support.prices import tables

DOCUMENT: Final = Path(__file__).parents[2] / "docs" / "cost.md"
TABLES: Final = tables()


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_as_computed(name: str) -> None:
    """Stale? `python -m tests.support.prices` prints it anew."""
    assert TABLES[name] in DOCUMENT.read_text(encoding="utf-8")
