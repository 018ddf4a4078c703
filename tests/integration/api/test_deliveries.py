"""Attempts, statistics and resending over HTTP."""

from dataclasses import replace
from typing import Any

import pytest

from service.domain.attempt import Attempt, Decision
from service.domain.endpoint import Lane
from service.domain.health import Health, Stamp, failed, paused
from service.domain.ids import EndpointId, SessionId
from service.domain.instants import rfc3339
from service.domain.log import EventType
from service.ports import WebhookAnswer
from tests.support.api_bench import Bench
from tests.support.store_builders import an_attempt

DAY = 24 * 3600


async def _hook(bench: Bench, **body: object) -> str:
    made = await bench.http.post("/v1/webhooks", json={"url": "https://example.com/hook", **body})
    assert made.status_code == 201, made.text
    return f"/v1/webhooks/{made.json()['id']}"


async def _attempt(bench: Bench, path: str, session_id: str, **changes: Any) -> Attempt:  # noqa: ANN401 - fields of any type
    made = an_attempt(
        endpoint_id=EndpointId(path.rpartition("/")[2]),
        session_id=SessionId(session_id),
        **{"at": bench.clock.now(), **changes},
    )
    await bench.table.attempts.record(made)
    return made


async def _ids(bench: Bench, path: str, **query: Any) -> list[str]:  # noqa: ANN401 - as httpx takes it
    """All that the listing has, page by page."""
    found: list[str] = []
    while True:
        answer = await bench.http.get(f"{path}/deliveries", params=query)
        assert answer.status_code == 200, answer.text
        found += [item["id"] for item in answer.json()["items"]]
        if answer.json()["nextCursor"] is None:
            return found
        query["cursor"] = answer.json()["nextCursor"]


async def test_without_a_session_what_failed_is_listed_newest_first(bench: Bench) -> None:
    path, session = await _hook(bench), await bench.session()
    made = [
        await _attempt(bench, path, session["id"], at=bench.clock.now() - age, decision=how)
        for age, how in (
            (2 * DAY, Decision.RETRY),
            (60, Decision.DELIVERED),
            (60, Decision.RETRY),
            (0, Decision.DISABLE),
        )
    ]

    wanted = [each.id for each in reversed(made) if each.failed]
    assert await _ids(bench, path) == wanted
    assert await _ids(bench, path, limit=1) == wanted


async def test_with_a_session_all_of_it_is_listed(bench: Bench) -> None:
    path, session, other = await _hook(bench), await bench.session(), await bench.session()
    first = await _attempt(bench, path, session["id"], decision=Decision.RETRY)
    second = await _attempt(bench, path, session["id"])
    await _attempt(bench, path, other["id"])

    wanted = [second.id, first.id]
    assert await _ids(bench, path, sessionId=session["id"]) == wanted
    assert await _ids(bench, path, sessionId=session["id"], limit=1) == wanted


async def test_a_bad_cursor_is_refused(bench: Bench) -> None:
    path, session = await _hook(bench), await bench.session()

    for query in ({"cursor": "x"}, {"cursor": "x", "sessionId": session["id"]}):
        refused = await bench.http.get(f"{path}/deliveries", params=query)

        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")


