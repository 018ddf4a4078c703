"""Models are built when they are needed: those of bodies at once, those of answers for nobody."""

from collections.abc import Iterator
from types import ModuleType

from pydantic import BaseModel

from service.api import (
    answer_bodies,
    authentication_body,
    check_shapes,
    content_shapes,
    delivery_shapes,
    file_shapes,
    journey_bodies,
    listener_shapes,
    replay_shapes,
    requests,
    shapes,
    webhook_shapes,
)
from service.api.inbound import Strict

MODULES = (
    answer_bodies,
    authentication_body,
    check_shapes,
    content_shapes,
    delivery_shapes,
    file_shapes,
    journey_bodies,
    listener_shapes,
    replay_shapes,
    requests,
    shapes,
    webhook_shapes,
)


def models_of(module: ModuleType) -> Iterator[type[BaseModel]]:
    for each in vars(module).values():
        if isinstance(each, type) and issubclass(each, BaseModel) and each is not Strict:
            yield each


MODELS = {each for module in MODULES for each in models_of(module)} - {BaseModel}
BODIES = {each for each in MODELS if issubclass(each, Strict)}


def test_what_only_the_document_shows_costs_a_start_nothing() -> None:
    answers = MODELS - BODIES

    assert shapes.SessionOut in answers
    assert [each for each in answers if not each.model_config.get("defer_build")] == []


def test_what_reads_requests_is_built_before_the_first() -> None:
    assert requests.CreateSessionBody in BODIES
    assert [each for each in BODIES if not each.__pydantic_complete__] == []
