"""Endpoints that must prove themselves before they get anything, over HTTP."""

from typing import Any

import pytest

from service.domain.endpoint import EndpointState
from service.ports import WebhookAnswer
from service.usecases.moot_hints import KNOWN_SECONDS
from tests.support.api_bench import Bench

URL = "https://example.com/hook"
WAITS = {"verify": True, "verified": False, "state": "paused", "disabledReason": "unverified"}
OPEN = {"verify": True, "verified": True, "state": "active", "disabledReason": None}


async def _made(bench: Bench, **body: object) -> dict[str, Any]:
    made = await bench.http.post("/v1/webhooks", json={"url": URL, "verify": True, **body})
    assert made.status_code == 201, made.text
    answer: dict[str, Any] = made.json()
    return answer


async def _patched(bench: Bench, path: str, **body: object) -> dict[str, Any]:
    changed = await bench.http.patch(path, json=body)
    assert changed.status_code == 200, changed.text
    answer: dict[str, Any] = changed.json()
    return answer


async def test_one_that_answers_at_creation_is_open_at_once(bench: Bench) -> None:
    bench.posts.echoes = True

    made = await _made(bench)

    assert made.items() >= OPEN.items()
    assert made["enabled"] is True
    assert len(bench.posts.posted) == 1


async def test_one_that_does_not_answer_waits_until_it_does(bench: Bench) -> None:
    session = await bench.session()
    made = await _made(bench)
    path = f"/v1/webhooks/{made['id']}"
    bench.posts.answer = WebhookAnswer(status=200, body=b"hello\x1b")
    wrong = (await bench.http.post(f"{path}/verify")).json()
    between = (await bench.http.get(path)).json()
    bench.hints.lanes.clear()
    bench.posts.echoes = True

    right = (await bench.http.post(f"{path}/verify")).json()

    assert made.items() >= WAITS.items()
    assert made["enabled"] is False
    assert wrong.items() >= {"passed": False, "verified": False, "state": "paused"}.items()
    assert (wrong["status"], wrong["error"], wrong["answer"]) == (200, None, r"hello\x1b")
    assert between.items() >= WAITS.items()
    assert right.items() >= {"passed": True, "verified": True, "state": "active"}.items()
    assert (await bench.http.get(path)).json().items() >= OPEN.items()
    assert (made["id"], session["id"], KNOWN_SECONDS) in bench.hints.lanes, "its backlog is woken"


async def test_a_repeat_of_the_creation_makes_and_sends_nothing(bench: Bench) -> None:
    key = {"Idempotency-Key": "once"}
    body = {"url": URL, "verify": True}

    first = await bench.http.post("/v1/webhooks", json=body, headers=key)
    bench.posts.echoes = True
    again = await bench.http.post("/v1/webhooks", json=body, headers=key)
    path = f"/v1/webhooks/{first.json()['id']}/verify"
    passed = await bench.http.post(path, headers=key)
    told = await bench.http.post(path, headers=key)

    assert again.json() == first.json()
    assert told.json() == passed.json()
    assert told.headers["idempotency-replayed"] == "true"
    assert len(bench.posts.posted) == 2
    assert len((await bench.http.get("/v1/webhooks")).json()["items"]) == 1


async def test_another_url_must_prove_itself_anew_and_the_same_need_not(bench: Bench) -> None:
    bench.posts.echoes = True
    path = f"/v1/webhooks/{(await _made(bench))['id']}"

    same = await _patched(bench, path, url=URL, description="x")
    bench.posts.echoes = False
    moved = await _patched(bench, path, url="https://example.com/new")
    bench.posts.echoes = True
    back = await _patched(bench, path, url=URL)

    assert same.items() >= OPEN.items()
    assert moved.items() >= WAITS.items()
    assert back.items() >= OPEN.items()
    assert [url for url, _, _ in bench.posts.posted] == [URL, "https://example.com/new", URL]


