"""Events inside a chat message: typing, presence, and those the broker only passes on.

Not to be confused with the broker's own events: these are items of ``body.events``.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from service.guest.values import JsonObject, kept


class PresenceType(StrEnum):
    """What a presence event can say, for comparison with ``Presence.type``."""

    AUTHENTICATE = "Authenticate"
    AUTHENTICATE_CANCEL = "AuthenticateCancel"
    AUTHENTICATE_FAILURE = "AuthenticateFailure"
    CLEAR = "Clear"
    DISCONNECT = "Disconnect"
    JOIN = "Join"
    SESSION_EXPIRED = "SessionExpired"
    SIGN_IN = "SignIn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Typing:
    """Someone is typing (``On``) or stopped (``Off``). The duration is in milliseconds."""

    type: str
    duration_ms: int | None = None
    extras: JsonObject = kept()
    item_extras: JsonObject = kept()

    @property
    def is_on(self) -> bool:
        """Whether typing goes on."""
        return self.type == "On"


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """Someone came, left, signed in, cleared; ``type`` may be none of PresenceType."""

    type: str
    extras: JsonObject = kept()
    item_extras: JsonObject = kept()


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherEvent:
    """Co-browsing, video, reactions and what comes next; ``fields`` is all but the type."""

    event_type: str
    fields: JsonObject = field(repr=False, hash=False)


ChatEvent: TypeAlias = Typing | Presence | OtherEvent
