"""The one body that webhooks and the pull API share."""

import json
from dataclasses import replace

import pytest

from service.domain.ids import (
    ClientId,
    DeploymentName,
    EndpointId,
    EventId,
    SessionId,
    TenantName,
)
from service.domain.log import EventType, LogEvent
from service.domain.session import Session, State
from service.webhook.envelope import (
    challenge_event_bytes,
    event_bytes,
    sample_event_bytes,
    typing_event_bytes,
)

EVENT = LogEvent(
    id=EventId("evt_1"),
    session_id=SessionId("ses_1"),
    sequence=7,
    type=EventType.MESSAGE_RECEIVED,
    at=1_900_000_000.125,
    incarnation=2,
    data={
        "message": {"text": "héllo 👋", "author": {"name": None, "kind": "agent"}},
        "sequence": 7,
        "deployment": "main",
        "incarnation": 2,
        "externalId": None,
        "sessionId": "ses_1",
    },
)
SESSION = Session(
    id=SessionId("ses_1"),
    tenant=TenantName("acme"),
    deployment=DeploymentName("main"),
    external_id="order-7",
    shard=0,
    state=State.LIVE,
    version=1,
    incarnation=3,
    client_id=ClientId("secret-client-id"),
    created_at=0.0,
    updated_at=0.0,
)


def test_an_event_is_minified_utf8_with_its_members_in_one_order() -> None:
    assert event_bytes(EVENT).decode() == (
        '{"id":"evt_1","type":"message.received","timestamp":"2030-03-17T17:46:40.125Z","data":'
        '{"sessionId":"ses_1","externalId":null,"deployment":"main","incarnation":2,"sequence":7,'
        '"message":{"author":{"kind":"agent","name":null},"text":"héllo 👋"}}}'
    )


def test_the_bytes_do_not_depend_on_the_order_a_store_gives_members_back_in() -> None:
    shuffled = replace(EVENT, data=dict(reversed(list(EVENT.data.items()))))

    assert event_bytes(shuffled) == event_bytes(EVENT)


def test_the_bytes_say_what_the_event_says() -> None:
    assert json.loads(event_bytes(EVENT)) == EVENT.public()


def test_lists_keep_their_order_whatever_sequence_holds_them() -> None:
    inside = {"content": ({"b": 1, "a": [3, 1, 2]}, "x")}

    body = event_bytes(replace(EVENT, data=inside)).decode()

    assert body.endswith('"data":{"content":[{"a":[3,1,2],"b":1},"x"]}}')


def test_odd_text_arrives_as_it_was() -> None:
    odd = "e\u0301 \u202e \u2028 \0 \ufffe </script> \U0001f469\u200d\U0001f680"

    body = event_bytes(replace(EVENT, data={"text": odd}))

    assert json.loads(body)["data"]["text"] == odd


@pytest.mark.parametrize(
    "text",
    ["", "   ", "\r\n\t", "\x7f\x1f", '"\\/', "\u0000" * 9, "é" * 65536],
    ids=["empty", "blanks", "line ends", "controls", "quotes", "NULs", "64 Ki characters"],
)
def test_every_text_arrives_as_it_was_in_the_same_bytes_each_time(text: str) -> None:
    event = replace(EVENT, data={"text": text})

    body = event_bytes(event)

    assert body == event_bytes(event)
    assert json.loads(body)["data"]["text"] == text
    assert b"\n" not in body


def test_a_lone_surrogate_is_spelled_as_an_escape_instead_of_failing() -> None:
    body = event_bytes(replace(EVENT, data={"text": "a\ud800b"}))

    assert b'"text":"a\\ud800b"' in body


def test_a_test_event_belongs_to_no_session() -> None:
    body = sample_event_bytes(EventId("evt_2"), endpoint_id=EndpointId("whk_1"), at=1_900_000_000)

    assert json.loads(body) == {
        "id": "evt_2",
        "type": "webhook.test",
        "timestamp": "2030-03-17T17:46:40.000Z",
        "data": {"webhookId": "whk_1"},
    }


def test_a_challenge_names_its_endpoint_and_what_is_to_come_back() -> None:
    body = challenge_event_bytes(
        EventId("evt_2"), endpoint_id=EndpointId("whk_1"), challenge="abc", at=1_900_000_000
    )

    assert json.loads(body) == {
        "id": "evt_2",
        "type": "webhook.challenge",
        "timestamp": "2030-03-17T17:46:40.000Z",
        "data": {"webhookId": "whk_1", "challenge": "abc"},
    }


def test_a_typing_event_has_no_sequence_and_shows_no_client_id() -> None:
    body = typing_event_bytes(EventId("evt_3"), session=SESSION, at=1_900_000_000)

    assert json.loads(body)["data"] == {
        "sessionId": "ses_1",
        "externalId": "order-7",
        "deployment": "main",
        "incarnation": 3,
        "sequence": None,
    }
    assert b"secret-client-id" not in body
