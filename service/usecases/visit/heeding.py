"""Takes over what a caller changed of a session that is being visited, without beginning anew."""

from dataclasses import replace
from typing import Any, Final

from service.domain.session import Session
from service.usecases.visit.desk import Desk

_NOTES: Final = ("custom_attributes", "attributes_version", "metadata")
"""What callers keep with a session; nothing that a visit decides by."""
_APART: Final = (
    "version",
    "updated_at",
    "look_at",
    "wake_at",
    "attachments_at",
    "lock",
    "farewell",
    "unanswered_after",
)


def heeded(desk: Desk, stored: Session) -> bool:
    """Whether the caller's own notes are all that changed; then the visit goes on with them."""
    known = desk.writer.session
    if replace(stored, **_members(known, *_NOTES, *_APART)) != known:
        return False
    desk.writer.session = stored
    desk.session = replace(desk.session, **_members(stored, *_NOTES, "version"))
    return True


def _members(session: Session, *names: str) -> dict[str, Any]:
    return {name: getattr(session, name) for name in names}
