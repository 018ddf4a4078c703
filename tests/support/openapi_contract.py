"""Holds answers to the OpenAPI document: it must describe status, media type and schema of each."""

import json
import re
from functools import cache
from typing import Any, Final

import httpx2
from jsonschema import Draft202012Validator

from service.api.openapi_document import openapi_text

ACCEPTED: Final = 202
OUTSIDE: Final = frozenset({"/openapi.json", "/docs"})


@cache
def document() -> dict[str, Any]:
    """The document, made once."""
    made: dict[str, Any] = json.loads(openapi_text())
    return made


async def check_answer(answer: httpx2.Response) -> None:
    """Fail when the document does not describe this answer."""
    path = answer.request.url.path
    operation = _operation(answer.request.method.lower(), path)
    if operation is None:
        assert answer.status_code in {404, 405, 200}, (path, answer.status_code)
        return
    responses = operation["responses"]
    status = str(answer.status_code)
    assert status in responses, f"{operation['operationId']} answers {status}"
    _check_monitor(answer, responses[status])
    await answer.aread()
    content = responses.get(status, {}).get("content")
    if content is None:
        assert answer.content == b""
        return
    media_type = answer.headers["content-type"].partition(";")[0]
    errors = list(
        _validator(operation["operationId"], status, media_type).iter_errors(answer.json())
    )
    assert errors == [], [error.message for error in errors]


def _check_monitor(answer: httpx2.Response, response: dict[str, Any]) -> None:
    """What is only accepted says where it is told of further, where the document says so."""
    promised = {"Location", "Retry-After"} & set(response.get("headers", ()))
    if answer.status_code != ACCEPTED or not promised:
        assert answer.status_code != ACCEPTED or "location" not in answer.headers
        return
    assert promised <= {name.title() for name in answer.headers}, answer.headers
    path = answer.headers["location"].partition("?")[0]
    assert _operation("get", path) is not None, path


@cache
def _validator(operation_id: str, status: str, media_type: str) -> Draft202012Validator:
    operation = next(
        one
        for methods in document()["paths"].values()
        for one in methods.values()
        if one["operationId"] == operation_id
    )
    schema = operation["responses"][status]["content"][media_type]["schema"]
    return Draft202012Validator({**schema, "components": document()["components"]})


def _operation(method: str, path: str) -> dict[str, Any] | None:
    for template, methods in document()["paths"].items():
        if method in methods and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
            found: dict[str, Any] = methods[method]
            return found
    return None
