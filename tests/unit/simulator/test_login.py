"""Signed-in guests: exchange, configure, step-up, logout."""

import json

import pytest

from service.simulator.deployments import Bot, Deployment
from tests.unit.simulator.stage import Client, D, Frame, Stage, T, classes, stage

AUTH = Deployment(bot=Bot.SILENT, auth=True, step_up=True)
BASE = "/api/v2/webdeployments/token"


def exchange(here: Stage, **oauth: str) -> Frame:
    asked = {"deploymentId": D, "oauth": oauth or {"code": "code-ann"}}
    body = json.dumps(asked).encode()
    reply = here.http("POST", f"{BASE}/oauthcodegrantjwtexchange", body=body)
    found: Frame = {"status": reply.status, **json.loads(reply.body)}
    return found


def sign_in(client: Client, jwt: str, token: str = T) -> list[Frame]:
    return client.send(
        "configureAuthenticatedSession", token=token, deploymentId=D, data={"code": jwt}
    )


def test_a_code_or_an_id_token_is_exchanged() -> None:
    here = stage(AUTH)

    assert set(exchange(here)) == {"status", "jwt", "refreshToken"}
    assert set(exchange(here, idToken="id-ann")) == {"status", "jwt"}
    assert exchange(here, code="stolen")["status"] == 401
    assert exchange(here)["status"] == 401
    assert exchange(stage())["status"] == 401


def test_a_signed_in_session_cannot_be_downgraded() -> None:
    here = stage(AUTH)
    client = here.open()

    [answer] = sign_in(client, exchange(here)["jwt"])

    assert answer["body"]["newSession"] is True
    assert client.say("hi")[0]["body"]["metadata"]["authenticated"] == "true"
    assert here.open().configure()["code"] == 4017


def test_a_jwt_is_needed_at_configure_and_dies() -> None:
    here = stage(AUTH)
    jwt = exchange(here)["jwt"]
    client = here.open()
    assert sign_in(client, "made up")[0]["code"] == 401
    sign_in(client, jwt)
    here.advance(900)

    assert client.say("still configured")[0]["code"] == 200
    assert sign_in(here.open(), jwt)[0]["code"] == 401


def test_a_refresh_token_gives_a_new_jwt_for_a_day() -> None:
    here = stage(AUTH)
    body = json.dumps({"refreshToken": exchange(here)["refreshToken"]}).encode()
    here.advance(3600)

    fresh = json.loads(here.http("POST", f"{BASE}/refresh", body=body).body)["jwt"]

    assert sign_in(here.open(), fresh)[0]["code"] == 200
    here.advance(86_400)
    assert here.http("POST", f"{BASE}/refresh", body=body).status == 401


def test_step_up_tells_of_the_sign_in_before_it_answers() -> None:
    here = stage(AUTH)
    client = here.joined()
    client.say("anonymous")

    told = sign_in(client, exchange(here)["jwt"])

    assert classes(told) == ["StructuredMessage", "SessionResponse"]
    assert told[0]["body"]["channel"]["from"] == {"firstName": "ann"}
    assert told[1]["body"]["newSession"] is False


def test_step_up_can_be_forbidden() -> None:
    here = stage(Deployment(bot=Bot.SILENT, auth=True))

    assert sign_in(here.joined(), exchange(here)["jwt"])[0]["code"] == 403


@pytest.mark.parametrize("field", ["reason", "reasonCode"])
def test_signing_in_elsewhere_ends_the_other_session(field: str) -> None:
    here = stage(AUTH, closed_reason_field=field)
    first, second = here.open(), here.open()
    sign_in(first, exchange(here)["jwt"], "first")

    [answer] = sign_in(second, exchange(here, code="code-ann.2")["jwt"], "second")

    assert answer["body"]["clearedExistingSession"] is True
    assert first.inbox()[-1]["body"] == {field: "signedIn"}
    assert here.open().configure("first")["code"] == 4007


def test_a_dead_token_can_be_given_a_new_session() -> None:
    here = stage(AUTH, configure_dead_token="new_session")
    sign_in(here.open(), exchange(here)["jwt"], "first")
    sign_in(here.open(), exchange(here, code="code-ann.2")["jwt"], "second")

    assert here.open().configure("first")["body"]["newSession"] is True


def test_logout_reaches_every_socket_and_kills_the_token() -> None:
    here = stage(AUTH)
    login = exchange(here)
    first, second = here.open(), here.open()
    sign_in(first, login["jwt"])
    sign_in(second, login["jwt"])
    first.inbox()
    bearer = {"authorization": f"bearer {login['jwt']}"}

    assert here.http("DELETE", f"{BASE}/revoke", headers=bearer).status == 204

    assert classes(first.inbox()) == ["LogoutEvent"]
    assert first.say("hi")[0]["code"] == 4007
    assert here.open().configure()["code"] == 4007
    assert here.http("DELETE", f"{BASE}/revoke", headers=bearer).status == 401
    refresh = json.dumps({"refreshToken": login["refreshToken"]}).encode()
    assert here.http("POST", f"{BASE}/refresh", body=refresh).status == 401


def test_a_configure_must_make_sense_first() -> None:
    here = stage(AUTH)

    assert here.open().send("configureAuthenticatedSession", deploymentId=D)[0]["code"] == 4020


def test_a_session_stays_with_its_user() -> None:
    here = stage(AUTH)
    sign_in(here.open(), exchange(here)["jwt"])

    assert sign_in(here.open(), exchange(here, code="code-bob")["jwt"])[0]["code"] == 403


def test_codes_may_serve_again_where_a_test_wants_it() -> None:
    here = stage(AUTH, auth_codes_once=False)

    assert [exchange(here)["status"] for _ in range(2)] == [200, 200]


def test_every_login_can_be_refused_by_a_text() -> None:
    here = stage(AUTH, auth_refusal="Try to authenticate again")

    [answer] = sign_in(here.open(), exchange(here)["jwt"])

    assert (answer["code"], answer["body"]) == (403, "Try to authenticate again")


def test_a_refresh_token_can_be_replaced_by_each_refresh() -> None:
    here = stage(AUTH, refresh_rotates=True)
    body = json.dumps({"refreshToken": exchange(here)["refreshToken"]}).encode()

    assert set(json.loads(here.http("POST", f"{BASE}/refresh", body=body).body)) == {
        "jwt",
        "refreshToken",
    }
    assert here.http("POST", f"{BASE}/refresh", body=body).status == 401


def test_a_step_up_can_be_told_of_after_its_answer() -> None:
    here = stage(AUTH, sign_in_told_late=True)
    client = here.joined()

    told = sign_in(client, exchange(here)["jwt"])

    assert classes(told) == ["SessionResponse", "StructuredMessage"]
