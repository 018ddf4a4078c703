"""An event as bytes: the one body that webhooks and the pull API share.

The bytes must be the same on every attempt and in every process, because they are what is signed. A
store may give members back in another order than it took them, so the order is made here. This
module knows no clock and no keys.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from service.domain.ids import EndpointId, EventId
from service.domain.instants import rfc3339
from service.domain.log import EventType, LogEvent
from service.domain.session import Session

_LEADING: Final = ("sessionId", "externalId", "deployment", "incarnation", "sequence")
"""What every event has comes first; the rest follows by name."""


def event_bytes(event: LogEvent) -> bytes:
    """The Event as minified UTF-8 JSON: id, type, timestamp, data."""
    return _envelope(event.id, event.type, event.at, event.data)


def sample_event_bytes(event_id: EventId, *, endpoint_id: EndpointId, at: float) -> bytes:
    """A `webhook.test` event: it belongs to no session and has no sequence."""
    return _envelope(event_id, EventType.WEBHOOK_TEST, at, {"webhookId": endpoint_id})


def challenge_event_bytes(
    event_id: EventId, *, endpoint_id: EndpointId, challenge: str, at: float
) -> bytes:
    """A `webhook.challenge` event: its receiver is to send `challenge` back."""
    data = {"webhookId": endpoint_id, "challenge": challenge}
    return _envelope(event_id, EventType.WEBHOOK_CHALLENGE, at, data)


def typing_event_bytes(event_id: EventId, *, session: Session, at: float) -> bytes:
    """A `typing.started` event: never in the log, therefore without a sequence."""
    data = {
        "sessionId": session.id,
        "externalId": session.external_id,
        "deployment": session.deployment,
        "incarnation": session.incarnation,
        "sequence": None,
    }
    return _envelope(event_id, EventType.TYPING_STARTED, at, data)


def _envelope(event_id: EventId, kind: EventType, at: float, data: Mapping[str, Any]) -> bytes:
    members = {
        "id": event_id,
        "type": kind.value,
        "timestamp": rfc3339(at),
        "data": _ordered_data(data),
    }
    text = json.dumps(members, ensure_ascii=False, separators=(",", ":"))
    # A lone surrogate has no UTF-8 form. It can only stand inside a JSON string, where `\udXXX`
    # spells it (RFC 8259, 8.2): an event that was accepted must never fail on its way out.
    return text.encode("utf-8", "backslashreplace")


def _ordered_data(data: Mapping[str, Any]) -> dict[str, object]:
    leading = [name for name in _LEADING if name in data]
    names = leading + sorted(set(data) - set(leading))
    return {name: _ordered(data[name]) for name in names}


def _ordered(value: object) -> object:
    if isinstance(value, Mapping):
        return {name: _ordered(value[name]) for name in sorted(value)}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_ordered(item) for item in value]
    return value
