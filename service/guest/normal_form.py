"""One normal form for what the service spells in several ways, and the body beside it as it came.

Quick replies are `QuickReply` items, one each; a card is a `Card`; the words of a message are its
text. Works on JSON items, so nothing is ever refused: what does not look as its type should is
passed on whole.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from service.guest.body import StructuredBody
from service.guest.body_wire import BODY

Item: TypeAlias = Mapping[str, Any]

_TAG: Final = "contentType"
_MESSAGE: Final = "Message"
"""The one action that the schema knows for a quick reply: say it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Normal:
    """The words and the content items of a message."""

    text: str | None
    content: tuple[Item, ...]


def normal_body(body: StructuredBody) -> Normal:
    """The words and content of a chat message, live or from history."""
    items: Sequence[Item] = BODY.write(body).get("content", ())
    return normal(body.text, items, from_guest=body.direction == "Inbound")


def raw_body(body: StructuredBody) -> Mapping[str, Any] | None:
    """The body as it came, where it says more than words: content, or what no table knows.

    Members that came as null or empty are left out.
    """
    if not body.content and next(BODY.unknown(body, ""), None) is None:
        return None
    return BODY.write(body)


def normal(text: str | None, items: Sequence[Item], *, from_guest: bool) -> Normal:
    """The normal form of these items; applied to its own result it changes nothing.

    What a bot offers in a `ButtonResponse` is a quick reply (an older spelling, still on the
    vendor's pages); from the guest it is the answer to one.
    """
    words = [text] if text else []
    content: list[Item] = []
    for item in items:
        said, shown = _read(item, from_guest=from_guest)
        words.extend(word for word in said if word not in words)
        content.extend(shown)
    return Normal(text="\n".join(words) if words else text, content=tuple(content))


def _read(item: Item, *, from_guest: bool) -> tuple[Sequence[str], Sequence[Item]]:
    """The words that an item brings, and the items that it comes to."""
    match item.get(_TAG):
        case "Text":
            return _words(item)
        case "QuickReplyV2":
            return _group(item)
        case "ButtonResponse" if not from_guest:
            return (), [_offered(item)]
        case "GenericTemplate":
            return (), [_card(item)]
        case _:
            return (), [item]


def _words(item: Item) -> tuple[Sequence[str], Sequence[Item]]:
    body = _inner(item, "text").get("body")
    return ([body], ()) if isinstance(body, str) and body else ((), [item])


def _group(item: Item) -> tuple[Sequence[str], Sequence[Item]]:
    group = _inner(item, "quickReplyV2")
    actions = group.get("actions")
    if not isinstance(actions, list) or not actions or not all(map(_is_reply, actions)):
        return (), [item]
    title = group.get("title")
    said = [title] if isinstance(title, str) and title else []
    return said, [_quick_reply(action) for action in actions]


def _is_reply(action: object) -> bool:
    return isinstance(action, dict) and isinstance(action.get("payload"), str)


def _offered(item: Item) -> Item:
    button = _inner(item, "buttonResponse")
    if not _is_reply(button):
        return item
    return _quick_reply({name: member for name, member in button.items() if name != "type"})


def _quick_reply(reply: Item) -> Item:
    return {_TAG: "QuickReply", "quickReply": {**reply, "action": reply.get("action", _MESSAGE)}}


def _card(item: Item) -> Item:
    card = _inner(item, "generic")
    if not card:
        return item
    beside = {name: member for name, member in item.items() if name not in {_TAG, "generic"}}
    # A card always has its actions, be there none.
    return {_TAG: "Card", "card": {"actions": [], **card}, **beside}


def _inner(item: Item, name: str) -> Item:
    inner = item.get(name)
    return inner if isinstance(inner, dict) else {}
