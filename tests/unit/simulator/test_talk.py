"""The agent's side, and what is stored."""

import pytest

from service.simulator.deployments import Bot, Deployment, Disconnect
from tests.unit.simulator.stage import START, D, T, classes, entities, participants, stage


def test_an_agent_writes_to_every_connection_without_a_tracing_id() -> None:
    here = stage()
    first, second = here.joined(), here.joined()

    told = here.control.say(T, "Hello, let me check that.", nickname="Dana")

    [frame] = first.inbox()
    assert second.inbox() == [frame]
    assert "tracingId" not in frame
    body = frame["body"]
    assert body["id"] == told["messageId"]
    assert told["delivered"] == 2
    assert (body["direction"], body["originatingEntity"]) == ("Outbound", "Human")
    assert body["channel"]["from"] == {"nickname": "Dana"}
    assert len(body["channel"]["messageId"]) == 36


def test_a_bot_has_no_provider_id() -> None:
    here = stage()
    client = here.joined()

    here.control.say(T, "beep", entity="Bot")

    assert "messageId" not in client.inbox()[0]["body"]["channel"]


def test_content_makes_a_message_structured() -> None:
    here = stage()
    client = here.joined()
    reply = {"text": "Billing", "payload": "topic.billing", "action": "Message"}
    content = [{"contentType": "QuickReply", "quickReply": reply}]

    here.control.say(T, "What is it about?", content=content)

    body = client.inbox()[0]["body"]
    assert (body["type"], body["content"]) == ("Structured", content)


def test_what_no_socket_took_is_stored_and_reported_but_never_replayed() -> None:
    here = stage()
    client = here.joined()
    client.say("hi")
    client.lose()

    told = here.control.say(T, "Your order ships today")

    [missed] = here.control.undelivered()
    assert missed["conversationId"] == told["conversationId"]
    assert missed["messages"] == [{"id": told["messageId"], "eventTimeMs": int(START * 1000) + 1}]
    back = here.open()
    assert classes(back.send("configureSession", deploymentId=D, token=T)) == ["SessionResponse"]
    assert entities(back.history())[0]["text"] == "Your order ships today"


def test_typing_is_shown_and_not_stored() -> None:
    here = stage()
    client = here.joined()

    here.control.typing(T, 3000)

    [event] = client.inbox()[0]["body"]["events"]
    assert event == {"eventType": "Typing", "typing": {"type": "On", "duration": 3000}}
    assert here.control.transcript() == []


def test_typing_can_use_the_other_field() -> None:
    here = stage(typing_duration_field="durationMs")
    client = here.joined()

    here.control.typing(T)

    assert client.inbox()[0]["body"]["events"][0]["typing"]["durationMs"] == 5000


@pytest.mark.parametrize(
    ("mode", "flag", "state"),
    [(Disconnect.SEND, "false", "active"), (Disconnect.READ_ONLY, "true", "read_only")],
)
def test_the_guest_is_told_of_a_disconnect_as_configured(
    mode: Disconnect, flag: str, state: str
) -> None:
    here = stage(Deployment(bot=Bot.SILENT, disconnect=mode))
    client = here.joined()

    here.control.disconnect(T, nickname="Dana")

    body = client.inbox()[0]["body"]
    assert body["events"] == [{"eventType": "Presence", "presence": {"type": "Disconnect"}}]
    assert body["metadata"]["readOnly"] == flag
    assert here.control.sessions()[0]["state"] == state
    assert entities(client.history())[0]["events"] == body["events"]


def test_a_disconnect_can_be_silent() -> None:
    here = stage(Deployment(bot=Bot.SILENT, disconnect=Disconnect.OFF))
    client = here.joined()

    assert here.control.disconnect(T) == {"messageId": None, "readOnly": False}
    assert client.inbox() == []
    assert client.say("hello?")[0]["code"] == 200


def test_a_message_soon_after_the_end_reopens_the_same_conversation() -> None:
    here = stage(Deployment(bot=Bot.SILENT, disconnect=Disconnect.SEND), threading_seconds=100)
    client = here.joined()
    ids = []
    for pause in (0, 100, 101):
        here.advance(pause)
        client.say("hello")
        ids.append(here.control.transcript()[-1]["conversation_id"])
        here.control.disconnect(T)

    assert ids[0] == ids[1]
    assert ids[1] != ids[2]


def test_the_agent_joins_the_conversation_by_writing() -> None:
    here = stage()
    here.joined().say("hi")
    told = here.control.say(T, "hello", nickname="Dana")

    found = participants(here.control.conversation(str(told["conversationId"])))

    assert [(each["purpose"], each["name"]) for each in found] == [
        ("customer", "Guest"),
        ("workflow", "Flow"),
        ("agent", "Dana"),
    ]


def test_the_transcript_outlives_the_session() -> None:
    here = stage()
    client = here.joined()
    client.say("first life", tracingId="t1")
    client.configure(startNew=True)
    client.say("second life")
    here.control.wipe()

    entries = here.control.transcript(T)

    assert [each["text"] for each in entries] == ["first life", "second life"]
    assert len({each["session"] for each in entries}) == 2
    assert entries[0]["tracing_id"] == "t1"
    assert here.control.transcript("nobody") == []
