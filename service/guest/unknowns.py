"""What a message holds that no table knows, or that nothing uses, as stable labels.

The caller counts them. A label names sorts and fields, without list positions and never a value.
"""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

from service.domain.errors import GuestProtocolError
from service.guest.body_wire import BODY
from service.guest.codes import effective_code, is_known_code
from service.guest.frame_wire import CLASS_OF, CLASSES, ENVELOPE, ERROR_BODY
from service.guest.messages import (
    ErrorFrame,
    Message,
    ServerFrame,
    StructuredMessage,
    Unknown,
)
from service.guest.odd_values import odd_values
from service.guest.request_wire import ACTION_OF, ACTIONS
from service.guest.requests import Request, UnknownRequest
from service.guest.shapes import label
from service.guest.unused import unused

_BODY: Final = "body"
_POSITIONS: Final = re.compile(r"\[\d+\]")
MOST_LABELS: Final = 1000
"""Looked for in one frame; nobody waits longer for one that is made of unknown names alone."""
_FRAME_TYPES: Final = frozenset({"", "response", "message"})


def unknowns(message: Message) -> tuple[str, ...]:
    """List labels such as ``class:Foo``, ``content:Bar``, ``code:4999``, ``field:body.quux``.

    `MOST_LABELS` of a frame at the most.
    """
    if isinstance(message, UnknownRequest):
        return (label("action", message.action),)
    if isinstance(message, Request):
        return tuple(ACTIONS[ACTION_OF[type(message)]].unknown(message, ""))
    return tuple(islice(_in_frame(message), MOST_LABELS))


def malformed(fault: GuestProtocolError) -> str:
    """The label of a frame that cannot be one, by the place that is wrong.

    A place is spelled by our own tables, which leave out the names that are the customer's.
    """
    place = "frame" if fault.path == "$" else _POSITIONS.sub("[]", fault.path)
    return f"malformed:{place}"


def _in_frame(frame: ServerFrame) -> Iterator[str]:
    if frame.type not in _FRAME_TYPES:
        yield label("type", frame.type)
    code = effective_code(frame)
    if code is not None and not is_known_code(code):
        yield _code(code)
    yield from ENVELOPE.unknown(frame, "")
    yield from _in_body(frame)
    yield from unused(frame)


def _code(code: int | str) -> str:
    # A number of the protocol; text is a name like any other.
    return f"code:{code}" if isinstance(code, int) else label("code", code)


def _in_body(frame: ServerFrame) -> Iterator[str]:
    match frame:
        case Unknown(raw_class=name):
            yield label("class", name)
        case StructuredMessage(body=body):
            yield from BODY.unknown(body, _BODY)
            yield from odd_values(body, _BODY)
        case ErrorFrame():
            yield from ERROR_BODY.unknown(frame, _BODY)
        case _:
            yield from CLASSES[CLASS_OF[type(frame)]].unknown(frame, _BODY)
