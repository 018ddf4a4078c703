"""Orders over HTTP and in Python: the same verbs, the same faults in them."""

import json
import math

import pytest

from service.simulator.control import ControlError
from service.simulator.verbs import VERBS
from tests.unit.simulator.stage import D, Frame, Stage, T, stage


def post(here: Stage, verb: str, body: object) -> tuple[int, Frame]:
    reply = here.http("POST", f"/__sim__/{verb}", body=json.dumps(body).encode())
    return reply.status, json.loads(reply.body)


def test_an_order_over_http_is_carried_out() -> None:
    here = stage()
    client = here.joined()

    status, told = post(here, "say", {"token": T, "text": "via http"})

    assert (status, told["delivered"]) == (200, 1)
    assert client.inbox()[0]["body"]["text"] == "via http"


def test_what_only_looks_can_be_asked_with_get() -> None:
    here = stage()
    here.joined().say("hi")
    here.joined("other").say("ho", token="other")

    reply = here.http("GET", "/__sim__/transcript", query={"token": "other"})

    assert [each["text"] for each in json.loads(reply.body)] == ["ho"]


@pytest.mark.parametrize(
    ("verb", "body", "status"),
    [
        ("dance", {}, 404),
        ("say", {"token": "nobody", "text": "x"}, 404),
        ("say", {"token": T, "text": "x" * 4001}, 400),
        ("say", {"token": T}, 400),
        ("say", {"token": T, "text": 7}, 400),
        ("say", {"token": T, "text": "x", "content": {}}, 400),
        ("evict", {"token": T, "which": "newest"}, 400),
        ("fault", {}, 400),
        ("fault", {"kind": "dance"}, 400),
        ("fault", {"kind": "drop", "strength": 9}, 400),
        ("fault", {"kind": "delay", "seconds": "long"}, 400),
        ("fault", {"kind": "delay", "count": True}, 400),
        ("fault", {"kind": "delay", "count": -1}, 400),
        ("fault", {"kind": "delay", "seconds": -0.5}, 400),
        ("knobs", {"jwt_seconds": math.inf}, 400),
        ("knobs", {"jwt_seconds": 10**400}, 400),
        ("knobs", {"history_lag_seconds": math.nan}, 400),
        ("knobs", {"dance": 1}, 400),
        ("knobs", {"push_expiry": "yes"}, 400),
        ("knobs", {"dedupe": "magic"}, 400),
        ("knobs", {"not_found_text": 7}, 400),
        ("knobs", [], 400),
        ("deployment", {}, 400),
        ("deployment", {"id": "x", "allowed_domains": "shop.test"}, 400),
        ("conversation", {"id": "x"}, 404),
        ("drop", {"how": "gently"}, 400),
    ],
)
def test_an_impossible_order_is_refused(verb: str, body: object, status: int) -> None:
    here = stage()
    here.joined()

    assert post(here, verb, body)[0] == status


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("deny_handshake", "token"),
        ("hang_handshake", "action"),
        ("drop", "frame_class"),
        ("refuse", "direction"),
        ("swallow_write", "frame_class"),
        ("swallow_echo", "direction"),
        ("partial_session_response", "frame_class"),
    ],
)
def test_an_order_that_could_never_strike_is_refused(kind: str, name: str) -> None:
    with pytest.raises(ControlError, match=name):
        stage().control.fault(kind, **{name: "x"})


def test_a_drop_on_opening_cannot_name_what_is_said_only_later() -> None:
    with pytest.raises(ControlError, match="token"):
        stage().control.fault("drop", when="open", token=T)
    with pytest.raises(ControlError, match="connection"):
        stage().control.fault("fail_history", connection=1)


def test_orders_that_change_something_need_post() -> None:
    assert stage().http("GET", "/__sim__/wipe").status == 405
    assert stage().http("DELETE", "/__sim__/counts").status == 405


def test_verbs_may_be_written_with_hyphens() -> None:
    assert post(stage(), "clear-faults", {}) == (200, {"left": 0})


def test_a_refused_order_raises_in_python() -> None:
    with pytest.raises(ControlError) as refused:
        stage().control.expire("nobody")

    assert refused.value.status == 404


def test_knobs_change_while_the_world_runs() -> None:
    here = stage()
    client = here.joined()

    assert here.control.knobs(max_text_bytes=3, history_lag_seconds=1)["max_text_bytes"] == 3
    assert client.say("four")[0]["code"] == 4011


def test_a_deployment_is_added_and_changed() -> None:
    here = stage()
    here.control.deployment("another", auto_start=True)
    changed = here.control.deployment("another", active=False)

    assert (changed["auto_start"], changed["active"]) == (True, False)
    assert [each["id"] for each in here.control.deployments()] == [D, "another"]


