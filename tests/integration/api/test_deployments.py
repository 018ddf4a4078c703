"""Deployments over HTTP."""

from dataclasses import replace
from typing import Any

import pytest

from service.domain.ids import DeploymentName, TenantName
from tests.support.api_bench import DEPLOYMENT, Bench, open_bench

BASE = {"name": "two", "deploymentId": "8c1f2a34-0000-4000-8000-000000000001"}


async def test_a_deployment_gets_the_documented_defaults(bench: Bench) -> None:
    made = await bench.http.post("/v1/deployments", json={**BASE, "domain": "mypurecloud.de"})

    assert made.status_code == 201
    assert made.json() == {
        **BASE,
        "domain": "mypurecloud.de",
        "endpoint": None,
        "origin": None,
        "mode": "live",
        "onSessionLost": "replace",
        "onReadOnly": "startNew",
        "carryOver": "attributes",
        "autoStart": None,
        "platform": None,
        "organizationId": None,
        "locale": None,
        "heartbeatSeconds": 15.0,
        "historyLagSeconds": 5.0,
        "turnQuietMs": 1500,
        "createdAt": made.json()["createdAt"],
        "updatedAt": made.json()["updatedAt"],
    }


async def test_every_field_can_be_given_and_the_platform_secret_stays_hidden(
    bench: Bench,
) -> None:
    body = {
        **BASE,
        "endpoint": "http://127.0.0.1:9000",
        "origin": "https://www.example.com",
        "mode": "touch",
        "onSessionLost": "fail",
        "onReadOnly": "refuse",
        "carryOver": "recap",
        "autoStart": True,
        "platform": {"clientId": "c", "clientSecret": "hunter2"},
        "organizationId": "org",
        "locale": "en-US",
        "heartbeatSeconds": 10,
        "historyLagSeconds": 0,
        "turnQuietMs": 500,
    }

    made = await bench.http.post("/v1/deployments", json=body)
    read = await bench.http.get("/v1/deployments/two")
    listed = await bench.http.get("/v1/deployments")

    stored = await bench.table.tenants.deployment(TenantName("default"), DeploymentName("two"))
    assert made.status_code == 201, made.text
    assert made.json()["platform"] == {"clientId": "c"}
    assert {**made.json(), "platform": body["platform"]}.items() >= body.items()
    assert read.json() == made.json()
    assert "hunter2" not in made.text + read.text + listed.text
    assert stored.platform is not None
    assert stored.platform.client_secret == "hunter2"


