"""The manual names every knob, fault, verb and setting there is; and what 0 means."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from service.simulator.deployments import Deployment
from service.simulator.faults import Fault, FaultKind
from service.simulator.knobs import Knobs
from service.simulator.verbs import VERBS
from tests.unit.simulator.stage import T, entities, stage

MANUAL = Path(__file__).parents[3] / "docs" / "simulator.md"
_LIMITS = (
    *("max_connections", "max_frame_bytes", "max_text_bytes", "max_attribute_bytes"),
    *("max_agent_characters", "history_max_page_size", "messages_per_second"),
    *("requests_per_minute", "configures_per_minute", "handshakes_per_minute"),
    *("history_reads_per_minute", "echoes_per_minute"),
)


@pytest.mark.parametrize(
    "names",
    [
        [field.name for field in fields(Knobs)],
        [field.name for field in fields(Fault)],
        [field.name for field in fields(Deployment)],
        list(FaultKind),
        list(VERBS),
    ],
    ids=["knobs", "fault fields", "deployment settings", "fault kinds", "verbs"],
)
def test_the_manual_names_them_all(names: list[str]) -> None:
    manual = MANUAL.read_text(encoding="utf-8")

    assert [name for name in names if f"`{name}`" not in manual] == []


def test_the_manual_has_the_defaults_right() -> None:
    rows = [line.split("|") for line in MANUAL.read_text(encoding="utf-8").splitlines()]
    told = {row[1].strip(" `"): row[2].strip(" `") for row in rows if len(row) == 5}
    knobs = Knobs()
    wrong = {
        field.name: told.get(field.name)
        for field in fields(Knobs)
        if told.get(field.name) != written(getattr(knobs, field.name))
    }

    assert wrong == {}


def written(value: object) -> str:
    """Write a default as the manual does."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value == int(value):
        return str(int(value))
    return str(value)


def test_a_limit_of_zero_is_none() -> None:
    here = stage(**dict.fromkeys(_LIMITS, 0))
    client = here.open()

    configured = client.configure()
    attributes = {"metadata": {"customAttributes": {"order": "x" * 9000}}}
    answers = [client.say("x" * 9000, channel=attributes)[0] for _ in range(70)]
    echoes = [client.send("echo", message={"text": "ping"})[0] for _ in range(3)]

    assert {each["code"] for each in [configured, *answers, *echoes]} == {200}
    assert "maxCustomDataBytes" not in configured["body"]
    assert here.control.say(T, "x" * 9000)["delivered"] == 1
    assert len(entities(client.history(pageSize="500"))) == 71
    assert [client.history().status for _ in range(11)] == [200] * 11
    assert len({here.joined().conn for _ in range(5)}) == 5
    counts: Any = here.control.counts()
    assert counts["tokens"][T]["max_attached"] == 6


def test_a_life_of_zero_is_over_at_once() -> None:
    assert stage(jwt_seconds=0).joined().history().status == 401
