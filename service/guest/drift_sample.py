"""One frame as a sample of what is unknown in it: its structure, and nothing of anybody. Pure."""

from collections.abc import Mapping
from typing import Final

from service.domain.drift import without_ids
from service.guest.json_text import render
from service.guest.redaction import redact

LONGEST: Final = 1024
"""Characters of JSON."""
_DEEPEST: Final = 6
_FIELDS: Final = 24
_ITEMS: Final = 3
# Harmless in a log, where they lead to the message; a sample stands for all and leads nowhere.
_IDS: Final = frozenset(
    {
        *("id", "messageId", "originatingMessageId", "tracingId", "correlationId"),
        *("deploymentId", "attachmentId"),
    }
)


def sample_of(text: str) -> dict[str, object]:
    """The frame redacted, without ids, and as deep as fits `LONGEST`."""
    tree = redact(text)
    for depth in range(_DEEPEST, 0, -1):
        sample = _object(tree, depth)
        if len(render(sample)) <= LONGEST:
            return sample
    return {"frame": f"<{len(tree)} entries>"}


def _object(tree: Mapping[str, object], depth: int) -> dict[str, object]:
    return {
        without_ids(name): "<id>" if name in _IDS else _value(value, depth - 1)
        for name, value in list(tree.items())[:_FIELDS]
    }


def _value(value: object, depth: int) -> object:
    match value:
        case dict() | list() if depth <= 0:
            return f"<{len(value)} entries>"
        case dict():
            return _object(value, depth)
        case list():
            return [_value(item, depth - 1) for item in value[:_ITEMS]]
        case str():
            return without_ids(value)
        case _:
            return value
