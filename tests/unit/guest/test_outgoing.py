"""What the broker says, as it goes over the wire."""

import json
from dataclasses import replace
from typing import Any

from service.domain.message import ButtonReply, FormEntry, FormReply, SendBody
from service.guest.codec import encode
from service.guest.outgoing import (
    outgoing_clear,
    outgoing_echo,
    outgoing_join,
    outgoing_message,
    outgoing_typing,
)
from service.guest.requests import Request
from tests.support.wire_story import tells

NAMES = {"token": "tok", "tracing_id": "tr"}
BUTTON = ButtonReply(type="QuickReply", text="Yes", payload="y", originating_message_id="m-1")


def wire(request: Request) -> dict[str, Any]:
    frame: dict[str, Any] = json.loads(encode(request))
    return frame


def sent(body: SendBody) -> dict[str, Any]:
    message: dict[str, Any] = wire(outgoing_message(metadata_id="me", body=body, **NAMES))[
        "message"
    ]
    return message


def test_a_text_goes_out_with_all_its_names() -> None:
    frame = wire(outgoing_message(metadata_id="me", body=SendBody(text="hello"), **NAMES))

    assert frame == {
        "action": "onMessage",
        "token": "tok",
        "tracingId": "tr",
        "message": {"type": "Text", "text": "hello", "metadata": {"id": "me"}},
    }


def test_attributes_travel_in_the_channel() -> None:
    message = sent(SendBody(text="hello", custom_attributes={"a": "b"}))

    assert message["channel"] == {"metadata": {"customAttributes": {"a": "b"}}}


def test_attachments_are_content_of_a_text_without_words() -> None:
    message = sent(SendBody(attachment_ids=("a", "b")))

    assert (message["type"], message["text"]) == ("Text", "")
    assert message["content"] == [
        {"contentType": "Attachment", "attachment": {"id": "a"}},
        {"contentType": "Attachment", "attachment": {"id": "b"}},
    ]


def test_a_button_travels_as_content_and_its_label_as_text() -> None:
    message = sent(SendBody(button=BUTTON, attachment_ids=("a",)))

    assert (message["type"], message["text"]) == ("Structured", "Yes")
    assert message["content"] == [
        {
            "contentType": "ButtonResponse",
            "buttonResponse": {
                "type": "QuickReply",
                "text": "Yes",
                "payload": "y",
                "originatingMessageId": "m-1",
            },
        },
        {"contentType": "Attachment", "attachment": {"id": "a"}},
    ]


def test_words_beside_a_button_stay() -> None:
    assert sent(SendBody(text="own words", button=BUTTON))["text"] == "own words"


@tells("ListPicker", "ButtonResponse")
def test_options_of_a_list_name_the_message_that_they_answer() -> None:
    option = ButtonReply(type="ListPicker", text="Oat", payload="oat", originating_message_id="m-1")
    message = sent(SendBody(text="Noted.", choices=(option, option)))

    response = {"type": "ListPicker", "text": "Oat", "payload": "oat"}
    item = {
        "contentType": "ButtonResponse",
        "buttonResponse": {**response, "originatingMessageId": "m-1"},
    }
    assert message == {
        "type": "Structured",
        "text": "Noted.",
        "content": [item, item],
        "metadata": {"id": "me", "parentMessageId": "m-1"},
    }


@tells("DatePicker")
def test_a_time_has_no_words() -> None:
    time = "2031-04-05T10:00:00.000Z"
    chosen = ButtonReply(type="DatePicker", text=time, payload=time, originating_message_id="m-1")
    message = sent(SendBody(button=chosen))

    assert "text" not in message
    assert message["metadata"] == {"id": "me", "parentMessageId": "m-1"}
    nameless = replace(chosen, originating_message_id=None)
    assert sent(SendBody(button=nameless))["metadata"] == {"id": "me"}


@tells("Form")
def test_a_form_goes_out_as_one_item() -> None:
    answer = FormEntry(id="email", text="a@b", payload="a@b")
    form = FormReply(originating_message_id="m-1", canned_response_id="c-1", answers=(answer,))
    message = sent(SendBody(text="Thanks!", form=form))

    component = {"type": "Form", "text": "a@b", "payload": "a@b"}
    assert message == {
        "type": "Structured",
        "text": "Thanks!",
        "content": [
            {
                "contentType": "Form",
                "form": {
                    "originatingMessageId": "m-1",
                    "cannedResponseId": "c-1",
                    "response": [
                        {
                            "id": "email",
                            "component": {
                                "contentType": "ButtonResponse",
                                "buttonResponse": component,
                            },
                        }
                    ],
                },
            }
        ],
        "metadata": {"id": "me"},
    }


def test_a_join_carries_its_name_and_the_attributes() -> None:
    frame = wire(outgoing_join(metadata_id="me", attributes={"a": "b"}, **NAMES))

    assert (frame["action"], frame["token"], frame["tracingId"]) == ("onMessage", "tok", "tr")
    assert frame["message"] == {
        "type": "Event",
        "events": [{"eventType": "Presence", "presence": {"type": "Join"}}],
        "metadata": {"id": "me"},
        "channel": {"metadata": {"customAttributes": {"a": "b"}}},
    }


def test_a_clear_is_a_bare_presence() -> None:
    frame = wire(outgoing_clear(**NAMES))

    assert frame["message"] == {
        "type": "Event",
        "events": [{"eventType": "Presence", "presence": {"type": "Clear"}}],
    }


def test_typing_says_that_it_is_on() -> None:
    frame = wire(outgoing_typing(**NAMES))

    assert frame["message"] == {
        "type": "Event",
        "events": [{"eventType": "Typing", "typing": {"type": "On"}}],
    }


def test_an_echo_asks_for_a_ping_back() -> None:
    frame = wire(outgoing_echo(**NAMES))

    assert (frame["action"], frame["token"], frame["tracingId"]) == ("echo", "tok", "tr")
    assert frame["message"] == {"type": "Text", "text": "ping"}
