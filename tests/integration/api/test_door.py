"""Keys, scopes, our own mistakes, and what needs no key."""

from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import httpx2
import pytest

from service.api.app import create_app
from service.domain.access import ApiKey
from service.domain.errors import IllegalTransitionError, PlaceTakenError, UnavailableError
from service.webhook.headers import USER_AGENT
from tests.support.api_bench import DEPLOYMENT, Bench

PATHS = [
    ("GET", "/v1/sessions", "sessions:read"),
    ("GET", "/v1/sessions/x", "sessions:read"),
    ("GET", "/v1/sessions/x/timeline", "sessions:read"),
    ("GET", "/v1/sessions/x/messages", "sessions:read"),
    ("GET", "/v1/sessions/x/events", "sessions:read"),
    ("GET", "/v1/sessions/x/attachments", "sessions:read"),
    ("GET", "/v1/sessions/x/attachments/x", "sessions:read"),
    ("GET", "/v1/sessions/x/attachments/x/content", "sessions:read"),
    ("PUT", "/v1/sessions/x/attachments/x/content", "sessions:write"),
    ("POST", "/v1/sessions/x/attachments", "sessions:write"),
    ("DELETE", "/v1/sessions/x/attachments/x", "sessions:write"),
    ("POST", "/v1/sessions", "sessions:write"),
    ("POST", "/v1/sessions/x/messages", "sessions:write"),
    ("POST", "/v1/sessions/x/typing", "sessions:write"),
    ("POST", "/v1/sessions/x/end", "sessions:write"),
    ("POST", "/v1/sessions/x/clear", "sessions:write"),
    ("POST", "/v1/sessions/x/authentication", "sessions:write"),
    ("DELETE", "/v1/sessions/x/authentication", "sessions:write"),
    ("POST", "/v1/sessions/x/resume", "sessions:write"),
    ("PATCH", "/v1/sessions/x", "sessions:write"),
    ("DELETE", "/v1/sessions/x", "sessions:write"),
    ("GET", "/v1/webhooks", "webhooks"),
    ("POST", "/v1/webhooks", "webhooks"),
    ("GET", "/v1/webhooks/x", "webhooks"),
    ("PATCH", "/v1/webhooks/x", "webhooks"),
    ("DELETE", "/v1/webhooks/x", "webhooks"),
    ("POST", "/v1/webhooks/x/test", "webhooks"),
    ("POST", "/v1/webhooks/x/verify", "webhooks"),
    ("POST", "/v1/webhooks/x/rotate-secret", "webhooks"),
    ("GET", "/v1/webhooks/x/deliveries", "webhooks"),
    ("GET", "/v1/webhooks/x/stats", "webhooks"),
    ("POST", "/v1/webhooks/x/resend", "webhooks"),
    ("POST", "/v1/webhooks/x/replay", "webhooks"),
    ("GET", "/v1/webhooks/x/replays", "webhooks"),
    ("GET", "/v1/webhooks/x/replays/x", "webhooks"),
    ("POST", "/v1/webhooks/x/replays/x/cancel", "webhooks"),
    ("POST", "/v1/webhooks/x/enable", "webhooks"),
    ("POST", "/v1/webhooks/x/disable", "webhooks"),
    ("GET", "/v1/deployments", "deployments"),
    ("POST", "/v1/deployments", "deployments"),
    ("GET", "/v1/deployments/x", "deployments"),
    ("PATCH", "/v1/deployments/x", "deployments"),
    ("DELETE", "/v1/deployments/x", "deployments"),
    ("GET", "/v1/deployments/x/check", "deployments"),
    ("GET", "/v1/deployments/x/drift", "deployments"),
    ("GET", "/v1/api-keys", "admin"),
    ("POST", "/v1/api-keys", "admin"),
    ("DELETE", "/v1/api-keys/x", "admin"),
    ("GET", "/v1/listeners", "admin"),
]


@pytest.mark.parametrize(("method", "path", "scope"), PATHS)
async def test_every_route_needs_a_key_with_its_scope(
    bench: Bench, method: str, path: str, scope: str
) -> None:
    useless = await bench.key("sessions:secrets")

    nobody = await bench.http.request(method, path, headers={"authorization": ""})
    refused = await bench.http.request(method, path, headers=useless)

    assert (nobody.status_code, nobody.json()["code"]) == (401, "unauthorized")
    assert nobody.headers["www-authenticate"] == "Bearer"
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope")
    assert scope in refused.json()["detail"]


async def test_the_list_of_routes_above_is_complete(bench: Bench) -> None:
    described = {
        (method.upper(), path.count("/"), path.rsplit("/", 1)[-1].strip("{}") != "")
        for path, methods in bench.app.openapi()["paths"].items()
        if path.startswith("/v1")
        for method in methods
    }
    count = sum(
        len(methods)
        for path, methods in bench.app.openapi()["paths"].items()
        if path.startswith("/v1")
    )

    assert described
    assert count == len(PATHS)


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Bearer wrong", "Basic abc", "wrong", "Bearer ä"]
)
async def test_what_is_no_known_key_is_refused(bench: Bench, header: str) -> None:
    refused = await bench.http.get(
        "/v1/sessions", headers={b"authorization": header.encode("latin-1")}
    )

    assert (refused.status_code, refused.json()["code"]) == (401, "unauthorized")


