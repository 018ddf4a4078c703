"""Platform OAuth and lookups with an integrator's own credentials."""

import json
from base64 import b64encode

import pytest

from tests.unit.simulator.stage import Stage, T, participants, stage

FORM = b"grant_type=client_credentials"


def basic(pair: str) -> dict[str, str]:
    return {"authorization": f"Basic {b64encode(pair.encode()).decode()}"}


def bearer(here: Stage) -> dict[str, str]:
    reply = here.http(
        "POST", "/oauth/token", headers=basic("simulator:simulator-secret"), body=FORM
    )
    return {"authorization": f"bearer {json.loads(reply.body)['access_token']}"}


def test_client_credentials_give_a_token_for_a_day() -> None:
    here = stage()
    reply = here.http(
        "POST", "/oauth/token", headers=basic("simulator:simulator-secret"), body=FORM
    )

    body = json.loads(reply.body)
    assert (body["token_type"], body["expires_in"]) == ("bearer", 86400)


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        (basic("simulator:wrong"), FORM, 401),
        (basic("nobody:simulator-secret"), FORM, 401),
        ({"authorization": "Basic ***"}, FORM, 401),
        ({"authorization": "Bearer x"}, FORM, 401),
        ({}, FORM, 401),
        (basic("simulator:simulator-secret"), b"grant_type=password", 400),
    ],
)
def test_other_credentials_give_none(headers: dict[str, str], body: bytes, status: int) -> None:
    assert stage().http("POST", "/oauth/token", headers=headers, body=body).status == status


def test_a_message_id_leads_to_its_conversation_and_participants() -> None:
    here = stage()
    [echo] = here.joined().say("Where is my parcel?")
    ident = echo["body"]["id"]

    path = f"/api/v2/conversations/messages/{ident}/details"
    details = json.loads(here.http("GET", path, headers=bearer(here)).body)
    path = f"/api/v2/conversations/messages/{details['conversationId']}"
    conversation = json.loads(here.http("GET", path, headers=bearer(here)).body)

    assert (details["id"], details["direction"]) == (ident, "inbound")
    assert details["normalizedMessage"]["text"] == "Where is my parcel?"
    assert details["normalizedMessage"]["channel"]["platform"] == "WebMessaging"
    customer = participants(conversation)[0]
    assert customer["purpose"] == "customer"
    assert [each["messageId"] for each in customer["messages"]] == [ident]


def test_an_outbound_message_is_found_too() -> None:
    here = stage()
    here.joined()
    ident = here.control.say(T, "hello")["messageId"]

    path = f"/api/v2/conversations/messages/{ident}/details"
    details = json.loads(here.http("GET", path, headers=bearer(here)).body)

    assert (details["direction"], details["status"]) == ("outbound", "sent")


def test_an_ended_conversation_says_so() -> None:
    here = stage()
    here.joined().say("hi")
    here.control.disconnect(T)
    ident = str(here.control.transcript()[0]["conversation_id"])

    reply = here.http("GET", f"/api/v2/conversations/{ident}", headers=bearer(here))

    states = {each["state"] for each in participants(json.loads(reply.body))}
    assert states == {"disconnected"}


def test_unknown_ids_are_not_found() -> None:
    here = stage()
    for path in ("messages/x/details", "messages/x"):
        reply = here.http("GET", f"/api/v2/conversations/{path}", headers=bearer(here))

        assert (reply.status, json.loads(reply.body)["code"]) == (404, "not.found")


def test_lookups_need_a_token_that_is_still_good() -> None:
    here = stage(platform_token_seconds=60)
    old = bearer(here)
    here.advance(60)

    for headers in ({}, old):
        for path in ("messages/x/details", "messages/x"):
            reply = here.http("GET", f"/api/v2/conversations/{path}", headers=headers)
            assert reply.status == 401


def test_a_fresh_message_can_be_unknown_for_a_while() -> None:
    here = stage(details_lag_seconds=2)
    [echo] = here.joined().say("hi")
    path = f"/api/v2/conversations/messages/{echo['body']['id']}/details"

    assert here.http("GET", path, headers=bearer(here)).status == 404
    here.advance(2)
    assert here.http("GET", path, headers=bearer(here)).status == 200
