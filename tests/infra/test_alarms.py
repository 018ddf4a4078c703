"""Alarms count what the code says, and somebody is told what to do."""

import ast
import re
from pathlib import Path
from typing import Final

import pytest

from service.domain.session import State
from tests.support.terraform_files import FUNCTIONS, Module

ROOT: Final = Path(__file__).parents[2]
ALARMS: Final = Module("alarms")
COUNTED: Final = ALARMS.locals["counted"]
LOGGING: Final = {"info", "warning", "error", "exception"}


def _said() -> set[str]:
    """Every text that is given to a logger first, also one of two."""
    calls = (
        node
        for file in (ROOT / "service").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in LOGGING
        and node.args
    )
    return {
        str(part.value)
        for call in calls
        for part in ast.walk(call.args[0])
        if isinstance(part, ast.Constant)
    }


SAID: Final = _said()


@pytest.mark.parametrize("metric", sorted(COUNTED))
def test_what_is_counted_is_said_by_the_code(metric: str) -> None:
    events = re.findall(r'[$][.]event = "([^"]+)"', COUNTED[metric]["pattern"])

    assert events
    assert set(events) <= SAID


def test_replacements_are_counted_by_a_state_that_exists() -> None:
    counted = re.findall(r'[$][.]to = "([^"]+)"', COUNTED["replaced"]["pattern"])

    assert counted == [State.RENEWING.value]


def test_an_alarm_of_our_own_has_a_metric_that_is_counted() -> None:
    own = [each for each in ALARMS.locals["alarms"].values() if "local.own" in str(each)]
    metrics = {match for each in own for match in re.findall(r'metric = "([^"]+)"', str(each))}

    assert metrics
    assert metrics <= set(COUNTED)


def test_each_alarm_has_a_section_that_says_what_to_do() -> None:
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    sections = set(re.findall(r"^### ([a-z0-9-]+)$", text, re.MULTILINE))
    of_functions = {f"{name}-{what}" for name in FUNCTIONS for what in ("errors", "throttled")}

    assert sections == {*ALARMS.locals["alarms"], *of_functions, "table-throttled"}


def test_the_dead_letters_and_the_oldest_hint_have_an_alarm() -> None:
    alarms = ALARMS.locals["alarms"]

    assert "ApproximateNumberOfMessagesVisible" in alarms["deliveries-dead"]
    assert "var.deliveries_dead" in alarms["deliveries-dead"]
    assert "ApproximateAgeOfOldestMessage" in alarms["deliveries-old"]
