"""Tagged list items: known, known but passed on, and unknown."""

from dataclasses import dataclass, field

import pytest

from service.domain.errors import GuestProtocolError
from service.guest.body_wire import BODY, CONTENT, EVENTS
from service.guest.chat_events import ChatEvent, OtherEvent, Typing
from service.guest.content import Attachment, Card, ContentItem, UnknownContent
from service.guest.shapes import Kind
from service.guest.variants import Tagged, Variant


@dataclass(frozen=True, kw_only=True)
class _Tree:
    fields: dict[str, object]
    item_extras: dict[str, object] = field(default_factory=dict)


TREES = Tagged(
    tag="sort",
    attr="name",
    sort="tree",
    other=UnknownContent,
    variants=(Variant(name="Tree", prop="tree", build=_Tree),),
).kind()
"""JSON that is kept, and nobody knows its names."""


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        (
            CONTENT,
            {"contentType": "Attachment", "attachment": {"id": "a", "hue": 1}, "beside": 2},
            Attachment(id="a", extras={"hue": 1}, item_extras={"beside": 2}),
        ),
        (
            CONTENT,
            {"contentType": "Card", "card": {"hue": 1}, "beside": 2},
            Card(fields={"hue": 1}, item_extras={"beside": 2}),
        ),
        (
            CONTENT,
            {"contentType": "Hologram", "depth": 3},
            UnknownContent(content_type="Hologram", fields={"depth": 3}),
        ),
        (EVENTS, {"eventType": "Typing", "typing": {"type": "On"}}, Typing(type="On")),
        (EVENTS, {"eventType": "Video"}, OtherEvent(event_type="Video", fields={})),
    ],
)
def test_an_item_is_read_by_its_tag_and_written_back(
    kind: Kind, raw: object, value: object
) -> None:
    assert kind.read(raw, "p") == value
    assert kind.write(value) == raw


@pytest.mark.parametrize(
    ("kind", "raw", "fault"),
    [
        (CONTENT, "x", "at p: must be an object, not a string"),
        (CONTENT, {}, "at p.contentType: is missing"),
        (CONTENT, {"contentType": 1}, "at p.contentType: must be a string, not a number"),
        (CONTENT, {"contentType": "Card"}, "at p.card: is missing"),
        (CONTENT, {"contentType": "Card", "card": []}, "at p.card: must be an object, not a list"),
        (
            CONTENT,
            {"contentType": "Attachment", "attachment": {"fileSize": "1"}},
            "at p.attachment.fileSize: must be a number, not a string",
        ),
        (EVENTS, {"eventType": "Presence", "presence": {}}, "at p.presence.type: is missing"),
    ],
)
def test_an_item_that_is_none_is_refused(kind: Kind, raw: object, fault: str) -> None:
    with pytest.raises(GuestProtocolError) as refusal:
        kind.read(raw, "p")

    assert str(refusal.value) == fault


@pytest.mark.parametrize(
    ("field", "raw", "value", "label"),
    [
        (
            "content",
            {"contentType": "QuickReply", "text": "Yes"},
            UnknownContent(content_type="QuickReply", fields={"text": "Yes"}),
            "malformed:body.content[].quickReply",
        ),
        (
            "content",
            {"contentType": "Attachment", "attachment": {"fileSize": "1"}},
            UnknownContent(content_type="Attachment", fields={"attachment": {"fileSize": "1"}}),
            "malformed:body.content[].attachment",
        ),
        (
            "content",
            {"contentType": 7},
            UnknownContent(content_type="", fields={"contentType": 7}),
            "malformed:body.content[].contentType",
        ),
        (
            "events",
            {"eventType": "Presence", "presence": {}},
            OtherEvent(event_type="Presence", fields={"presence": {}}),
            "malformed:body.events[].presence",
        ),
    ],
)
def test_what_the_service_says_is_kept_though_an_item_does_not_fit_its_tag(
    field: str, raw: object, value: ContentItem | ChatEvent, label: str
) -> None:
    body = BODY.read({"text": "Hi", field: [raw]}, "body")

    assert (body.text, getattr(body, field)) == ("Hi", (value,))
    assert BODY.write(body)[field] == [raw]
    assert list(BODY.unknown(body, "body")) == [label]


@pytest.mark.parametrize("content", ["x", 7, ["x"], [["x"]], [None], [{}, "x"], {"a": 1}])
def test_content_costs_no_message_whatever_it_is(content: object) -> None:
    body = BODY.read({"text": "Hi", "content": content}, "body")

    assert body.text == "Hi"
    assert all(isinstance(item, UnknownContent) for item in body.content)
    assert BODY.read(BODY.write(body), "body") == body


def test_what_is_no_object_is_kept_as_the_value_of_an_item() -> None:
    body = BODY.read({"content": "x"}, "body")

    assert body.content == (UnknownContent(content_type="", fields={"value": "x"}),)


def test_what_we_would_send_is_held_to_its_shape() -> None:
    with pytest.raises(GuestProtocolError) as refusal:
        CONTENT.read("x", "p")

    assert str(refusal.value) == "at p: must be an object, not a string"


@pytest.mark.parametrize(
    ("kind", "value", "labels"),
    [
        (CONTENT, Attachment(id="a"), []),
        (
            CONTENT,
            Attachment(extras={"hue": 1}, item_extras={"beside": 2}),
            ["field:p.attachment.hue", "field:p.beside"],
        ),
        (
            CONTENT,
            Card(fields={"hue": 1}, item_extras={"beside": 2}),
            ["field:p.card.hue", "field:p.beside"],
        ),
        (
            CONTENT,
            Card(fields={"title": "x", "actions": [{"type": "Link", "tint": 1}]}),
            ["field:p.card.actions[].tint"],
        ),
        (TREES, _Tree(fields={"hue": 1}), []),
        (CONTENT, UnknownContent(content_type="Hologram", fields={}), ["content:Hologram"]),
        (EVENTS, OtherEvent(event_type="Video", fields={}), []),
        (EVENTS, OtherEvent(event_type="Juggling", fields={}), ["event:Juggling"]),
    ],
)
def test_only_what_no_table_knows_is_labelled(kind: Kind, value: object, labels: list[str]) -> None:
    assert list(kind.unknown(value, "p")) == labels
