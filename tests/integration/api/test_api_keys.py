"""API keys over HTTP."""

from typing import Any

import pytest

from service.domain.ids import TenantName
from tests.support.api_bench import ADMIN, Bench


async def test_a_new_key_works_and_is_shown_once(bench: Bench) -> None:
    made = await bench.http.post("/v1/api-keys", json={"name": "shop"})

    key = made.json()
    listed = await bench.http.get("/v1/api-keys")
    used = await bench.http.get("/v1/sessions", headers={"authorization": f"Bearer {key['key']}"})
    assert made.status_code == 201
    assert key["scopes"] == ["sessions:read", "sessions:write"]
    assert key["tenant"] == "default"
    assert key["expiresAt"] is None
    assert key["key"].startswith("gsb_")
    assert used.status_code == 200
    assert key["key"] not in listed.text
    assert ADMIN not in listed.text
    assert {one["id"] for one in listed.json()["items"]} >= {key["id"]}


async def test_a_tenant_comes_to_be_with_its_first_key(bench: Bench) -> None:
    made = await bench.http.post(
        "/v1/api-keys", json={"name": "first", "tenant": "acme", "scopes": ["*"]}
    )

    theirs = {"authorization": f"Bearer {made.json()['key']}"}
    own = await bench.http.get("/v1/api-keys", headers=theirs)
    named = await bench.http.get("/v1/api-keys?tenant=acme")
    assert made.json()["tenant"] == "acme"
    assert [one["id"] for one in own.json()["items"]] == [made.json()["id"]]
    assert named.json() == own.json()


async def test_a_revoked_key_is_refused_at_once_in_this_process(bench: Bench) -> None:
    made = await bench.http.post("/v1/api-keys", json={"name": "shop", "tenant": "acme"})
    key = {"authorization": f"Bearer {made.json()['key']}"}
    before = await bench.http.get("/v1/sessions", headers=key)

    revoked = await bench.http.delete(f"/v1/api-keys/{made.json()['id']}")

    after = await bench.http.get("/v1/sessions", headers=key)
    again = await bench.http.delete(f"/v1/api-keys/{made.json()['id']}")
    assert (before.status_code, revoked.status_code) == (200, 204)
    assert after.status_code == 401
    assert again.status_code == 404


async def test_a_key_that_another_process_revoked_is_refused_within_seconds(bench: Bench) -> None:
    made = (await bench.http.post("/v1/api-keys", json={"name": "shop"})).json()
    key = {"authorization": f"Bearer {made['key']}"}
    await bench.http.get("/v1/sessions", headers=key)
    await bench.table.tenants.delete_key(TenantName("default"), made["id"])
    bench.clock.at += 5

    after = await bench.http.get("/v1/sessions", headers=key)

    assert after.status_code == 401


async def test_nobody_gives_what_he_has_not(bench: Bench) -> None:
    admin = await bench.key("admin")

    answers = {
        scope: await bench.http.post(
            "/v1/api-keys", json={"name": "n", "scopes": [scope]}, headers=admin
        )
        for scope in ("sessions:secrets", "*", "admin", "webhooks")
    }

    assert {scope: one.status_code for scope, one in answers.items()} == {
        "sessions:secrets": 403,
        "*": 403,
        "admin": 201,
        "webhooks": 201,
    }


async def test_who_has_admin_and_secrets_may_give_secrets(bench: Bench) -> None:
    both = await bench.key("admin", "sessions:secrets")

    made = await bench.http.post(
        "/v1/api-keys", json={"name": "n", "scopes": ["sessions:secrets"]}, headers=both
    )

    assert made.status_code == 201


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": "x" * 129}, "/name"),
        ({"name": 7}, "/name"),
        ({"tenant": "A"}, "/tenant"),
        ({"tenant": "a\n"}, "/tenant"),
        ({"scopes": []}, "/scopes"),
        ({"scopes": ["everything"]}, "/scopes/0"),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, "/expiresAt"),
        ({"expiresAt": "2040-01-01T00:00:00"}, "/expiresAt"),
        ({"expiresAt": 2000000000}, "/expiresAt"),
        ({"expiresAt": "soon"}, "/expiresAt"),
        ({"expiresAt": "2040-02-31T00:00:00Z"}, "/expiresAt"),
        ({"expiresAt": "2040-W01-1T00:00:00Z"}, "/expiresAt"),
        ({"expiresAt": "9999-12-31T23:59:59-14:00"}, "/expiresAt"),
        ({"expiresAt": "0001-01-01T00:00:00+14:00"}, "/expiresAt"),
        ({"key": "mine"}, "/key"),
    ],
)
async def test_a_wrong_field_is_named_and_nothing_is_kept(
    bench: Bench, wrong: dict[str, Any], pointer: str
) -> None:
    refused = await bench.http.post("/v1/api-keys", json={"name": "n", **wrong})

    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
    assert refused.json()["errors"][0]["pointer"] == pointer
    assert len((await bench.http.get("/v1/api-keys")).json()["items"]) == 1


async def test_keys_are_listed_in_pages_and_found_for_revoking_on_any(bench: Bench) -> None:
    made = []
    for number in range(3):
        bench.clock.at += 1
        made.append((await bench.http.post("/v1/api-keys", json={"name": str(number)})).json())

    first = (await bench.http.get("/v1/api-keys?limit=2")).json()
    rest = (await bench.http.get(f"/v1/api-keys?limit=2&cursor={first['nextCursor']}")).json()

    assert len(first["items"]) == 2
    assert len(first["items"]) + len(rest["items"]) == 4
    assert rest["nextCursor"] is None
