"""What a frame was, in a few short facts: vocabulary and ids of the platform, and sizes.

No text, no names, no addresses, no tokens. A word that is none is told by its length.
"""

import re
import sys
from collections.abc import Mapping
from typing import Final, TypeAlias

from service.guest.body import OutgoingMessage, StructuredBody
from service.guest.chat_events import ChatEvent, OtherEvent
from service.guest.content import ContentItem, UnknownContent
from service.guest.frame_wire import CLASS_OF
from service.guest.messages import ErrorFrame, Message, SessionResponse, StructuredMessage, Unknown
from service.guest.request_wire import ACTION_OF
from service.guest.requests import Echo, OnMessage, Request, UnknownRequest

FrameFact: TypeAlias = str | int | float | bool | None

_PLAIN: Final = re.compile(r"[A-Za-z0-9_.:+/*-]{1,64}")
_OF_BODIES: Final = {
    "error_code": "errorCode",
    "retry_after": "retryAfter",
    "reason": "reason",
    "attachment_id": "attachmentId",
    "file_size": "fileSize",
}
"""Fields of several classes that are worth telling."""


def name_of(message: Message) -> str:
    """The action or the class of a frame; `error` for a refusal that names none."""
    match message:
        case UnknownRequest(action=name) | Unknown(raw_class=name):
            return _word(name)
        case StructuredMessage():
            return "StructuredMessage"
        case ErrorFrame(raw_class=name):
            return name or "error"
        case _:
            kind = type(message)
            return ACTION_OF[kind] if isinstance(message, Request) else CLASS_OF[kind]


def frame_facts(message: Message) -> Mapping[str, FrameFact]:
    """What is told of it besides its name; None where it does not say."""
    facts: dict[str, FrameFact] = {
        "code": _harmless(getattr(message, "code", None)),
        "tracingId": _harmless(getattr(message, "tracing_id", None)),
    }
    for attribute, name in _OF_BODIES.items():
        facts[name] = _harmless(getattr(message, attribute, None))
    match message:
        case StructuredMessage(body=body):
            facts |= _spoken(body)
            facts |= {"direction": _vocabulary(body.direction), "bodyId": _harmless(body.id)}
        case OnMessage(message=said) | Echo(message=said):
            facts |= _spoken(said)
        case SessionResponse():
            facts |= {
                "connected": message.connected,
                "newSession": message.new_session,
                "readOnly": message.read_only,
            }
        case _:
            pass
    return facts


def _spoken(body: StructuredBody | OutgoingMessage) -> Mapping[str, FrameFact]:
    return {
        "type": _vocabulary(body.type),
        "content": ",".join(_content_type(item) for item in body.content) or None,
        "events": ",".join(_event_type(event) for event in body.events) or None,
        "characters": None if body.text is None else len(body.text),
    }


def _content_type(item: ContentItem) -> str:
    return _word(item.content_type) if isinstance(item, UnknownContent) else type(item).__name__


def _event_type(event: ChatEvent) -> str:
    if isinstance(event, OtherEvent):
        return _word(event.event_type)
    return f"{type(event).__name__}:{_word(event.type)}"


def _harmless(value: float | str | None) -> FrameFact:
    return _word(value) if isinstance(value, str) else value


def _vocabulary(value: str | None) -> FrameFact:
    """Every frame brings its own copy of the same few words; notes of them are kept for a while."""
    return None if value is None else sys.intern(_word(value))


def _word(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else f"<{len(text)} characters>"
