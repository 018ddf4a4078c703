"""Alarms count what the code says, and somebody is told what to do."""

import ast
import re
from pathlib import Path
from typing import Final

import pytest

from service.adapters.table.schema import INDEXES
from service.domain.log import EventType
from service.observability import DIMENSION, METRICS, NAMESPACE
from tests.support.terraform_files import FUNCTIONS, Module

ROOT: Final = Path(__file__).parents[2]
ALARMS: Final = Module("alarms")
REPLACED: Final = "sessions-replaced"
WRITTEN: Final = {metric.name for each in METRICS.values() for metric in each}
MOST_METRICS: Final = 10
"""Of an alarm (CloudWatch user guide, "Alarms on metric math expressions")."""
LOGGING: Final = {"info", "warning", "error", "exception", "log"}


def _said() -> set[str]:
    """Every text that is given to a logger, also one of two."""
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
        for given in call.args
        for part in ast.walk(given)
        if isinstance(part, ast.Constant)
    }


SAID: Final = _said()


@pytest.mark.parametrize("event", sorted(METRICS))
def test_what_is_measured_is_said_by_the_code(event: str) -> None:
    assert event in SAID


def test_replacements_are_counted_by_the_event_that_tells_of_one() -> None:
    """Not by the state: most replacements pass it by, and each further try enters it again."""
    [place] = [
        (event, each) for event, all_ in METRICS.items() for each in all_ if each.name == REPLACED
    ]

    assert place[0] == "event.logged"
    assert place[1].where == {"event_type": EventType.SESSION_REPLACED.value}
    assert REPLACED in str(ALARMS.locals["alarms"]["replacements"])


def test_an_alarm_of_our_own_has_a_metric_that_is_written() -> None:
    own = [
        each
        for each in map(str, ALARMS.locals["alarms"].values())
        if "local.own" in each or "local.measured" in each
    ]
    metrics = {match for each in own for match in re.findall(r'metric = "([^"]+)"', each)}

    assert len(metrics) == len(own)
    assert metrics <= WRITTEN


def test_the_dashboard_shows_every_metric_that_is_written_and_no_other() -> None:
    shown = {
        name
        for each in map(str, ALARMS.locals["widgets"])
        if "local.namespace" in each
        for name in re.findall(r"['\"]([a-z]+(?:-[a-z]+)*)['\"]", each)
    }
    alarming = {"clock-skewed", "hints-refused", "listener-deaf", "connections-waiting"}

    assert WRITTEN - alarming <= shown
    assert shown - WRITTEN <= {"broker", "stat", "title", "metrics"}


def test_alarms_look_where_metrics_are_written() -> None:
    own = str(ALARMS.locals["own"])

    assert ALARMS.locals["namespace"] == NAMESPACE
    assert DIMENSION in own
    assert "var.name" in own
    assert "var.name" in Module("broker").locals["everywhere"]["BROKER_METRICS_NAME"]
    assert Module("broker").module("alarms")["name"] == "${var.name}"


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


def test_throttles_are_those_of_the_table_and_of_each_index() -> None:
    throttled = str(ALARMS.locals["throttled"])
    queries = str(ALARMS.resource("aws_cloudwatch_metric_alarm", "table_throttled"))
    told = Module("broker").module("alarms")["indexes"]

    assert "for index in var.indexes" in throttled
    assert '"Read", "Write"' in throttled.replace("'", '"')
    assert "GlobalSecondaryIndexName = index" in throttled
    assert "local.throttled" in queries
    assert "aws_dynamodb_table.this.global_secondary_index" in told
    assert 2 * (1 + len(INDEXES)) <= MOST_METRICS
