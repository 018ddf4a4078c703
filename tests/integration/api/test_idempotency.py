"""Idempotency-Key on every write: a repeat does nothing and answers what the first one made."""

import asyncio
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from service.api.app import create_app
from service.domain.ids import SessionId
from service.domain.message import Failure
from tests.support.api_bench import DEPLOYMENT, Bench
from tests.support.losing import losing

KEY = {"idempotency-key": "k 1"}


async def test_a_repeated_creation_answers_the_same_session_as_it_is_now(bench: Bench) -> None:
    body = {"deployment": DEPLOYMENT, "message": {"text": "hello"}}
    first = await bench.http.post("/v1/sessions", json=body, headers=KEY)
    await bench.http.post(f"/v1/sessions/{first.json()['id']}/end")

    again = await bench.http.post("/v1/sessions", json=body, headers=KEY)

    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert again.status_code == 201
    assert again.json()["id"] == first.json()["id"]
    assert again.json()["state"] == "ended"
    assert again.json()["message"]["id"] == first.json()["message"]["id"]
    assert await bench.count_sessions() == 1


async def test_blanks_and_order_make_no_other_body_but_values_do(bench: Bench) -> None:
    headers = {**KEY, "content-type": "application/json"}
    first = await bench.http.post(
        "/v1/sessions", content=b'{"deployment":"shop","externalId":"a"}', headers=headers
    )
    same = await bench.http.post(
        "/v1/sessions", content=b'{ "externalId": "a", "deployment": "shop" }', headers=headers
    )
    other = await bench.http.post(
        "/v1/sessions", content=b'{"deployment":"shop","externalId":"b"}', headers=headers
    )

    assert same.json()["id"] == first.json()["id"]
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_mismatch")
    assert await bench.count_sessions() == 1


async def test_the_same_key_is_another_on_another_path_and_for_another_tenant(
    bench: Bench,
) -> None:
    session = await bench.session()
    stranger = await bench.key("*", tenant="other")
    deployment = {"name": DEPLOYMENT, "deploymentId": "d", "domain": "example.com"}
    await bench.http.post("/v1/deployments", json=deployment, headers=stranger)
    await bench.http.post("/v1/sessions", json={"deployment": DEPLOYMENT}, headers=KEY)

    theirs = await bench.http.post(
        "/v1/sessions", json={"deployment": DEPLOYMENT}, headers={**stranger, **KEY}
    )
    elsewhere = await bench.http.post(
        f"/v1/sessions/{session['id']}/messages", json={"text": "x"}, headers=KEY
    )

    assert "idempotency-replayed" not in theirs.headers
    assert "idempotency-replayed" not in elsewhere.headers


async def test_a_repeated_message_is_sent_once(bench: Bench) -> None:
    session = await bench.session()
    path = f"/v1/sessions/{session['id']}/messages"
    first = await bench.http.post(path, json={"text": "hello"}, headers=KEY)

    again = await bench.http.post(path, json={"text": "hello"}, headers=KEY)

    listed = (await bench.http.get(path)).json()["items"]
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert len(listed) == 1


async def test_many_repeats_at_once_send_one_message(bench: Bench) -> None:
    session = await bench.session()
    path = f"/v1/sessions/{session['id']}/messages"

    answers = await asyncio.gather(
        *(bench.http.post(path, json={"text": "hello"}, headers=KEY) for _ in range(8))
    )

    listed = (await bench.http.get(path)).json()["items"]
    assert len(listed) == 1
    assert {answer.status_code for answer in answers} <= {201, 409}
    told = {a.json()["code"] for a in answers if a.status_code == 409}
    assert told <= {"idempotency_in_progress"}


async def test_many_repeated_creations_at_once_make_one_session(bench: Bench) -> None:
    answers = await asyncio.gather(
        *(
            bench.http.post("/v1/sessions", json={"deployment": DEPLOYMENT}, headers=KEY)
            for _ in range(8)
        )
    )

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert await bench.count_sessions() == 1


async def test_a_repeat_while_the_first_still_waits_is_told_to_come_again(bench: Bench) -> None:
    session = await bench.session()
    path = f"/v1/sessions/{session['id']}/messages?wait=5"
    bench.visitor.settles = False
    repeats: list[Any] = []

    async def repeat(_: SessionId) -> None:
        bench.visitor.before = None
        repeats.append(await bench.http.post(path, json={"text": "hello"}, headers=KEY))

    bench.visitor.before = repeat
    first = await bench.http.post(path, json={"text": "hello"}, headers=KEY)
    late = await bench.http.post(path, json={"text": "hello"}, headers=KEY)

    assert (repeats[0].status_code, repeats[0].json()["code"]) == (409, "idempotency_in_progress")
    assert repeats[0].headers["retry-after"] == "1"
    assert first.status_code == 202
    assert (late.status_code, late.headers["idempotency-replayed"]) == (202, "true")


