"""docs/cost.md says what the counts and the prices give."""

import logging
import re
from pathlib import Path
from typing import Final

import pytest

from service.observability import JsonFormatter
from tests.support.message_costs import LINE_OVERHEAD
from tests.support.prices import COURIER_LOG_BYTES, alarm_metrics, tables

DOCUMENT: Final = Path(__file__).parents[2] / "docs" / "cost.md"
MODULE: Final = Path(__file__).parents[2] / "infra" / "modules" / "broker"
TABLES: Final = tables()


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_as_computed(name: str) -> None:
    """Stale? `python -m tests.support.prices` prints it anew."""
    assert TABLES[name] in DOCUMENT.read_text(encoding="utf-8")


def test_a_courier_s_line_is_as_long_as_it_is_priced() -> None:
    facts = {"messages": 1, "hints": 1, "again": 0, "outcome": "done", "seconds": 0.1234}
    told = {"name": "service.entrypoints.courier", "levelname": "INFO", "msg": "courier.served"}
    line = logging.makeLogRecord({**told, **facts, "request_id": "0" * 36})

    size = len(JsonFormatter("broker").format(line)) + LINE_OVERHEAD

    assert size == pytest.approx(COURIER_LOG_BYTES, abs=10)


def test_alarms_are_as_many_as_terraform_s_own_test_finds() -> None:
    test = MODULE / "tests" / "needs.tftest.hcl"
    [found] = re.findall(r"length\(output\.alarms\) == (\d+)", test.read_text(encoding="utf-8"))

    assert alarm_metrics()[0] == int(found)
