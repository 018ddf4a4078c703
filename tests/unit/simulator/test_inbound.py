"""The rules a guest's message must pass, in their order, and its echo."""

import pytest

from service.simulator.deployments import Bot, Deployment
from tests.unit.simulator.stage import Client, Frame, T, classes, entities, participants, stage

AUTO = Deployment(bot=Bot.SILENT, auto_start=True)


def test_the_echo_is_the_acknowledgement_and_carries_the_tracing_id() -> None:
    client = stage().joined()
    message = {"type": "Text", "text": "Where is my parcel?", "metadata": {"id": "m-1"}}

    [echo] = client.send("onMessage", token=T, tracingId="t2", message=message)

    body = echo["body"]
    assert (echo["type"], echo["class"], echo["code"]) == ("message", "StructuredMessage", 200)
    assert echo["tracingId"] == "t2"
    assert (body["direction"], body["type"], body["text"]) == (
        "Inbound",
        "Text",
        "Where is my parcel?",
    )
    assert len(body["id"]) == 32
    assert body["channel"]["time"] == "2030-03-17T17:46:40.000Z"
    assert len(body["channel"]["messageId"]) == 36
    assert body["metadata"]["id"] == "m-1"
    assert set(body["metadata"]) == {"id", "correlationId"}


def test_every_connection_of_the_session_hears_the_message() -> None:
    here = stage()
    first, second, stranger = here.joined(), here.joined(), here.joined("other")

    first.say("hello", tracingId="t")

    assert [each["tracingId"] for each in second.inbox()] == ["t"]
    assert stranger.inbox() == []


def test_others_hear_it_without_tracing_id_when_the_knob_says_so() -> None:
    here = stage(tracing_id_to_others=False)
    first, second = here.joined(), here.joined()

    [own] = first.say("hello", tracingId="t")

    assert own["tracingId"] == "t"
    assert "tracingId" not in second.inbox()[0]


def test_an_untraced_message_has_an_untraced_echo() -> None:
    assert "tracingId" not in stage().joined().say("hello")[0]


@pytest.mark.parametrize(
    ("action", "fields", "missing"),
    [
        ("onMessage", {"message": {"type": "Text", "text": "hi"}}, "token"),
        ("onMessage", {"token": T}, "message"),
        ("getJwt", {}, "token"),
        ("closeSession", {"closeAllConnections": True}, "token"),
    ],
)
def test_a_request_without_what_the_schema_demands_is_refused(
    action: str, fields: Frame, missing: str
) -> None:
    here = stage()
    [refusal] = here.joined().send(action, **fields)

    assert (refusal["code"], refusal["body"]) == (4020, f"Missing parameter: {missing}")
    assert here.control.transcript() == []


def test_a_clear_counts_as_a_request_of_its_connection() -> None:
    client = stage(requests_per_minute=1).joined()

    [refusal] = client.presence("Clear")

    assert refusal["class"] == "TooManyRequestsErrorMessage"


def test_a_message_before_configure_finds_no_session() -> None:
    assert stage().open().say("too early", tracingId="t") == [
        {
            "type": "response",
            "class": "string",
            "code": 4007,
            "body": "Session not found",
            "tracingId": "t",
        }
    ]


def test_a_message_with_another_token_finds_no_session() -> None:
    here = stage()
    here.joined("theirs")

    assert here.joined().say("as them", token="theirs")[0]["code"] == 4007


@pytest.mark.parametrize(
    ("spelling", "expected"),
    [
        ("string_code", {"class": "string", "code": "session_not_found"}),
        ("bare", {"code": "session_not_found"}),
        ("error_message", {"class": "ErrorMessage", "code": 404}),
    ],
)
def test_session_not_found_has_several_spellings(spelling: str, expected: Frame) -> None:
    here = stage(not_found_spelling=spelling)

    [answer] = here.open().say("hello")

    assert {key: answer[key] for key in expected} == expected


@pytest.mark.parametrize(("answer", "name"), [("code", "string"), ("event", "SessionExpiredEvent")])
def test_a_message_on_an_expired_session_is_refused_and_detaches(answer: str, name: str) -> None:
    here = stage(expired_answer=answer)
    client = here.joined()
    here.control.expire(T)

    [refusal] = client.say("too late")

    assert refusal["class"] == name
    assert refusal["code"] == (4006 if answer == "code" else 200)
    assert client.say("again")[0]["code"] == 4007


def test_a_message_on_a_read_only_session_is_refused() -> None:
    here = stage()
    client = here.joined()
    here.control.disconnect(T)
    client.inbox()

    [refusal] = client.say("hello?")

    assert (refusal["code"], refusal["body"]) == (
        409,
        "Session is read-only, no new messages allowed",
    )
    assert client.event("Typing", typing={"type": "On"})[0]["code"] == 409


