"""Labels of what no table knows."""

import json

import pytest

from service.domain.errors import GuestProtocolError
from service.guest.codec import decode
from service.guest.unknowns import MOST_LABELS, malformed, unknowns
from tests.unit.guest.golden_frames import golden, golden_names

WITH_UNKNOWNS = {
    "unknown_action": ("action:waveHand",),
    "unknown_class": ("field:smoke", "class:Fireworks"),
    "structured_content": ("content:Hologram",),
    "structured_events": ("event:Juggling",),
    "error_bare_code": ("code:session_not_found",),
    "error_object": ("field:body.stack",),
    "resume_token_response": ("class:ResumeTokenResponse",),
}


@pytest.mark.parametrize(
    "name",
    [n for n in golden_names() if not n.startswith(("history", "deployment_config"))],
)
def test_golden_frames_hold_no_unknowns_but_those_put_there(name: str) -> None:
    assert unknowns(decode(golden(name))) == WITH_UNKNOWNS.get(name, ())


def test_everything_unknown_in_a_frame_is_listed() -> None:
    frame = {
        "type": "shout",
        "class": "StructuredMessage",
        "code": 4999,
        "loud": True,
        "body": {
            "quux": 1,
            "direction": "Sideways",
            "channel": {"via": "air", "from": {"hat": "red"}, "metadata": {"more": 1}},
            "content": [{"contentType": "Bar"}],
            "events": [{"eventType": "Baz"}],
        },
    }

    assert unknowns(decode(json.dumps(frame))) == (
        "type:shout",
        "code:4999",
        "field:loud",
        "field:body.channel.from.hat",
        "field:body.channel.metadata.more",
        "field:body.channel.via",
        "content:Bar",
        "event:Baz",
        "field:body.quux",
        "value:body.direction.Sideways",
    )


def test_of_a_frame_of_unknown_names_not_all_are_looked_for() -> None:
    body = {"id": "a", **{f"x{'y' * (n % 20)}{chr(97 + n // 20 % 26)}_{n}": 1 for n in range(3000)}}
    frame = json.dumps({"type": "message", "class": "StructuredMessage", "body": body})

    assert len(unknowns(decode(frame))) == MOST_LABELS


def test_everything_unknown_in_a_request_is_listed() -> None:
    request = {"action": "echo", "message": {"type": "Text", "mood": 1}, "loud": True}

    assert unknowns(decode(json.dumps(request))) == ("field:message.mood", "field:loud")


def test_a_code_that_is_no_number_is_a_name_like_any_other() -> None:
    assert unknowns(decode('{"class":"string","code":"ann@x.test","body":"no"}')) == ("code:*",)


def test_a_known_class_may_carry_an_unknown_code() -> None:
    assert unknowns(decode('{"class":"string","code":4999,"body":"no"}')) == ("code:4999",)


def test_a_frame_that_is_none_is_labelled_by_the_place_that_is_wrong() -> None:
    fault = GuestProtocolError(path="body.events[12].typing", problem="must be an object")

    assert malformed(fault) == "malformed:body.events[].typing"
    assert malformed(GuestProtocolError(path="$", problem="is not JSON")) == "malformed:frame"
