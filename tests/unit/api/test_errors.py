"""Errors as problems."""

import logging
from collections.abc import Mapping
from typing import Any

import pytest
from fastapi import FastAPI, Request
from starlette.testclient import TestClient
from starlette.types import Message

from service.api.errors import (
    FOR_THE_LOG_MOST,
    STATUS_BY_ERROR,
    failed_send,
    install,
    pointer_of,
    problem_of,
)
from service.api.problems import FailedError, Problem
from service.api.tracing import Tracing
from service.domain import errors as er
from tests.support.api_bench import JumpingClock
from tests.support.virtual_time import FakeIds


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (er.UnauthorizedError(), 401, "unauthorized"),
        (er.NotFoundError(kind="session", name="x"), 404, "not_found"),
        (er.TextTooLongError(size=4097, limit=4096), 422, "text_too_long"),
        (er.RejectedByGenesysError(provider_code="4012", detail="no"), 502, "rejected_by_genesys"),
        (er.OutcomeUnknownError(), 502, "outcome_unknown"),
        (er.PlaceTakenError(sequence=3), 503, "unavailable"),
        (er.IllegalTransitionError(state="a", event="b"), 500, "internal_error"),
    ],
)
def test_an_error_has_its_row(error: er.BrokerError, status: int, code: str) -> None:
    problem = problem_of(error)

    assert (problem.status, problem.code) == (status, code)


def test_an_error_without_a_row_is_our_own_mistake() -> None:
    class NewError(er.FaultError):
        pass

    assert problem_of(NewError("hunter2")).code == "internal_error"
    assert "hunter2" not in problem_of(NewError("hunter2")).detail


async def test_a_caller_who_hangs_up_in_his_body_is_no_mistake_of_ours() -> None:
    app, sent = FastAPI(), list[Message]()
    install(app)

    @app.post("/")
    async def take(request: Request) -> None:
        await request.body()

    pieces: list[Message] = [
        {"type": "http.request", "body": b"{", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Message:
        return pieces.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": []}
    await app(scope, receive, send)

    assert sent[0]["status"] == 400


def test_what_the_network_said_stays_inside() -> None:
    problem = problem_of(er.LinkLostError(code=1006, reason="secret.internal"))

    assert "1006" not in problem.detail
    assert problem.headers["Retry-After"] == "1"


def test_waits_are_told() -> None:
    limited = problem_of(er.RateLimitedError(retry_after_seconds=7))
    silent = problem_of(er.UnavailableError(what="the table", retry_after_seconds=3))
    running = problem_of(er.IdempotencyInProgressError())

    assert [one.headers["Retry-After"] for one in (limited, silent, running)] == ["7", "3", "1"]


def test_genesys_own_code_is_told() -> None:
    problem = problem_of(er.RejectedByGenesysError(provider_code="4012", detail="no"))

    assert problem.extra == {"providerCode": "4012"}


def test_what_was_offered_is_told_and_the_field_is_named() -> None:
    wrong = er.OptionNotOfferedError(pointer="/form", detail="is none", offered=["a"])
    unknown = er.UnknownMessageError(pointer="/form/messageId", name="msg_1")

    assert problem_of(wrong).extra == {
        "errors": [{"pointer": "/form", "detail": "is none"}],
        "offered": ["a"],
    }
    assert problem_of(unknown).extra["errors"][0]["pointer"] == "/form/messageId"
    assert "msg_1" in problem_of(unknown).detail


def test_every_code_has_one_status() -> None:
    statuses: dict[str, set[int]] = {}
    for status, code in STATUS_BY_ERROR.values():
        statuses.setdefault(code, set()).add(status)

    assert {code for code, some in statuses.items() if len(some) > 1} == set()


@pytest.mark.parametrize(
    ("code", "status"),
    [("text_too_long", 422), ("session_ended", 409), ("outcome_unknown", 502), ("novel", 502)],
)
def test_a_failed_message_has_the_status_of_its_code(code: str, status: int) -> None:
    failure = {"code": code, "detail": "", "providerCode": None}

    problem = failed_send({"id": "msg_1", "sequence": 4, "failure": failure})

    assert (problem.status, problem.code) == (status, code)
    assert problem.extra == {"messageId": "msg_1", "sequence": 4, "providerCode": None}
    assert problem.detail


def test_a_failed_message_without_a_reason_has_an_unknown_outcome() -> None:
    problem = failed_send({"id": "msg_1", "sequence": 4, "failure": None})

    assert (problem.status, problem.code) == (502, "outcome_unknown")


@pytest.mark.parametrize(
    ("place", "pointer"),
    [
        (("body", "a", 0, "b"), "/a/0/b"),
        (("body",), ""),
        (("query", "limit"), "/query/limit"),
        (("body", "a/b~c"), "/a~1b~0c"),
    ],
)
def test_pointers_follow_rfc_6901(place: tuple[str | int, ...], pointer: str) -> None:
    assert pointer_of(place) == pointer


def _served(caplog: pytest.LogCaptureFixture, error: Exception) -> tuple[int, Mapping[str, Any]]:
    """What is answered, and the line of the request."""
    caplog.set_level(logging.DEBUG)
    app = FastAPI()
    install(app)

    @app.get("/")
    async def fail() -> None:
        raise error

    traced = Tracing(app, clock=JumpingClock(), ids=FakeIds())
    answer = TestClient(traced, raise_server_exceptions=False).get("/")
    [line] = [vars(each) for each in caplog.records if each.msg == "api.served"]
    return answer.status_code, line


@pytest.mark.parametrize(
    ("error", "status", "level", "told"),
    [
        (er.ConfigurationError("no key 1f"), 500, "ERROR", "ConfigurationError: no key 1f"),
        (
            er.IllegalTransitionError(state="live", event="VisitBegan"),
            500,
            "ERROR",
            "IllegalTransitionError: VisitBegan cannot happen in live",
        ),
        (
            er.UnavailableError(what="KMS (ThrottlingException)"),
            503,
            "WARNING",
            "UnavailableError: KMS (ThrottlingException) is not answering",
        ),
        (er.PlaceTakenError(sequence=3), 503, "WARNING", "PlaceTakenError"),
        (er.LinkLostError(code=1006, reason="hunter2"), 503, "WARNING", "LinkLostError"),
        (
            er.RejectedByGenesysError(provider_code="4012", detail="hunter2"),
            502,
            "WARNING",
            "RejectedByGenesysError: 4012",
        ),
        (
            FailedError(Problem(status=502, code="4012", detail="hunter2")),
            502,
            "WARNING",
            "message: 4012",
        ),
        (ValueError("hunter2"), 500, "ERROR", "ValueError"),
        (er.NotFoundError(kind="session", name="hunter2"), 404, "INFO", None),
    ],
)
def test_what_a_request_failed_of_is_in_our_log_and_nothing_that_anybody_said(
    caplog: pytest.LogCaptureFixture, error: Exception, status: int, level: str, told: str | None
) -> None:
    answered, line = _served(caplog, error)

    assert answered == line["status"] == status
    assert (line["levelname"], line["error"]) == (level, told)


def test_a_long_story_is_cut_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    _, line = _served(caplog, er.ConfigurationError("x" * 9000))

    assert len(line["error"]) == FOR_THE_LOG_MOST