async def test_a_repeat_keeps_the_status_and_shows_the_message_as_it_is_now(bench: Bench) -> None:
    session = await bench.session()
    path = f"/v1/sessions/{session['id']}/messages"
    bench.visitor.settles = False
    first = await bench.http.post(f"{path}?wait=0", json={"text": "hello"}, headers=KEY)
    bench.clock.at += 1
    await bench.visitor.settle(await bench.table.sessions.load(session["id"]))

    again = await bench.http.post(f"{path}?wait=0", json={"text": "hello"}, headers=KEY)

    assert (first.status_code, first.json()["status"]) == (202, "accepted")
    assert (again.status_code, again.json()["status"]) == (202, "confirmed")


async def test_a_repeat_of_a_message_that_failed_tells_the_same_problem(bench: Bench) -> None:
    session = await bench.session()
    path = f"/v1/sessions/{session['id']}/messages"
    bench.visitor.failure = Failure(code="outcome_unknown", detail="who knows")
    first = await bench.http.post(path, json={"text": "hello"}, headers=KEY)

    again = await bench.http.post(path, json={"text": "hello"}, headers=KEY)

    assert (first.status_code, again.status_code) == (502, 502)
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"


async def test_a_repeated_turn_answers_its_replies(bench: Bench) -> None:
    session = await bench.session()
    path = f"/v1/sessions/{session['id']}/messages?turn=10"
    bench.visitor.replies = ["Hi."]
    first = await bench.http.post(path, json={"text": "hello"}, headers=KEY)

    again = await bench.http.post(path, json={"text": "hello"}, headers=KEY)

    assert again.json() == first.json()
    assert again.json()["turnComplete"] is True


async def test_what_was_refused_before_anything_was_stored_may_be_tried_again(
    bench: Bench,
) -> None:
    session = await bench.session()
    path = f"/v1/sessions/{session['id']}/messages"
    refused = await bench.http.post(path, json={"text": "x" * 4097}, headers=KEY)

    taken = await bench.http.post(path, json={"text": "x"}, headers=KEY)

    assert refused.status_code == 422
    assert taken.status_code == 201


@pytest.mark.parametrize("verb", ["end", "clear", "resume"])
async def test_repeated_verbs_happen_once(bench: Bench, verb: str) -> None:
    session = await bench.session()
    path = f"/v1/sessions/{session['id']}/{verb}"
    first = await bench.http.post(path, headers=KEY)
    length = await bench.log_length(session["id"])

    again = await bench.http.post(path, json={}, headers=KEY)

    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert await bench.log_length(session["id"]) == length


async def test_a_repeated_erasure_is_answered_as_the_first(bench: Bench) -> None:
    session = await bench.session()
    path = f"/v1/sessions/{session['id']}"
    first = await bench.http.delete(path, headers=KEY)

    again = await bench.http.delete(path, headers=KEY)

    assert (first.status_code, again.status_code) == (204, 204)
    assert again.headers["idempotency-replayed"] == "true"


async def test_a_repeat_while_the_erasure_runs_is_answered_as_the_first(bench: Bench) -> None:
    session = await bench.session()
    path = f"/v1/sessions/{session['id']}"

    answers = await asyncio.gather(*(bench.http.delete(path, headers=KEY) for _ in range(6)))

    assert {answer.status_code for answer in answers} == {204}


@pytest.mark.parametrize("listing", ["webhooks", "deployments", "api-keys"])
async def test_a_repeated_deletion_is_answered_as_the_first(bench: Bench, listing: str) -> None:
    body = {
        "webhooks": {"url": "https://receiver.example/hook"},
        "deployments": {"name": "second", "deploymentId": "d", "domain": "mypurecloud.ie"},
        "api-keys": {"name": "n"},
    }[listing]
    made = (await bench.http.post(f"/v1/{listing}", json=body)).json()
    path = f"/v1/{listing}/{made['name'] if listing == 'deployments' else made['id']}"
    first = await bench.http.delete(path, headers=KEY)

    again = await bench.http.delete(path, headers=KEY)
    other = await bench.http.delete(path, headers={"idempotency-key": "k 2"})

    assert (first.status_code, again.status_code, other.status_code) == (204, 204, 404)
    assert again.headers["idempotency-replayed"] == "true"