def test_length_is_counted_in_bytes() -> None:
    client = stage().joined()

    assert client.say("é" * 2048)[0]["code"] == 200
    [refusal] = client.say("é" * 2049)
    assert (refusal["code"], refusal["body"]) == (4011, "Message length 4098 is larger than 4096")


@pytest.mark.parametrize("place", ["nested", "top"])
def test_attributes_count_and_reach_the_agent_from_either_place(place: str) -> None:
    here = stage()
    client = here.joined()

    def send(attributes: dict[str, str]) -> Frame:
        channel = {"metadata": {"customAttributes": attributes}}
        message: Frame = {"type": "Text", "text": "hi"}
        if place == "nested":
            return client.send("onMessage", token=T, message={**message, "channel": channel})[0]
        return client.send("onMessage", token=T, message=message, channel=channel)[0]

    assert send({"k": "v" * 2048})["code"] == 4013
    echo = send({"k": "v" * 2047})
    conversation = str(here.control.sessions()[0]["conversationId"])
    customer = participants(here.control.conversation(conversation))[0]
    assert echo["body"]["channel"]["metadata"]["customAttributes"] == {"k": "v" * 2047}
    assert customer["attributes"] == {"k": "v" * 2047}


def test_attributes_can_be_measured_as_json() -> None:
    client = stage(attribute_measure="json").joined()
    channel = {"metadata": {"customAttributes": {"k": "v" * 2041}}}
    message = {"type": "Text", "text": "hi", "channel": channel}

    assert client.send("onMessage", token=T, message=message)[0]["code"] == 4013


def test_the_sixth_message_in_a_second_is_throttled_and_not_stored() -> None:
    here = stage()
    first, second = here.joined(), here.joined()
    for number in range(5):
        (first if number % 2 else second).say(f"m{number}")

    [refusal] = first.say("m5", tracingId="t9")

    assert refusal == {
        "type": "response",
        "class": "TooManyRequestsErrorMessage",
        "code": 429,
        "tracingId": "t9",
        "body": {
            "retryAfter": 1,
            "errorCode": 4029,
            "errorMessage": "Message rate too high for this session",
        },
    }
    here.advance(1)
    assert first.say("m5")[0]["code"] == 200
    assert [each["text"] for each in here.control.transcript()] == [f"m{n}" for n in range(6)]
    assert here.control.inbound()[-1] == {
        "deployment": here.control.sessions()[0]["deployment"],
        "token": T,
        "text": "m5",
        "arrived": 2,
        "stored": 1,
    }


def test_too_many_requests_on_one_connection_are_throttled() -> None:
    here = stage(requests_per_minute=3)
    client = here.joined()
    client.say("2")
    here.advance(30)
    client.say("3")

    assert client.say("4")[0]["body"]["retryAfter"] == 30
    assert client.send("getJwt", token=T)[0]["code"] == 429
    assert here.joined().say("another connection")[0]["code"] == 200


def test_the_earlier_rule_wins() -> None:
    here = stage(messages_per_second=1)
    client = here.joined()
    client.say("fills the second")

    assert client.say("x" * 5000)[0]["code"] == 4011
    here.control.disconnect(T)
    client.inbox()
    assert client.say("x" * 5000)[0]["code"] == 409


def test_typing_is_neither_stored_nor_echoed() -> None:
    here = stage()
    first, second = here.joined(), here.joined()

    assert first.event("Typing", typing={"type": "On"}) == []
    assert second.inbox() == []
    assert here.control.transcript() == []


def test_typing_is_echoed_when_the_knob_says_so() -> None:
    here = stage(typing_echoed=True)
    first, second = here.joined(), here.joined()

    [echo] = first.event("Typing", typing={"type": "On"})

    assert echo["body"]["events"] == [{"eventType": "Typing", "typing": {"type": "On"}}]
    assert classes(second.inbox()) == ["StructuredMessage"]


def test_typing_is_refused_when_switched_off() -> None:
    here = stage(Deployment(bot=Bot.SILENT, user_typing=False))

    assert here.joined().event("Typing", typing={"type": "On"})[0]["code"] == 403


def test_join_is_echoed_stored_and_starts_the_conversation() -> None:
    here = stage(AUTO)
    client = here.joined()

    [echo] = client.presence("Join")

    assert echo["body"]["type"] == "Event"
    assert echo["body"]["events"] == [{"eventType": "Presence", "presence": {"type": "Join"}}]
    assert entities(client.history())[0]["events"] == echo["body"]["events"]
    assert here.control.sessions()[0]["conversationId"] is not None


def test_join_without_auto_start_can_be_refused() -> None:
    assert stage(join_refused_when_disabled=True).joined().presence("Join")[0]["code"] == 403
    assert stage().joined().presence("Join")[0]["code"] == 200


