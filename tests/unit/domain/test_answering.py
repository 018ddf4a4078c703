"""An answer is sent only if it was offered, and as the web client sends it."""

from collections.abc import Sequence
from typing import Final

import pytest

from service.domain.answering import OFFERED_MAX, answered
from service.domain.choice import ButtonChoice, Choice, DateChoice, FormChoice, ListChoice, Offer
from service.domain.errors import InvalidRequestError, OptionNotOfferedError
from service.domain.message import TEXT_BYTES_MAX, ButtonReply, FormEntry, SendBody
from service.simulator.canned import CANNED
from tests.support.wire_story import tells

ATTRIBUTES: Final = {"order": "A-1"}
BODY: Final = SendBody(custom_attributes=ATTRIBUTES)


def offer(name: str, number: int = 1) -> Offer:
    content = CANNED[name].content
    return Offer(message_id=f"msg_{number}", body_id=f"body-{number}", content=content)


def press(payload: str, kind: str = "QuickReply", *, of: str | None = None) -> ButtonChoice:
    button = ButtonReply(type=kind, text="Label", payload=payload)
    return ButtonChoice(button=button, message_id=of)


def answer(choice: Choice, *names: str) -> SendBody:
    offers = [offer(name, number) for number, name in enumerate(names, start=1)]
    return answered(BODY, choice, offers, at="")


def refused(choice: Choice, *names: str) -> OptionNotOfferedError:
    with pytest.raises(OptionNotOfferedError) as told:
        answer(choice, *names)
    return told.value


def wrong(choice: Choice, *names: str) -> list[str]:
    with pytest.raises(InvalidRequestError) as told:
        answer(choice, *names)
    return [fault.pointer for fault in told.value.faults]


@tells("QuickReply")
def test_a_quick_reply_that_was_offered_goes_out_without_the_name_of_its_message() -> None:
    body = answer(press("topic.billing"), "/card", "/quick")

    assert body.button == ButtonReply(type="QuickReply", text="Label", payload="topic.billing")
    assert body.custom_attributes == ATTRIBUTES


def test_who_names_the_message_tells_genesys_which_it_is() -> None:
    body = answer(press("topic.billing", of="msg_1"), "/quick")

    assert body.button is not None
    assert body.button.originating_message_id == "body-1"


@pytest.mark.parametrize("kind", ["Button", "QuickReply"])
def test_a_press_is_a_press_however_it_is_called(kind: str) -> None:
    assert answer(press("plan.basic", kind), "/card").button is not None
    assert answer(press("topic.other", kind), "/quick").button is not None


def test_pickers_may_be_answered_one_option_at_a_time() -> None:
    picked = answer(press("oat", "ListPicker"), "/quick", "/list").button
    dated = answer(press("2031-04-05T12:00:00+02:00", "DatePicker"), "/date").button

    assert picked is not None
    assert picked.originating_message_id == "body-2"
    assert dated is not None
    assert dated.payload == "2031-04-05T10:00:00.000Z"


@pytest.mark.parametrize(
    "choice",
    [
        press("topic.none"),
        press("topic.billing", "ListPicker"),
        press("topic.billing", "Form"),
        press("2031-04-05T12:30:00Z", "DatePicker"),
    ],
)
def test_what_was_not_offered_is_refused_with_what_was(choice: Choice) -> None:
    told = refused(choice, "/quick")

    assert told.pointer == "/buttonResponse/payload"
    assert told.offered == ["topic.billing", "topic.other"]
    assert "option" in str(told)


def test_a_refusal_tells_no_more_than_fits() -> None:
    replies = [
        {"contentType": "QuickReply", "quickReply": {"text": "x", "payload": payload}}
        for payload in ["p" * 257, *(f"p{n}" for n in range(OFFERED_MAX + 5))]
    ]
    many = Offer(message_id="msg_1", body_id=None, content=replies)

    with pytest.raises(OptionNotOfferedError) as told:
        answered(BODY, press("none"), [many])

    assert told.value.offered == [f"p{n}" for n in range(OFFERED_MAX)]