async def test_attempts_are_found_by_what_they_were(bench: Bench) -> None:
    path, session = await _hook(bench), await bench.session()
    now = bench.clock.now()
    facts: list[dict[str, Any]] = [
        {"decision": Decision.RETRY, "status": 503},
        {"decision": Decision.RETRY, "status": 404, "event_type": EventType.SESSION_OPENED},
        {"decision": Decision.RETRY, "status": None, "error": "dns", "at": now - 60},
        {"decision": Decision.DELIVERED, "event_type": EventType.MESSAGE_FAILED},
    ]
    broken, refused, silent, fine = [
        (await _attempt(bench, path, session["id"], sequence=place, **each)).id
        for place, each in enumerate(facts, start=1)
    ]
    half_a_minute_ago = rfc3339(now - 30)

    async def found(**query: object) -> set[str]:
        return set(await _ids(bench, path, **query))

    assert await found(status="failed") == {refused, broken, silent}
    assert await found(status="5xx") == {broken}
    assert await found(status="4xx") == {refused}
    assert await found(status="noAnswer") == {silent}
    assert await found(type="session.*") == {refused}
    assert await found(since=half_a_minute_ago) == {refused, broken}
    assert await found(until=half_a_minute_ago) == {silent}
    here = {"sessionId": session["id"]}
    assert await found(**here, status="delivered") == {fine}
    assert await found(**here, status="3xx") == set()
    assert await found(**here, type="session.opened,message.failed") == {fine, refused}
    assert await found(**here, type=["session.*", "message.failed"]) == {fine, refused}
    assert await found(**here, type="message.*", until=half_a_minute_ago, limit=1) == {silent}


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"status": "delivered"}, "/query/status"),
        ({"status": "500"}, "/query/status"),
        ({"type": "message.recieved"}, "/query/type"),
        ({"type": "*"}, "/query/type"),
        ({"type": ""}, "/query/type"),
        ({"type": ",".join(["message.*"] * 33)}, "/query/type"),
        ({"since": "yesterday"}, "/query/since"),
        ({"since": "1900000000"}, "/query/since"),
        ({"since": "0001-01-01T00:00:00+14:00"}, "/query/since"),
        ({"until": "9999-12-31T23:59:59-14:00"}, "/query/until"),
        ({"since": "2030-01-01T00:00:00Z", "until": "2030-01-01T00:00:00Z"}, "/query/until"),
        ({"limit": "201"}, "/query/limit"),
    ],
)
async def test_a_filter_that_cannot_be_answered_is_named(
    bench: Bench, query: dict[str, str], pointer: str
) -> None:
    path = await _hook(bench)

    refused = await bench.http.get(f"{path}/deliveries", params=query)

    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
    assert [fault["pointer"] for fault in refused.json()["errors"]] == [pointer]


async def test_of_a_session_that_is_not_ours_nothing_is_listed(bench: Bench) -> None:
    path = await _hook(bench)

    answer = await bench.http.get(f"{path}/deliveries", params={"sessionId": "ses_x"})

    assert answer.status_code == 404


async def test_a_new_webhook_is_well(bench: Bench) -> None:
    stats = await bench.http.get(f"{await _hook(bench)}/stats")

    assert stats.json() == {
        "state": "active",
        "disabledReason": None,
        "health": "well",
        "pausedUntil": None,
        "nextProbeAt": None,
        "failingSince": None,
        "failuresInARow": 0,
        "warnings": [],
        "lanesWaiting": 0,
        "failedToday": 0,
    }


async def test_trouble_shows(bench: Bench) -> None:
    path, session = await _hook(bench), await bench.session()
    endpoint_id, now = EndpointId(path.rpartition("/")[2]), bench.clock.now()
    await _attempt(bench, path, session["id"], decision=Decision.RETRY)
    await _attempt(bench, path, session["id"], decision=Decision.RETRY, at=now - DAY)
    sick = failed(Health(), SessionId(session["id"]), Stamp(by="a", at=now - 9), probed=False)
    assert sick is not None
    asked = paused(sick, Stamp(by="b", at=now), until=now + 60)
    assert asked is not None
    await bench.table.healths.change_health(endpoint_id, Health(), asked)
    await _park(bench, endpoint_id, session["id"])
    await bench.http.post(f"{path}/disable")

    stats = (await bench.http.get(f"{path}/stats")).json()

    assert (stats["state"], stats["disabledReason"]) == ("disabled", "requested")
    assert (stats["health"], stats["failuresInARow"]) == ("paused", 1)
    assert stats["failingSince"] < stats["pausedUntil"]
    assert (stats["lanesWaiting"], stats["failedToday"]) == (1, 1)


