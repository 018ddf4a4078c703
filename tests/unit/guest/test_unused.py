"""Labels of what the tables know and nothing uses."""

import json

import pytest

from service.guest.chat_events import PresenceType
from service.guest.codec import decode
from service.guest.frame_wire import CLASSES
from service.guest.messages import ServerFrame
from service.guest.request_wire import ACTIONS
from service.guest.unused import UNUSED_ACTIONS, UNUSED_CLASSES, UNUSED_EVENTS, unused


def _presence(*kinds: str) -> ServerFrame:
    events = [{"eventType": "Presence", "presence": {"type": kind}} for kind in kinds]
    typing = {"eventType": "Typing", "typing": {"type": "On"}}
    body = {"type": "Event", "direction": "Outbound", "events": [typing, *events]}
    frame = decode(json.dumps({"type": "message", "class": "StructuredMessage", "body": body}))
    assert isinstance(frame, ServerFrame)
    return frame


def test_only_names_of_the_wire_are_listed() -> None:
    assert set(ACTIONS) >= UNUSED_ACTIONS
    assert set(CLASSES) >= UNUSED_CLASSES
    assert set(PresenceType) >= UNUSED_EVENTS


@pytest.mark.parametrize("name", sorted(UNUSED_CLASSES))
def test_a_class_that_nobody_asks_for_is_labelled(name: str) -> None:
    frame = decode(json.dumps({"class": name, "body": {"resumeToken": "r"}}))
    assert isinstance(frame, ServerFrame)

    assert list(unused(frame)) == [f"class:{name}"]


@pytest.mark.parametrize("kind", [*sorted(UNUSED_EVENTS), "Wave"])
def test_presence_that_nobody_heeds_is_labelled(kind: str) -> None:
    assert list(unused(_presence("Join", kind))) == [f"event:{kind}"]


@pytest.mark.parametrize("kind", sorted(set(PresenceType) - UNUSED_EVENTS))
def test_presence_that_is_used_is_not(kind: str) -> None:
    assert list(unused(_presence(kind))) == []


def test_other_classes_are_used() -> None:
    frame = decode('{"class":"SessionResponse","body":{"connected":true}}')
    assert isinstance(frame, ServerFrame)

    assert list(unused(frame)) == []
