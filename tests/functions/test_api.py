"""The API's handler, request by request, in the shape of the gateway."""

import asyncio
import contextlib
import logging
import time
from typing import Any

import pytest

from service.config import ApiFunctionSettings
from service.domain.errors import ConfigurationError
from service.domain.session import State
from service.entrypoints import api
from service.usecases.authenticate import DEFAULT_TENANT
from service.usecases.fit_run import CUT_SECONDS
from tests.functions.conftest import UNHURRIED, Stage, function
from tests.support.event_source import a_batch
from tests.support.fault_proxy import FaultProxy, Refusal
from tests.support.gateway_event import a_request, body_of
from tests.support.lambda_environment import Context
from tests.support.patience import quickly
from tests.support.store_builders import a_session

KEY = "the-admin-key-of-the-function"
ENDPOINT = "http://127.0.0.1:9"
"""Nobody is there, and nothing asks."""


def environment(stage: Stage, **changes: Any) -> api.Environment:  # noqa: ANN401 - fields of any type
    given = {**stage.settings.model_dump(), "admin_key": KEY}
    settings = ApiFunctionSettings.model_construct(**given)
    made = settings.model_copy(update={"admin_key": _secret(KEY), **changes})
    return api.Environment(lambda: made, **UNHURRIED)


def _secret(text: str) -> Any:  # noqa: ANN401 - pydantic's own
    admin_key = ApiFunctionSettings.model_validate(
        {
            "table": "any",
            "queue_prefix": "any",
            "shards": 1,
            "data_dir": "any",
            "admin_key": text,
            "AWS_ENDPOINT_URL": ENDPOINT,
        }
    ).admin_key
    assert admin_key is not None
    return admin_key


