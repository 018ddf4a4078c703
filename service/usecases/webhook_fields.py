"""What a webhook may ask for: event types, headers, rates. Pure checks and the public view."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from service.domain.endpoint import Endpoint, EndpointState
from service.domain.errors import FieldFault
from service.domain.instants import rfc3339
from service.domain.log import UNLOGGED, EventType

TYPES: Final = frozenset(EventType) - {EventType.ERASED}
FAMILIES: Final = frozenset(f"{kind.value.partition('.')[0]}.*" for kind in TYPES - UNLOGGED)
"""Typing and webhook.* have no family: they are asked for by name."""

EVENT_TYPES_MAX: Final = 32
DESCRIPTION_MAX: Final = 1024
HEADERS_MAX: Final = 20
HEADER_BYTES_MAX: Final = 4096
RATE_MAX: Final = 1000
TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
VALUE: Final = re.compile(r"[\x21-\x7e]([\x20-\x7e\t]*[\x21-\x7e])?")

RESERVED: Final = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
    }
)
"""Headers that say how the request is framed or who sends it are the sender's own."""

RESERVED_PREFIXES: Final = ("webhook-", "broker-", "proxy-")


def endpoint_faults(endpoint: Endpoint) -> list[FieldFault]:
    """What is wrong with the endpoint, its address apart."""
    return [
        *_type_faults(endpoint.event_types),
        *_header_faults(endpoint.headers),
        *_size_faults(endpoint),
    ]


def endpoint_view(endpoint: Endpoint) -> dict[str, Any]:
    """The Webhook of the REST API, without its secrets."""
    return {
        "id": endpoint.id,
        "url": endpoint.url,
        "eventTypes": list(endpoint.event_types),
        "description": endpoint.description,
        "headers": dict(endpoint.headers),
        "enabled": endpoint.state is EndpointState.ACTIVE,
        "state": endpoint.state.value,
        "disabledReason": endpoint.disabled_reason,
        "rateLimit": endpoint.rate_limit,
        "createdAt": rfc3339(endpoint.created_at),
        "updatedAt": rfc3339(endpoint.updated_at),
    }


def _type_faults(event_types: Sequence[str]) -> list[FieldFault]:
    if not 1 <= len(event_types) <= EVENT_TYPES_MAX:
        return [FieldFault(pointer="/eventTypes", detail=f"takes 1 to {EVENT_TYPES_MAX} types")]
    return [
        FieldFault(pointer=f"/eventTypes/{place}", detail="is no event type, family.* or *")
        for place, wanted in enumerate(event_types)
        if wanted not in TYPES and wanted not in FAMILIES and wanted != "*"
    ]


def _header_faults(headers: Mapping[str, str]) -> list[FieldFault]:
    if len(headers) > HEADERS_MAX:
        return [FieldFault(pointer="/headers", detail=f"takes at most {HEADERS_MAX}")]
    return [
        FieldFault(pointer=f"/headers/{_escaped(name)}", detail=problem)
        for name, value in headers.items()
        if (problem := _header_problem(name, value)) is not None
    ]


def _header_problem(name: str, value: str) -> str | None:
    if TOKEN.fullmatch(name) is None:
        return "is no header name (RFC 9110, 5.1)"
    if name.lower() in RESERVED or name.lower().startswith(RESERVED_PREFIXES):
        return "is set by the broker itself"
    if len(value) > HEADER_BYTES_MAX or VALUE.fullmatch(value) is None:
        return f"has a value that is not 1 to {HEADER_BYTES_MAX} printable ASCII characters"
    return None


def _size_faults(endpoint: Endpoint) -> list[FieldFault]:
    faults = []
    if len(endpoint.description or "") > DESCRIPTION_MAX:
        detail = f"takes at most {DESCRIPTION_MAX} characters"
        faults.append(FieldFault(pointer="/description", detail=detail))
    if endpoint.rate_limit is not None and not 1 <= endpoint.rate_limit <= RATE_MAX:
        detail = f"is 1 to {RATE_MAX} deliveries a second"
        faults.append(FieldFault(pointer="/rateLimit", detail=detail))
    return faults


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