def test_a_restart_loses_sockets_and_a_wipe_loses_sessions() -> None:
    here = stage()
    here.joined()
    here.joined("other")

    assert here.control.restart() == 2
    assert here.control.connections() == []
    assert here.open().configure()["body"]["newSession"] is False
    assert here.control.wipe() == 2
    assert len(here.control.connections()) == 1
    assert here.open().configure()["body"]["newSession"] is True


def test_expiry_can_be_announced() -> None:
    here = stage()
    client = here.joined()

    here.control.expire(T, announce=True)

    assert client.inbox()[0]["class"] == "SessionExpiredEvent"


def test_nobody_speaks_into_an_expired_session_and_so_revives_it() -> None:
    here = stage()
    here.joined()
    here.control.expire(T)

    for verb, more in (("say", {"text": "too late"}), ("typing", {}), ("disconnect", {})):
        with pytest.raises(ControlError, match="expired"):
            here.control.run(verb, token=T, **more)
    assert here.open().configure()["body"]["newSession"] is True


def test_all_connections_can_be_evicted() -> None:
    here = stage()
    first, second = here.joined(), here.joined()

    assert here.control.evict(T, which="all", reason="signedIn") == 2
    assert first.inbox()[0]["body"] == second.inbox()[0]["body"] == {"reason": "signedIn"}


def test_a_drop_can_name_a_connection_or_a_deployment() -> None:
    here = stage()
    first, second = here.joined(), here.joined()

    assert here.control.drop(connection=first.conn) == 1
    assert [each["id"] for each in here.control.connections()] == [second.conn]
    assert here.control.drop(deployment="another") == 0
    assert here.control.drop(deployment=D) == 1


def test_a_reset_goes_back_to_the_beginning() -> None:
    here = stage()
    here.joined().say("hi")
    here.control.knobs(max_text_bytes=1)
    here.control.fault("drop")
    here.control.deployment("another")

    here.control.reset()

    assert here.control.transcript() == []
    assert here.control.connections() == []
    assert here.control.faults() == {"open": [], "struck": {}}
    assert [each["id"] for each in here.control.deployments()] == [D]
    assert here.joined().say("hi again")[0]["code"] == 200


def test_a_reset_forgets_conversations_files_and_bearers_too() -> None:
    here = stage()
    client = here.joined()
    said = client.say("hi")[0]["body"]["id"]
    conversation = str(here.control.transcript()[0]["conversation_id"])
    basic = {"authorization": "Basic c2ltdWxhdG9yOnNpbXVsYXRvci1zZWNyZXQ="}
    form = b"grant_type=client_credentials"
    granted = here.http("POST", "/oauth/token", headers=basic, body=form)
    bearer = {"authorization": f"bearer {json.loads(granted.body)['access_token']}"}
    details = f"/api/v2/conversations/messages/{said}/details"
    assert here.http("GET", details, headers=bearer).status == 200

    here.control.reset()

    assert here.http("GET", details, headers=bearer).status == 401
    with pytest.raises(ControlError, match="conversation"):
        here.control.conversation(conversation)
    here.advance(120)


def test_a_token_in_two_deployments_is_told_apart() -> None:
    here = stage()
    here.control.deployment("another", bot="silent")
    here.joined()
    client = here.joined(deployment="another")

    here.control.say(T, "over here", deployment="another")

    assert client.inbox()[0]["body"]["text"] == "over here"


def test_every_verb_is_a_method_of_control_or_the_health_check() -> None:
    methods = set(dir(stage().control))

    assert set(VERBS) - methods == {"health"}
    assert stage().http("GET", "/__sim__/health").status == 200


@pytest.mark.parametrize(
    ("verb", "body"),
    [
        ("fault", {"kind": "deny_handshake", "status": 499}),
        ("fault", {"kind": "deny_handshake", "status": 101}),
        ("fault", {"kind": "fail_history", "status": 204}),
        ("fault", {"kind": "drop", "how": "close", "code": 1006}),
        ("drop", {"how": "close", "code": 99}),
        ("drop", {"how": "close", "reason": "x" * 124}),
        ("knobs", {"going_away_code": 1005}),
        ("knobs", {"rate_limited_handshake_status": 600}),
    ],
)
def test_what_cannot_go_on_the_wire_is_refused_at_once(verb: str, body: object) -> None:
    here = stage()
    here.joined()

    assert post(here, verb, body)[0] == 400
    assert len(here.control.connections()) == 1
