"""The OpenAPI 3.1 document: FastAPI's own, with what it cannot know. Pure."""

import re
from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from service.api.shapes import PUBLIC_TYPES, EventOut, Problem
from service.domain.log import UNLOGGED, EventType

SCHEMES: Final = {
    "apiKey": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key: `Authorization: Bearer <key>`.",
    }
}
IDEMPOTENCY_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A repeat with the same key and body does nothing and answers what the first "
    "one made, with `Idempotency-Replayed: true`. Kept for at least 24 hours.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}
TRACEPARENT: Final = {
    "name": "traceparent",
    "in": "header",
    "required": False,
    "description": "W3C Trace Context, level 1. The webhooks of what this request causes carry the "
    "same trace id. One that is not valid counts as none; `tracestate` is not kept.",
    "schema": {"type": "string"},
}
TRACE_ID: Final = {
    "description": "The id of the trace that the request belongs to: the caller's, or a new one. "
    "It stands on every answer, also on a problem.",
    "schema": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
}
FOLLOW: Final = {
    "Location": {
        "description": "Where the outcome will be: a read, which may have to be repeated.",
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "Retry-After": {
        "description": "Seconds after which it is worth looking there.",
        "schema": {"type": "integer", "minimum": 0},
    },
}
SENT_AND_DONE: Final = "send_typing"
"""Accepted, and nothing more is ever told of it."""
DELIVERY_HEADERS: Final = {
    "webhook-id": "The event's id, the same on every attempt.",
    "webhook-timestamp": "Seconds since the epoch, of this attempt.",
    "webhook-signature": "Standard Webhooks signatures, blank-separated: one for each key that is "
    "valid now, newest first, of one age `v1,` before `v1a,`.",
    "traceparent": "W3C Trace Context, level 1: the trace of the request that caused the event, or "
    "one of the event's own; the same on every attempt, each with a span of its own.",
}
LANE_SEQUENCE: Final = {
    "name": "broker-lane-sequence",
    "in": "header",
    "required": False,
    "description": "Counts this session's events to this endpoint from 1 without holes, except "
    "where `broker-gap` tells of one: a number belongs to one event for ever.",
    "schema": {"type": "integer", "minimum": 1},
}
GAP: Final = {
    "name": "broker-gap",
    "in": "header",
    "required": False,
    "description": "`<first>-<last>`, sequences of the session's log: what this endpoint wants of "
    "them was skipped (`onExhausted: skip`) and is still in the log. It stands on every delivery "
    "until one is answered with 2xx.",
    "schema": {"type": "string", "pattern": "^[0-9]+-[0-9]+$"},
}
DELIVERED: Final = "Delivered; the body is not read"
PASSED: Final = 'Passed, if the body is `data.challenge`: bare, or as `{"challenge": "…"}`'
CHALLENGE: Final = EventType.WEBHOOK_CHALLENGE.value
REPLAY: Final = {
    "name": "broker-replay",
    "in": "header",
    "required": False,
    "description": "The replay that sends it; then there is no `broker-lane-sequence`.",
    "schema": {"type": "string"},
}
PUBLIC_PATHS: Final = frozenset({"/healthz", "/readyz"})
WRITES: Final = frozenset({"post", "patch", "put", "delete"})
TEMPLATE: Final = "#/components/schemas/{model}"


def document_of(app: FastAPI) -> dict[str, Any]:
    """The whole document."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        openapi_version="3.1.0",
        routes=app.routes,
    )
    schemas = document["components"]["schemas"]
    for model in (Problem, EventOut):
        _add_model(schemas, model.__name__, model.model_json_schema(ref_template=TEMPLATE))
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for name, schema in schemas.items():
        _tidy_schema(name, schema)
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            _tidy_operation(path, method, operation)
    document["components"]["securitySchemes"] = SCHEMES
    document["components"]["parameters"] = {"Traceparent": TRACEPARENT}
    document["components"]["headers"] = {"TraceId": TRACE_ID, **FOLLOW}
    document["webhooks"] = {kind.value: _webhook(kind) for kind in PUBLIC_TYPES}
    return document


def _add_model(schemas: dict[str, Any], name: str, schema: dict[str, Any]) -> None:
    for part, definition in schema.pop("$defs", {}).items():
        schemas.setdefault(part, definition)
    schemas[name] = schema


def _tidy_schema(name: str, schema: dict[str, Any]) -> None:
    for field in schema.get("properties", {}).values():
        field.pop("title", None)  # pydantic's guess from the name says nothing new
        # Fields that may be absent, and those of a change: their model's default means nothing.
        if name.startswith("Change") or name.endswith(("Out", "Problem")):
            field.pop("default", None)


def _tidy_operation(path: str, method: str, operation: dict[str, Any]) -> None:
    operation["operationId"] = _short_name(operation["operationId"])
    if "application/json" in operation["responses"].get("422", {}).get("content", {}):
        del operation["responses"]["422"]
    _trace(operation)
    if "202" in operation["responses"] and operation["operationId"] != SENT_AND_DONE:
        refs = {name: {"$ref": f"#/components/headers/{name}"} for name in FOLLOW}
        operation["responses"]["202"].setdefault("headers", {}).update(refs)
    if path in PUBLIC_PATHS:
        operation["security"] = []
        for status in ("401", "403"):
            operation["responses"].pop(status, None)
        return
    operation["security"] = [{"apiKey": []}]
    if method in WRITES:
        operation["parameters"].append(IDEMPOTENCY_KEY)
        replayed = {"description": "On a repeat: true.", "schema": {"type": "string"}}
        for status, response in operation["responses"].items():
            if status.startswith("2"):
                response.setdefault("headers", {})["Idempotency-Replayed"] = replayed


def _trace(operation: dict[str, Any]) -> None:
    given = {"$ref": "#/components/parameters/Traceparent"}
    operation.setdefault("parameters", []).append(given)
    for status, response in operation["responses"].items():
        if status.startswith("2"):
            ref = {"$ref": "#/components/headers/TraceId"}
            response.setdefault("headers", {})["Broker-Trace-Id"] = ref


def _short_name(operation_id: str) -> str:
    """FastAPI's id without path and method: the function's name is unique here."""
    return re.split(r"_(?:v1|healthz_get|readyz_get)", operation_id)[0]


def _webhook(kind: EventType) -> Mapping[str, Any]:
    headers = [
        {
            "name": name,
            "in": "header",
            "required": True,
            "description": meaning,
            "schema": {"type": "string"},
        }
        for name, meaning in DELIVERY_HEADERS.items()
    ]
    return {
        "post": {
            "operationId": "on_" + re.sub(r"[^a-zA-Z]", "_", kind.value),
            "summary": kind.value,
            "tags": ["events"],
            "parameters": [*headers, *([] if kind in UNLOGGED else [LANE_SEQUENCE, GAP, REPLAY])],
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": {"schema": {"$ref": "#/components/schemas/EventOut"}}
                },
            },
            "responses": {
                "2XX": {"description": PASSED if kind == CHALLENGE else DELIVERED},
                "410": {"description": "Gone: asked once more, then the endpoint is disabled"},
                "default": {"description": "Tried again on the schedule"},
            },
        }
    }
