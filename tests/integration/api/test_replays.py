"""Replays over HTTP: asked for, repeated, listed, cancelled, refused."""

from typing import Any

import pytest

from service.domain.ids import EndpointId
from tests.support.api_bench import Bench
from tests.support.store_builders import a_replay

KEY = {"Idempotency-Key": "once"}
Json = dict[str, Any]


async def _hook(bench: Bench, **body: object) -> str:
    made = await bench.http.post("/v1/webhooks", json={"url": "https://example.com/hook", **body})
    assert made.status_code == 201, made.text
    return f"/v1/webhooks/{made.json()['id']}"


async def _started(bench: Bench, path: str, **body: object) -> Json:
    made = await bench.http.post(f"{path}/replay", json=body)
    assert made.status_code == 202, made.text
    found: Json = made.json()
    return found


async def test_a_replay_is_answered_whole_and_can_be_read(bench: Bench) -> None:
    path, session = await _hook(bench), await bench.session()

    made = await _started(
        bench,
        path,
        sessionId=session["id"],
        fromSequence=1,
        since="2020-01-01T00:00:00Z",
        types=["message.*"],
    )

    assert made["id"].startswith("rpl_")
    assert made["webhookId"] == path.rpartition("/")[2]
    assert (made["state"], made["sessionId"], made["fromSequence"]) == (
        "running",
        session["id"],
        1,
    )
    assert (made["since"], made["types"]) == ("2020-01-01T00:00:00.000Z", ["message.*"])
    assert made["until"] == made["createdAt"]
    assert made["progress"] == {
        "sessionsFound": 1,
        "sessionsDone": 0,
        "delivered": 0,
        "skipped": 0,
    }
    nothing = (made["failure"], made["finishedAt"], made["skippedEvents"])
    assert nothing == (None, None, [])
    assert (await bench.http.get(f"{path}/replays/{made['id']}")).json() == made


async def test_without_a_body_everything_is_replayed(bench: Bench) -> None:
    path = await _hook(bench)

    made = await bench.http.post(f"{path}/replay")

    assert made.status_code == 202
    assert [made.json()[name] for name in ("sessionId", "fromSequence", "since", "types")] == [
        None
    ] * 4


async def test_a_repeat_makes_no_second_replay(bench: Bench) -> None:
    path = await _hook(bench)

    first = await bench.http.post(f"{path}/replay", json={}, headers=KEY)
    again = await bench.http.post(f"{path}/replay", json={}, headers=KEY)
    other = await bench.http.post(f"{path}/replay", json={"types": ["*"]}, headers=KEY)

    assert (first.status_code, again.status_code, again.json()) == (202, 202, first.json())
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_mismatch")
    assert len((await bench.http.get(f"{path}/replays")).json()["items"]) == 1


async def test_replays_are_listed_newest_first_page_by_page(bench: Bench) -> None:
    path, found = await _hook(bench), []
    made = []
    for _ in range(3):
        made.append((await _started(bench, path))["id"])
        await bench.clock.sleep(1)
    query: dict[str, str | int] = {"limit": 2}
    while True:
        page = (await bench.http.get(f"{path}/replays", params=query)).json()
        found += [item["id"] for item in page["items"]]
        if page["nextCursor"] is None:
            break
        query["cursor"] = page["nextCursor"]

    assert found == made[::-1]
    refused = await bench.http.get(f"{path}/replays", params={"cursor": "x"})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")


async def test_a_replay_is_cancelled_once(bench: Bench) -> None:
    path = await _hook(bench)
    made = await _started(bench, path)

    ended = await bench.http.post(f"{path}/replays/{made['id']}/cancel", headers=KEY)
    again = await bench.http.post(f"{path}/replays/{made['id']}/cancel")
    repeated = await bench.http.post(f"{path}/replays/{made['id']}/cancel", headers=KEY)

    assert (ended.status_code, ended.json()["state"]) == (200, "cancelled")
    assert again.json() == repeated.json() == ended.json()


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"fromSequence": 1}, "/fromSequence"),
        ({"sessionId": "ses_x", "fromSequence": 0}, "/fromSequence"),
        ({"sessionId": 1}, "/sessionId"),
        ({"since": 1700000000}, "/since"),
        ({"since": "0001-01-01T00:00:00+14:00"}, "/since"),
        ({"since": "1969-12-31T23:59:59Z"}, "/since"),
        ({"until": "9999-12-31T23:59:59-14:00"}, "/until"),
        ({"since": "2030-01-02T00:00:00Z", "until": "2030-01-01T00:00:00Z"}, "/since"),
        ({"until": "2999-01-01T00:00:00Z"}, "/until"),
        ({"types": "*"}, "/types"),
        ({"types": []}, "/types"),
        ({"types": ["no.such"]}, "/types/0"),
        ({"types": ["typing.started"]}, "/types/0"),
        ({"types": ["session.ended"]}, "/types/0"),
        ({"all": True}, "/all"),
    ],
)
async def test_bad_input_names_its_field(bench: Bench, body: Json, pointer: str) -> None:
    path = await _hook(bench, eventTypes=["message.*"])

    refused = await bench.http.post(f"{path}/replay", json=body)

    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
    assert [error["pointer"] for error in refused.json()["errors"]] == [pointer]
    assert (await bench.http.get(f"{path}/replays")).json()["items"] == []


async def test_the_oldest_time_that_is_taken_can_be_shown(bench: Bench) -> None:
    path = await _hook(bench)

    made = await bench.http.post(f"{path}/replay", json={"since": "1970-01-01T14:00:00+14:00"})
    listed = await bench.http.get(f"{path}/replays")

    assert made.status_code == 202
    assert [one["since"] for one in listed.json()["items"]] == ["1970-01-01T00:00:00.000Z"]


async def test_what_is_not_there_or_not_ours_is_not_found(bench: Bench) -> None:
    path = await _hook(bench)
    stranger = a_replay(endpoint_id=EndpointId("whk_other"))
    await bench.table.replays.create(stranger, [], idempotency=None)

    for method, where, body in (
        ("POST", "/v1/webhooks/whk_x/replay", {}),
        ("POST", f"{path}/replay", {"sessionId": "ses_x"}),
        ("GET", "/v1/webhooks/whk_x/replays", None),
        ("GET", f"{path}/replays/rpl_x", None),
        ("GET", f"{path}/replays/{stranger.id}", None),
        ("POST", f"{path}/replays/{stranger.id}/cancel", {}),
    ):
        answer = await bench.http.request(method, where, json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), where


async def test_a_webhook_from_the_beginning_has_a_replay_that_waits_for_its_lanes(
    bench: Bench,
) -> None:
    path = await _hook(bench, startFrom="beginning")

    (job,) = (await bench.http.get(f"{path}/replays")).json()["items"]

    assert (job["state"], job["since"], job["types"]) == ("waiting", None, None)
    assert job["until"] < job["createdAt"]


async def test_where_a_webhook_begins_is_said_when_it_is_made_and_in_two_words(
    bench: Bench,
) -> None:
    path = await _hook(bench, startFrom="now")
    body = {"url": "https://example.com/hook", "startFrom": "yesterday"}

    bad = await bench.http.post("/v1/webhooks", json=body)
    late = await bench.http.patch(path, json={"startFrom": "beginning"})

    assert [error["pointer"] for error in bad.json()["errors"]] == ["/startFrom"]
    assert [error["pointer"] for error in late.json()["errors"]] == ["/startFrom"]
    assert (await bench.http.get(f"{path}/replays")).json()["items"] == []
