"""The scripted bot."""

import json

import pytest

from service.guest.codec import decode
from service.guest.unknowns import unknowns
from service.simulator.bot import HELP
from service.simulator.canned import CANNED
from service.simulator.deployments import Deployment
from tests.unit.simulator.stage import Stage, T, stage


def heard(here: Stage, text: str, seconds: float = 1.0) -> list[object]:
    client = here.joined()
    client.say(text)
    here.advance(seconds)
    return [
        each["body"].get("text") or each["body"]["events"][0]["eventType"]
        for each in client.inbox()
    ]


def test_it_answers_after_a_moment() -> None:
    here = stage(Deployment(), bot_delay_seconds=0.5)
    client = here.joined()
    client.say("hello")

    here.advance(0.4)
    assert client.inbox() == []
    here.advance(0.1)
    assert [each["body"]["text"] for each in client.inbox()] == ["You said: hello"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/quick", ["What is it about?"]),
        ("/card", ["One plan"]),
        ("/carousel", ["Two plans"]),
        ("/help", [HELP]),
        ("/agent", ["Hello, this is Dana."]),
        ("/typing", ["Typing", "Done typing."]),
        ("/count 3", ["Reply 1", "Reply 2", "Reply 3"]),
        ("/bye", ["Goodbye.", "Presence"]),
        ("/silent", []),
        ("/count", ["You said: /count"]),
    ],
)
def test_it_knows_a_few_words(text: str, expected: list[str]) -> None:
    assert heard(stage(Deployment()), text) == expected


def test_it_can_be_slow() -> None:
    assert heard(stage(Deployment()), "/slow 5", 5.1) == []
    assert heard(stage(Deployment()), "/slow 5", 5.3) == ["You said: /slow 5"]


@pytest.mark.parametrize(
    ("content", "answer"),
    [
        (
            [
                {"contentType": "ButtonResponse", "buttonResponse": {"payload": "oat"}},
                {"contentType": "ButtonResponse", "buttonResponse": {"payload": "nuts"}},
            ],
            "You chose: oat, nuts",
        ),
        (
            [
                {
                    "contentType": "Form",
                    "form": {
                        "response": [
                            {"id": "email", "component": {"buttonResponse": {"payload": "a@b"}}},
                            {"id": "size", "component": {"buttonResponse": {"payload": "small"}}},
                        ]
                    },
                }
            ],
            "You answered: email=a@b, size=small",
        ),
        ([{"contentType": "Hologram"}], "You said: "),
    ],
)
def test_it_understands_answers(content: list[object], answer: str) -> None:
    here = stage(Deployment())
    client = here.joined()
    client.send("onMessage", token=T, message={"type": "Structured", "content": content})
    here.advance(1)

    assert [each["body"]["text"] for each in client.inbox()] == [answer]


@pytest.mark.parametrize("name", sorted(CANNED))
def test_what_it_offers_is_what_the_codec_reads(name: str) -> None:
    here = stage(Deployment())
    client = here.joined()
    client.say(name)
    here.advance(1)

    (said,) = client.inbox()
    assert unknowns(decode(json.dumps(said))) == (
        ("content:Hologram",) if name == "/unheard" else ()
    )


def test_it_reads_buttons_and_joins() -> None:
    here = stage(Deployment(auto_start=True))
    client = here.joined()
    client.presence("Join")
    button = {"type": "QuickReply", "text": "Billing", "payload": "topic.billing"}
    content = [{"contentType": "ButtonResponse", "buttonResponse": button}]
    client.send("onMessage", token=T, message={"type": "Structured", "content": content})
    here.advance(1)

    texts = [each["body"]["text"] for each in client.inbox()]
    assert texts == ["Hello! Say something, or /help.", "You chose: topic.billing"]


@pytest.mark.parametrize("fate", ["forget", "expire", "disconnect"])
def test_it_says_nothing_to_a_session_that_is_over(fate: str) -> None:
    here = stage(Deployment())
    client = here.joined()
    client.say("/typing")
    client.say("hello")
    here.control.run(fate, token=T)
    client.inbox()
    here.advance(1)

    assert client.inbox() == []


def test_it_stops_typing_when_the_session_ends_meanwhile() -> None:
    here = stage(Deployment())
    client = here.joined()
    client.say("/typing")
    here.advance(0.3)
    here.control.forget(T)
    client.inbox()
    here.advance(1)

    assert client.inbox() == []
