"""Wire tables of chat messages: content items, events, channels, bodies. Names only, no rules."""

from typing import Final

from service.guest import content_names as known
from service.guest.body import (
    Channel,
    ChannelMetadata,
    OutgoingMessage,
    Sender,
    StructuredBody,
)
from service.guest.chat_events import OtherEvent, Presence, Typing
from service.guest.content import (
    Attachment,
    ButtonResponse,
    Card,
    Carousel,
    DatePicker,
    Form,
    GenericTemplate,
    ListPicker,
    QuickReply,
    QuickReplyV2,
    TextContent,
    UnknownContent,
)
from service.guest.scalars import INTEGER, MAP, STRING
from service.guest.shapes import Shape, many, many_or_one, may, need, nested
from service.guest.variants import Tagged, Variant

_ATTACHMENT: Final = Shape(
    build=Attachment,
    fields=(
        may("id", STRING),
        may("url", STRING),
        may("filename", STRING),
        may("file_size", INTEGER),
        may("media_type", STRING),
        may("mime", STRING),
        may("sha256", STRING),
        may("text", STRING),
    ),
)
_QUICK_REPLY: Final = Shape(
    build=QuickReply,
    fields=(
        may("text", STRING),
        may("payload", STRING),
        may("action", STRING),
        may("image", STRING),
        may("id", STRING),
        may("summary_text", STRING),
    ),
)
_BUTTON_RESPONSE: Final = Shape(
    build=ButtonResponse,
    fields=(
        may("type", STRING),
        may("text", STRING),
        may("payload", STRING),
        may("originating_message_id", STRING),
        may("id", STRING),
    ),
)
_CONTENT: Final = Tagged(
    tag="contentType",
    attr="content_type",
    sort="content",
    other=UnknownContent,
    variants=(
        Variant(name="Attachment", prop="attachment", build=Attachment, shape=_ATTACHMENT),
        Variant(name="QuickReply", prop="quickReply", build=QuickReply, shape=_QUICK_REPLY),
        Variant(
            name="QuickReplyV2", prop="quickReplyV2", build=QuickReplyV2, names=known.QUICK_REPLY_V2
        ),
        Variant(
            name="ButtonResponse",
            prop="buttonResponse",
            build=ButtonResponse,
            shape=_BUTTON_RESPONSE,
        ),
        Variant(name="Card", prop="card", build=Card, names=known.CARD),
        Variant(name="Carousel", prop="carousel", build=Carousel, names=known.CAROUSEL),
        Variant(name="DatePicker", prop="datePicker", build=DatePicker, names=known.DATE_PICKER),
        Variant(name="ListPicker", prop="listPicker", build=ListPicker, names=known.LIST_PICKER),
        Variant(name="Form", prop="form", build=Form, names=known.FORM),
        Variant(
            name="GenericTemplate",
            prop="generic",
            build=GenericTemplate,
            names=known.GENERIC_TEMPLATE,
        ),
        Variant(name="Text", prop="text", build=TextContent, names=known.TEXT),
    ),
)
CONTENT: Final = _CONTENT.kind()

_TYPING: Final = Shape(
    build=Typing,
    # One page of the vendor's says durationMs where the schema says duration.
    fields=(need("type", STRING), may("duration_ms", INTEGER, wire="duration", alias="durationMs")),
)
_PRESENCE: Final = Shape(build=Presence, fields=(need("type", STRING),))
_EVENTS: Final = Tagged(
    tag="eventType",
    attr="event_type",
    sort="event",
    other=OtherEvent,
    variants=(
        Variant(name="Typing", prop="typing", build=Typing, shape=_TYPING),
        Variant(name="Presence", prop="presence", build=Presence, shape=_PRESENCE),
    ),
    passed_on=frozenset({"CoBrowse", "Video", "Reactions"}),
)
EVENTS: Final = _EVENTS.kind()

_SENDER: Final = Shape(
    build=Sender,
    fields=(
        may("nickname", STRING),
        may("first_name", STRING),
        may("last_name", STRING),
        may("image", STRING),
    ),
)
_CHANNEL_METADATA: Final = Shape(build=ChannelMetadata, fields=(may("custom_attributes", MAP),))
CHANNEL: Final = Shape(
    build=Channel,
    fields=(
        may("time", STRING),
        may("message_id", STRING),
        may("type", STRING),
        may("from_", nested(_SENDER), wire="from"),
        may("to", nested(_SENDER)),
        may("metadata", nested(_CHANNEL_METADATA)),
    ),
)
BODY: Final = Shape(
    build=StructuredBody,
    fields=(
        may("id", STRING),
        may("type", STRING),
        may("text", STRING),
        may("direction", STRING),
        may("channel", nested(CHANNEL)),
        may("content", many_or_one(_CONTENT.forgiving())),
        may("events", many(_EVENTS.forgiving())),
        may("metadata", MAP),
        may("originating_entity", STRING),
        may("originating_message_id", STRING),
        may("status", STRING),
    ),
)
OUTGOING: Final = Shape(
    build=OutgoingMessage,
    fields=(
        may("type", STRING),
        may("id", STRING),
        may("text", STRING),
        may("status", STRING),
        may("content", many(CONTENT)),
        may("events", many(EVENTS)),
        may("metadata", MAP),
        may("channel", nested(CHANNEL)),
    ),
)
