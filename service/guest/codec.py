"""The codec of the south wire: JSON text to a message and back, for both directions.

Two steps, as in the official client: first what it is (``action`` or ``class``), then its body.
What is unknown survives; what cannot be a frame raises GuestProtocolError with the place and the
problem, never the content. It knows no socket, decides nothing and logs nothing.
"""

from typing import Any

from service.guest.body_wire import BODY
from service.guest.frame_wire import CLASS_OF, CLASSES, ENVELOPE, ERROR_BODY, ERROR_CLASSES
from service.guest.json_text import parse_object, parse_short_object, render
from service.guest.messages import ErrorFrame, Message, StructuredMessage, Unknown
from service.guest.request_wire import ACTION_OF, ACTIONS
from service.guest.requests import UnknownRequest
from service.guest.rest import AllowedDomains, DeploymentConfig, HistoryPage
from service.guest.rest_wire import (
    DOMAINS,
    HISTORY,
    read_deployment_config,
)
from service.guest.scalars import STRING
from service.guest.shapes import fault

_ACTION = "action"
_CLASS = "class"
_BODY = "body"


def decode(text: str) -> Message:
    """Read one frame of either direction. Raises: GuestProtocolError."""
    tree = parse_object(text)
    if tree.get(_CLASS) is not None:
        return _frame(tree)
    if tree.get(_ACTION) is not None:
        return _request(tree)
    if tree.get("code") is not None:
        # A gateway in between answered: {"code": "session_not_found"}.
        return _error(tree, raw_class=None)
    raise fault(_CLASS, "is missing")


def encode(message: Message) -> str:
    """Write one frame of either direction, unknown fields included."""
    return render(tree_of(message))


def decode_history(text: str) -> HistoryPage:
    """Read a page of ``GET /api/v2/webmessaging/messages``. Raises: GuestProtocolError."""
    return HISTORY.read(parse_object(text), "")


def decode_deployment_config(text: str) -> DeploymentConfig:
    """Read a deployment's public ``config.json``. Raises: GuestProtocolError."""
    return read_deployment_config(parse_short_object(text))


def decode_domains(text: str) -> AllowedDomains:
    """Read a deployment's public ``domains.json``. Raises: GuestProtocolError."""
    return DOMAINS.read(parse_short_object(text), "")


def tree_of(message: Message) -> dict[str, object]:
    """Give the frame as a JSON tree."""
    if isinstance(message, UnknownRequest):
        return {_ACTION: message.action, **message.raw}
    action = ACTION_OF.get(type(message))
    if action is not None:
        return {_ACTION: action, **ACTIONS[action].write(message)}
    envelope = ENVELOPE.write(message)
    name, body = _class_and_body(message)
    named = {} if name is None else {_CLASS: name}
    return {**named, **envelope, _BODY: body}


def _class_and_body(message: Any) -> tuple[str | None, object]:
    match message:
        case StructuredMessage(body=body):
            return "StructuredMessage", BODY.write(body)
        case ErrorFrame(raw_class=name, text=None):
            return name, ERROR_BODY.write(message)
        case ErrorFrame(raw_class=name, text=text):
            return name, text
        case Unknown(raw_class=name, body=body):
            return name, body
        case _:
            name = CLASS_OF[type(message)]
            return name, CLASSES[name].write(message)


def _request(tree: dict[str, object]) -> Message:
    action = str(STRING.read(tree.pop(_ACTION), _ACTION))
    shape = ACTIONS.get(action)
    if shape is None:
        return UnknownRequest(action=action, raw=tree)
    request: Message = shape.read(tree, "")
    return request


def _frame(tree: dict[str, object]) -> Message:
    name = str(STRING.read(tree.pop(_CLASS), _CLASS))
    if name in ERROR_CLASSES:
        return _error(tree, raw_class=name)
    body = tree.pop(_BODY, None)
    envelope = ENVELOPE.values(tree, "")
    if name == "StructuredMessage":
        return StructuredMessage(body=BODY.read(body, _BODY), **envelope)
    shape = CLASSES.get(name)
    if shape is None:
        return Unknown(raw_class=name, body=body, **envelope)
    frame: Message = shape.read({} if body is None else body, _BODY, **envelope)
    return frame


def _error(tree: dict[str, object], *, raw_class: str | None) -> Message:
    body = tree.pop(_BODY, None)
    envelope = ENVELOPE.values(tree, "")
    if isinstance(body, str):
        return ErrorFrame(raw_class=raw_class, text=body, **envelope)
    inner = {} if body is None else body
    frame: Message = ERROR_BODY.read(inner, _BODY, raw_class=raw_class, **envelope)
    return frame
