"""A pending send: one message on its way to Genesys, and where it stands. Pure values.

`accepted` -> `written` happens before the socket sees the frame, so a crash leaves a question and
never a silent second copy.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from service.domain.deployment import OnReadOnly
from service.domain.ids import MessageId, SessionId
from service.domain.message import SendBody
from service.domain.trace import Trace


class SendKind(StrEnum):
    """What goes out: a caller's message, or one of our own that needs the same certainty."""

    MESSAGE = "message"
    JOIN = "join"
    RECAP = "recap"


class SendStatus(StrEnum):
    """Where the send stands. The end (confirmed or failed) is in the log; the item is then gone."""

    ACCEPTED = "accepted"
    WRITTEN = "written"
    UNKNOWN = "unknown"
    """Written, and an unclear error came or the link died.

    Only proof, refusal or absence settles it.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The mark that was made before the socket write."""

    at: float
    incarnation: int
    writer: str
    """The lock token or listener that marked it: one writer wins."""
    link: str
    """The link it went out on; a later send may follow only on the same live link."""
    doubt_at: float | None = None
    """When the outcome became unclear: the link died, or an unclear error came."""
    absent_reads: int = 0
    """How many history reads of that guest session did not show it."""
    attachment_ids: Sequence[str] = ()
    """What Genesys calls the message's files, as the frame does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingSend:
    """One open send. `sequence` is that of its message.accepted event; sends go out in that order.

    A Join has no such event: its sequence is that of the event that made it due (opened or
    replaced), so (sequence, kind) is the item's name.
    """

    session_id: SessionId
    sequence: int
    kind: SendKind = SendKind.MESSAGE
    message_id: MessageId
    tracing_id: str
    metadata_id: str
    body: SendBody
    on_read_only: OnReadOnly | None = None
    """What to do if the chat is closed by then; None: as the session does."""
    status: SendStatus = SendStatus.ACCEPTED
    attempt: int = 0
    written: Written | None = None
    retry_at: float | None = None
    """Not before then: Genesys asked to wait."""
    context: str | None = None
    """The context that it carried when it was last written: attributes of the guest session."""
    accepted_at: float
    trace: Trace | None = None
    """That of the request which the message came with."""
    version: int = 1
