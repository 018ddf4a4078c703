"""The doctor over HTTP."""

import pytest

from tests.support.api_bench import DEPLOYMENT, Bench


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
