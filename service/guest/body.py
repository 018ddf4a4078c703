"""The body of a chat message, on the socket and in history, and the message a guest sends."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from service.guest.chat_events import ChatEvent
from service.guest.content import ContentItem
from service.guest.values import JsonObject, kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who wrote it, or to whom; usually empty for bots and customers."""

    nickname: str | None = field(default=None, repr=False)
    first_name: str | None = field(default=None, repr=False)
    last_name: str | None = field(default=None, repr=False)
    image: str | None = field(default=None, repr=False)
    extras: JsonObject = kept()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelMetadata:
    """Where custom attributes travel."""

    custom_attributes: Mapping[str, str] = kept()
    extras: JsonObject = kept()


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """How and when the message went. ``time`` is as on the wire; history may leave it out."""

    time: str | None = None
    message_id: str | None = None
    type: str | None = None
    from_: Sender | None = None
    to: Sender | None = None
    metadata: ChannelMetadata | None = None
    extras: JsonObject = kept()

    @property
    def at(self) -> datetime | None:
        """``time`` as an aware UTC moment; None when absent or not a time."""
        return _moment(self.time)


@dataclass(frozen=True, slots=True, kw_only=True)
class StructuredBody:
    """One chat message or event. Nothing is promised to be there, not even the id."""

    id: str | None = None
    type: str | None = None
    text: str | None = field(default=None, repr=False)
    direction: str | None = None
    channel: Channel | None = None
    content: tuple[ContentItem, ...] = ()
    events: tuple[ChatEvent, ...] = ()
    metadata: Mapping[str, str] = kept()
    originating_entity: str | None = None
    originating_message_id: str | None = None
    status: str | None = None
    extras: JsonObject = kept()

    @property
    def sent_at(self) -> datetime | None:
        """When the platform processed it (UTC), if it says so."""
        return self.channel.at if self.channel else None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingMessage:
    """What a guest sends: text, content or events. ``type`` may be absent (attachment only)."""

    type: str | None = None
    id: str | None = None
    text: str | None = field(default=None, repr=False)
    status: str | None = None
    content: tuple[ContentItem, ...] = ()
    events: tuple[ChatEvent, ...] = ()
    metadata: Mapping[str, str] = kept()
    channel: Channel | None = None
    extras: JsonObject = kept()


def _moment(time: str | None) -> datetime | None:
    if time is None:
        return None
    try:
        moment = datetime.fromisoformat(time)
        # The service writes UTC; a time without an offset is read as such.
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        # An odd time must not cost the message; the wire string is still there.
        return None
