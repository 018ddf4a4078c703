"""What a plan accepts the functions accept too: the same bounds, whole numbers, and networks."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final

import pytest
from pydantic import Field, TypeAdapter, ValidationError

from service.config import (
    FunctionSettings,
    ListenerFunctionSettings,
    ListenerServiceSettings,
    ListenerSettings,
)
from tests.support.terraform_files import Module

BROKER: Final = Module("broker")
EDGES: Final = {
    ">=": lambda edge: edge - 1,
    "<=": lambda edge: edge + 1,
    ">": lambda edge: edge,
}
"""The nearest whole number that each refuses."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A number of Terraform's, and the setting that it becomes."""

    given: str
    settings: type[ListenerSettings]
    setting: str


PAIRS: Final = (
    Pair("shards", FunctionSettings, "shards"),
    Pair("connections_per_minute", FunctionSettings, "connections_per_minute"),
    Pair("data_keys.rotation_days", FunctionSettings, "kms_rotation_days"),
    Pair("listener.max_links", FunctionSettings, "max_links"),
    Pair("listener.dormant_seconds", FunctionSettings, "dormant_seconds"),
    Pair("listener.idle_seconds", ListenerFunctionSettings, "idle_seconds"),
    Pair("listener_service.max_links", ListenerServiceSettings, "max_links"),
    Pair("listener_service.generation_seconds", ListenerServiceSettings, "generation_seconds"),
)


def conditions(given: str) -> str:
    """All that is asked of that number."""
    variable = BROKER.variables[given.partition(".")[0]]
    return " ".join(str(each["condition"]) for each in variable["validation"])


def accepts(pair: Pair) -> Callable[[float], bool]:
    """Whether the setting takes a number, spelled as Terraform spells it."""
    field = pair.settings.model_fields[pair.setting]
    annotation: Any = Annotated[(field.annotation, *field.metadata, Field())]
    adapter: TypeAdapter[Any] = TypeAdapter(annotation)

    def taken(number: float) -> bool:
        try:
            adapter.validate_python(f"{number:g}" if number % 1 else str(int(number)))
        except ValidationError:
            return False
        return True

    return taken


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.given)
def test_a_plan_has_the_bounds_of_the_setting(pair: Pair) -> None:
    taken, asked = accepts(pair), conditions(pair.given)
    name = re.escape(f"var.{pair.given}")
    bounds = re.findall(rf"{name} (>=|<=|>) (\d+)", asked)

    assert bounds
    for sign, edge in bounds:
        inside = int(edge) + 1 if sign == ">" else int(edge)
        assert taken(inside), (sign, edge)
        assert not taken(EDGES[sign](int(edge))), (sign, edge)
    whole = not taken(int(bounds[0][1]) + 1.5)
    assert whole is bool(re.search(rf"floor\({name}\) == {name}", asked))


@pytest.mark.parametrize("network", BROKER.locals["never_reached"])
def test_functions_refuse_what_a_plan_refuses(network: str) -> None:
    with pytest.raises(ValidationError, match="webhook_allow"):
        FunctionSettings(table="broker", queue_prefix="broker", shards=1, webhook_allow=network)


@pytest.mark.parametrize(
    "domain",
    [
        *("example.com", "*.example.com", "a-b.c1.test", "*.com", "*", "localhost", "A.test"),
        *("https://a.test", "a..test", "-a.test", "a.test.", "a.*.test", "10.0.0.1"),
    ],
)
def test_a_plan_takes_the_domains_that_functions_take(domain: str) -> None:
    pattern = re.search(r'regex\("(.+)", each\)', conditions("allow_domains"))
    assert pattern is not None
    planned = re.fullmatch(pattern[1].encode().decode("unicode_escape"), domain) is not None

    try:
        taken = FunctionSettings.model_validate(
            {"table": "broker", "queue_prefix": "b", "shards": 1, "allow_domains": domain}
            | {"kms_key": "alias/key"}
        ).allow_domains == (domain,)
    except ValidationError:
        taken = False

    assert planned is taken
