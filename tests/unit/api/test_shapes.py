"""Models are built when they are needed: those of bodies at once, those of answers for nobody."""

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from pydantic import BaseModel

from service import api
from service.api import requests, shapes
from service.api.delivery_query import DeliveryParameters
from service.api.inbound import Strict
from service.api.timeline import TimelineParameters

MODULES = [import_module(f"{api.__name__}.{each.name}") for each in iter_modules(api.__path__)]


def models_of(module: ModuleType) -> Iterator[type[BaseModel]]:
    for each in vars(module).values():
        if isinstance(each, type) and issubclass(each, BaseModel) and each is not Strict:
            yield each


MODELS = {each for module in MODULES for each in models_of(module)} - {BaseModel}
ASKED: set[type[BaseModel]] = {DeliveryParameters, TimelineParameters}
BODIES = {each for each in MODELS if issubclass(each, Strict)} | ASKED


def test_what_only_the_document_shows_costs_a_start_nothing() -> None:
    answers = MODELS - BODIES

    assert shapes.SessionOut in answers
    assert [each for each in answers if not each.model_config.get("defer_build")] == []


def test_what_reads_requests_is_built_before_the_first() -> None:
    assert requests.CreateSessionBody in BODIES
    assert [each for each in BODIES if not each.__pydantic_complete__] == []
