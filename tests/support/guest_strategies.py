"""Hypothesis strategies for every message of the south wire.

Fields follow the type written beside them, so a field added to a message is drawn at once.
Unknown fields are named ``x-…``: what a table knows can never come out of decoding as unknown.
"""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias, get_args, get_type_hints

from hypothesis import strategies as st

from service.guest import body, chat_events, content, messages, requests, rest
from service.guest.frame_wire import CLASSES, ERROR_CLASSES
from service.guest.request_wire import ACTIONS
from service.guest.values import JsonObject

Draw: TypeAlias = st.SearchStrategy[Any]

TEXT: Final[Draw] = st.text(max_size=12)
# JSON numbers of up to 18 digits are what the codec takes.
INTEGERS: Final[Draw] = st.integers(min_value=-(10**17), max_value=10**17)
FLOATS: Final[Draw] = st.floats(allow_nan=False, allow_infinity=False)
JSON: Final[Draw] = st.recursive(
    st.none() | st.booleans() | INTEGERS | FLOATS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
EXTRAS: Final[Draw] = st.dictionaries(TEXT.map(lambda name: f"x-{name}"), JSON, max_size=2)
STRING_MAPS: Final[Draw] = st.dictionaries(TEXT, TEXT, max_size=3)

_KNOWN_CLASSES: Final = {*CLASSES, *ERROR_CLASSES, "StructuredMessage"}
_KNOWN_CONTENT: Final = {
    *("Attachment", "QuickReply", "QuickReplyV2", "ButtonResponse", "Card", "Carousel"),
    *("DatePicker", "ListPicker", "Form", "GenericTemplate", "Text"),
}


def drawn(build: type[Any], **given: Draw) -> Draw:
    """Draw every field of a dataclass by its annotation, save those given."""
    hints = get_type_hints(build)
    fields = {name: _by_hint(hint) for name, hint in hints.items() if name not in given}
    return st.builds(build, **fields, **given)


def _by_hint(hint: object) -> Draw:
    if hint in _BY_HINT:
        return _BY_HINT[hint]
    return st.one_of([_BY_HINT[part] for part in get_args(hint)])


_BY_HINT: Final[dict[Any, Draw]] = {
    str: TEXT,
    bool: st.booleans(),
    int: INTEGERS,
    float: FLOATS,
    type(None): st.none(),
    JsonObject: EXTRAS,
    Mapping[str, str]: STRING_MAPS,
    object: JSON,
    tuple[str, ...]: st.lists(TEXT, max_size=3).map(tuple),
}


def _other_than(known: set[str]) -> Draw:
    return TEXT.filter(lambda name: name not in known)


CONTENT: Final[Draw] = st.one_of(
    *(drawn(kind) for kind in get_args(content.ContentItem) if kind is not content.UnknownContent),
    drawn(content.UnknownContent, content_type=_other_than(_KNOWN_CONTENT)),
)
CHAT_EVENTS: Final[Draw] = st.one_of(
    drawn(chat_events.Typing),
    drawn(chat_events.Presence),
    drawn(chat_events.OtherEvent, event_type=_other_than({"Typing", "Presence"})),
)
_BY_HINT[tuple[content.ContentItem, ...]] = st.lists(CONTENT, max_size=2).map(tuple)
_BY_HINT[tuple[chat_events.ChatEvent, ...]] = st.lists(CHAT_EVENTS, max_size=2).map(tuple)
for _part in (
    body.Sender,
    body.ChannelMetadata,
    body.Channel,
    body.StructuredBody,
    body.OutgoingMessage,
    requests.AuthData,
    messages.FileType,
):
    _BY_HINT[_part] = drawn(_part)
_BY_HINT[tuple[messages.FileType, ...]] = st.lists(drawn(messages.FileType), max_size=2).map(tuple)
_BY_HINT[messages.MediaRules] = drawn(messages.MediaRules)
_BY_HINT[messages.AllowedMedia] = drawn(messages.AllowedMedia)

BODIES: Final[Draw] = drawn(body.StructuredBody)
HISTORY_PAGES: Final[Draw] = drawn(
    rest.HistoryPage, entities=st.lists(BODIES, max_size=2).map(tuple)
)

# A frame without a class is one only by its code, and its body is no plain text by accident.
_BARE_ERRORS: Final[Draw] = drawn(
    messages.ErrorFrame, raw_class=st.none(), code=INTEGERS | TEXT, text=st.none()
)
_TEXT_ERRORS: Final[Draw] = st.builds(
    messages.ErrorFrame,
    raw_class=st.sampled_from(sorted(ERROR_CLASSES)),
    type=TEXT,
    code=st.none() | INTEGERS | TEXT,
    tracing_id=st.none() | TEXT,
    text=TEXT,
    extras=EXTRAS,
)
_OBJECT_ERRORS: Final[Draw] = drawn(
    messages.ErrorFrame, raw_class=st.sampled_from(sorted(ERROR_CLASSES)), text=st.none()
)

_SPECIAL: Final[dict[type[Any], Draw]] = {
    requests.UnknownRequest: drawn(requests.UnknownRequest, action=_other_than({*ACTIONS})),
    messages.ErrorFrame: _BARE_ERRORS | _TEXT_ERRORS | _OBJECT_ERRORS,
    messages.Unknown: drawn(messages.Unknown, raw_class=_other_than(_KNOWN_CLASSES)),
}

MESSAGE_TYPES: Final[tuple[type[Any], ...]] = get_args(messages.Message)


def messages_of(kind: type[Any]) -> Draw:
    """Draw messages of one class."""
    return _SPECIAL[kind] if kind in _SPECIAL else drawn(kind)


ANY_MESSAGE: Final[Draw] = st.one_of([messages_of(kind) for kind in MESSAGE_TYPES])
