"""One message of the transcript, in either direction, and what a caller may send. Pure values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from service.domain.ids import MessageId, SessionId

TEXT_BYTES_MAX: Final = 4096
"""Guest API: inbound text, in bytes of UTF-8 (error 4011)."""

ATTRIBUTE_BYTES_MAX: Final = 2048
"""Guest API: custom attributes with one message (error 4013).

A guest session may say otherwise.
"""


class AuthorKind(StrEnum):
    """Who wrote a message."""

    GUEST = "guest"
    AGENT = "agent"
    BOT = "bot"
    SYSTEM = "system"


class MessageStatus(StrEnum):
    """Where a message stands. `unknown` is pending and always resolves."""

    ACCEPTED = "accepted"
    WRITTEN = "written"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who wrote it, as far as the wire tells."""

    kind: AuthorKind
    name: str | None = None
    image: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why something failed: a stable code, a sentence, and Genesys's own code if there is one."""

    code: str
    detail: str
    provider_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ButtonReply:
    """A guest's answer to a quick reply, a card or a picker."""

    type: str
    text: str
    payload: str
    originating_message_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FormEntry:
    """The answer to one question of a form; several have the same id where several were chosen."""

    id: str
    text: str
    payload: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FormReply:
    """A guest's answers to a form, all in one."""

    originating_message_id: str | None
    canned_response_id: str | None
    answers: Sequence[FormEntry]


@dataclass(frozen=True, slots=True, kw_only=True)
class SendBody:
    """What a caller asked to send. At least one of text, an answer and attachments is there."""

    text: str | None = None
    button: ButtonReply | None = None
    choices: Sequence[ButtonReply] = ()
    """The options chosen of a list picker; `text` is then what the picker says for them."""
    form: FormReply | None = None
    attachment_ids: Sequence[str] = ()
    custom_attributes: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message as callers see it; `sequence` stays that of its accepted or received event."""

    id: MessageId
    session_id: SessionId
    sequence: int
    incarnation: int
    author: Author
    text: str | None
    content: Sequence[Mapping[str, Any]]
    """In the normal form of the Guest API."""
    raw: Mapping[str, Any] | None = None
    """The body as Genesys sent it; None for plain text."""
    omitted: Mapping[str, int] | None = None
    """What was too large to be kept; None: nothing."""
    status: MessageStatus
    failure: Failure | None = None
    custom_attributes: Mapping[str, str] | None = None
    metadata: Mapping[str, Any] | None = None
    recovered: bool = False
    late: bool = False
    occurred_at: float
    created_at: float


def attribute_bytes(attributes: Mapping[str, str]) -> int:
    """The size that Genesys's own SDK counts: the UTF-8 bytes of all keys and values together."""
    return sum(len(key.encode()) + len(value.encode()) for key, value in attributes.items())
