"""What may be sent."""

from dataclasses import replace

import pytest

from service.domain.choice import ButtonChoice, Choice, DateChoice, FormChoice, ListChoice
from service.domain.errors import (
    AttributesTooLargeError,
    CallerError,
    InvalidRequestError,
    TextTooLongError,
    UnknownAttachmentError,
)
from service.domain.message import ButtonReply, SendBody
from service.usecases.send_limits import (
    check_attributes,
    check_body,
    check_external_id,
    check_first_body,
    check_metadata,
)

BUTTON = ButtonReply(type="QuickReply", text="Yes", payload="y")
PRESS = ButtonChoice(button=BUTTON)
LONG = ButtonChoice(button=ButtonReply(type="Button", text="x", payload="p" * 4097))
LIST = ListChoice(message_id="msg_1", item_ids=("a",))
DATE = DateChoice(originating_message_id="b", date_time="2031-04-05")


@pytest.mark.parametrize(
    "body",
    [
        SendBody(text="x"),
        SendBody(text="é" * 2048),
        SendBody(attachment_ids=("att_1",)),
        SendBody(text="x", custom_attributes={"k": "v" * 2047}, metadata={"n": 1}),
    ],
)
def test_what_fits_passes(body: SendBody) -> None:
    check_body(body)


@pytest.mark.parametrize(
    "choice", [PRESS, LIST, DATE, FormChoice(message_id="msg_1", answers={"email": "a@b"})]
)
def test_an_answer_alone_passes(choice: Choice) -> None:
    check_body(SendBody(), [choice])


@pytest.mark.parametrize(
    ("body", "choices", "pointer"),
    [
        (SendBody(text="x"), [PRESS], "/text"),
        (SendBody(attachment_ids=("att_1",)), [LIST], "/attachmentIds"),
        (SendBody(), [PRESS, LIST], "/listPicker"),
        (SendBody(), [ListChoice(item_ids=("a",))], "/listPicker"),
        (SendBody(), [DateChoice(date_time="x")], "/datePicker"),
        (SendBody(), [replace(LIST, item_ids=("a",) * 101)], "/listPicker/itemIds"),
        (
            SendBody(),
            [FormChoice(message_id="m", answers={"a": "é" * 8192})],
            "/form/answers",
        ),
        (
            SendBody(),
            [FormChoice(message_id="m", answers={str(n): "" for n in range(101)})],
            "/form/answers",
        ),
        (SendBody(), [], ""),
    ],
)
def test_an_answer_stands_alone_and_names_its_message(
    body: SendBody, choices: list[Choice], pointer: str
) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        check_body(body, choices, at="/message")

    assert refused.value.faults[0].pointer == f"/message{pointer}"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (SendBody(), InvalidRequestError),
        (SendBody(text=""), InvalidRequestError),
        (SendBody(text="é" * 2048 + "x"), TextTooLongError),
        (SendBody(text="x", metadata={"k": "v" * 16384}), InvalidRequestError),
        (SendBody(text="x", attachment_ids=("att_1", "att_2")), InvalidRequestError),
    ],
)
def test_what_does_not_fit_is_refused(body: SendBody, error: type[CallerError]) -> None:
    with pytest.raises(error):
        check_body(body)


def test_a_button_is_as_long_as_a_text() -> None:
    with pytest.raises(TextTooLongError):
        check_body(SendBody(), [LONG])


def test_a_first_message_has_no_file_to_bring() -> None:
    check_first_body(SendBody(text="x"), at="/message")
    with pytest.raises(UnknownAttachmentError):
        check_first_body(SendBody(text="x", attachment_ids=("att_1",)), at="/message")


def test_a_fault_is_named_where_the_body_stands() -> None:
    with pytest.raises(InvalidRequestError) as refused:
        check_body(SendBody(text="x", metadata={"k": "v" * 16384}), at="/message")

    assert refused.value.faults[0].pointer == "/message/metadata"


@pytest.mark.parametrize("external_id", [None, "a", "order 7", "é" * 128])
def test_a_name_of_the_callers_own_passes(external_id: str | None) -> None:
    check_external_id(external_id)


@pytest.mark.parametrize("external_id", ["", "é" * 129, "a#b", "a\tb", "a\x7f"])
def test_a_name_that_could_harm_a_key_is_refused(external_id: str) -> None:
    with pytest.raises(InvalidRequestError):
        check_external_id(external_id)


def test_limits_are_counted_in_bytes() -> None:
    check_attributes({"k": "é" * 1023})
    check_metadata({"k": "é" * 8188})

    with pytest.raises(AttributesTooLargeError):
        check_attributes({"k": "é" * 1024})
    check_attributes({"k": "v" * 9}, limit=10)
    with pytest.raises(AttributesTooLargeError, match=r"11 bytes.*limit is 10"):
        check_attributes({"k": "v" * 10}, limit=10)
    with pytest.raises(InvalidRequestError):
        check_metadata({"k": "é" * 8189})
