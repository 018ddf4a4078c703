"""The content of a message, as models for the OpenAPI document.

Everything may bring more members than stand here, and a type that nobody knows yet comes whole.
"""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

RAW = (
    "The body as Genesys sent it, with unknown members; null where it says no more than `text`. "
    "It follows Genesys's schema, not this one."
)
OMITTED = "Only where something was too large to be kept."


class Shown(BaseModel):
    """What all content shares."""

    model_config = ConfigDict(alias_generator=to_camel, extra="allow", defer_build=True)


class AttachmentContent(Shown):
    """A file."""

    id: str | None = None
    href: str | None = Field(
        default=None, description="Where the broker gives the file, to who has an API key."
    )
    url: str | None = Field(
        default=None, description="Only of a file without an id: whatever address came."
    )
    filename: str | None = None
    file_size: int | None = None
    media_type: str | None = None
    mime: str | None = None


class QuickReplyContent(Shown):
    """One suggested answer: send `payload` back in a `buttonResponse`."""

    text: str | None = None
    payload: str | None = None
    action: str | None = None
    image: str | None = None


class ButtonResponseContent(Shown):
    """What the guest chose."""

    type: str | None = None
    text: str | None = None
    payload: str | None = None
    originating_message_id: str | None = None


class CardAction(Shown):
    """A button of a card: `Link` opens `url`, `Postback` sends `payload`."""

    type: str | None = None
    text: str | None = None
    url: str | None = None
    payload: str | None = None


class CardContent(Shown):
    """A picture, a title and buttons."""

    title: str | None = None
    description: str | None = None
    image: str | None = None
    default_action: CardAction | None = None
    actions: list[CardAction] = []


class CarouselContent(Shown):
    """A row of cards."""

    cards: list[CardContent] = []


class AvailableTime(Shown):
    """A free appointment: ISO 8601, and seconds."""

    date_time: str | None = None
    duration: int | None = None


class DatePickerContent(Shown):
    """Appointments to choose from; answered with `datePicker`."""

    title: str | None = None
    subtitle: str | None = None
    date_minimum: str | None = None
    date_maximum: str | None = None
    available_times: list[AvailableTime] = []


class ListItem(Shown):
    """One option; its `id` is what `itemIds` names."""

    id: str | None = None
    title: str | None = None
    subtitle: str | None = None


class ListSection(Shown):
    """Options of which one may be chosen, or several."""

    title: str | None = None
    multiple_selection: bool | None = None
    items: list[ListItem] = []


class ListPickerContent(Shown):
    """Sections of options to choose from; answered with `listPicker`."""

    sections: list[ListSection] = []
    received_message: dict[str, Any] | None = None
    reply_message: dict[str, Any] | None = None


class FormContent(Shown):
    """Pages of questions; answered with `form`. From the guest: `response`."""

    canned_response_id: str | None = None
    introduction: dict[str, Any] | None = None
    form_pages: list[dict[str, Any]] = []
    originating_message_id: str | None = None
    response: list[dict[str, Any]] = []


class ContentOut(Shown):
    """One item. The member named like `contentType` is there; of a type unknown here, any."""

    content_type: Annotated[str, Field(examples=["QuickReply", "Card", "ListPicker"])]
    attachment: AttachmentContent | None = None
    quick_reply: QuickReplyContent | None = None
    button_response: ButtonResponseContent | None = None
    card: CardContent | None = None
    carousel: CarouselContent | None = None
    date_picker: DatePickerContent | None = None
    list_picker: ListPickerContent | None = None
    form: FormContent | None = None


class OmittedOut(BaseModel):
    """What was left out."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", defer_build=True)

    raw_bytes: int = Field(description="The size of `raw` where it is over 65536 bytes; else 0.")
    content_items: int = Field(description="How many items of `content` are missing at its end.")