def test_clear_tells_everyone_and_ends_the_session() -> None:
    here = stage()
    first, second = here.joined(), here.joined()
    first.say("forget this")
    second.inbox()

    told = first.presence("Clear")

    expected = ["StructuredMessage", "SessionClearedEvent", "ConnectionClosedEvent"]
    assert classes(told) == expected
    assert classes(second.inbox()) == expected
    again = here.open()
    assert again.configure()["body"]["newSession"] is True
    assert entities(again.history()) == []


def test_clear_is_refused_when_switched_off() -> None:
    client = stage(Deployment(bot=Bot.SILENT, clear=False)).joined()

    [refusal] = client.presence("Clear")

    assert (refusal["code"], refusal["body"]) == (
        403,
        "Presence events Conversation Clear are not supported",
    )


def sent_twice(client: Client) -> list[Frame]:
    message = {"type": "Text", "text": "once", "metadata": {"id": "m-1"}}
    return [
        client.send("onMessage", token=T, tracingId="t", message=message)[0]["body"]["id"]
        for _ in range(2)
    ]


@pytest.mark.parametrize(
    ("dedupe", "stored"), [("nothing", 2), ("tracing_id", 1), ("metadata_id", 1)]
)
def test_a_message_sent_twice_is_stored_twice_unless_a_knob_says_otherwise(
    dedupe: str, stored: int
) -> None:
    here = stage(dedupe=dedupe)

    ids = sent_twice(here.joined())

    assert len(set(ids)) == stored
    assert here.control.inbound()[0]["arrived"] == 2
    assert here.control.inbound()[0]["stored"] == stored


def test_an_empty_message_can_be_refused() -> None:
    assert stage().joined().say("")[0]["code"] == 200
    assert stage(empty_text_refused=True).joined().say("")[0]["code"] == 400


def test_structured_replies_come_back_as_they_were_sent() -> None:
    button = {"type": "QuickReply", "text": "Billing", "payload": "topic.billing"}
    content = [{"contentType": "ButtonResponse", "buttonResponse": button}]
    message = {"type": "Structured", "text": "Billing", "content": content}

    [echo] = stage().joined().send("onMessage", token=T, message=message)

    assert echo["body"]["type"] == "Structured"
    assert echo["body"]["content"] == content


def test_messages_of_one_instant_have_rising_times_unless_a_knob_says_otherwise() -> None:
    for rising, distinct in ((True, 3), (False, 1)):
        client = stage(rising_times=rising).joined()
        times = {client.say(str(n))[0]["body"]["channel"]["time"] for n in range(3)}

        assert len(times) == distinct


def test_half_a_surrogate_pair_breaks_nothing() -> None:
    here = stage()
    client = here.joined()
    half = "\\ud800"
    channel = f'{{"metadata":{{"customAttributes":{{"k{half}":"v{half}"}}}}}}'
    message = f'{{"type":"Text","text":"half {half}","channel":{channel}}}'

    client.raw(f'{{"action":"onMessage","token":"{T}","message":{message}}}')

    assert client.inbox()[0]["code"] == 200
    assert client.history().status == 200


def test_other_events_are_stored_and_echoed() -> None:
    here = stage()
    client = here.joined()

    [echo] = client.event("CoBrowse", coBrowse={"type": "OfferingRejected"})

    assert echo["body"]["events"][0]["eventType"] == "CoBrowse"
    assert len(here.control.transcript()) == 1


def test_typing_counts_as_a_request_of_its_connection() -> None:
    client = stage(requests_per_minute=2).joined()
    client.event("Typing", typing={"type": "On"})

    assert client.event("Typing", typing={"type": "On"})[0]["code"] == 429


def test_attributes_may_come_with_a_join() -> None:
    channel = {"metadata": {"customAttributes": {"page": "/checkout"}}}
    events = [{"eventType": "Presence", "presence": {"type": "Join"}}]
    message = {"type": "Event", "events": events, "channel": channel}

    [echo] = stage(AUTO).joined().send("onMessage", token=T, message=message)

    assert echo["body"]["channel"]["metadata"] == channel["metadata"]


@pytest.mark.parametrize("name", ["Error", "ErrorMessage"])
@pytest.mark.parametrize(("code", "envelope"), [(403, 403), (4011, 400)])
def test_a_refusal_may_be_an_object(name: str, code: int, envelope: int) -> None:
    here = stage(refusal_class=name)
    here.control.fault("refuse", action="onMessage", code=code, text="No.")

    [refusal] = here.joined().send("onMessage", token=T, message={"type": "Text", "text": "x"})

    assert (refusal["type"], refusal["class"], refusal["code"]) == ("response", name, envelope)
    assert refusal["body"] == {
        "name": name,
        "message": "No.",
        "errorCode": code,
        "errorMessage": "No.",
    }
