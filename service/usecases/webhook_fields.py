"""What a webhook may ask for: event types, headers, rates. Pure checks and the public view."""

from collections.abc import Sequence
from typing import Any, Final

from service.domain.endpoint import Endpoint, EndpointState
from service.domain.errors import FieldFault
from service.domain.instants import rfc3339
from service.domain.log import EventType
from service.webhook.credentials import shown_headers
from service.webhook.retry import NAMED_SCHEDULES, SCHEDULE
from service.webhook.rotation import shown_public_key

TYPES: Final = frozenset(EventType) - {EventType.ERASED}
FAMILIES: Final = frozenset(f"{kind.value.partition('.')[0]}.*" for kind in TYPES)
"""`typing.*` and `webhook.*` among them, which `*` does not include."""

EVENT_TYPES_MAX: Final = 32
DESCRIPTION_MAX: Final = 1024
RATE_MAX: Final = 1000
CONCURRENCY_MAX: Final = 100
TIMEOUT_LEAST: Final = 1.0
TIMEOUT_MOST: Final = 30.0
STEPS_MAX: Final = 20
STEP_MAX: Final = 86_400.0
SKIP_LEAST: Final = 60
SKIP_MOST: Final = 5 * 24 * 3600
"""By then an endpoint without any success is disabled."""


def endpoint_faults(endpoint: Endpoint) -> list[FieldFault]:
    """What is wrong with the endpoint, its address and headers apart."""
    return [
        *type_faults(endpoint.event_types),
        *_size_faults(endpoint),
    ]


def endpoint_view(endpoint: Endpoint) -> dict[str, Any]:
    """The Webhook of the REST API, without its secrets and its headers' credentials."""
    public_key = shown_public_key(endpoint.secrets)
    return {
        "id": endpoint.id,
        "url": endpoint.url,
        "eventTypes": list(endpoint.event_types),
        "description": endpoint.description,
        "headers": shown_headers(endpoint.headers),
        "enabled": endpoint.state is EndpointState.ACTIVE,
        "state": endpoint.state.value,
        "disabledReason": endpoint.disabled_reason,
        "verify": endpoint.verify,
        "verified": endpoint.verified,
        "rateLimit": endpoint.rate_limit,
        "maxConcurrency": endpoint.max_concurrency,
        "timeoutSeconds": endpoint.timeout_seconds,
        "retrySchedule": shown_schedule(endpoint.schedule or SCHEDULE),
        "asymmetric": public_key is not None,
        "publicKey": public_key,
        "onExhausted": endpoint.on_exhausted.value,
        "skipAfterSeconds": endpoint.skip_after_seconds,
        "createdAt": rfc3339(endpoint.created_at),
        "updatedAt": rfc3339(endpoint.updated_at),
    }


def type_faults(event_types: Sequence[str], *, pointer: str = "/eventTypes") -> list[FieldFault]:
    """What is wrong with a list of types that a caller wants."""
    if not 1 <= len(event_types) <= EVENT_TYPES_MAX:
        return [FieldFault(pointer=pointer, detail=f"takes 1 to {EVENT_TYPES_MAX} types")]
    return [
        FieldFault(pointer=f"{pointer}/{place}", detail="is no event type, family.* or *")
        for place, wanted in enumerate(event_types)
        if wanted not in TYPES and wanted not in FAMILIES and wanted != "*"
    ]


def _size_faults(endpoint: Endpoint) -> list[FieldFault]:
    faults = []
    if len(endpoint.description or "") > DESCRIPTION_MAX:
        detail = f"takes at most {DESCRIPTION_MAX} characters"
        faults.append(FieldFault(pointer="/description", detail=detail))
    if endpoint.rate_limit is not None and not 1 <= endpoint.rate_limit <= RATE_MAX:
        detail = f"is 1 to {RATE_MAX} deliveries a second"
        faults.append(FieldFault(pointer="/rateLimit", detail=detail))
    at_once = endpoint.max_concurrency
    if at_once is not None and not 1 <= at_once <= CONCURRENCY_MAX:
        detail = f"is 1 to {CONCURRENCY_MAX} deliveries at a time"
        faults.append(FieldFault(pointer="/maxConcurrency", detail=detail))
    if not TIMEOUT_LEAST <= endpoint.timeout_seconds <= TIMEOUT_MOST:
        detail = f"is {TIMEOUT_LEAST:g} to {TIMEOUT_MOST:g} seconds"
        faults.append(FieldFault(pointer="/timeoutSeconds", detail=detail))
    if not SKIP_LEAST <= endpoint.skip_after_seconds <= SKIP_MOST:
        detail = f"is {SKIP_LEAST} to {SKIP_MOST} seconds"
        faults.append(FieldFault(pointer="/skipAfterSeconds", detail=detail))
    return [*faults, *_schedule_faults(endpoint.schedule)]


def shown_schedule(schedule: Sequence[float]) -> str | list[float]:
    """How a schedule is told: by its name, if it has one."""
    waits = tuple(schedule)
    names = (name for name, named in NAMED_SCHEDULES.items() if named == waits)
    return next(names, list(waits))


def _schedule_faults(schedule: Sequence[float] | None) -> list[FieldFault]:
    if schedule is None:
        return []
    if not 1 <= len(schedule) <= STEPS_MAX:
        detail = f"takes 1 to {STEPS_MAX} waits"
        return [FieldFault(pointer="/retrySchedule", detail=detail)]
    return [
        FieldFault(pointer=f"/retrySchedule/{place}", detail=f"is 1 to {STEP_MAX:g} seconds")
        for place, wait in enumerate(schedule)
        if not 1 <= wait <= STEP_MAX
    ]
