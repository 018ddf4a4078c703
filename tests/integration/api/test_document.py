"""The OpenAPI document."""

import json
from pathlib import Path
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from service.api.docs_page import PAGE
from service.api.openapi_document import openapi_text
from service.domain.log import EventType

EXAMPLES: Final = Path(__file__).parents[3] / "openapi" / "examples"


@pytest.fixture(name="document", scope="module")
def _document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(openapi_text())
    return document


@pytest.mark.timeout(600)
def test_it_is_a_valid_openapi_3_1_document(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


def test_it_is_the_same_every_time() -> None:
    assert openapi_text() == openapi_text()


def test_every_event_that_can_be_delivered_is_described(document: dict[str, Any]) -> None:
    shown = {kind.value for kind in EventType} - {EventType.ERASED.value}

    assert set(document["webhooks"]) == shown


def test_every_operation_has_a_name_of_its_own_and_says_what_it_does(
    document: dict[str, Any],
) -> None:
    operations = _operations(document)
    names = [one["operationId"] for one in operations]

    assert len(set(names)) == len(names)
    assert all(name.replace("_", "").isalpha() for name in names)
    assert [one["operationId"] for one in operations if not one.get("summary")] == []


def test_every_problem_is_told_as_one(document: dict[str, Any]) -> None:
    odd = [
        (one["operationId"], status)
        for one in _operations(document)
        for status, answer in one["responses"].items()
        if status[0] in "45" and list(answer["content"]) != ["application/problem+json"]
    ]

    assert odd == []


def test_every_write_takes_an_idempotency_key(document: dict[str, Any]) -> None:
    without = [
        (method, path)
        for path, methods in document["paths"].items()
        for method, one in methods.items()
        if method != "get"
        and "Idempotency-Key" not in [each.get("name") for each in one.get("parameters", [])]
    ]

    assert without == []


def test_only_health_needs_no_key(document: dict[str, Any]) -> None:
    free = {
        path
        for path, methods in document["paths"].items()
        for one in methods.values()
        if one["security"] == []
    }

    assert free == {"/healthz", "/readyz"}


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_every_example_is_what_its_schema_says(example: Path, document: dict[str, Any]) -> None:
    """Named after the schema, then a dot and what it shows."""
    name = example.name.partition(".")[0]
    schema = {**document["components"]["schemas"][name], "components": document["components"]}

    value = json.loads(example.read_text(encoding="utf-8"))

    assert [error.message for error in Draft202012Validator(schema).iter_errors(value)] == []


def test_the_page_brings_everything_it_needs() -> None:
    assert "http" not in PAGE.replace("http-equiv", "")
    assert "src=" not in PAGE
    assert "innerHTML" not in PAGE


def _operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for methods in document["paths"].values() for one in methods.values()]
