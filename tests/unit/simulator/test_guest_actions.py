"""Actions other than messages: echo, JWT, configuration, closing."""

from service.simulator.deployments import Bot, Deployment
from tests.unit.simulator.stage import START, D, T, classes, entities, stage

PING = {"type": "Text", "text": "ping"}


def test_an_echo_is_answered_as_a_response_with_the_lifetime() -> None:
    client = stage().joined()

    [answer] = client.send("echo", token=T, tracingId="hc", message=PING)

    assert answer == {
        "type": "response",
        "class": "StructuredMessage",
        "code": 200,
        "tracingId": "hc",
        "body": {
            "id": "echo_id",
            "type": "Text",
            "text": "ping",
            "direction": "Inbound",
            "metadata": {
                "durationSeconds": "259200",
                "expirationDate": str(int(START) + 259200),
            },
        },
    }


def test_an_echo_needs_no_token_and_is_not_stored() -> None:
    here = stage()

    assert here.joined().send("echo", message=PING)[0]["code"] == 200
    assert here.control.transcript() == []


def test_an_echo_without_a_token_can_be_refused() -> None:
    assert stage(echo_needs_token=True).joined().send("echo", message=PING)[0]["code"] == 4020


def test_the_third_echo_a_minute_is_throttled() -> None:
    here = stage()
    client = here.joined()
    client.send("echo", message=PING)
    here.advance(20)
    client.send("echo", message=PING)

    [answer] = client.send("echo", message=PING)

    assert answer["class"] == "TooManyRequestsErrorMessage"
    assert answer["body"]["retryAfter"] == 40


def test_an_echo_on_an_expired_session_gets_the_event() -> None:
    here = stage(Deployment(bot=Bot.SILENT, session_seconds=900))
    client = here.joined()
    here.advance(901)

    [answer] = client.send("echo", message=PING)

    assert answer == {"type": "message", "class": "SessionExpiredEvent", "code": 200, "body": {}}
    assert client.say("hello")[0]["code"] == 4007


def test_a_jwt_lives_for_a_minute() -> None:
    here = stage()
    [answer] = here.joined().send("getJwt", token=T, tracingId="t")
    bearer = {"authorization": f"Bearer {answer['body']['jwt']}"}

    assert answer["body"]["exp"] == int(START) + 60
    here.advance(59)
    assert here.http("GET", "/api/v2/webmessaging/messages", headers=bearer).status == 200
    here.advance(1)
    assert here.http("GET", "/api/v2/webmessaging/messages", headers=bearer).status == 401


def test_a_jwt_on_an_unconfigured_socket_is_refused() -> None:
    assert stage().open().send("getJwt", token=T)[0]["code"] == 4007


def test_a_jwt_from_before_a_reconnect_is_dead() -> None:
    for dies, status in ((True, 401), (False, 200)):
        here = stage(jwt_dies_on_reconnect=dies)
        old = here.joined()
        bearer = {"authorization": f"bearer {old.jwt()}"}
        old.lose()
        here.joined()

        assert here.http("GET", "/api/v2/webmessaging/messages", headers=bearer).status == status


def test_a_jwt_outlives_its_socket_and_a_configure_of_another() -> None:
    here = stage()
    holder = here.joined()
    bearer = {"authorization": f"bearer {holder.jwt()}"}
    here.joined()

    assert here.http("GET", "/api/v2/webmessaging/messages", headers=bearer).status == 200
    holder.lose()
    assert here.http("GET", "/api/v2/webmessaging/messages", headers=bearer).status == 200


def test_get_configuration_tells_the_limits() -> None:
    [answer] = stage().joined().send("getConfiguration", token=T, deploymentId=D)

    assert answer["class"] == "GetConfigurationResponse"
    assert answer["body"]["maxCustomDataBytes"] == 2048
    assert answer["body"]["sessionDurationSeconds"] == 259200


