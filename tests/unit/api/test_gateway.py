"""A request that a gateway hands over knows how little time it has."""

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pytest
from starlette.types import Message, Receive, Scope, Send

from service.adapters.system import SystemClock
from service.api.app import create_app
from service.api.arrival import ARRIVED
from service.api.gateway import CONTEXT, EVENT, GIVEN_UP, Gateway
from service.usecases.fit_run import API_TIMEOUT, CUT_SECONDS
from tests.support.api_bench import JumpingClock, open_bench
from tests.support.lambda_environment import Context
from tests.support.patience import PATIENCE

if TYPE_CHECKING:
    from service.usecases.check_ready import CheckReady

SHORT = CUT_SECONDS + 0.05
"""Begun, and given up at once."""


class _Remaining(Context):
    def get_remaining_time_in_millis(self) -> int:
        return int(1000 * self.ends_at)


def scope_of(remaining: float, **request_context: object) -> Scope:
    return {
        "type": "http",
        "method": "GET",
        "headers": [],
        EVENT: {"version": "2.0", "requestContext": request_context},
        CONTEXT: _Remaining(remaining),
    }


async def receive() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def test_its_time_counts_from_when_the_gateway_took_it() -> None:
    clock = JumpingClock()
    clock.at += 100
    scopes = [
        scope_of(API_TIMEOUT, timeEpoch=int(1000 * (clock.now() - 4))),
        scope_of(API_TIMEOUT),
        scope_of(API_TIMEOUT, timeEpoch="yesterday"),
        scope_of(API_TIMEOUT - 2),
    ]

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        """Answers nothing."""

    async def send(message: Message) -> None:
        raise AssertionError(message)

    for scope in scopes:
        await Gateway(app, clock=clock)(scope, receive, send)

    ages = [clock.monotonic() - scope[ARRIVED] for scope in scopes]
    assert ages == pytest.approx([4.0, 0.0, 0.0, 2.0], abs=0.01)


async def test_what_takes_too_long_is_answered_before_the_function_is_ended() -> None:
    sent: list[Any] = []
    let_go = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            let_go.set()

    async def send(message: Message) -> None:
        sent.append(message)

    async with asyncio.timeout(PATIENCE):  # and not after the 60 s that it would take
        await Gateway(app, clock=SystemClock())(scope_of(SHORT), receive, send)

    assert let_go.is_set()
    assert sent[0]["status"] == 503
    assert (b"retry-after", b"1") in sent[0]["headers"]
    problem = json.loads(sent[1]["body"])
    assert problem["code"] == "unavailable"
    assert "Idempotency-Key" in problem["detail"]


async def test_what_is_given_up_has_its_trace_and_its_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sent: list[Any] = []

    async def hang() -> None:
        await asyncio.sleep(60)

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {**scope_of(SHORT), "path": "/readyz", "query_string": b""}
    async with open_bench(serving=False) as bench:
        broker = replace(bench.broker, clock=SystemClock(), check_ready=cast("CheckReady", hang))
        await create_app(broker, behind_gateway=True)(scope, receive, send)

    names = [name for name, _ in sent[0]["headers"]]
    [line] = [vars(each) for each in caplog.records if each.msg == "api.served"]
    assert (sent[0]["status"], line["status"], line["code"]) == (503, 503, "unavailable")
    assert (line["levelname"], line["error"], line["outcome"]) == ("WARNING", GIVEN_UP, "failed")
    assert b"broker-trace-id" in names


async def test_an_answer_that_has_begun_is_not_begun_again() -> None:
    sent: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.sleep(60)

    async def send(message: Message) -> None:
        sent.append(message)

    with pytest.raises(TimeoutError):
        await Gateway(app, clock=SystemClock())(scope_of(SHORT), receive, send)

    assert len(sent) == 1
