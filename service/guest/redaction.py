"""A frame made safe for logs and timelines: structure, without words, people and secrets.

An allow-list, so a field that appears tomorrow is masked until somebody judges it harmless.
"""

import re
from collections.abc import Iterable
from typing import Final

from service.domain.errors import GuestProtocolError
from service.guest.codec import tree_of
from service.guest.json_text import parse_object
from service.guest.messages import Message

# Vocabulary, ids of the platform, sizes and times. No free text, no names, no addresses.
_SAFE: Final = frozenset(
    {
        *("action", "class", "type", "code", "tracingId", "deploymentId", "startNew"),
        *("id", "messageId", "direction", "time", "originatingEntity", "originatingMessageId"),
        *("contentType", "eventType", "status", "reason", "reasonCode", "duration", "durationMs"),
        *("attachmentId", "mediaType", "mime", "fileType", "fileSize", "errorsAsJson"),
        *("errorCode", "retryAfter", "timestamp", "exp", "closeAllConnections"),
        *("connected", "newSession", "readOnly", "clearedExistingSession", "autoStarted"),
        *("maxFileSizeKB", "maxCustomDataBytes", "durationSeconds", "expirationDate"),
        *("messageRoutingEnabled", "sessionDurationSeconds", "correlationId", "authenticated"),
        *("pageSize", "pageNumber", "total", "pageCount"),
    }
)
# Objects whose very names are the customer's, or whose ids and codes are secrets: official
# clients put the token into journeyContext, and data.code of a configure request is a JWT.
# What flows put into metadata is theirs too.
_OPAQUE: Final = frozenset({"customAttributes", "journeyContext", "metadata", "data", "headers"})

_PLAIN: Final = re.compile(r"[A-Za-z0-9_.:+/*-]{0,64}")


def redact(text_or_message: str | Message) -> dict[str, object]:
    """Give the frame as a JSON tree with every value masked that is not known to be harmless.

    Text that is no frame becomes its length and the problem.
    """
    if not isinstance(text_or_message, str):
        return _object(tree_of(text_or_message).items())
    try:
        return _object(parse_object(text_or_message).items())
    except GuestProtocolError as error:
        return {"unreadable": _length(text_or_message), "problem": str(error)}


def _object(entries: Iterable[tuple[str, object]]) -> dict[str, object]:
    return {_name(name, place): _field(name, value) for place, (name, value) in enumerate(entries)}


def _name(name: str, place: int) -> str:
    return name if _PLAIN.fullmatch(name) else f"<field {place}>"


def _field(name: str, value: object) -> object:
    if name in _OPAQUE:
        return _mask(value)
    if isinstance(value, dict):
        return _object(value.items())
    if isinstance(value, list):
        return [_field(name, item) for item in value]
    return value if name in _SAFE and _is_plain(value) else _mask(value)


def _is_plain(value: object) -> bool:
    return not isinstance(value, str) or _PLAIN.fullmatch(value) is not None


def _mask(value: object) -> object:
    match value:
        case None | bool():
            return value
        case str():
            return _length(value)
        case dict() | list():
            return f"<{len(value)} entries>"
        case _:
            return "<number>"


def _length(text: str) -> str:
    return f"<{len(text)} characters>"
