"""From what the broker wants said to the request that says it. Decides nothing."""

from collections.abc import Mapping

from service.domain.message import SendBody
from service.guest.body import Channel, ChannelMetadata, OutgoingMessage
from service.guest.chat_events import ChatEvent, Presence, PresenceType, Typing
from service.guest.content import Attachment, ButtonResponse, ContentItem
from service.guest.requests import Echo, OnMessage


def outgoing_message(*, token: str, tracing_id: str, metadata_id: str, body: SendBody) -> OnMessage:
    """The frame of a caller's message.

    A button's label travels as text too, as the web client sends it.
    """
    content: list[ContentItem] = []
    if body.button is not None:
        button = body.button
        content.append(
            ButtonResponse(
                type=button.type,
                text=button.text,
                payload=button.payload,
                originating_message_id=button.originating_message_id,
            )
        )
    content.extend(Attachment(id=attachment_id) for attachment_id in body.attachment_ids)
    message = OutgoingMessage(
        type="Text" if body.button is None else "Structured",
        text=body.text or (body.button.text if body.button else ""),
        content=tuple(content),
        metadata={"id": metadata_id},
        channel=_channel(body.custom_attributes),
    )
    return OnMessage(token=token, tracing_id=tracing_id, message=message)


def outgoing_join(
    *, token: str, tracing_id: str, metadata_id: str, attributes: Mapping[str, str]
) -> OnMessage:
    """The frame that starts the conversation of a deployment with auto-start."""
    return _event(
        Presence(type=PresenceType.JOIN),
        token=token,
        tracing_id=tracing_id,
        metadata={"id": metadata_id},
        channel=_channel(attributes),
    )


def outgoing_clear(*, token: str, tracing_id: str) -> OnMessage:
    """The frame that has the guest's conversation erased and ended."""
    return _event(Presence(type=PresenceType.CLEAR), token=token, tracing_id=tracing_id)


def outgoing_typing(*, token: str, tracing_id: str) -> OnMessage:
    """The frame that says the guest is typing."""
    return _event(Typing(type="On"), token=token, tracing_id=tracing_id)


def outgoing_echo(*, token: str, tracing_id: str) -> Echo:
    """The health check: an expired guest session answers it with SessionExpiredEvent."""
    return Echo(
        token=token, tracing_id=tracing_id, message=OutgoingMessage(type="Text", text="ping")
    )


def _event(
    event: ChatEvent,
    *,
    token: str,
    tracing_id: str,
    metadata: Mapping[str, str] | None = None,
    channel: Channel | None = None,
) -> OnMessage:
    message = OutgoingMessage(
        type="Event", events=(event,), metadata=metadata or {}, channel=channel
    )
    return OnMessage(token=token, tracing_id=tracing_id, message=message)


def _channel(attributes: Mapping[str, str]) -> Channel | None:
    if not attributes:
        return None
    return Channel(metadata=ChannelMetadata(custom_attributes=dict(attributes)))
