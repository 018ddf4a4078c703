"""Typing on and off."""

import pytest

from service.guest.chat_events import Presence, PresenceType, Typing


@pytest.mark.parametrize(("sort", "going_on"), [("On", True), ("Off", False), ("Maybe", False)])
def test_typing_goes_on_only_when_it_says_so(sort: str, *, going_on: bool) -> None:
    assert Typing(type=sort).is_on is going_on


def test_a_presence_type_compares_with_the_wire() -> None:
    assert Presence(type="SignIn").type == PresenceType.SIGN_IN
