"""The manual names every knob, fault, verb and setting there is."""

from dataclasses import fields
from pathlib import Path

import pytest

from service.simulator.deployments import Deployment
from service.simulator.faults import Fault, FaultKind
from service.simulator.knobs import Knobs
from service.simulator.verbs import VERBS

MANUAL = Path(__file__).parents[3] / "docs" / "simulator.md"


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