@tells("ListPicker")
def test_options_of_a_list_go_out_one_response_each() -> None:
    body = answer(ListChoice(message_id="msg_1", item_ids=("oat", "nuts", "mint")), "/list")

    assert body.text == "Thanks, noted."
    assert [(r.type, r.text, r.payload) for r in body.choices] == [
        ("ListPicker", "Oat", "oat"),
        ("ListPicker", "Nuts", "nuts"),
        ("ListPicker", "Mint", "mint"),
    ]
    assert {r.originating_message_id for r in body.choices} == {"body-1"}


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"title": "Chosen"}, "Chosen"),
        ({}, "A, B"),
        ({"subtitle": "é" * TEXT_BYTES_MAX}, "é" * (TEXT_BYTES_MAX // 2)),
    ],
)
def test_a_list_says_what_it_has_to_say(said: dict[str, str], words: str) -> None:
    items = [{"id": "a", "title": "A"}, {"id": "b", "title": "B"}]
    section = {"multipleSelection": True, "items": items}
    content = [{"listPicker": {"sections": [section], "replyMessage": said}}]
    one = Offer(message_id="msg_1", body_id=None, content=content)

    assert answered(BODY, ListChoice(item_ids=("a", "b")), [one]).text == words


def test_a_list_refuses_what_it_does_not_offer() -> None:
    told = refused(ListChoice(item_ids=("oat", "soy")), "/list")

    assert (told.pointer, told.offered) == (
        "/listPicker/itemIds/1",
        ["oat", "cow", "nuts", "mint"],
    )
    assert refused(ListChoice(item_ids=("oat",)), "/quick").pointer == "/listPicker"


@pytest.mark.parametrize("ids", [(), ("oat", "oat"), ("oat", "cow")])
def test_a_list_takes_each_option_once_and_of_some_sections_one(ids: Sequence[str]) -> None:
    assert wrong(ListChoice(item_ids=ids), "/list") == ["/listPicker/itemIds"]


@tells("DatePicker")
def test_a_time_goes_out_as_it_was_offered() -> None:
    body = answer(DateChoice(date_time="2031-04-05T11:00:00Z"), "/date")

    time = "2031-04-05T11:00:00.000Z"
    assert body.button == ButtonReply(
        type="DatePicker", text=time, payload=time, originating_message_id="body-1"
    )
    assert answer(DateChoice(date_time="2031-04-09T11:00:00Z"), "/anyday").button is not None


def test_a_time_that_is_not_offered_is_refused() -> None:
    told = refused(DateChoice(date_time="2031-04-05T12:00:00Z"), "/date")

    assert told.pointer == "/datePicker/dateTime"
    assert told.offered == ["2031-04-05T10:00:00.000Z", "2031-04-05T11:00:00.000Z"]
    assert refused(DateChoice(date_time="2031-05-05T12:00:00Z"), "/anyday").offered == []
    assert wrong(DateChoice(date_time="soon"), "/date") == ["/datePicker/dateTime"]


@tells("Form")
def test_a_form_goes_out_with_what_it_says_at_its_end() -> None:
    body = answer(FormChoice(answers={"email": "ann@example.test"}), "/form")

    assert body.text == "Thanks!"
    assert body.form is not None
    assert body.form.originating_message_id == "body-1"
    assert body.form.answers == [
        FormEntry(id="email", text="ann@example.test", payload="ann@example.test")
    ]
    assert refused(FormChoice(answers={}), "/list").pointer == "/form"


def test_the_pointer_of_a_fault_stands_below_that_of_the_body() -> None:
    with pytest.raises(OptionNotOfferedError) as told:
        answered(BODY, press("x"), (), at="/message")

    assert told.value.pointer == "/message/buttonResponse/payload"
