"""docs/architecture.md shows the table that runs, not one of last month."""

import re

import pytest

from tests.architecture.tree import ROOT


def test_the_state_diagram_is_the_one_the_table_prints() -> None:
    diagram = pytest.importorskip("service.domain.diagram", exc_type=ModuleNotFoundError)
    page = ROOT / "docs" / "architecture.md"
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    printed = diagram.render().strip()

    blocks = re.findall(r"^```\w*\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)

    assert printed in [block.strip() for block in blocks]
