"""Names inside content that is handed on: what no table knows is told, wherever it stands."""

import json

import pytest

from service.guest.codec import decode
from service.guest.unknowns import unknowns

_LOCATION = {"text": "a", "address": "b", "latitude": 1, "longitude": 2, "url": "c"}
_DATES = {
    **dict.fromkeys(("id", "title", "subtitle", "imageUrl", "dateMinimum", "dateMaximum"), "x"),
    "dateDisplayFormat": "dayMonthYear",
    "availableTimes": [{"dateTime": "x", "duration": 1}],
    "location": _LOCATION,
}
_REPLY = {"header": "a", "title": "b", "subtitle": "c", "buttonLabel": "d", "imageUrl": "e"}
_LISTS = {
    "id": "a",
    "sections": [{"title": "a", "multipleSelection": True, "items": [{"id": "1", "title": "x"}]}],
    "receivedMessage": _REPLY,
    "replyMessage": _REPLY,
}
_PAGE = {
    "title": "a",
    "subtitle": "b",
    "pageComponents": [
        {"formComponentType": "DatePicker", "datePicker": _DATES},
        {"formComponentType": "ListPicker", "listPicker": _LISTS},
        {"formComponentType": "Input", "input": {"id": "a", "isRequired": True, "title": "x"}},
        {"formComponentType": "WheelPicker", "wheelPicker": {"items": [{"id": "a", "value": "b"}]}},
    ],
}
_CARD = {
    **dict.fromkeys(("title", "description", "image", "video"), "x"),
    "defaultAction": {"type": "Link", "url": "x"},
    "actions": [{"type": "Postback", "text": "a", "payload": "b"}],
}


def _labels(content_type: str, prop: str, inner: object) -> tuple[str, ...]:
    content = [{"contentType": content_type, prop: inner}]
    body = {"id": "a", "type": "Structured", "direction": "Outbound", "content": content}
    frame = {"type": "message", "class": "StructuredMessage", "code": 200, "body": body}
    return unknowns(decode(json.dumps(frame)))


@pytest.mark.parametrize(
    ("content_type", "prop", "inner"),
    [
        (
            "QuickReplyV2",
            "quickReplyV2",
            {"title": "a", "actions": [{"text": "b", "payload": "c"}]},
        ),
        ("Card", "card", _CARD),
        ("Carousel", "carousel", {"cards": [_CARD, _CARD]}),
        ("DatePicker", "datePicker", _DATES),
        ("ListPicker", "listPicker", _LISTS),
        ("Form", "form", {"introduction": {"title": "a", "buttonText": "b"}, "formPages": [_PAGE]}),
        ("Form", "form", {"originatingMessageId": "a", "response": [{"Ann's e-mail": "x"}]}),
        ("GenericTemplate", "generic", {"title": "a", "actions": [], "components": [{"new": 1}]}),
        ("Text", "text", {"body": "a", "type": "Text"}),
        ("Card", "card", {"title": 7, "actions": "of another type"}),
    ],
)
def test_what_the_vendor_documents_is_no_drift(content_type: str, prop: str, inner: object) -> None:
    assert _labels(content_type, prop, inner) == ()


@pytest.mark.parametrize(
    ("content_type", "prop", "inner", "place"),
    [
        ("QuickReplyV2", "quickReplyV2", {"actions": [{"mood": 1}]}, "actions[].mood"),
        ("Card", "card", {"mood": 1}, "mood"),
        ("Card", "card", {"defaultAction": {"mood": 1}}, "defaultAction.mood"),
        (
            "Carousel",
            "carousel",
            {"cards": [{}, {"actions": [{"mood": 1}]}]},
            "cards[].actions[].mood",
        ),
        ("DatePicker", "datePicker", {"location": {"mood": 1}}, "location.mood"),
        ("DatePicker", "datePicker", {"availableTimes": [{"mood": 1}]}, "availableTimes[].mood"),
        (
            "ListPicker",
            "listPicker",
            {"sections": [{"items": [{"mood": 1}]}]},
            "sections[].items[].mood",
        ),
        ("ListPicker", "listPicker", {"replyMessage": {"mood": 1}}, "replyMessage.mood"),
        (
            "Form",
            "form",
            {"formPages": [{"pageComponents": [{"input": {"mood": 1}}]}]},
            "formPages[].pageComponents[].input.mood",
        ),
        ("GenericTemplate", "generic", {"actions": [{"mood": 1}]}, "actions[].mood"),
        ("Text", "text", {"mood": 1}, "mood"),
        ("Card", "card", {"ann@example.test": 1}, "*"),
    ],
)
def test_what_is_new_in_it_is_told(content_type: str, prop: str, inner: object, place: str) -> None:
    assert _labels(content_type, prop, inner) == (f"field:body.content[].{prop}.{place}",)


@pytest.mark.parametrize("inner", [None, "x", []])
def test_content_that_does_not_fit_its_type_is_malformed_and_not_unknown(inner: object) -> None:
    assert _labels("Card", "card", inner) == ("malformed:body.content[].card",)
