"""docs/guest-api.md tells of every action and class that the codec knows, and of no other."""

import re
from collections.abc import Iterable
from typing import Final, get_args

import pytest

from service.guest.chat_events import PresenceType, Typing
from service.guest.content import ContentItem, TextContent, UnknownContent
from service.guest.frame_wire import CLASSES, ERROR_CLASSES
from service.guest.request_wire import ACTIONS
from tests.architecture.tree import ROOT

PAGE: Final = ROOT / "docs" / "guest-api.md"
ROW: Final = re.compile(r"^\| `(?P<name>\w+)` \| (?P<told>.+) \|$", re.MULTILINE)
CONTENT: Final = [
    "Text" if kind is TextContent else kind.__name__
    for kind in get_args(ContentItem)
    if kind is not UnknownContent
]


def _told(heading: str) -> list[str]:
    """The names in the table under a heading."""
    text = PAGE.read_text(encoding="utf-8")
    section = text.partition(f"\n## {heading}")[2].partition("\n## ")[0]
    return [row["name"] for row in ROW.finditer(section)]


@pytest.mark.parametrize(
    ("heading", "known"),
    [
        ("Actions", ACTIONS),
        ("Classes", [*CLASSES, *ERROR_CLASSES, "StructuredMessage"]),
        ("Events", [*PresenceType, Typing.__name__]),
        ("Content", CONTENT),
    ],
)
def test_each_is_told_once_and_nothing_else(heading: str, known: Iterable[str]) -> None:
    assert sorted(_told(heading)) == sorted(known)
