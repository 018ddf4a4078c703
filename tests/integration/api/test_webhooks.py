"""Webhook endpoints over HTTP."""

from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from service.domain.endpoint import EndpointState
from service.ports import WebhookAnswer
from service.usecases.moot_hints import KNOWN_SECONDS
from tests.support.api_bench import Bench

URL = "https://example.com/hook"


async def _made(bench: Bench, **body: object) -> dict[str, Any]:
    made = await bench.http.post("/v1/webhooks", json={"url": URL, **body})
    assert made.status_code == 201, made.text
    answer: dict[str, Any] = made.json()
    return answer


async def test_a_webhook_shows_its_secret_once_and_takes_everything(bench: Bench) -> None:
    made = await _made(bench)

    read = (await bench.http.get(f"/v1/webhooks/{made['id']}")).json()
    listed = (await bench.http.get("/v1/webhooks")).json()["items"]
    assert made["secret"].startswith("whsec_")
    assert made["eventTypes"] == ["*"]
    assert made["state"] == "active"
    assert made["enabled"] is True
    assert (made["asymmetric"], made["publicKey"]) == (False, None)
    assert read == {name: value for name, value in made.items() if name != "secret"}
    assert listed == [read]


async def test_every_field_can_be_given(bench: Bench) -> None:
    body = {
        "eventTypes": ["message.*", "session.ended", "typing.started", "webhook.disabled"],
        "description": "to the shop",
        "headers": {"X-Shop": "7"},
        "enabled": False,
        "rateLimit": 50,
        "maxConcurrency": 4,
        "timeoutSeconds": 20,
        "retrySchedule": [5, 60, 3600],
        "onExhausted": "skip",
        "skipAfterSeconds": 900,
    }

    made = await _made(bench, **body)

    assert made.items() >= body.items()
    assert made["state"] == "paused"


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"eventTypes": []}, "/eventTypes"),
        ({"eventTypes": ["message.recieved"]}, "/eventTypes/0"),
        ({"eventTypes": ["*", "guest.*"]}, "/eventTypes/1"),
        ({"eventTypes": ["session.erased"]}, "/eventTypes/0"),
        ({"eventTypes": "*"}, "/eventTypes"),
        ({"description": "x" * 1025}, "/description"),
        ({"headers": {"webhook-id": "x"}}, "/headers/webhook-id"),
        ({"headers": {"Host": "x"}}, "/headers/Host"),
        ({"headers": {"a b": "x"}}, "/headers/a b"),
        ({"headers": {"x": "a\r\nb: c"}}, "/headers/x"),
        ({"rateLimit": 0}, "/rateLimit"),
        ({"rateLimit": 1001}, "/rateLimit"),
        ({"maxConcurrency": 0}, "/maxConcurrency"),
        ({"timeoutSeconds": 31}, "/timeoutSeconds"),
        ({"timeoutSeconds": "15"}, "/timeoutSeconds"),
        ({"retrySchedule": "fast"}, "/retrySchedule"),
        ({"retrySchedule": []}, "/retrySchedule"),
        ({"retrySchedule": [5, 0]}, "/retrySchedule/1"),
        ({"retrySchedule": [5, "1h"]}, "/retrySchedule/1"),
        ({"onExhausted": "drop"}, "/onExhausted"),
        ({"onExhausted": None}, "/onExhausted"),
        ({"skipAfterSeconds": 59}, "/skipAfterSeconds"),
        ({"skipAfterSeconds": 432001}, "/skipAfterSeconds"),
        ({"headers": {"x": "n\u00e4"}}, "/headers/x"),
        ({"headers": {"Webhook_Signature": "x"}}, "/headers/Webhook_Signature"),
        ({"headers": {"SVIX-Id": "x"}}, "/headers/SVIX-Id"),
        ({"headers": {"authorization": "[redacted]"}}, "/headers/authorization"),
        ({"secret": "mine"}, "/secret"),
        ({"secret": 7}, "/secret"),
        ({"asymmetric": "yes"}, "/asymmetric"),
        ({"publicKey": "whpk_x"}, "/publicKey"),
        ({"url": None}, "/url"),
    ],
)
async def test_a_wrong_field_is_named_and_nothing_is_kept(
    bench: Bench, wrong: dict[str, Any], pointer: str
) -> None:
    refused = await bench.http.post("/v1/webhooks", json={"url": URL, **wrong})

    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
    assert refused.json()["errors"][0]["pointer"] == pointer
    assert (await bench.http.get("/v1/webhooks")).json()["items"] == []


async def test_a_blocked_target_is_refused_at_creation_and_at_change(bench: Bench) -> None:
    made = await _made(bench)
    bench.blocked.add("https://10.0.0.1/")

    created = await bench.http.post("/v1/webhooks", json={"url": "https://10.0.0.1/"})
    changed = await bench.http.patch(
        f"/v1/webhooks/{made['id']}", json={"url": "https://10.0.0.1/"}
    )

    assert (created.status_code, created.json()["code"]) == (422, "blocked_target")
    assert (changed.status_code, changed.json()["code"]) == (422, "blocked_target")
    assert (await bench.http.get(f"/v1/webhooks/{made['id']}")).json()["url"] == URL


async def test_the_brokers_own_api_is_no_target(bench: Bench) -> None:
    made = await _made(bench, url="https://broker/hook")
    own = {"url": "https://broker/v1/sessions"}

    created = await bench.http.post("/v1/webhooks", json=own)
    changed = await bench.http.patch(f"/v1/webhooks/{made['id']}", json=own)

    assert (created.status_code, created.json()["code"]) == (422, "blocked_target")
    assert (changed.status_code, changed.json()["code"]) == (422, "blocked_target")


