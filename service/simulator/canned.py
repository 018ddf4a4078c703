"""What the scripted bot says by heart: one message of each kind of content, every spelling of it.

The shapes follow the published schema; of pickers and forms no public source shows a real one.
"""

from collections.abc import Mapping
from typing import Final

from service.simulator.shapes import JsonObject
from service.simulator.talk import Words


def _reply(text: str, payload: str) -> JsonObject:
    return {"text": text, "payload": payload, "action": "Message"}


def _quick(text: str, payload: str) -> JsonObject:
    return {"contentType": "QuickReply", "quickReply": _reply(text, payload)}


def _button(text: str, payload: str) -> JsonObject:
    button = {"type": "QuickReply", "text": text, "payload": payload}
    return {"contentType": "ButtonResponse", "buttonResponse": button}


def _card(title: str) -> JsonObject:
    actions = [
        {"type": "Link", "text": "Details", "url": "https://shop.example.test/plan"},
        {"type": "Postback", "text": "Choose", "payload": f"plan.{title.lower()}"},
    ]
    return {"title": title, "description": f"The {title.lower()} plan", "actions": actions}


def _items(*names: str) -> list[JsonObject]:
    return [{"id": name.lower(), "title": name} for name in names]


def _bot(text: str | None, *content: JsonObject) -> Words:
    return Words(text=text, content=content, entity="Bot")


_GROUP: Final = {
    "title": "What is it about?",
    "actions": [_reply("Billing", "topic.billing"), _reply("Other", "topic.other")],
}
_MILKS: Final = {"title": "Milk", "multipleSelection": False, "items": _items("Oat", "Cow")}
_TOPPINGS: Final = {"title": "Toppings", "multipleSelection": True, "items": _items("Nuts", "Mint")}
_LIST: Final = {
    "id": "list-1",
    "sections": [_MILKS, _TOPPINGS],
    "receivedMessage": {"title": "Your coffee"},
    "replyMessage": {"title": "Chosen", "subtitle": "Thanks, noted."},
}
_DATES: Final = {
    "id": "date-1",
    "title": "When?",
    "availableTimes": [
        {"dateTime": "2031-04-05T10:00:00.000Z", "duration": 1800},
        {"dateTime": "2031-04-05T11:00:00.000Z", "duration": 1800},
    ],
}
_ANY_DAY: Final = {
    "id": "date-2",
    "title": "Any day of April?",
    "dateMinimum": "2031-04-01",
    "dateMaximum": "2031-04-30",
}
_QUESTIONS: Final = [
    {
        "formComponentType": "Input",
        "input": {"id": "email", "isRequired": True, "isMultipleLine": False, "title": "E-mail"},
    },
    {"formComponentType": "ListPicker", "listPicker": {"id": "extras", "sections": [_TOPPINGS]}},
    {
        "formComponentType": "WheelPicker",
        "wheelPicker": {"id": "size", "items": _items("Small", "Large")},
    },
    {"formComponentType": "DatePicker", "datePicker": {**_DATES, "id": "when"}},
]
_FORM: Final = {
    "cannedResponseId": "0e7f5a52-0000-4000-8000-000000000001",
    "introduction": {"title": "Tell us more", "buttonText": "Begin"},
    "formPages": [{"title": "You", "subtitle": "", "pageComponents": _QUESTIONS}],
    "replyMessage": {"title": "Thanks!"},
    "showSummary": False,
}

CANNED: Final[Mapping[str, Words]] = {
    "/quick": _bot(
        "What is it about?", _quick("Billing", "topic.billing"), _quick("Other", "topic.other")
    ),
    "/quick2": _bot(None, {"contentType": "QuickReplyV2", "quickReplyV2": _GROUP}),
    "/buttons": _bot(
        "What is it about?", _button("Billing", "topic.billing"), _button("Other", "topic.other")
    ),
    "/card": _bot("One plan", {"contentType": "Card", "card": _card("Basic")}),
    "/generic": _bot("One plan", {"contentType": "GenericTemplate", "generic": _card("Basic")}),
    "/carousel": _bot(
        "Two plans",
        {"contentType": "Carousel", "carousel": {"cards": [_card("Basic"), _card("Premium")]}},
    ),
    "/list": _bot("How do you take it?", {"contentType": "ListPicker", "listPicker": _LIST}),
    "/date": _bot("When suits you?", {"contentType": "DatePicker", "datePicker": _DATES}),
    "/anyday": _bot("When suits you?", {"contentType": "DatePicker", "datePicker": _ANY_DAY}),
    "/form": _bot("A few questions", {"contentType": "Form", "form": _FORM}),
    "/textitem": _bot(None, {"contentType": "Text", "text": {"body": "Words in an item"}}),
    "/unheard": _bot("Something new", {"contentType": "Hologram", "hologram": {"depth": 3}}),
    "/agent": Words(text="Hello, this is Dana.", nickname="Dana", entity="Human"),
}
