"""Values of a message that the vendor lists, where another one would mean something new."""

from collections.abc import Iterator
from typing import Final

from service.guest.body import StructuredBody
from service.guest.shapes import label_at

DIRECTIONS: Final = frozenset({"Inbound", "Outbound"})
ENTITIES: Final = frozenset({"Human", "Bot", ""})
"""Who wrote it; a guest's own message may say nothing."""
BODY_TYPES: Final = frozenset({"Text", "Structured", "Event", "Receipt", "Message"})
CHANNEL_TYPES: Final = frozenset({"Private", "Public"})


def odd_values(body: StructuredBody, path: str) -> Iterator[str]:
    """List labels such as ``value:body.direction.Sideways``; what is not there is not odd."""
    channel_type = None if body.channel is None else body.channel.type
    for place, value, known in (
        ("type", body.type, BODY_TYPES),
        ("direction", body.direction, DIRECTIONS),
        ("originatingEntity", body.originating_entity, ENTITIES),
        ("channel.type", channel_type, CHANNEL_TYPES),
    ):
        if value is not None and value not in known:
            yield label_at("value", f"{path}.{place}", value)