async def test_a_change_touches_only_what_it_names(bench: Bench) -> None:
    made = await _made(bench, description="old", rateLimit=5, retrySchedule="standard")

    changed = await bench.http.patch(
        f"/v1/webhooks/{made['id']}", json={"description": None, "eventTypes": ["message.*"]}
    )

    assert changed.status_code == 200
    assert changed.json()["description"] is None
    assert changed.json()["eventTypes"] == ["message.*"]
    assert changed.json()["rateLimit"] == 5
    assert changed.json()["retrySchedule"] == "standard"
    assert changed.json()["url"] == URL


async def test_pausing_and_disabling_are_undone_by_enabling(bench: Bench) -> None:
    path = f"/v1/webhooks/{(await _made(bench))['id']}"

    paused = await bench.http.patch(path, json={"enabled": False})
    woken = await bench.http.post(f"{path}/enable")
    disabled = await bench.http.post(f"{path}/disable")
    again = await bench.http.post(f"{path}/enable", json={})

    assert [one.json()["state"] for one in (paused, woken, disabled, again)] == [
        "paused",
        "active",
        "disabled",
        "active",
    ]
    assert disabled.json()["disabledReason"] == "requested"
    assert again.json()["disabledReason"] is None


async def test_an_endpoint_that_opens_hints_the_lanes_of_the_sessions(bench: Bench) -> None:
    session = await bench.session()
    made = await _made(bench)
    at_creation = list(bench.hints.lanes)
    await bench.http.post(f"/v1/webhooks/{made['id']}/disable")
    bench.hints.lanes.clear()

    await bench.http.post(f"/v1/webhooks/{made['id']}/enable")

    assert at_creation == [(made["id"], session["id"], 2.0)]
    assert bench.hints.lanes == [(made["id"], session["id"], KNOWN_SECONDS)]


async def test_rotating_keeps_the_old_secret_for_the_grace(bench: Bench) -> None:
    made = await _made(bench)
    path = f"/v1/webhooks/{made['id']}/rotate-secret"

    first = await bench.http.post(path)
    second = await bench.http.post(path, json={"graceSeconds": 60})

    stored = await bench.table.tenants.endpoint(made["id"])
    now = bench.clock.now()
    assert first.status_code == 200
    assert [one.secret for one in stored.secrets] == [
        second.json()["secret"],
        first.json()["secret"],
        made["secret"],
    ]
    assert [one.expires_at for one in stored.secrets] == [None, now + 60, now + 60]


@pytest.mark.parametrize("grace", [-1, 8 * 86400, "x", 1.5])
async def test_a_grace_out_of_range_is_refused(bench: Bench, grace: object) -> None:
    made = await _made(bench)

    refused = await bench.http.post(
        f"/v1/webhooks/{made['id']}/rotate-secret", json={"graceSeconds": grace}
    )

    assert refused.json()["errors"][0]["pointer"] == "/graceSeconds"


async def test_a_test_event_is_signed_and_its_outcome_told(bench: Bench) -> None:
    made = await _made(bench)

    test = await bench.http.post(f"/v1/webhooks/{made['id']}/test")

    url, headers, body = bench.posts.posted[0]
    assert test.status_code == 200
    assert test.json()["delivered"] is True
    assert test.json()["status"] == 204
    assert url == URL
    assert headers["webhook-id"] == test.json()["eventId"]
    assert headers["webhook-signature"] == Webhook(made["secret"]).sign(
        headers["webhook-id"],
        datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC),
        body.decode(),
    )
    assert b'"webhook.test"' in body


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (WebhookAnswer(status=500), "status"),
        (WebhookAnswer(status=302), "status"),
        (WebhookAnswer(status=199), "status"),
        (WebhookAnswer(status=None, error="timeout", detail="no answer in 15 s"), "timeout"),
    ],
)
async def test_a_test_event_that_failed_is_told(
    bench: Bench, answer: WebhookAnswer, error: str
) -> None:
    made = await _made(bench)
    bench.posts.answer = answer

    test = await bench.http.post(f"/v1/webhooks/{made['id']}/test")

    assert test.status_code == 200
    assert test.json()["delivered"] is False
    assert test.json()["error"] == error


async def test_a_deleted_webhook_is_gone(bench: Bench) -> None:
    made = await _made(bench)
    path = f"/v1/webhooks/{made['id']}"

    deleted = await bench.http.delete(path)

    assert deleted.status_code == 204
    assert (await bench.http.get(path)).status_code == 404
    assert (await bench.http.delete(path)).status_code == 404


async def test_another_tenants_webhook_is_not_found(bench: Bench) -> None:
    made = await _made(bench)
    stranger = await bench.key("*", tenant="other")
    path = f"/v1/webhooks/{made['id']}"

    answers = [
        await bench.http.get(path, headers=stranger),
        await bench.http.patch(path, json={"enabled": False}, headers=stranger),
        await bench.http.post(f"{path}/test", headers=stranger),
        await bench.http.post(f"{path}/rotate-secret", headers=stranger),
        await bench.http.post(f"{path}/enable", headers=stranger),
        await bench.http.post(f"{path}/disable", headers=stranger),
        await bench.http.delete(path, headers=stranger),
        await bench.http.get(f"/v1/webhooks/{'x' * 2000}"),
        await bench.http.get("/v1/webhooks/whk_unknown"),
        await bench.http.get("/v1/webhooks/a%23b"),
    ]

    stored = await bench.table.tenants.endpoint(made["id"])
    assert [answer.status_code for answer in answers] == [404] * 10
    assert stored.state is EndpointState.ACTIVE
    assert (await bench.http.get("/v1/webhooks", headers=stranger)).json()["items"] == []