async def test_a_name_is_given_once(bench: Bench) -> None:
    again = await bench.http.post(
        "/v1/deployments", json={**BASE, "name": DEPLOYMENT, "domain": "example.org"}
    )

    assert (again.status_code, again.json()["code"]) == (409, "name_in_use")
    kept = await bench.http.get(f"/v1/deployments/{DEPLOYMENT}")
    assert kept.json()["domain"] == "example.com"


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"name": "Two"}, "/name"),
        ({"name": "a" * 64}, "/name"),
        ({"name": ""}, "/name"),
        ({"name": "two\n"}, "/name"),
        ({"deploymentId": "a b"}, "/deploymentId"),
        ({"domain": "no domain"}, "/domain"),
        ({"domain": "https://example.com"}, "/domain"),
        ({"domain": None}, ""),
        ({"endpoint": "http://127.0.0.1:9000"}, ""),
        ({"domain": None, "endpoint": "http://127.0.0.1/path"}, "/endpoint"),
        ({"domain": None, "endpoint": "ftp://127.0.0.1"}, "/endpoint"),
        ({"domain": None, "endpoint": "http://127.0.0.1:99999"}, "/endpoint"),
        ({"domain": None, "endpoint": "http://127.0.0.1:0"}, "/endpoint"),
        ({"domain": None, "endpoint": "http://user@127.0.0.1"}, "/endpoint"),
        ({"domain": None, "endpoint": "http://169.254.169.254"}, "/endpoint"),
        ({"domain": None, "endpoint": "http://[fe80::1]"}, "/endpoint"),
        ({"domain": None, "endpoint": "http://[::ffff:169.254.1.1]"}, "/endpoint"),
        ({"domain": None, "endpoint": "http://2852039166"}, "/endpoint"),
        ({"domain": None, "endpoint": "http://metadata.google.internal"}, "/endpoint"),
        ({"domain": None, "endpoint": "http://[bad"}, "/endpoint"),
        ({"domain": None, "endpoint": "http://:80"}, "/endpoint"),
        ({"domain": None, "endpoint": "http://a..b"}, "/endpoint"),
        ({"domain": None, "endpoint": "http://" + "a" * 64}, "/endpoint"),
        ({"domain": None, "endpoint": "http://h\u0000"}, "/endpoint"),
        ({"domain": None, "endpoint": "http://é.example"}, "/endpoint"),
        ({"deploymentId": ".."}, "/deploymentId"),
        ({"locale": "en" + "-abcdefgh" * 7}, "/locale"),
        ({"origin": "example.com"}, "/origin"),
        ({"origin": "https://é.example"}, "/origin"),
        ({"origin": "https://a\u0000b"}, "/origin"),
        ({"origin": "https://a\u007fb"}, "/origin"),
        ({"origin": "https://" + "a." * 999 + "example"}, "/origin"),
        ({"locale": "english please"}, "/locale"),
        ({"mode": "dead"}, "/mode"),
        ({"heartbeatSeconds": 20}, "/heartbeatSeconds"),
        ({"heartbeatSeconds": 0}, "/heartbeatSeconds"),
        ({"historyLagSeconds": -1}, "/historyLagSeconds"),
        ({"turnQuietMs": 30000}, "/turnQuietMs"),
        ({"turnQuietMs": 1.5}, "/turnQuietMs"),
        ({"platform": {"clientId": "c"}}, "/platform/clientSecret"),
        ({"autoStart": "yes"}, "/autoStart"),
        ({"colour": "red"}, "/colour"),
    ],
)
async def test_a_wrong_field_is_named_and_nothing_is_kept(
    bench: Bench, wrong: dict[str, Any], pointer: str
) -> None:
    refused = await bench.http.post(
        "/v1/deployments", json={**BASE, "domain": "example.org", **wrong}
    )

    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
    assert pointer in [fault["pointer"] for fault in refused.json()["errors"]]
    assert len((await bench.http.get("/v1/deployments")).json()["items"]) == 1


async def test_an_endpoint_needs_the_setting() -> None:
    async with open_bench(allow_endpoint=False) as bench:
        refused = await bench.http.post(
            "/v1/deployments", json={**BASE, "endpoint": "http://127.0.0.1:9000"}
        )

    assert refused.status_code == 422
    assert refused.json()["errors"] == [{"pointer": "/endpoint", "detail": "is not allowed here"}]


async def test_a_change_touches_only_what_it_names(bench: Bench) -> None:
    path = f"/v1/deployments/{DEPLOYMENT}"
    before = (await bench.http.get(path)).json()
    bench.clock.at += 60

    changed = await bench.http.patch(
        path, json={"turnQuietMs": 900, "platform": {"clientId": "c", "clientSecret": "s"}}
    )
    emptied = await bench.http.patch(path, json={"platform": None})

    assert changed.status_code == 200
    assert changed.json() == {
        **before,
        "turnQuietMs": 900,
        "platform": {"clientId": "c"},
        "updatedAt": changed.json()["updatedAt"],
    }
    assert changed.json()["updatedAt"] > before["updatedAt"]
    assert emptied.json()["platform"] is None


@pytest.mark.parametrize("change", [{"name": "x"}, {"mode": None}, {"domain": "bad domain"}])
async def test_a_wrong_change_is_refused(bench: Bench, change: dict[str, Any]) -> None:
    refused = await bench.http.patch(f"/v1/deployments/{DEPLOYMENT}", json=change)

    assert refused.status_code == 422