async def test_a_repeated_typing_is_answered_as_the_first(bench: Bench) -> None:
    session = await bench.session()
    path = f"/v1/sessions/{session['id']}/typing"
    await bench.http.post(path, headers=KEY)
    bench.visitor.typing_sent = False

    again = await bench.http.post(path, headers=KEY)

    assert (again.status_code, again.json()) == (202, {"sent": True})


async def test_a_repeated_deployment_is_answered_as_it_is_now(bench: Bench) -> None:
    body = {"name": "two", "deploymentId": "d", "domain": "example.com"}
    first = await bench.http.post("/v1/deployments", json=body, headers=KEY)
    await bench.http.patch("/v1/deployments/two", json={"locale": "en-US"}, headers=KEY)
    patched = await bench.http.patch("/v1/deployments/two", json={"locale": "en-US"}, headers=KEY)

    again = await bench.http.post("/v1/deployments", json=body, headers=KEY)

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json()["locale"] == "en-US"
    assert patched.headers["idempotency-replayed"] == "true"


async def test_repeats_show_a_new_webhooks_secret_again(bench: Bench) -> None:
    body = {"url": "https://example.com/hook"}
    first = await bench.http.post("/v1/webhooks", json=body, headers=KEY)
    path = f"/v1/webhooks/{first.json()['id']}"
    rotated = await bench.http.post(f"{path}/rotate-secret", headers=KEY)

    again = await bench.http.post("/v1/webhooks", json=body, headers=KEY)
    rotated_again = await bench.http.post(f"{path}/rotate-secret", headers=KEY)
    stored = await bench.table.tenants.endpoint(first.json()["id"])

    assert again.json()["secret"] == first.json()["secret"]
    assert rotated_again.json()["secret"] == rotated.json()["secret"]
    assert len(stored.secrets) == 2


async def test_a_repeat_shows_a_new_api_key_again(bench: Bench) -> None:
    first = await bench.http.post("/v1/api-keys", json={"name": "n"}, headers=KEY)

    again = await bench.http.post("/v1/api-keys", json={"name": "n"}, headers=KEY)

    listed = (await bench.http.get("/v1/api-keys")).json()["items"]
    assert again.status_code == 201
    assert again.json() == first.json()
    assert [key["name"] for key in listed].count("n") == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "ä", "a\tb"])
async def test_a_key_of_another_form_is_refused(bench: Bench, key: str) -> None:
    refused = await bench.http.post(
        "/v1/sessions",
        json={"deployment": DEPLOYMENT},
        headers={b"idempotency-key": key.encode("latin-1")},
    )

    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
    assert await bench.count_sessions() == 0


async def test_no_record_is_looked_for_under_a_path_longer_than_any(bench: Bench) -> None:
    path = f"/v1/sessions/{'x' * 3000}/end"
    tenants = losing(bench.table.tenants, idempotency=[AssertionError("asked the table")])
    app = create_app(replace(bench.broker, once=replace(bench.broker.once, tenants=tenants)))
    transport = httpx2.ASGITransport(app=app)

    async with httpx2.AsyncClient(
        transport=transport, base_url="http://api", headers=bench.http.headers
    ) as http:
        lost = await http.post(path, headers={"Idempotency-Key": "k"})

    assert (lost.status_code, lost.json()["code"]) == (404, "not_found")


async def test_repeats_of_what_was_deleted_since_find_it_no_more(bench: Bench) -> None:
    key = {"Idempotency-Key": "k"}
    hook = {"url": "https://receiver.example/hook"}
    made = await bench.http.post("/v1/webhooks", json=hook, headers=key)
    await bench.http.delete(f"/v1/webhooks/{made.json()['id']}")
    place = {"name": "second", "deploymentId": "d", "domain": "mypurecloud.ie"}
    await bench.http.post("/v1/deployments", json=place, headers=key)
    await bench.http.delete("/v1/deployments/second")

    again = [
        await bench.http.post("/v1/webhooks", json=hook, headers=key),
        await bench.http.post("/v1/deployments", json=place, headers=key),
    ]

    assert [one.json()["code"] for one in again] == ["not_found"] * 2


async def test_a_key_is_forgotten_after_two_days_and_not_before_one(bench: Bench) -> None:
    body = {"deployment": DEPLOYMENT}
    first = await bench.http.post("/v1/sessions", json=body, headers=KEY)
    bench.clock.at += 24 * 3600
    kept = await bench.http.post("/v1/sessions", json=body, headers=KEY)
    bench.clock.at += 24 * 3600 + 1

    fresh = await bench.http.post("/v1/sessions", json=body, headers=KEY)

    assert kept.json()["id"] == first.json()["id"]
    assert fresh.json()["id"] != first.json()["id"]
