"""The doctor over HTTP."""

import pytest

from service.domain.drift import Drift
from service.domain.ids import DeploymentName, TenantName
from tests.support.api_bench import DEPLOYMENT, EPOCH, Bench


async def test_a_deployment_of_a_domain_that_does_not_exist(bench: Bench) -> None:
    answer = await bench.http.get(f"/v1/deployments/{DEPLOYMENT}/check")

    body = answer.json()
    assert answer.status_code == 200
    assert [each["code"] for each in body["findings"]] == [
        "configuration_host_unknown",
        "origins_unreadable",
        "platform_missing",
    ]
    assert (body["healthy"], body["worst"]) == (False, "error")
    assert body["notWorking"] == ["connection", "conversationIds"]
    assert body["session"] is None


async def test_a_test_session_is_asked_for(bench: Bench) -> None:
    answer = await bench.http.get(f"/v1/deployments/{DEPLOYMENT}/check?session=true")

    assert answer.json()["session"] == {"opened": False, "closed": False, "connections": 1}
    assert answer.json()["findings"][-1]["code"] == "session_unanswered"
    assert await bench.count_sessions() == 0


async def test_somebody_elses_deployment_is_not_found(bench: Bench) -> None:
    other = await bench.key("deployments", tenant="other")

    answer = await bench.http.get(f"/v1/deployments/{DEPLOYMENT}/check", headers=other)

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("value", ["maybe", ""])
async def test_a_wish_that_is_none_is_named(bench: Bench, value: str) -> None:
    answer = await bench.http.get(f"/v1/deployments/{DEPLOYMENT}/check?session={value}")

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert answer.json()["errors"][0]["pointer"] == "/query/session"


def _drift(name: str, at: float) -> Drift:
    return Drift(
        tenant=TenantName("default"),
        deployment=DeploymentName(DEPLOYMENT),
        kind=f"class:{name}",
        count=2,
        first_at=at,
        last_at=at,
        sample={"class": name},
        made_at=EPOCH,
    )


async def test_drift_is_listed_page_by_page(bench: Bench) -> None:
    for number, name in enumerate(("Old", "New")):
        await bench.table.drifts.add(_drift(name, EPOCH + number))

    first = (await bench.http.get(f"/v1/deployments/{DEPLOYMENT}/drift?limit=1")).json()
    rest = await bench.http.get(
        f"/v1/deployments/{DEPLOYMENT}/drift", params={"cursor": first["nextCursor"]}
    )

    assert [each["name"] for each in first["items"]] == ["New"]
    assert first["items"][0]["sample"] == {"class": "New"}
    assert [each["name"] for each in rest.json()["items"]] == ["Old"]
    assert rest.json()["nextCursor"] is None


async def test_a_cursor_that_is_none_is_refused(bench: Bench) -> None:
    answer = await bench.http.get(f"/v1/deployments/{DEPLOYMENT}/drift?cursor=x")

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert answer.json()["errors"][0]["pointer"] == "/query/cursor"


async def test_a_deployment_made_anew_has_none_of_the_drift_of_the_one_before(
    bench: Bench,
) -> None:
    made = (await bench.http.get(f"/v1/deployments/{DEPLOYMENT}")).json()
    await bench.table.drifts.add(_drift("Old", EPOCH))
    await bench.http.delete(f"/v1/deployments/{DEPLOYMENT}")
    wanted = ("name", "deploymentId", "domain", "endpoint")
    await bench.http.post("/v1/deployments", json={name: made[name] for name in wanted})

    listed = await bench.http.get(f"/v1/deployments/{DEPLOYMENT}/drift")

    assert (listed.status_code, listed.json()["items"]) == (200, [])
