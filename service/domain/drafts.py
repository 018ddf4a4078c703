"""Builds the events of a session's log: every type's `data`, as callers will read it for ever.

A draft becomes an event when its writer knows the place it will ask for. Ids and times come in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from service.domain.answered import content_of
from service.domain.attachment_links import with_links
from service.domain.ids import EventId, MessageId
from service.domain.instants import rfc3339
from service.domain.log import EventType, LogEvent
from service.domain.message import Author, AuthorKind, Failure, Message, MessageStatus, SendBody
from service.domain.said import Said
from service.domain.send import PendingSend, SendKind, SendStatus
from service.domain.session import EndedBy, Session
from service.domain.trace import Trace
from service.domain.views import message_view, session_view


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An event without its place. Exactly one of message and session-only facts makes its data."""

    type: EventType
    message: Message | None = None
    """With `sequence` 0 when the message takes the event's own place."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    keys: frozenset[str] = frozenset()
    channel_time: float | None = None
    trace: Trace | None = None
    """That of the request which causes the event."""

    def at_place(
        self, session: Session, *, sequence: int, event_id: EventId, at: float
    ) -> LogEvent:
        """The event at that place in that session's log; `session` is as the event leaves it."""
        data: dict[str, Any] = {
            "sessionId": session.id,
            "externalId": session.external_id,
            "deployment": session.deployment,
            "incarnation": session.incarnation,
            "sequence": sequence,
        }
        if self.message is not None:
            placed = (
                self.message if self.message.sequence else replace(self.message, sequence=sequence)
            )
            data["incarnation"] = placed.incarnation
            data["message"] = message_view(placed)
        if self.type.value.startswith("session."):
            data["session"] = session_view(session, last_sequence=sequence, updated_at=at)
        data.update(self.extra)
        return LogEvent(
            id=event_id,
            session_id=session.id,
            sequence=sequence,
            type=self.type,
            at=at,
            incarnation=session.incarnation if self.message is None else self.message.incarnation,
            data=data,
            keys=self.keys,
            channel_time=self.channel_time,
            trace=self.trace,
        )


def accepted(
    session: Session,
    *,
    message_id: MessageId,
    body: SendBody,
    at: float,
    author: Author | None = None,
) -> Draft:
    """A message is ours now: durable, and on its way."""
    return Draft(
        type=EventType.MESSAGE_ACCEPTED,
        message=Message(
            id=message_id,
            session_id=session.id,
            sequence=0,
            incarnation=session.incarnation,
            author=author or Author(kind=AuthorKind.GUEST),
            text=_text(body),
            content=with_links(session.id, content_of(body)),
            status=MessageStatus.ACCEPTED,
            custom_attributes=body.custom_attributes or None,
            metadata=body.metadata,
            occurred_at=at,
            created_at=at,
        ),
    )


def message_of(send: PendingSend, session: Session) -> Message:
    """The message that a pending send carries, as its accepted event told it."""
    author = AuthorKind.SYSTEM if send.kind is SendKind.RECAP else AuthorKind.GUEST
    body = send.body
    return Message(
        id=send.message_id,
        session_id=session.id,
        sequence=send.sequence,
        incarnation=send.written.incarnation if send.written else session.incarnation,
        author=Author(kind=author),
        text=_text(body),
        content=with_links(session.id, content_of(body)),
        status=_STATUS[send.status],
        custom_attributes=body.custom_attributes or None,
        metadata=body.metadata,
        occurred_at=send.accepted_at,
        created_at=send.accepted_at,
    )


_STATUS = {
    SendStatus.ACCEPTED: MessageStatus.ACCEPTED,
    SendStatus.WRITTEN: MessageStatus.WRITTEN,
    SendStatus.UNKNOWN: MessageStatus.UNKNOWN,
}


def confirmed(
    message: Message, *, occurred_at: float, keys: frozenset[str], recovered: bool
) -> Draft:
    """The guest's own message came back: it is at Genesys."""
    return Draft(
        type=EventType.MESSAGE_CONFIRMED,
        message=replace(
            message, status=MessageStatus.CONFIRMED, occurred_at=occurred_at, recovered=recovered
        ),
        keys=keys,
        channel_time=occurred_at,
    )


def failed(message: Message, failure: Failure) -> Draft:
    """The message will not arrive, or nobody can ever know whether it did."""
    return Draft(
        type=EventType.MESSAGE_FAILED,
        message=replace(message, status=MessageStatus.FAILED, failure=failure),
    )


def received(message: Message, *, keys: frozenset[str], channel_time: float | None) -> Draft:
    """Somebody at the contact centre said something (or the guest did, from elsewhere)."""
    return Draft(
        type=EventType.MESSAGE_RECEIVED, message=message, keys=keys, channel_time=channel_time
    )


def disconnected(session: Session, said: Said, *, at: float, recovered: bool) -> Draft:
    """The contact centre ended the conversation, and a message begins or goes on with another."""
    by = said.ended_by or EndedBy.UNKNOWN
    return Draft(
        type=EventType.CONVERSATION_DISCONNECTED,
        extra={
            "endedBy": by.value,
            "conversationId": session.conversation_id,
            "participantId": session.participant_id,
            "occurredAt": rfc3339(at if said.channel_time is None else said.channel_time),
            "recovered": recovered,
        },
        keys=said.keys,
        channel_time=said.channel_time,
    )


def tombstone() -> Draft:
    """What stands in an erased session's log so that no late writer can pass."""
    return Draft(type=EventType.ERASED)


def _text(body: SendBody) -> str | None:
    return body.text if body.button is None else body.text or body.button.text
