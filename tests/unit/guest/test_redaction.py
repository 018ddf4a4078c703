"""Frames for logs: structure stays; words, people and secrets do not."""

import json

import pytest
from hypothesis import given, settings

from service.guest.codec import decode
from service.guest.messages import Message
from service.guest.redaction import redact
from tests.support.guest_strategies import ANY_MESSAGE, JSON
from tests.unit.guest.golden_frames import TOKEN, golden, golden_names, trace

# Everything in the golden frames that names a person, says something, or opens a door.
_PRIVATE = (
    *(TOKEN, "aaa.bbb.ccc", "ddd.eee.fff", "handle-1", "join-me", "sig=abc", "https:", "wss:"),
    *("squeaks", "wheel", "K-77", "K-78", "colour", "green", "Mika", "Virta", "Yes", "answer.yes"),
    *("bill.pdf", "saddle.png", "The bill", "Tune-up", "Chain", "guest", "x-amz", "read-only, no"),
)


@pytest.mark.parametrize("name", golden_names())
def test_nothing_private_is_left_of_a_golden_frame(name: str) -> None:
    shown = json.dumps(redact(golden(name)))

    assert [word for word in _PRIVATE if word in shown.replace('"colour"', "")] == []


def test_a_request_keeps_its_structure() -> None:
    assert redact(golden("on_message_text")) == {
        "action": "onMessage",
        "token": "<36 characters>",
        "tracingId": trace(2),
        "message": {
            "type": "Text",
            "text": "<18 characters>",
            "content": [
                {
                    "contentType": "Attachment",
                    "attachment": {"id": "d2c41b7e-9f05-4e3c-8a61-7b0c5d4e3f22"},
                }
            ],
            "channel": {"metadata": "<1 entries>"},
            "metadata": "<1 entries>",
        },
    }


def test_a_message_is_shown_like_its_text() -> None:
    text = golden("structured_inbound_text")

    assert redact(decode(text)) == redact(text)


@pytest.mark.parametrize(
    ("frame", "shown"),
    [
        ({"data": {"code": "a.b.c"}}, {"data": "<1 entries>"}),
        ({"journeyContext": {"customer": {"id": "t"}}}, {"journeyContext": "<1 entries>"}),
        ({"headers": {"a": "b"}}, {"headers": "<1 entries>"}),
        ({"metadata": {"code": "4829"}}, {"metadata": "<1 entries>"}),
        ({"class": "string", "body": "gone"}, {"class": "string", "body": "<4 characters>"}),
        (
            {"new": 7, "newer": True, "newest": None},
            {"new": "<number>", "newer": True, "newest": None},
        ),
        ({"type": "two words"}, {"type": "<9 characters>"}),
        ({"id": "x" * 65}, {"id": "<65 characters>"}),
        ({"a": 1, "Ann Smith": "x"}, {"a": "<number>", "<field 1>": "<1 characters>"}),
        ({"blockedExtensions": [".exe"]}, {"blockedExtensions": ["<4 characters>"]}),
        ({"list": [[{"id": "1"}]]}, {"list": [[{"id": "1"}]]}),
    ],
    ids=range(11),
)
def test_only_what_is_known_to_be_harmless_is_shown(
    frame: dict[str, object], shown: dict[str, object]
) -> None:
    assert redact(json.dumps(frame)) == shown


def test_text_that_is_no_frame_becomes_its_length() -> None:
    assert redact("psst") == {
        "unreadable": "<4 characters>",
        "problem": "at $: is not JSON (at character 0)",
    }


@settings(max_examples=20)
@given(message=ANY_MESSAGE)
def test_every_message_can_be_shown(message: Message) -> None:
    assert json.dumps(redact(message))


@settings(max_examples=20)
@given(value=JSON)
def test_any_json_can_be_shown(value: object) -> None:
    assert json.dumps(redact(json.dumps({"value": value})))