async def test_a_refused_caller_learns_nothing_of_his_body(bench: Bench) -> None:
    refused = await bench.http.post(
        "/v1/sessions", content=b"{", headers={"authorization": "Bearer no"}
    )

    assert refused.status_code == 401


async def test_writing_includes_reading_and_reading_excludes_writing(bench: Bench) -> None:
    writer, reader = await bench.key("sessions:write"), await bench.key("sessions:read")
    body = {"deployment": DEPLOYMENT}

    assert (await bench.http.get("/v1/sessions", headers=writer)).status_code == 200
    assert (await bench.http.get("/v1/sessions", headers=reader)).status_code == 200
    assert (await bench.http.post("/v1/sessions", json=body, headers=writer)).status_code == 201
    assert (await bench.http.post("/v1/sessions", json=body, headers=reader)).status_code == 403


async def test_admin_may_everything_but_see_secrets(bench: Bench) -> None:
    admin = await bench.key("admin")

    made = await bench.http.post("/v1/sessions", json={"deployment": DEPLOYMENT}, headers=admin)

    assert made.status_code == 201
    assert made.json()["clientId"].startswith("…")


async def test_a_lapsed_key_is_refused(bench: Bench) -> None:
    made = await bench.http.post(
        "/v1/api-keys", json={"name": "short", "expiresAt": "2030-03-17T17:46:45Z"}
    )
    assert made.status_code == 201, made.text
    key = {"authorization": f"Bearer {made.json()['key']}"}
    before = await bench.http.get("/v1/sessions", headers=key)
    bench.clock.at += 10

    after = await bench.http.get("/v1/sessions", headers=key)

    assert (before.status_code, after.status_code) == (200, 401)


async def test_health_needs_no_key(bench: Bench) -> None:
    nobody = {"authorization": ""}

    answers = [await bench.http.get(path, headers=nobody) for path in ("/healthz", "/readyz")]

    assert [(one.status_code, one.json()) for one in answers] == [
        (200, {"status": "ok"}),
        (200, {"status": "ok", "clockBehindSeconds": None}),
    ]


async def test_readiness_tells_of_a_clock_that_several_others_contradict(bench: Bench) -> None:
    now = bench.clock.now()
    at = format_datetime(datetime.fromtimestamp(now - 300, UTC), usegmt=True)
    for host in ("a.example", "b.test", "c.org"):
        bench.watch.hear(f"https://{host}/", at, now=now)

    ready = await bench.http.get("/readyz")

    assert (ready.status_code, ready.json()["clockBehindSeconds"]) == (200, -300)


class _Down:
    """A table that answers nothing but as told."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def key_by_digest(self, digest: str) -> ApiKey:
        raise self.error


async def _broken(bench: Bench, error: Exception, path: str) -> httpx2.Response:
    down: Any = _Down(error)
    broker = replace(
        bench.broker,
        check_ready=replace(bench.broker.check_ready, tenants=down),
        authenticate=replace(bench.broker.authenticate, tenants=down),
    )
    transport = httpx2.ASGITransport(app=create_app(broker), raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://broker") as http:
        return await http.get(path, headers={"authorization": "Bearer unknown"})


async def test_a_process_whose_table_is_silent_is_not_ready(bench: Bench) -> None:
    answer = await _broken(bench, UnavailableError(what="the table"), "/readyz")

    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize(
    "error",
    [
        ValueError("the secret is hunter2"),
        IllegalTransitionError(state="hunter2", event="Hunter2"),
    ],
)
async def test_our_own_mistakes_are_told_without_details(bench: Bench, error: Exception) -> None:
    answer = await _broken(bench, error, "/v1/sessions")

    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert answer.headers["content-type"] == "application/problem+json"
    assert "hunter2" not in answer.text.lower()


async def test_a_race_that_was_lost_too_often_asks_to_come_again(bench: Bench) -> None:
    answer = await _broken(bench, PlaceTakenError(sequence=7), "/v1/sessions")

    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer.headers["retry-after"] == "1"
    assert "7" not in answer.json()["detail"]


async def test_a_delivery_of_ours_that_came_back_is_refused_before_anybody_asks_for_a_key(
    bench: Bench,
) -> None:
    ours = {"user-agent": USER_AGENT, "webhook-id": "evt_1", "webhook-signature": "v1,x"}

    refused = [
        await bench.http.post(path, json={}, headers={**ours, "authorization": key})
        for path in ("/v1/sessions", "/v1/webhooks/x/enable")
        for key in ("", bench.http.headers["authorization"])
    ]
    read = await bench.http.get("/v1/sessions", headers=ours)

    told = {(each.status_code, each.json()["code"]) for each in refused}
    assert told == {(508, "loop_detected")}
    assert refused[0].headers["content-type"] == "application/problem+json"
    assert read.status_code == 200, "we never deliver with GET"