async def test_open_sessions_hold_where_a_deployment_leads_and_keep_it(bench: Bench) -> None:
    session = await bench.session()
    path = f"/v1/deployments/{DEPLOYMENT}"

    moved = await bench.http.patch(path, json={"domain": "example.org"})
    tuned = await bench.http.patch(path, json={"onReadOnly": "refuse"})
    kept = await bench.http.delete(path)
    await bench.http.post(f"/v1/sessions/{session['id']}/end")
    gone = await bench.http.delete(path)

    assert (moved.status_code, moved.json()["code"]) == (409, "name_in_use")
    assert tuned.status_code == 200
    assert (kept.status_code, kept.json()["code"]) == (409, "name_in_use")
    assert gone.status_code == 204
    assert (await bench.http.get(path)).status_code == 404


async def test_a_session_of_a_deleted_deployment_can_still_be_ended(bench: Bench) -> None:
    session = await bench.session()
    await bench.table.tenants.delete_deployment(TenantName("default"), DeploymentName(DEPLOYMENT))

    ended = await bench.http.post(f"/v1/sessions/{session['id']}/end?wait=0")

    assert ended.status_code in {200, 404}


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
@pytest.mark.parametrize("name", ["nothing", "Not-A-Name", "x" * 2000, "a%23b"])
async def test_an_unknown_deployment_is_not_found(bench: Bench, method: str, name: str) -> None:
    answer = await bench.http.request(
        method, f"/v1/deployments/{name}", json={} if method == "PATCH" else None
    )

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_tenants_do_not_see_each_others_deployments(bench: Bench) -> None:
    stranger = await bench.key("*", tenant="other")

    read = await bench.http.get(f"/v1/deployments/{DEPLOYMENT}", headers=stranger)
    listed = await bench.http.get("/v1/deployments", headers=stranger)

    assert read.status_code == 404
    assert listed.json() == {"items": [], "nextCursor": None}


@pytest.mark.parametrize("domain", ["evil.test", "api.mypurecloud.com", "x.example.com"])
async def test_a_domain_that_is_not_of_genesys_is_refused(bench: Bench, domain: str) -> None:
    made = await bench.http.post("/v1/deployments", json={**BASE, "domain": domain})
    moved = await bench.http.patch(f"/v1/deployments/{DEPLOYMENT}", json={"domain": domain})

    for refused in (made, moved):
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
        [fault] = refused.json()["errors"]
        assert fault["pointer"] == "/domain"
        assert "mypurecloud.com, " in fault["detail"]
        assert "*.pure.cloud" in fault["detail"]
        assert "BROKER_ALLOW_DOMAINS" in fault["detail"]
        assert "example.org" not in fault["detail"], "what the operator allows is nobody's matter"


async def test_a_kept_deployment_whose_domain_is_no_longer_allowed(bench: Bench) -> None:
    kept = await bench.table.tenants.deployment(TenantName("default"), DeploymentName(DEPLOYMENT))
    await bench.table.tenants.put_deployment(
        replace(kept, domain="old.test"), expected_version=kept.version, idempotency=None
    )
    path = f"/v1/deployments/{DEPLOYMENT}"

    shown = await bench.http.get(path)
    begun = await bench.http.post("/v1/sessions", json={"deployment": DEPLOYMENT})
    tuned = await bench.http.patch(path, json={"turnQuietMs": 900})
    moved = await bench.http.patch(path, json={"domain": "mypurecloud.de"})
    again = await bench.http.post("/v1/sessions", json={"deployment": DEPLOYMENT})

    assert shown.json()["domain"] == "old.test"
    assert (begun.status_code, begun.json()["code"]) == (422, "invalid_request")
    assert begun.json()["errors"] == [
        {
            "pointer": "/deployment",
            "detail": "leads to old.test, which BROKER_ALLOW_DOMAINS of this broker does not allow",
        }
    ]
    assert (tuned.status_code, tuned.json()["domain"]) == (200, "old.test")
    assert (moved.status_code, moved.json()["domain"]) == (200, "mypurecloud.de")
    assert again.status_code == 201
