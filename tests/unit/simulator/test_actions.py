"""The way of a frame into the world: nonsense, and the faults that strike a request."""

import pytest

from service.simulator.events import CloseConnection, ConnId, Deny, GoSilent, ResetConnection
from tests.unit.simulator.stage import D, Frame, T, classes, entities, stage, upgrade


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '"text"', '{"action":"dance"}', '{"action":7}', "{}", "[" * 100_000],
    ids=lambda text: text[:20],
)
def test_nonsense_is_refused_and_the_socket_stays_open(text: str) -> None:
    here = stage()
    client = here.joined()

    client.raw(text)

    assert client.inbox()[0]["code"] == 400
    assert client.say("still here")[0]["code"] == 200


def test_an_unknown_action_is_refused_with_its_tracing_id() -> None:
    assert stage().joined().send("dance", tracingId="t") == [
        {
            "type": "response",
            "class": "string",
            "code": 400,
            "body": "Request failed.",
            "tracingId": "t",
        }
    ]


def test_a_frame_that_is_too_big_closes_the_socket() -> None:
    here = stage(max_frame_bytes=1000)
    client = here.joined()

    done = client.raw("x" * 1001)

    assert done == [CloseConnection(conn=client.conn, code=1009, reason="Frame is too big")]


def test_the_close_code_of_a_frame_that_is_too_big_is_a_knob() -> None:
    here = stage(max_frame_bytes=10, too_big_code=1008)
    client = here.open()

    assert client.raw("x" * 11) == [
        CloseConnection(conn=client.conn, code=1008, reason="Frame is too big")
    ]


def test_a_handshake_is_denied_as_often_as_ordered() -> None:
    here = stage()
    here.control.fault("deny_handshake", status=503, retry_after=7, count=2)

    denied = Deny(conn=ConnId(1), status=503, headers={"retry-after": "7"})
    assert here.feed(upgrade(ConnId(1))) == [denied]
    here.feed(upgrade(ConnId(2)))
    here.open()
    assert [each["status"] for each in here.control.handshakes(D)] == [503, 503, 101]


def test_a_handshake_can_be_left_hanging() -> None:
    here = stage()
    here.control.fault("hang_handshake")

    assert here.feed(upgrade(ConnId(1))) == []
    assert here.control.handshakes()[0]["status"] == 0


def test_a_connection_can_be_lost_as_soon_as_it_is_accepted() -> None:
    here = stage()
    here.control.fault("drop", when="open")

    done = here.feed(upgrade(ConnId(1)))

    assert done[1:] == [ResetConnection(conn=ConnId(1))]
    assert here.control.connections() == []


@pytest.mark.parametrize(("when", "stored"), [("before", []), ("after", ["hello"])])
def test_a_drop_before_or_after_a_message_differs_in_what_is_stored(
    when: str, stored: list[str]
) -> None:
    here = stage()
    client, other = here.joined(), here.joined()
    here.control.fault("drop", when=when, action="onMessage", token=T)

    assert client.say("hello") == []
    assert here.outputs[-1] == ResetConnection(conn=client.conn)
    assert [each["text"] for each in here.control.transcript()] == stored
    assert [each["body"]["text"] for each in other.inbox()] == stored


@pytest.mark.parametrize(
    ("how", "expected"),
    [("close", CloseConnection), ("half_open", GoSilent), ("reset", ResetConnection)],
)
def test_a_connection_is_lost_in_the_ordered_way(how: str, expected: type) -> None:
    here = stage()
    client = here.joined()
    here.control.fault("drop", how=how, code=1012, reason="Service restart")

    client.say("hello")

    assert isinstance(here.outputs[-1], expected)
    if isinstance(here.outputs[-1], CloseConnection):
        assert here.outputs[-1].code == 1012
        assert here.outputs[-1].reason == "Service restart"


def test_a_delayed_answer_dies_with_its_connection() -> None:
    here = stage(answer_delay_seconds=0.025)
    client = here.open()
    client.send("configureSession", token=T, deploymentId=D)
    here.control.fault("drop", action="onMessage")
    here.advance(1)
    client.inbox()

    client.say("hello")
    here.advance(1)

    assert client.inbox() == []