async def test_no_way_around_it_opens_one(bench: Bench) -> None:
    path = f"/v1/webhooks/{(await _made(bench))['id']}"

    enabled = (await bench.http.post(f"{path}/enable")).json()
    wished = await _patched(bench, path, enabled=True)
    await bench.http.post(f"{path}/disable")
    again = (await bench.http.post(f"{path}/enable")).json()

    for answer in (enabled, wished, again):
        assert answer.items() >= WAITS.items()


async def test_what_its_owner_paused_or_disabled_stays_so(bench: Bench) -> None:
    bench.posts.echoes = True
    paused = await _made(bench, enabled=False)
    bench.posts.echoes = False
    disabled = await _made(bench)
    path = f"/v1/webhooks/{disabled['id']}"
    await bench.http.post(f"{path}/disable")
    bench.posts.echoes = True

    proven = (await bench.http.post(f"{path}/verify")).json()
    enabled = (await bench.http.post(f"{path}/enable")).json()

    assert (paused["state"], paused["disabledReason"], paused["verified"]) == ("paused", None, True)
    assert (proven["state"], proven["verified"]) == ("disabled", True)
    assert enabled.items() >= OPEN.items()


async def test_it_can_be_asked_for_and_given_up_later(bench: Bench) -> None:
    path = f"/v1/webhooks/{(await _made(bench, verify=False))['id']}"

    asked = await _patched(bench, path, verify=True)
    given_up = await _patched(bench, path, verify=False)

    assert asked.items() >= WAITS.items()
    assert given_up.items() >= {"verify": False, "verified": False, "state": "active"}.items()
    assert len(bench.posts.posted) == 1


async def test_one_that_need_not_may_prove_itself_too(bench: Bench) -> None:
    path = f"/v1/webhooks/{(await _made(bench, verify=False))['id']}"
    bench.posts.echoes = True

    first = (await bench.http.post(f"{path}/verify")).json()
    bench.posts.echoes = False
    second = (await bench.http.post(f"{path}/verify")).json()

    assert (first["passed"], first["verified"]) == (True, True)
    assert (second["passed"], second["verified"], second["state"]) == (False, True, "active")


async def test_a_url_that_came_meanwhile_has_proven_nothing(bench: Bench) -> None:
    made = await _made(bench)
    posts, post = bench.posts, bench.posts.post

    async def moved_meanwhile(*args: Any, **kwargs: Any) -> WebhookAnswer:  # noqa: ANN401 - passed on
        stored = await bench.table.tenants.endpoint(made["id"])
        if stored.url == URL:
            await _patched(bench, f"/v1/webhooks/{made['id']}", url="https://example.com/new")
            posts.echoes = True
        return await post(*args, **kwargs)

    posts.post = moved_meanwhile  # type: ignore[method-assign]  # the bench's own stand-in

    told = (await bench.http.post(f"/v1/webhooks/{made['id']}/verify")).json()

    assert (told["passed"], told["verified"], told["state"]) == (True, False, "paused")
    stored = await bench.table.tenants.endpoint(made["id"])
    assert (stored.verified, stored.state) == (False, EndpointState.PAUSED)


@pytest.mark.parametrize("wrong", ["yes", 1, None])
async def test_verify_is_a_boolean(bench: Bench, wrong: object) -> None:
    refused = await bench.http.post("/v1/webhooks", json={"url": URL, "verify": wrong})

    assert refused.json()["errors"][0]["pointer"] == "/verify"


async def test_nothing_is_sent_once_more_to_one_that_must_prove_itself(bench: Bench) -> None:
    session, made = await bench.session(), await _made(bench)
    bench.posts.posted.clear()

    refused = await bench.http.post(
        f"/v1/webhooks/{made['id']}/resend", json={"sessionId": session["id"], "sequence": 1}
    )

    assert (refused.status_code, refused.json()["code"]) == (409, "webhook_unverified")
    assert bench.posts.posted == []


async def test_another_tenant_verifies_nothing(bench: Bench) -> None:
    made, stranger = await _made(bench), await bench.key("*", tenant="other")
    bench.posts.posted.clear()

    refused = await bench.http.post(f"/v1/webhooks/{made['id']}/verify", headers=stranger)

    assert refused.status_code == 404
    assert bench.posts.posted == []