def test_start_new_chat_from_read_only_as_the_official_client_does_it() -> None:
    here = stage()
    asker, other = here.joined(), here.joined()
    asker.say("first life")
    here.control.disconnect(T)
    other.inbox()

    closed = asker.send("closeSession", token=T, closeAllConnections=True, tracingId="t6")

    assert [each["body"] for each in closed] == [{"connected": False, "readOnly": True}]
    assert classes(other.inbox()) == ["ConnectionClosedEvent"]
    fresh = asker.configure(startNew=True)
    assert (fresh["body"]["newSession"], fresh["body"]["readOnly"]) == (True, False)
    assert entities(asker.history()) == []


def test_closing_an_active_session_only_detaches() -> None:
    here = stage()
    client = here.joined()

    [answer] = client.send("closeSession", token=T, closeAllConnections=False)

    assert answer["body"] == {"connected": False, "readOnly": False}
    assert client.say("detached")[0]["code"] == 4007
    assert here.open().configure()["body"]["newSession"] is False


def test_closing_an_active_session_can_end_it() -> None:
    here = stage(close_session_ends_active=True, close_one_closes_socket=True)
    client = here.joined()
    client.send("closeSession", token=T)

    assert here.control.connections() == []
    assert here.open().configure()["body"]["newSession"] is True


def test_undocumented_actions_are_refused_unless_a_knob_says_otherwise() -> None:
    off = stage().joined()
    on_stage = stage(resume_token_answered=True, disconnect_customer_works=True)
    on = on_stage.joined()

    assert off.send("disconnectCustomer", token=T)[0]["code"] == 400
    assert off.send("resumeToken", token=T)[0]["code"] == 400
    assert classes(on.send("resumeToken", token=T)) == ["ResumeTokenResponse"]
    on.send("disconnectCustomer", token=T)
    assert on_stage.control.sessions()[0]["state"] == "read_only"


def test_too_many_configures_a_minute_are_throttled() -> None:
    here = stage(configures_per_minute=2)
    client = here.joined()
    client.configure()

    assert client.configure()["class"] == "TooManyRequestsErrorMessage"
    outcomes = [each["outcome"] for each in here.control.configures(T)]
    assert outcomes == ["new", "resumed", "429"]


def test_unseen_messages_are_replayed_only_when_the_knob_says_so() -> None:
    for replayed, expected in ((False, []), (True, ["while you were away"])):
        here = stage(replay_on_attach=replayed)
        here.joined().lose()
        here.control.say(T, "while you were away")
        client = here.open()
        client.send("configureSession", token=T, deploymentId=D)
        client.read = 1

        assert [each["body"]["text"] for each in client.inbox()] == expected
        client.send("configureSession", token=T, deploymentId=D)
        assert client.inbox() == []


def test_bearers_do_not_pile_up() -> None:
    here = stage(requests_per_minute=0)
    client = here.joined()
    for _ in range(10):
        client.jwt()
        here.advance(30)

    assert len(here.world.state.jwts) == 1
    assert len(here.world.state.sessions[D, T].bearers) == 1


def test_get_configuration_of_an_unknown_deployment_is_refused() -> None:
    assert stage().joined().send("getConfiguration", deploymentId="nope")[0]["code"] == 400


def test_another_deployment_than_the_url_named_can_be_let_through() -> None:
    here = stage(Deployment(), Deployment(id="another"), refuse_deployment_mismatch=False)

    assert here.open().configure(deploymentId="another")["code"] == 200


def test_an_echo_can_come_without_the_lifetime() -> None:
    [answer] = stage(metadata_on_echo=False).joined().send("echo", message=PING)

    assert "metadata" not in answer["body"]


def test_an_auto_started_flag_can_be_sent() -> None:
    assert stage(auto_started_field=True).open().configure()["body"]["autoStarted"] is False


def test_an_expired_event_can_be_a_response() -> None:
    here = stage(expired_event_type="response")
    client = here.joined()
    here.control.expire(T)

    [answer] = client.send("echo", tracingId="hc", message=PING)

    assert (answer["type"], answer["tracingId"]) == ("response", "hc")


def test_undocumented_actions_need_a_session_too() -> None:
    client = stage(resume_token_answered=True, disconnect_customer_works=True).open()

    for action in ("resumeToken", "disconnectCustomer", "closeSession"):
        assert client.send(action, token=T)[0]["code"] == 4007
