"""The environment variables of each function are fields of its Settings class, and none is missing.

What Terraform leaves alone is named here, with the reason.
"""

from typing import Final

import pytest

from service import config
from service.config import (
    EnvironmentSettings,
    FunctionSettings,
    ListenerFunctionSettings,
    ListenerServiceSettings,
)
from tests.support.terraform_files import FUNCTIONS, Module

BROKER: Final = Module("broker")
SERVICE: Final = Module("listener_service")

SETTINGS: Final[dict[str, type[EnvironmentSettings] | None]] = {
    "api": getattr(config, "ApiFunctionSettings", None),
    "listener": ListenerFunctionSettings,
    "courier": FunctionSettings,
    "sweeper": FunctionSettings,
}

LEFT_ALONE: Final = {
    "ADMIN_KEY": "for stand-ins; on AWS a secret is named, not given",
    "STORE": "on AWS the default is the only one",
    "RETRY_SCALE": "for tests that do not wait three days",
    "CA_FILE": "for tests against an authority of their own",
    "GENERATION_SECONDS": "a function's is what its timeout leaves",
}
WITHOUT_STARTING: Final = {"LISTENER_FUNCTION": "neither listeners nor couriers start listeners"}
LEFT_ALONE_IN_THE_SERVICE: Final = WITHOUT_STARTING | {
    "STORE": "on AWS the default is the only one",
    "RETRY_SCALE": "for tests that do not wait three days",
    "CA_FILE": "for tests against an authority of their own",
    "LIVENESS_HOST": "the health check asks from inside",
    "PORT": "of a local broker",
    "ADMIN_KEY": "of a local broker",
    "SIMULATOR": "of a local broker",
    "SIMULATOR_PORT": "of a local broker",
}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_is_told_all_that_it_reads(function: str) -> None:
    settings = SETTINGS[function]
    if settings is None:
        pytest.skip("the API has no entry point on AWS yet")
    left = LEFT_ALONE | ({} if function in {"api", "sweeper"} else WITHOUT_STARTING)

    told = BROKER.variables_of(BROKER.locals["environments"][function])

    assert told == _fields(settings) - {f"BROKER_{name}" for name in left}


def test_a_listener_that_stays_is_told_all_that_it_reads() -> None:
    told = SERVICE.variables_of(SERVICE.locals["environment"]) | BROKER.variables_of(
        BROKER.module("listener_service")["environment"]
    )

    assert told == _fields(ListenerServiceSettings) - {
        f"BROKER_{name}" for name in LEFT_ALONE_IN_THE_SERVICE
    }


@pytest.mark.parametrize("name", sorted(LEFT_ALONE | LEFT_ALONE_IN_THE_SERVICE))
def test_what_is_left_alone_exists_and_needs_no_value(name: str) -> None:
    classes = [each for each in (*SETTINGS.values(), ListenerServiceSettings) if each is not None]
    fields = [
        each.model_fields[name.lower()] for each in classes if name.lower() in each.model_fields
    ]

    assert fields
    assert not any(each.is_required() for each in fields)


def test_each_function_gets_its_own_environment() -> None:
    assert {name: BROKER.module(name)["environment"] for name in FUNCTIONS} == {
        name: f"${{local.environments.{name}}}" for name in FUNCTIONS
    }


def _fields(settings: type[EnvironmentSettings]) -> set[str]:
    """What has a name of boto3's own is for stand-ins."""
    return {
        f"BROKER_{name.upper()}"
        for name, field in settings.model_fields.items()
        if field.validation_alias is None
    }