async def test_requests_are_answered_one_after_another(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    deployment = {"name": "shop", "deploymentId": "d-1", "endpoint": ENDPOINT}
    async with function(environment(stage, allow_endpoint=True)) as answered:
        health = await answered(a_request("GET", "/healthz"))
        made = await answered(a_request("POST", "/v1/deployments", deployment, key=KEY))
        # Whoever runs a loop of his own on this thread takes the thread's own away.
        await answered.run(asyncio.run, asyncio.sleep(0))
        listed = await answered(a_request("GET", "/v1/deployments", key=KEY, query={"limit": 10}))
        renamed = a_request(
            "POST", "/v1/deployments", {**deployment, "name": "café"}, key=KEY, wrapped=True
        )
        refused = await answered(renamed)

    assert (health["statusCode"], body_of(health)) == (200, {"status": "ok"})
    assert made["statusCode"] == 201, made
    assert [each["name"] for each in body_of(listed)["items"]] == ["shop"]
    assert refused["statusCode"] == 422
    told = [vars(each) for each in caplog.records if each.msg == "api.served"]
    assert [(each["method"], each["path"], each["status"]) for each in told] == [
        ("POST", "/v1/deployments", 201),
        ("GET", "/v1/deployments", 200),
        ("POST", "/v1/deployments", 422),
    ]
    assert {each["request_id"] for each in told} == {"JKJaXmPLvHcESHA="}
    assert [each["tenant"] for each in told] == ["default"] * 3
    assert [each["code"] for each in told] == [None, None, "invalid_request"]
    assert [each["trace_id"] for each in told] == [
        answer["headers"]["broker-trace-id"] for answer in (made, listed, refused)
    ]
    assert KEY not in caplog.text


async def test_problems_travel_as_text(stage: Stage) -> None:
    async with function(environment(stage)) as answered:
        nothing = await answered(a_request("GET", "/nowhere"))
        nobody = await answered(a_request("GET", "/v1/sessions"))
        no_json = await answered({**a_request("POST", "/v1/sessions", {}, key=KEY), "body": "{"})

    assert [each["statusCode"] for each in (nothing, nobody, no_json)] == [404, 401, 400]
    assert nobody["headers"]["content-type"] == "application/problem+json"
    assert nobody["headers"]["www-authenticate"] == "Bearer"
    assert body_of(nobody)["code"] == "unauthorized"
    assert body_of(no_json)["code"] == "malformed_json"


async def test_keys_of_the_table_are_enough(stage: Stage) -> None:
    async with function(environment(stage)) as answered:
        made = await answered(
            a_request("POST", "/v1/api-keys", {"name": "ops", "scopes": ["*"]}, key=KEY)
        )
    async with function(environment(stage, admin_key=None)) as answered:
        known = await answered(a_request("GET", "/v1/api-keys", key=body_of(made)["key"]))

    assert known["statusCode"] == 200


async def test_a_long_poll_ends_before_the_gateway_gives_up(stage: Stage) -> None:
    """What is left after a cold start counts: of 6.5 s the wait takes some, and never 20."""
    session = a_session(tenant=DEFAULT_TENANT, state=State.ENDED, shard=0)
    await stage.table.sessions.create(
        session, events=(), sends=(), idempotency=None, may_replace=None
    )
    async with function(environment(stage)) as answered:
        await answered(a_request("GET", "/healthz"))
        poll = a_request(
            "GET", f"/v1/sessions/{session.id}/events", key=KEY, query={"after": 0, "wait": 20}
        )

        async def polled() -> float:
            begun = time.monotonic()
            answer = await answered(poll, seconds=6.5)
            took = time.monotonic() - begun
            assert took > 1.5
            # Of a busy machine the gateway hears that it took too long, which is an answer, too.
            assert answer["statusCode"] in {200, 503}
            return took if (answer["statusCode"], body_of(answer).get("items")) == (200, []) else 60

        await quickly(polled, below=6.5 - CUT_SECONDS)


async def test_a_table_that_is_away_at_the_start_is_there_for_the_next(
    stage: Stage, faults: FaultProxy, caplog: pytest.LogCaptureFixture
) -> None:
    through = environment(stage, aws_endpoint_url=faults.endpoint)
    faults.fail("Query", Refusal(code="ServiceIsDown"))
    faults.fail("GetItem", Refusal(code="ServiceIsDown"))
    async with function(through) as answered:
        told = await answered(a_request("GET", "/healthz"))
        faults.heal()
        back = await answered(a_request("GET", "/v1/deployments", key=KEY))
        faults.fail("Query", Refusal(code="ServiceIsDown"))
        away = await answered(a_request("GET", "/v1/deployments", key=KEY))
        faults.heal()

    assert told["statusCode"] == 503
    assert told["headers"]["content-type"] == "application/problem+json"
    assert told["headers"]["retry-after"] == "1"
    assert len(told["headers"]["broker-trace-id"]) == 32
    assert body_of(told)["code"] == "unavailable"
    lines = {record.msg: vars(record) for record in caplog.records}
    assert lines["function.not_open"]["error"].startswith("the table")
    assert back["statusCode"] == 200
    assert away["statusCode"] == 503
    assert away["headers"]["retry-after"] == "1"


def test_what_is_no_request_and_too_little_time_are_told(stage: Stage) -> None:
    with contextlib.closing(environment(stage)) as door:
        for event in (
            a_batch(),
            {},
            None,
            {"version": "1.0", "requestContext": {"http": {}}},
            {"version": "2.0", "requestContext": None},
            {"version": "2.0", "requestContext": {"http": "GET"}},
        ):
            with pytest.raises(ConfigurationError, match="no request of an HTTP API"):
                door.invoke(event, _lasting(29.0))
        with pytest.raises(ConfigurationError, match="timeout leaves 3 s for a request"):
            door.invoke(a_request("GET", "/healthz"), _lasting(3.0))


def _lasting(seconds: float) -> Context:
    class Lasting(Context):
        def get_remaining_time_in_millis(self) -> int:
            return int(1000 * seconds)

    return Lasting(0.0)
