"""Every action, class, event and content type of the Guest API has a test that tells its story.

A story drives the broker through it to an outcome that a caller sees, and says so with `@tells`.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from service.guest.chat_events import PresenceType, Typing
from service.guest.frame_wire import CLASSES, ERROR_CLASSES
from service.guest.request_wire import ACTION_OF, ACTIONS
from service.guest.unused import UNUSED_ACTIONS, UNUSED_CLASSES, UNUSED_EVENTS
from tests.architecture.test_guest_table import CONTENT
from tests.architecture.tree import ROOT, functions, modules, shown

KNOWN: Final = frozenset(
    {
        *ACTIONS,
        *CLASSES,
        *ERROR_CLASSES,
        "StructuredMessage",
        *PresenceType,
        Typing.__name__,
        *CONTENT,
    }
)

# What the broker does nothing with, each with the reason. Its story is that it is passed over and
# counted as drift; an action that is never written has none.
NOT_USED: Final = {
    "disconnectCustomer": "named in the schema without fields; no client sends it",
    "resumeToken": "named in the schema without a request; no client sends it",
    "ResumeTokenResponse": "the answer to what nobody asks",
    "Authenticate": "signing in as other channels do it; no Messenger client heeds it",
    "AuthenticateCancel": "the same",
    "AuthenticateFailure": "the same",
    "SessionExpired": "in the schema of history only; SessionExpiredEvent tells of it on a link",
}


def _told(file: Path) -> Iterator[tuple[str, str]]:
    """Each name that a test of that file tells of, with where."""
    for function in functions(file):
        for decorator in function.decorator_list:
            match decorator:
                case ast.Call(func=ast.Name(id="tells"), args=names):
                    for name in names:
                        yield ast.literal_eval(name), f"{shown(file)}::{function.name}"
                case _:
                    pass


@pytest.fixture(scope="module", name="stories")
def _stories() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for file in sorted((ROOT / "tests").rglob("test_*.py")):
        for name, where in _told(file):
            found.setdefault(name, []).append(where)
    return found


def test_all_that_the_broker_uses_has_a_story(stories: dict[str, list[str]]) -> None:
    assert sorted(KNOWN - set(stories) - set(UNUSED_ACTIONS)) == []


def test_stories_tell_of_names_that_the_wire_has(stories: dict[str, list[str]]) -> None:
    assert {name: where for name, where in stories.items() if name not in KNOWN} == {}


def test_what_is_not_used_is_what_the_codec_says() -> None:
    assert set(NOT_USED) == UNUSED_ACTIONS | UNUSED_CLASSES | UNUSED_EVENTS


def test_an_action_that_is_not_used_is_written_nowhere(stories: dict[str, list[str]]) -> None:
    types = {kind.__name__ for kind, name in ACTION_OF.items() if name in UNUSED_ACTIONS}  # type: ignore[attr-defined]  # classes
    written = [
        f"{shown(file)}: {node.id}"
        for file in modules("domain", "usecases", "adapters", "api", "bootstrap")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Name) and node.id in types
    ]

    assert len(types) == len(UNUSED_ACTIONS)
    assert written == []
    assert sorted(UNUSED_ACTIONS & set(stories)) == []
