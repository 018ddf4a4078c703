"""The normal form of content: one spelling for each thing, nothing refused, nothing lost."""

from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.guest.body import StructuredBody
from service.guest.body_wire import BODY
from service.guest.content import Card, UnknownContent
from service.guest.normal_form import Normal, normal, normal_body, raw_body
from tests.support.guest_strategies import BODIES, JSON
from tests.support.wire_story import tells

NAMES: Final = ("Text", "QuickReplyV2", "ButtonResponse", "GenericTemplate", "Card", "Weather")
MEMBERS: Final = ("text", "quickReplyV2", "buttonResponse", "generic", "body", "actions", "payload")
LOOSE: Final = st.recursive(
    JSON,
    lambda inner: (
        st.dictionaries(st.sampled_from(MEMBERS), inner, max_size=3) | st.lists(inner, max_size=2)
    ),
    max_leaves=6,
)
ITEMS: Final = st.lists(
    st.builds(
        lambda name, rest: {**rest, "contentType": name},
        st.sampled_from(NAMES),
        st.dictionaries(st.sampled_from(MEMBERS), LOOSE, max_size=3),
    ),
    max_size=3,
)


def quick(text: str, payload: str, **more: object) -> dict[str, Any]:
    reply = {"text": text, "payload": payload, "action": "Message", **more}
    return {"contentType": "QuickReply", "quickReply": reply}


def offered(*items: dict[str, Any], text: str | None = None) -> Normal:
    return normal(text, items, from_guest=False)


@tells("QuickReplyV2")
def test_a_titled_group_becomes_quick_replies_and_its_title_words() -> None:
    actions = [{"text": "Yes", "payload": "y"}, {"text": "No", "payload": "n", "image": "i"}]
    group = {"contentType": "QuickReplyV2", "quickReplyV2": {"title": "Sure?", "actions": actions}}

    assert offered(group) == Normal(
        text="Sure?", content=(quick("Yes", "y"), quick("No", "n", image="i"))
    )
    assert offered(group, text="Sure?").text == "Sure?"
    assert offered(group, text="One question").text == "One question\nSure?"


@pytest.mark.parametrize(
    "group", [{}, {"actions": []}, {"actions": ["x"]}, {"actions": [{"text": "x"}]}, None, "words"]
)
def test_a_group_that_offers_nothing_is_passed_on_whole(group: object) -> None:
    item = {"contentType": "QuickReplyV2", "quickReplyV2": group}

    assert offered(item) == Normal(text=None, content=(item,))


def test_a_group_needs_no_title() -> None:
    group = {"actions": [{"text": "Yes", "payload": "y"}], "title": 7}

    made = offered({"contentType": "QuickReplyV2", "quickReplyV2": group})

    assert made == Normal(text=None, content=(quick("Yes", "y"),))


@tells("ButtonResponse")
def test_what_a_bot_offers_as_a_button_is_a_quick_reply_and_what_a_guest_sends_is_not() -> None:
    button = {"type": "Button", "text": "Yes", "payload": "y"}
    item = {"contentType": "ButtonResponse", "buttonResponse": button}

    assert offered(item).content == (quick("Yes", "y"),)
    assert normal(None, [item], from_guest=True).content == (item,)


def test_a_button_without_a_payload_is_passed_on_whole() -> None:
    item = {"contentType": "ButtonResponse", "buttonResponse": {"text": "Yes"}}

    assert offered(item).content == (item,)


@tells("GenericTemplate")
def test_the_deprecated_card_is_a_card() -> None:
    item = {"contentType": "GenericTemplate", "generic": {"title": "Plan"}, "mood": "good"}

    assert offered(item).content == (
        {"contentType": "Card", "card": {"actions": [], "title": "Plan"}, "mood": "good"},
    )
    empty = {"contentType": "GenericTemplate", "generic": {}}
    assert offered(empty).content == (empty,)


@tells("Text")
def test_text_items_are_words() -> None:
    item = {"contentType": "Text", "text": {"body": "Hello", "type": "Text"}}

    assert offered(item) == Normal(text="Hello", content=())
    assert offered(item, item, text="Hello") == Normal(text="Hello", content=())
    assert offered(item, text="Ann:").text == "Ann:\nHello"
    odd = {"contentType": "Text", "text": {"body": ""}}
    assert offered(odd, text="") == Normal(text="", content=(odd,))


@given(text=st.none() | st.text(max_size=5), items=ITEMS, from_guest=st.booleans())
def test_it_never_fails_and_changes_its_own_result_no_more(
    text: str | None, items: list[dict[str, Any]], *, from_guest: bool
) -> None:
    once = normal(text, items, from_guest=from_guest)

    assert normal(once.text, once.content, from_guest=from_guest) == once


@given(body=BODIES)
def test_any_body_has_a_normal_form_that_keeps_what_is_unknown(body: StructuredBody) -> None:
    made = normal_body(body)

    for item in body.content:
        if isinstance(item, UnknownContent):
            assert {"contentType": item.content_type, **item.fields} in made.content


@given(body=BODIES)
def test_the_raw_body_is_there_where_it_says_more_than_words(body: StructuredBody) -> None:
    raw = raw_body(body)

    assert raw in (None, BODY.write(body))
    if body.content or body.extras:
        assert raw is not None


def test_plain_text_has_no_raw_body() -> None:
    assert raw_body(StructuredBody(text="hi", direction="Inbound", metadata={"id": "m"})) is None
    assert raw_body(StructuredBody(text="hi", extras={"mood": 1})) == {"text": "hi", "mood": 1}
    card = Card(fields={"title": "Plan"})
    assert raw_body(StructuredBody(content=(card,))) == {
        "content": [{"contentType": "Card", "card": {"title": "Plan"}}]
    }
