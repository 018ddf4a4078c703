"""The outcome matrix of `configureSession`."""

import pytest

from service.simulator.deployments import Bot, Deployment, Disconnect
from tests.unit.simulator.stage import START, D, Frame, Stage, T, classes, stage

SHORT = Deployment(bot=Bot.SILENT, session_seconds=900)


def outcome(answer: Frame) -> tuple[bool, bool]:
    return answer["body"]["newSession"], answer["body"]["readOnly"]


def test_a_first_configure_makes_a_session() -> None:
    answer = stage().open().configure(tracingId="t1")

    assert answer["type"] == "response"
    assert answer["class"] == "SessionResponse"
    assert answer["tracingId"] == "t1"
    assert answer["body"] == {
        "connected": True,
        "newSession": True,
        "readOnly": False,
        "clearedExistingSession": False,
        "allowedMedia": {"inbound": {"fileTypes": [{"type": "*/*"}], "maxFileSizeKB": 10240}},
        "blockedExtensions": [".bat", ".exe", ".js", ".ps1"],
        "maxCustomDataBytes": 2048,
        "durationSeconds": 259200,
        "expirationDate": int(START) + 259200,
    }


def test_the_same_token_resumes_an_active_session() -> None:
    here = stage()
    here.joined()

    assert outcome(here.open().configure()) == (False, False)


def test_start_new_replaces_an_active_session_for_everyone() -> None:
    here = stage()
    old = here.joined()
    new = here.open()

    assert outcome(new.configure(startNew=True)) == (True, False)
    assert old.say("lost")[0]["code"] == 4007


def test_an_expired_session_silently_becomes_a_new_one() -> None:
    here = stage(SHORT)
    here.joined().say("before")
    here.advance(900)

    client = here.open()

    assert outcome(client.configure()) == (True, False)
    assert client.history().body.count(b"before") == 0


def test_an_expired_session_can_be_refused_with_4006() -> None:
    here = stage(SHORT, configure_expired="refused")
    here.joined()
    here.advance(900)

    assert here.open().configure()["code"] == 4006


def ended(*, read_only_expires: bool = False) -> Stage:
    here = stage(SHORT, read_only_expires=read_only_expires)
    here.joined()
    here.control.disconnect(T)
    return here


def test_an_ended_conversation_is_read_only() -> None:
    assert outcome(ended().open().configure()) == (False, True)


def test_a_read_only_session_past_its_time_stays_read_only() -> None:
    here = ended()
    here.advance(2000)

    assert outcome(here.open().configure()) == (False, True)


def test_a_read_only_session_can_expire_when_the_knob_says_so() -> None:
    here = ended(read_only_expires=True)
    here.advance(2000)

    assert outcome(here.open().configure()) == (True, False)


def test_start_new_leaves_a_read_only_session() -> None:
    assert outcome(ended().open().configure(startNew=True)) == (True, False)


def test_disconnect_send_leaves_the_session_active() -> None:
    here = stage(Deployment(bot=Bot.SILENT, disconnect=Disconnect.SEND))
    here.joined()
    here.control.disconnect(T)

    assert outcome(here.open().configure()) == (False, False)


def test_a_forgotten_session_gives_a_new_one_on_configure() -> None:
    here = stage()
    here.joined()
    here.control.forget(T)

    assert outcome(here.open().configure()) == (True, False)


def test_a_forgotten_session_can_be_refused_with_4007() -> None:
    here = stage(configure_forgotten="refused")
    here.joined()
    here.control.wipe()

    assert here.open().configure()["code"] == 4007
    assert here.open().configure("another-token")["body"]["newSession"] is True


def test_one_token_has_independent_sessions_in_two_deployments() -> None:
    other = "5151a7ed-0000-4000-8000-000000000002"
    here = stage(SHORT, Deployment(id=other))
    here.joined()

    assert here.open(other).configure(deploymentId=other)["body"]["newSession"] is True


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"token": ""}, 4020),
        ({"deploymentId": "nope"}, 400),
        ({"deploymentId": "5151a7ed-0000-4000-8000-000000000002"}, 400),
    ],
)
def test_a_configure_that_makes_no_sense_is_refused(fields: Frame, code: int) -> None:
    other = Deployment(id="5151a7ed-0000-4000-8000-000000000002")
    asked = {"deploymentId": D, "token": T, **fields}

    [answer] = stage(SHORT, other).open().send("configureSession", **asked)

    assert answer["code"] == code


def test_messages_of_both_sides_extend_the_session() -> None:
    here = stage(SHORT)
    client = here.joined()
    here.advance(800)
    client.say("still here")
    here.advance(800)
    here.control.say(T, "me too")
    here.advance(800)

    assert client.say("and now?")[0]["class"] == "StructuredMessage"


@pytest.mark.parametrize("knob", ["echo_extends", "configure_extends", "typing_extends"])
def test_other_requests_extend_it_only_when_the_knob_says_so(knob: str) -> None:
    for extends, expected in ((False, ["string"]), (True, ["StructuredMessage"])):
        here = stage(SHORT, **{knob: extends})
        client = here.joined()
        here.advance(800)
        client.send("echo", token=T, message={"type": "Text", "text": "ping"})
        client.event("Typing", typing={"type": "On"})
        client.configure()
        here.advance(800)

        assert classes(client.say("alive?")) == expected


def test_expiry_is_pushed_when_the_knob_says_so() -> None:
    here = stage(SHORT, push_expiry=True)
    client = here.joined()
    here.advance(899)
    client.inbox()

    here.advance(2)

    assert classes(client.inbox()) == ["SessionExpiredEvent"]


def test_a_partial_session_response_can_be_the_rule() -> None:
    here = stage(full_session_response=False)

    assert here.open().configure()["body"] == {"connected": True, "newSession": True}
    here.control.disconnect(T)
    assert here.open().configure()["body"]["readOnly"] is True
