"""Files of guests and agents: what is known of one, and how far it has come."""

from dataclasses import dataclass
from enum import StrEnum


class FileState(StrEnum):
    """How far a file has come."""

    PENDING = "pending"
    UPLOADED = "uploaded"
    FAILED = "failed"
    SENT = "sent"


@dataclass(slots=True, kw_only=True, eq=False)
class Attachment:
    """One file. `tagging` is the header that the signature of the upload covers."""

    id: str
    deployment: str
    session: str
    """The guest session that it was asked for in: no other has it."""
    token: str
    name: str
    mime: str
    size: int
    signature: str
    tagging: str
    created_at: float
    state: FileState = FileState.PENDING
    content: bytes = b""
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """A download address that stops working at `expires_at`."""

    attachment: Attachment
    expires_at: float
