"""What the tables of the wire know by name and nothing uses: seen all the same, it is drift.

Neither has a documented meaning that an official client acts on. Who begins to use one takes it
out of here.
"""

from collections.abc import Iterator
from typing import Final

from service.guest.chat_events import Presence, PresenceType
from service.guest.messages import ResumeTokenResponse, ServerFrame, StructuredMessage
from service.guest.shapes import label

UNUSED_ACTIONS: Final = frozenset({"disconnectCustomer", "resumeToken"})
"""Named in the vendor's schema without a request; no client sends them."""
UNUSED_CLASSES: Final = frozenset({"ResumeTokenResponse"})
"""Answers to what nobody asks."""
UNUSED_EVENTS: Final = frozenset(
    {
        PresenceType.AUTHENTICATE,
        PresenceType.AUTHENTICATE_CANCEL,
        PresenceType.AUTHENTICATE_FAILURE,
        PresenceType.SESSION_EXPIRED,
    }
)
"""Presence of other channels; of an expiry, SessionExpiredEvent tells."""
_USED_EVENTS: Final = frozenset(PresenceType) - UNUSED_EVENTS


def unused(frame: ServerFrame) -> Iterator[str]:
    """List labels as `unknowns` does: of a class nobody asks for, of presence nobody heeds."""
    match frame:
        case ResumeTokenResponse():
            yield label("class", "ResumeTokenResponse")
        case StructuredMessage(body=body):
            for event in body.events:
                if isinstance(event, Presence) and event.type not in _USED_EVENTS:
                    yield label("event", event.type)
        case _:
            return
