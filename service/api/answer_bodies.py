"""What callers may send as a message: words, files, or the answer to what was offered."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from service.api.inbound import Strict, Word
from service.domain.choice import ButtonChoice, Choice, DateChoice, FormChoice, ListChoice
from service.domain.deployment import OnReadOnly
from service.domain.message import ButtonReply, SendBody

Identity = Annotated[str, Field(min_length=1, max_length=128)]
MessageName = Annotated[
    Identity | None, Field(description="The message that is answered: its `id`, `msg_…`.")
]
GenesysName = Annotated[
    Identity | None, Field(description="The same by Genesys's own id, in place of `messageId`.")
]
ButtonType = Annotated[
    str,
    Field(
        min_length=1,
        max_length=64,
        description="`QuickReply`, or `Button` of a card; also `DatePicker` or `ListPicker`.",
    ),
]
Payload = Annotated[str, Field(description="The payload of the option, exactly as it was offered.")]


def _answer(given: object) -> object:
    """Not a union of types: its errors would name types, not places."""
    texts = given if isinstance(given, list) else [given]
    if not all(isinstance(text, str) for text in texts):
        fault = "must be text, or a list of ids"
        raise PydanticCustomError("answer", fault)
    return given


AnswerValue = Annotated[
    Any,
    BeforeValidator(_answer),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"items": {"type": "string"}, "type": "array"}]}),
]


class ButtonResponse(Strict):
    """The guest's answer to a quick reply or a card; must be an option that was offered."""

    type: ButtonType
    text: Annotated[str, Field(description="The label, as the guest saw it.")]
    payload: Payload
    message_id: MessageName = None
    originating_message_id: GenesysName = None

    def choice(self) -> ButtonChoice:
        """As the core knows it."""
        return ButtonChoice(
            message_id=self.message_id,
            originating_message_id=self.originating_message_id,
            button=ButtonReply(type=self.type, text=self.text, payload=self.payload),
        )


class ListPickerResponse(Strict):
    """The options chosen of a list picker."""

    message_id: MessageName = None
    originating_message_id: GenesysName = None
    item_ids: Annotated[
        list[str], Field(description="The `id` of each option; of some sections only one.")
    ]

    def choice(self) -> ListChoice:
        """As the core knows it."""
        return ListChoice(
            message_id=self.message_id,
            originating_message_id=self.originating_message_id,
            item_ids=tuple(self.item_ids),
        )


class DatePickerResponse(Strict):
    """The time chosen of a date picker."""

    message_id: MessageName = None
    originating_message_id: GenesysName = None
    date_time: Annotated[
        str,
        Field(
            max_length=64,
            description="ISO 8601: one of `availableTimes`, or any time between `dateMinimum` and "
            "`dateMaximum` where there are none.",
        ),
    ]

    def choice(self) -> DateChoice:
        """As the core knows it."""
        return DateChoice(
            message_id=self.message_id,
            originating_message_id=self.originating_message_id,
            date_time=self.date_time,
        )


class FormResponse(Strict):
    """The answers to a form, all at once."""

    message_id: MessageName = None
    originating_message_id: GenesysName = None
    answers: Annotated[
        dict[str, AnswerValue],
        Field(description="By the `id` of each component: text, a time, or the ids of options."),
    ]

    def choice(self) -> FormChoice:
        """As the core knows it."""
        return FormChoice(
            message_id=self.message_id,
            originating_message_id=self.originating_message_id,
            answers=self.answers,
        )


class SendMessageBody(Strict):
    """A message: text and files, or one answer to what was offered.

    `onReadOnly`: what it does if the contact centre has ended the chat; else as the session says.
    """

    text: str | None = None
    button_response: ButtonResponse | None = None
    list_picker: ListPickerResponse | None = None
    date_picker: DatePickerResponse | None = None
    form: FormResponse | None = None
    attachment_ids: list[str] | None = None
    custom_attributes: dict[str, str] | None = None
    metadata: dict[str, Any] | None = None
    on_read_only: Annotated[OnReadOnly, Word] | None = None

    def value(self) -> SendBody:
        """As the core knows it, without what it answers."""
        return SendBody(
            text=self.text,
            attachment_ids=tuple(self.attachment_ids or ()),
            custom_attributes=self.custom_attributes or {},
            metadata=self.metadata,
        )

    def choices(self) -> tuple[Choice, ...]:
        """What it answers."""
        given = (self.button_response, self.list_picker, self.date_picker, self.form)
        return tuple(answer.choice() for answer in given if answer is not None)
