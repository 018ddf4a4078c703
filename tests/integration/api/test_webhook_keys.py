"""Signing keys and headers of webhooks over HTTP."""

import base64
from typing import Any

import pytest

from tests.support.api_bench import Bench

URL = "https://example.com/hook"
FOREIGN = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
DAY = 86_400


async def _made(bench: Bench, **body: object) -> dict[str, Any]:
    made = await bench.http.post("/v1/webhooks", json={"url": URL, **body})
    assert made.status_code == 201, made.text
    answer: dict[str, Any] = made.json()
    return answer


async def _stored(bench: Bench, made: dict[str, Any]) -> list[tuple[str, float | None]]:
    endpoint = await bench.table.tenants.endpoint(made["id"])
    return [(key.secret, key.expires_at) for key in endpoint.secrets]


async def test_a_secret_of_elsewhere_is_taken_at_creation_and_at_rotation(bench: Bench) -> None:
    made = await _made(bench, secret=FOREIGN)
    other = "whsec_" + base64.b64encode(b"k" * 64).decode()

    rotated = await bench.http.post(
        f"/v1/webhooks/{made['id']}/rotate-secret", json={"secret": other}
    )

    assert made["secret"] == FOREIGN
    assert rotated.json()["secret"] == other
    assert await _stored(bench, made) == [(other, None), (FOREIGN, bench.clock.now() + DAY)]


@pytest.mark.parametrize(
    "secret",
    [
        FOREIGN.removeprefix("whsec_"),
        FOREIGN.replace("whsec_", "WHSEC_"),
        FOREIGN.replace("whsec_", "whsk_"),
        FOREIGN[:-2] + "-_",
        FOREIGN + "\n",
        "whsec_" + base64.b64encode(b"k" * 23).decode(),
        "whsec_" + base64.b64encode(b"k" * 65).decode(),
    ],
)
async def test_a_secret_that_is_none_is_refused_and_not_quoted(bench: Bench, secret: str) -> None:
    made = await _made(bench)

    answers = [
        await bench.http.post("/v1/webhooks", json={"url": URL, "secret": secret}),
        await bench.http.post(f"/v1/webhooks/{made['id']}/rotate-secret", json={"secret": secret}),
    ]

    for refused in answers:
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
        assert refused.json()["errors"][0]["pointer"] == "/secret"
        assert secret.strip()[6:] not in refused.text
    assert await _stored(bench, made) == [(made["secret"], None)]


async def test_a_secret_is_not_set_by_a_change(bench: Bench) -> None:
    made = await _made(bench)

    refused = await bench.http.patch(f"/v1/webhooks/{made['id']}", json={"secret": FOREIGN})

    assert refused.json()["errors"][0]["pointer"] == "/secret"
    assert await _stored(bench, made) == [(made["secret"], None)]


async def test_an_eleventh_old_secret_is_refused_and_no_grace_ends_them_all(bench: Bench) -> None:
    made = await _made(bench)
    path = f"/v1/webhooks/{made['id']}/rotate-secret"
    taken = [await bench.http.post(path, json={"graceSeconds": 7 * DAY}) for _ in range(10)]

    refused = await bench.http.post(path)
    kept = await _stored(bench, made)
    ended = await bench.http.post(path, json={"graceSeconds": 0})

    assert [answer.status_code for answer in taken] == [200] * 10
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/graceSeconds")
    assert [secret for secret, _ in kept] == [
        *(answer.json()["secret"] for answer in reversed(taken)),
        made["secret"],
    ]
    assert await _stored(bench, made) == [(ended.json()["secret"], None)]


async def test_a_key_pair_shows_its_public_half_only(bench: Bench) -> None:
    made = await _made(bench, asymmetric=True)
    path = f"/v1/webhooks/{made['id']}"

    rotated = (await bench.http.post(f"{path}/rotate-secret")).json()
    answers = [
        made,
        rotated,
        (await bench.http.get(path)).json(),
        (await bench.http.get("/v1/webhooks")).json(),
        (await bench.http.patch(path, json={"description": "x"})).json(),
    ]

    stored = await _stored(bench, made)
    privates = [secret for secret, _ in stored if secret.startswith("whsk_")]
    assert len(privates) == 2
    assert made["publicKey"].startswith("whpk_")
    assert rotated["publicKey"] not in {made["publicKey"], None}
    assert answers[2]["publicKey"] == rotated["publicKey"]
    for answer in answers:
        assert "whsk_" not in str(answer)
        assert not any(private.removeprefix("whsk_") in str(answer) for private in privates)


async def test_a_change_gives_a_key_pair_and_takes_it_back(bench: Bench) -> None:
    made = await _made(bench)
    path = f"/v1/webhooks/{made['id']}"

    given = (await bench.http.patch(path, json={"asymmetric": True})).json()
    kept = (await bench.http.patch(path, json={"asymmetric": True})).json()
    taken = (await bench.http.patch(path, json={"asymmetric": False})).json()

    stored = await _stored(bench, made)
    assert given["publicKey"] == kept["publicKey"]
    assert given["asymmetric"] is True
    assert (taken["asymmetric"], taken["publicKey"]) == (False, None)
    assert [until for _, until in stored] == [None, bench.clock.now() + DAY]
    assert stored[0][0] == made["secret"]


@pytest.mark.parametrize(
    "name",
    [
        "webhook-id",
        "Webhook-Timestamp",
        "WEBHOOK_SIGNATURE",
        "svix-id",
        "Host",
        "content_length",
        "Transfer-Encoding",
        "connection",
        "Content-Type",
        "user-agent",
    ],
)
async def test_a_change_cannot_claim_a_reserved_header(bench: Bench, name: str) -> None:
    made = await _made(bench, headers={"x-own": "1"})
    path = f"/v1/webhooks/{made['id']}"

    refused = await bench.http.patch(path, json={"headers": {name: "theirs"}})

    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == f"/headers/{name}"
    assert (await bench.http.get(path)).json()["headers"] == {"x-own": "1"}


@pytest.mark.parametrize("value", ["a\r\nb: c", "n\u00e4", "\u4f60", ""])
async def test_a_change_cannot_break_a_header(bench: Bench, value: str) -> None:
    made = await _made(bench)

    refused = await bench.http.patch(
        f"/v1/webhooks/{made['id']}", json={"headers": {"x-own": value}}
    )

    assert refused.json()["errors"][0]["pointer"] == "/headers/x-own"


async def test_a_credential_is_sent_shown_redacted_and_kept_when_written_back(bench: Bench) -> None:
    made = await _made(bench, headers={"Authorization": "Bearer abc", "x-shop": "7"})
    path = f"/v1/webhooks/{made['id']}"

    read = (await bench.http.get(path)).json()["headers"]
    written = await bench.http.patch(path, json={"headers": {**read, "x-shop": "8"}})
    await bench.http.post(f"{path}/test")
    listed = await bench.http.get("/v1/webhooks")

    _, sent, _ = bench.posts.posted[0]
    assert made["headers"] == read == {"Authorization": "[redacted]", "x-shop": "7"}
    assert written.json()["headers"] == {"Authorization": "[redacted]", "x-shop": "8"}
    assert "abc" not in listed.text
    assert (sent["authorization"], sent["x-shop"]) == ("Bearer abc", "8")