def test_a_swallowed_write_never_arrived() -> None:
    here = stage()
    client = here.joined()
    here.control.fault("swallow_write", action="onMessage")

    assert client.say("hello") == []
    assert here.control.inbound() == []
    assert client.say("hello")[0]["code"] == 200


@pytest.mark.parametrize("code", [400, 401, 403, 404, 408, 429, 4006, 4007, 4017, 5000])
def test_a_configure_is_refused_with_any_code(code: int) -> None:
    here = stage()
    here.control.fault("refuse", action="configureSession", code=code)
    client = here.open()

    assert client.configure()["code"] == code
    assert here.control.configures()[0]["outcome"] == str(code)
    assert client.configure()["body"]["newSession"] is True


@pytest.mark.parametrize(
    ("spelling", "expected"),
    [
        ("string_code", {"class": "string", "code": "session_not_found"}),
        ("bare", {"code": "session_not_found"}),
    ],
)
def test_a_configure_is_refused_with_a_spelled_out_code(spelling: str, expected: Frame) -> None:
    here = stage()
    here.control.fault("refuse", action="configureSession", code=4007, spelling=spelling)

    answer = here.open().configure()

    assert {key: answer[key] for key in expected} == expected


def test_a_throttle_means_messages_and_has_no_other_effect() -> None:
    here = stage()
    here.control.fault("throttle", retry_after=3)
    client = here.open()

    assert client.configure()["class"] == "SessionResponse"
    [refusal] = client.say("hello")
    assert (refusal["class"], refusal["body"]["retryAfter"]) == ("TooManyRequestsErrorMessage", 3)
    assert here.control.transcript() == []
    assert client.say("hello")[0]["code"] == 200


def test_a_configure_is_throttled_when_named() -> None:
    here = stage()
    here.control.fault("throttle", action="configureSession")

    assert here.open().configure()["code"] == 429
    assert here.control.configures()[0]["outcome"] == "429"


@pytest.mark.parametrize(("kind", "code"), [("expire", 4006), ("forget", 4007), ("evict", 4007)])
def test_a_session_is_lost_on_its_next_request(kind: str, code: int) -> None:
    here = stage()
    client = here.joined()
    client.say("before")
    here.control.fault(kind, action="onMessage")

    assert client.say("hello")[-1]["code"] == code
    new = here.open().configure()["body"]["newSession"]
    assert new is (kind != "evict")


@pytest.mark.parametrize("kind", ["expire", "forget"])
def test_a_session_is_lost_just_before_a_new_connection_asks_for_it(kind: str) -> None:
    here = stage()
    here.joined().say("before")
    here.control.fault(kind, action="configureSession")

    assert here.open().configure()["body"]["newSession"] is True
    assert here.control.faults() == {"open": [], "struck": {kind: 1}}


def test_a_session_that_is_not_there_cannot_be_lost() -> None:
    here = stage()
    here.control.fault("forget", action="configureSession")

    assert here.open().configure()["body"]["newSession"] is True
    assert here.control.faults()["struck"] == {}


@pytest.mark.parametrize(
    "kind", ["swallow_frame", "swallow_echo", "delay", "duplicate", "unknown_class", "malformed"]
)
def test_an_answer_is_struck_by_the_name_of_what_was_asked(kind: str) -> None:
    here = stage()
    here.control.fault(kind, action="onMessage", seconds=1, text="{}")
    client = here.joined()
    here.control.say(T, "unasked")

    assert here.control.faults()["struck"] == {}
    client.say("asked")
    assert here.control.faults()["struck"] == {kind: 1}


def test_a_fault_waits_for_its_target() -> None:
    here = stage()
    here.control.fault("swallow_write", token="mine", action="onMessage")
    mine, other = here.joined("mine"), here.joined("other")

    assert other.say("hello", token="other")[0]["code"] == 200
    assert mine.say("hello", token="mine") == []


def test_a_partial_session_response_says_only_connected() -> None:
    here = stage()
    here.control.fault("partial_session_response")

    assert here.open().configure()["body"] == {"connected": True}


def test_a_swallowed_echo_leaves_the_message_in_history() -> None:
    here = stage()
    client, other = here.joined(), here.joined()
    here.control.fault("swallow_echo", token=T)

    assert client.say("hello") == []
    assert other.inbox() == []
    assert classes(client.say("second")) == ["StructuredMessage"]
    assert [each["text"] for each in entities(client.history())] == ["second", "hello"]
