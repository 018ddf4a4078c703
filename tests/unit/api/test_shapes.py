"""Models are built when they are needed: those of bodies at once, those of answers for nobody."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from pydantic import BaseModel

from service.api import (
    answer_bodies,
    authentication_body,
    check_shapes,
    content_shapes,
    delivery_query,
    delivery_shapes,
    file_shapes,
    journey_bodies,
    listener_shapes,
    replay_shapes,
    requests,
    shapes,
    timeline,
    webhook_shapes,
)
from service.api.inbound import Strict

MODULES = (
    answer_bodies,
    authentication_body,
    check_shapes,
    content_shapes,
    delivery_query,
    delivery_shapes,
    file_shapes,
    journey_bodies,
    listener_shapes,
    replay_shapes,
    requests,
    shapes,
    timeline,
    webhook_shapes,
)


def models_of(module: ModuleType) -> Iterator[type[BaseModel]]:
    for each in vars(module).values():
        if isinstance(each, type) and issubclass(each, BaseModel) and each is not Strict:
            yield each


MODELS = {each for module in MODULES for each in models_of(module)} - {BaseModel}
ASKED: set[type[BaseModel]] = {delivery_query.DeliveryParameters, timeline.TimelineParameters}
BODIES = {each for each in MODELS if issubclass(each, Strict)} | ASKED


def test_what_only_the_document_shows_costs_a_start_nothing() -> None:
    answers = MODELS - BODIES

    assert shapes.SessionOut in answers
    assert [each for each in answers if not each.model_config.get("defer_build")] == []


def test_what_reads_requests_is_built_before_the_first() -> None:
    assert requests.CreateSessionBody in BODIES
    assert [each for each in BODIES if not each.__pydantic_complete__] == []


def test_what_fastapi_has_for_the_document_is_built_with_it() -> None:
    starting = (
        "import service.api.app\n"
        "from fastapi.openapi.models import Components, OpenAPI\n"
        "print(Components.__pydantic_complete__, OpenAPI.__pydantic_complete__)"
    )
    told = subprocess.run(
        [sys.executable, "-c", starting],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert told == "False False\n"
