"""Content items of a chat message: attachments, quick replies, cards, pickers, forms.

What a broker acts on has fields; what it only passes on keeps its JSON in ``fields``. Fields
nobody documented stay in ``extras`` (inside the named property) and ``item_extras`` (beside it).
The vocabulary follows the content part of the vendor's web messaging schema.
"""

from dataclasses import dataclass, field
from typing import TypeAlias

from service.guest.values import JsonObject, kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file. ``url`` is signed and short-lived; sending needs the ``id`` only."""

    id: str | None = None
    url: str | None = field(default=None, repr=False)
    filename: str | None = field(default=None, repr=False)
    file_size: int | None = None
    media_type: str | None = None
    mime: str | None = None
    sha256: str | None = None
    text: str | None = field(default=None, repr=False)
    extras: JsonObject = kept()
    item_extras: JsonObject = kept()


@dataclass(frozen=True, slots=True, kw_only=True)
class QuickReply:
    """One suggested answer."""

    text: str | None = field(default=None, repr=False)
    payload: str | None = field(default=None, repr=False)
    action: str | None = None
    image: str | None = field(default=None, repr=False)
    id: str | None = None
    summary_text: str | None = field(default=None, repr=False)
    extras: JsonObject = kept()
    item_extras: JsonObject = kept()


@dataclass(frozen=True, slots=True, kw_only=True)
class ButtonResponse:
    """The guest's choice; outbound it is an older spelling of a quick reply."""

    type: str | None = None
    text: str | None = field(default=None, repr=False)
    payload: str | None = field(default=None, repr=False)
    originating_message_id: str | None = None
    id: str | None = None
    extras: JsonObject = kept()
    item_extras: JsonObject = kept()


@dataclass(frozen=True, slots=True, kw_only=True)
class _PassedOn:
    """Content that is handed on as it came."""

    fields: JsonObject = field(repr=False, hash=False)
    item_extras: JsonObject = kept()


class QuickReplyV2(_PassedOn):
    """A titled group of quick replies."""

    __slots__ = ()


class Card(_PassedOn):
    """A picture, a title and buttons."""

    __slots__ = ()


class Carousel(_PassedOn):
    """A row of cards."""

    __slots__ = ()


class DatePicker(_PassedOn):
    """Free appointments to choose from."""

    __slots__ = ()


class ListPicker(_PassedOn):
    """Sections of options to choose from."""

    __slots__ = ()


class Form(_PassedOn):
    """Pages of questions, or inbound the answers to them."""

    __slots__ = ()


class GenericTemplate(_PassedOn):
    """The deprecated card."""

    __slots__ = ()


class TextContent(_PassedOn):
    """Text as a content item."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownContent:
    """An item of a type this code does not know; ``fields`` is all but the type."""

    content_type: str
    fields: JsonObject = field(repr=False, hash=False)


ContentItem: TypeAlias = (
    Attachment
    | QuickReply
    | QuickReplyV2
    | ButtonResponse
    | Card
    | Carousel
    | DatePicker
    | ListPicker
    | Form
    | GenericTemplate
    | TextContent
    | UnknownContent
)
