"""One frame as a sample of what is unknown in it: its structure, and nothing of anybody. Pure.

Stricter than what logs show of a frame: those lead to one message, and whoever may read it. A value
is shown where its field holds a word of the protocol wherever it stands, else only its sort.
"""

import re
from collections.abc import Mapping
from typing import Final

from service.domain.drift import STAR, field_name, plain_name
from service.domain.errors import GuestProtocolError
from service.guest.json_text import parse_object, render
from service.guest.redaction import redact

LONGEST: Final = 1024
"""Characters of JSON."""
LONGEST_FRAME: Final = 16 * 1024
"""Of a longer one only the class and the size are told."""
_DEEPEST: Final = 6
_FIELDS: Final = 24
_ITEMS: Final = 3
_WORDS: Final = frozenset({"class", "type", "action", "contentType", "eventType", "direction"})
_WORD: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_IDS: Final = frozenset(
    {
        *("id", "messageId", "originatingMessageId", "tracingId", "correlationId"),
        *("deploymentId", "attachmentId"),
    }
)
_MASKED: Final = "<"
"""What a mask begins with, and no value that is let through."""
_MOST_CODE: Final = 10**9


def sample_of(text: str) -> dict[str, object]:
    """The frame without words, people, ids and secrets, and as deep as fits `LONGEST`."""
    if len(text) > LONGEST_FRAME:
        return {"frame": _length(text), **_class_of(text)}
    tree = redact(text)
    if tree.keys() == {"unreadable", "problem"}:
        # What is wrong is the kind's own name.
        del tree["problem"]
    for depth in range(_DEEPEST, 0, -1):
        sample = _object(tree, depth) | _code_of(tree)
        if len(render(sample)) <= LONGEST:
            return sample
    return {"frame": f"<{len(tree)} entries>"}


def _class_of(text: str) -> dict[str, object]:
    try:
        name = parse_object(text).get("class")
    except GuestProtocolError:
        return {}
    return {"class": _word(name)} if isinstance(name, str) else {}


def _code_of(tree: Mapping[str, object]) -> dict[str, object]:
    """The code of the envelope; of other fields that are called so, only the sort is told."""
    code = tree.get("code")
    return {"code": code} if type(code) is int and abs(code) < _MOST_CODE else {}


def _object(tree: Mapping[str, object], depth: int) -> dict[str, object]:
    return {
        field_name(name): _field(name, value, depth - 1)
        for name, value in list(tree.items())[:_FIELDS]
    }


def _field(name: str, value: object, depth: int) -> object:
    match value:
        case dict() | list() if depth <= 0:
            return f"<{len(value)} entries>"
        case dict():
            return _object(value, depth)
        case list():
            return [_field(name, item, depth - 1) for item in value[:_ITEMS]]
        case str():
            return _text(name, value)
        case bool():
            return "<boolean>"
        case None:
            return None
        case _:
            return "<number>"


def _text(name: str, value: str) -> str:
    if name in _IDS:
        return "<id>"
    if value.startswith(_MASKED):
        return value
    return _word(value) if name in _WORDS else _length(value)


def _word(value: str) -> str:
    is_word = _WORD.fullmatch(value) is not None and plain_name(value) != STAR
    return value if is_word else _length(value)


def _length(text: str) -> str:
    return f"<{len(text)} characters>"
