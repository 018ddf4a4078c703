"""From what the broker wants said to the request that says it. Decides nothing."""

from collections.abc import Mapping, Sequence
from typing import Final

from service.domain.answered import form_fields
from service.domain.message import ButtonReply, SendBody
from service.guest.body import Channel, ChannelMetadata, OutgoingMessage
from service.guest.chat_events import ChatEvent, Presence, PresenceType, Typing
from service.guest.content import Attachment, ButtonResponse, ContentItem, Form
from service.guest.requests import Echo, OnMessage

_DATE: Final = "DatePicker"
_PICKERS: Final = frozenset({_DATE, "ListPicker"})


def outgoing_message(*, token: str, tracing_id: str, metadata_id: str, body: SendBody) -> OnMessage:
    """The frame of a caller's message, spelled as the web client spells it.

    A button's label travels as text too; a date has none, and pickers name the message that they
    answer in the metadata.
    """
    replies = [*body.choices] if body.button is None else [body.button, *body.choices]
    content: list[ContentItem] = [_response(reply) for reply in replies]
    if body.form is not None:
        content.append(Form(fields=form_fields(body.form)))
    is_text = not content
    content.extend(Attachment(id=attachment_id) for attachment_id in body.attachment_ids)
    message = OutgoingMessage(
        type="Text" if is_text else "Structured",
        text=_words(body),
        content=tuple(content),
        metadata={"id": metadata_id, **_parent(replies)},
        channel=_channel(body.custom_attributes),
    )
    return OnMessage(token=token, tracing_id=tracing_id, message=message)


def _response(reply: ButtonReply) -> ButtonResponse:
    return ButtonResponse(
        type=reply.type,
        text=reply.text,
        payload=reply.payload,
        originating_message_id=reply.originating_message_id,
    )


def _words(body: SendBody) -> str | None:
    if body.button is None:
        return body.text or ""
    return body.text or (None if body.button.type == _DATE else body.button.text)


def _parent(replies: Sequence[ButtonReply]) -> Mapping[str, str]:
    parents = [
        reply.originating_message_id
        for reply in replies
        if reply.type in _PICKERS and reply.originating_message_id is not None
    ]
    return {"parentMessageId": parents[0]} if parents else {}


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
