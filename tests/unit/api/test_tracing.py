"""Around every request: its trace, and the one line that tells of it."""

import logging
from collections.abc import Mapping
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from service.api.tracing import TRACE, Tracing
from tests.support.api_bench import JumpingClock
from tests.support.virtual_time import FakeIds

ID = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{ID}-00f067aa0ba902b7-01"
IDS = FakeIds()
XRAY = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"


class _Route:
    path = "/v1/sessions/{session_id}"


class _App:
    """Answers, after a while, or fails, or is cut off."""

    def __init__(self, status: int | None = 200, error: Exception | None = None) -> None:
        self.status = status
        self.error = error
        self.clock = JumpingClock()
        self.scope: Scope = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.clock.at += 1.5
        if scope["path"] != "/nowhere":
            scope["route"] = _Route()
            scope["path_params"] = {"session_id": "ses_1"}
        scope["state"] = {"tenant": "default", "code": None if self.status == 200 else "x"}
        if self.status is not None:
            await send({"type": "http.response.start", "status": self.status, "headers": []})
            await send({"type": "http.response.body", "body": b""})
        if self.error is not None:
            raise self.error


async def _asked(
    app: _App, *headers: tuple[str, str], path: str = "/v1/sessions/ses_1"
) -> list[Message]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": b"externalId=secret",
        "headers": [(name.encode(), value.encode()) for name, value in headers],
    }
    await Tracing(app, clock=app.clock, ids=IDS)(scope, receive, send)
    return sent


def _told(caplog: pytest.LogCaptureFixture) -> Mapping[str, Any]:
    [line] = [vars(each) for each in caplog.records if each.msg == "api.served"]
    return line


@pytest.mark.parametrize(
    ("headers", "trace"),
    [
        ([("traceparent", PARENT)], ID),
        ([("x-amzn-trace-id", XRAY)], "5759e988bd862e3fe1be46a994272793"),
        ([("x-amzn-trace-id", XRAY), ("traceparent", PARENT)], ID),
        ([("x-amzn-trace-id", XRAY), ("traceparent", "00-1")], "5759e988bd862e3fe1be46a994272793"),
    ],
)
async def test_the_trace_is_the_callers_or_else_that_of_the_gateway(
    caplog: pytest.LogCaptureFixture, headers: list[tuple[str, str]], trace: str
) -> None:
    caplog.set_level(logging.INFO)
    app = _App()

    start, _ = await _asked(app, *headers)

    assert app.scope[TRACE] == f"{trace}-01"
    assert start["headers"] == [(b"broker-trace-id", trace.encode())]
    assert _told(caplog)["trace_id"] == trace


@pytest.mark.parametrize(
    "headers",
    [[], [("traceparent", "00-1")], [("traceparent", PARENT), ("traceparent", PARENT)]],
)
async def test_without_a_valid_trace_a_new_one_begins(headers: list[tuple[str, str]]) -> None:
    app, other = _App(), _App()

    await _asked(app, *headers)
    await _asked(other, *headers)

    assert len(app.scope[TRACE]) == len(f"{ID}-01")
    assert len({ID, app.scope[TRACE][:32], other.scope[TRACE][:32]}) == 3


async def test_the_line_has_what_is_known_of_a_request_and_nothing_that_it_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)

    await _asked(_App(404), ("authorization", "Bearer secret"))

    told = _told(caplog)
    assert {name: told[name] for name in ("method", "path", "route", "status", "outcome")} == {
        "method": "GET",
        "path": "/v1/sessions/ses_1",
        "route": "/v1/sessions/{session_id}",
        "status": 404,
        "outcome": "answered",
    }
    assert (told["session_id"], told["tenant"], told["code"]) == ("ses_1", "default", "x")
    assert (told["seconds"], told["request_id"]) == (1.5, None)
    assert "secret" not in str(told)


async def test_a_path_of_nobody_is_not_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    await _asked(_App(404), path="/nowhere")

    assert (_told(caplog)["path"], _told(caplog)["route"]) == (None, None)


async def test_a_mistake_of_ours_is_told_with_what_was_answered(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)

    with pytest.raises(ZeroDivisionError):
        await _asked(_App(500, ZeroDivisionError()))

    told = _told(caplog)
    assert (told["status"], told["outcome"], told["error"]) == (500, "failed", "ZeroDivisionError")


async def test_a_request_that_was_cut_off_is_told_too(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    with pytest.raises(TimeoutError):
        await _asked(_App(None, TimeoutError()))

    assert (_told(caplog)["status"], _told(caplog)["outcome"]) == (None, "cut")


async def test_that_all_is_well_is_told_to_nobody(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    well, ill = _App(), _App(503)

    await _asked(well, path="/readyz")
    assert "api.served" not in caplog.text

    await _asked(ill, path="/readyz")
    assert "api.served" in caplog.text


async def test_other_connections_pass_through() -> None:
    seen: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)

    async def nothing(*_: object) -> Any:  # noqa: ANN401 - neither is called
        return None

    scope = {"type": "lifespan"}
    await Tracing(app, clock=JumpingClock(), ids=FakeIds())(scope, nothing, nothing)

    assert seen == [{"type": "lifespan"}]
