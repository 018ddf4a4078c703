"""Something that was said in a chat: one message of the wire, live or from history."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from service.domain.message import Author
from service.domain.session import EndedBy


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One message of either direction.

    `keys` name it: `b:` body id, `c:` channel message id, `t:` tracing id.
    """

    keys: frozenset[str]
    from_guest: bool
    author: Author
    text: str | None = field(default=None, repr=False)
    content: Sequence[Mapping[str, Any]] = field(default=(), repr=False)
    """In the normal form."""
    raw: Mapping[str, Any] | None = field(default=None, repr=False)
    """The body as it came; None where it says no more than the text."""
    channel_time: float | None = None
    tracing_id: str | None = None
    metadata_id: str | None = None
    body_id: str | None = None
    is_join: bool = False
    """The guest's own Join event: proof of a pending Join, never a message of the transcript."""
    ended_by: EndedBy | None = None
    """The contact centre ended the conversation here, and the chat goes on: no message either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An error that Genesys gave.

    `certain` proves that the request with that tracing id was not carried out.
    """

    code: str
    certain: bool
    tracing_id: str | None = None
    retry_after_seconds: float | None = None
    session_gone: bool = False
    """4006, 4007 or SessionExpiredEvent: also means that the guest session is not there."""

    @property
    def throttled(self) -> bool:
        """Whether to wait and send again rather than to give up."""
        return self.code in {"429", "4029"}