async def _park(bench: Bench, endpoint_id: EndpointId, session_id: str) -> None:
    """A lane that waits for a time."""
    now, lanes = bench.clock.now(), bench.table.lanes
    new = Lane(endpoint_id=endpoint_id, session_id=SessionId(session_id), cursor=0)
    held = await lanes.claim(new, token="t", now=now, until=now + 60)
    assert held is not None
    await lanes.save(held, replace(held, claim=None, due_at=now + 900))


async def test_an_event_is_sent_once_more_and_a_repeat_sends_nothing(bench: Bench) -> None:
    path, session = await _hook(bench), await bench.session()
    bench.posts.answer = WebhookAnswer(status=500, body=b"no\n", seconds=0.25)
    body, key = {"sessionId": session["id"], "sequence": 1}, {"Idempotency-Key": "once"}

    answer = await bench.http.post(f"{path}/resend", json=body, headers=key)
    again = await bench.http.post(f"{path}/resend", json=body, headers=key)

    assert answer.status_code == 200
    told = answer.json()
    assert told.items() >= {"status": 500, "answer": "no\\n", "seconds": 0.25}.items()
    assert told.items() >= {"trigger": "resend", "decision": "none", "attempt": None}.items()
    assert again.json() == told
    assert again.headers["idempotency-replayed"] == "true"
    assert len(bench.posts.posted) == 1
    assert await _ids(bench, path) == [told["id"]]


async def test_even_a_disabled_webhook_gets_what_somebody_asks_for(bench: Bench) -> None:
    path, session = await _hook(bench), await bench.session()
    await bench.http.post(f"{path}/disable")

    answer = await bench.http.post(
        f"{path}/resend", json={"sessionId": session["id"], "sequence": 1}
    )

    assert answer.json()["decision"] == "delivered"


async def test_what_the_filter_leaves_out_is_refused(bench: Bench) -> None:
    path, session = await _hook(bench, eventTypes=["webhook.test"]), await bench.session()

    refused = await bench.http.post(
        f"{path}/resend", json={"sessionId": session["id"], "sequence": 1}
    )

    assert (refused.status_code, refused.json()["code"]) == (409, "event_not_wanted")
    assert bench.posts.posted == []


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"sequence": 99}, 404),
        ({"sessionId": "ses_x"}, 404),
        ({"sessionId": "a#b"}, 404),
        ({"sequence": 0}, 422),
        ({"sequence": 10**12}, 422),
        ({"sequence": "1"}, 422),
        ({"force": True}, 422),
    ],
)
async def test_a_wrong_wish_sends_nothing(
    bench: Bench, changes: dict[str, object], status: int
) -> None:
    path, session = await _hook(bench), await bench.session()

    refused = await bench.http.post(
        f"{path}/resend", json={"sessionId": session["id"], "sequence": 1, **changes}
    )

    assert refused.status_code == status, refused.text
    assert bench.posts.posted == []


async def test_another_tenant_sees_and_sends_nothing(bench: Bench) -> None:
    path, session = await _hook(bench), await bench.session()
    await _attempt(bench, path, session["id"], decision=Decision.RETRY)
    stranger = await bench.key("*", tenant="other")
    theirs = (
        await bench.http.post(
            "/v1/webhooks", json={"url": "https://example.org/"}, headers=stranger
        )
    ).json()["id"]
    wish = {"sessionId": session["id"], "sequence": 1}

    answers = [
        await bench.http.get(f"{path}/deliveries", headers=stranger),
        await bench.http.get(f"{path}/stats", headers=stranger),
        await bench.http.post(f"{path}/resend", json=wish, headers=stranger),
        await bench.http.post(f"/v1/webhooks/{theirs}/resend", json=wish, headers=stranger),
        await bench.http.get(
            f"/v1/webhooks/{theirs}/deliveries",
            params={"sessionId": session["id"]},
            headers=stranger,
        ),
    ]

    assert [answer.status_code for answer in answers] == [404] * 5
    assert bench.posts.posted == []
