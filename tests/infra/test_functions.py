"""Functions, queues and clock fit what the code says of them."""

import ast
import json
import re
from pathlib import Path
from typing import Final

import pytest

from service.adapters.sqs import SqsSettings
from service.adapters.sqs.opening import DELIVERIES_KEPT_SECONDS, MAILBOX_KEPT_SECONDS
from service.adapters.sqs.queues import DELAY_MAX_SECONDS, RECEIVED_MAX, SqsQueues
from service.config import MOST_SHARDS
from service.domain.lease import MOST_LINKS
from tests.support.terraform_files import FUNCTIONS, MODULES, Module

ROOT: Final = Path(__file__).parents[2]
BROKER: Final = Module("broker")
LAMBDA_MOST_SECONDS: Final = 900


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_handler_is_a_function_of_an_entry_point(function: str) -> None:
    module, _, name = BROKER.module(function)["handler"].rpartition(".")
    file = ROOT / Path(*module.split(".")).with_suffix(".py")
    if function == "api" and not file.exists():
        pytest.skip("the API has no entry point on AWS yet")

    defined = {
        node.name: [each.arg for each in node.args.args]
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef)
    }

    assert module == f"service.entrypoints.{function}"
    assert defined[name] == ["event", "context"]


def test_functions_live_as_long_as_their_doors_say() -> None:
    courier = BROKER.locals["courier_timeout"]

    assert BROKER.module("courier")["timeout"] == "${local.courier_timeout}"
    assert f"which is to be {courier} s" in _door("courier")
    assert f"which is to be {BROKER.module('sweeper')['timeout']} s" in _door("sweeper")
    assert BROKER.module("listener")["timeout"] == LAMBDA_MOST_SECONDS


def test_a_message_is_hidden_for_longer_than_a_courier_may_take() -> None:
    queue = BROKER.resource("aws_sqs_queue", "deliveries")

    assert queue["visibility_timeout_seconds"] == "${local.deliveries_visibility}"
    assert BROKER.locals["deliveries_visibility"] > BROKER.locals["courier_timeout"]


def test_queues_have_the_names_by_which_the_code_looks_for_them(aws_session: object) -> None:
    queues = SqsQueues(SqsSettings(prefix="broker", shards=2), aws_session)  # type: ignore[arg-type]
    made = {
        name: BROKER.resource("aws_sqs_queue", name)["name"]
        .replace("${var.name}", "broker")
        .replace("${count.index}", "1")
        for name in ("deliveries", "mailbox")
    }

    assert made == {"deliveries": queues.deliveries, "mailbox": queues.mailbox(1)}


def test_queues_keep_hints_as_long_as_the_code_would() -> None:
    mailbox, deliveries = (
        BROKER.resource("aws_sqs_queue", name) for name in ("mailbox", "deliveries")
    )

    assert mailbox["message_retention_seconds"] == MAILBOX_KEPT_SECONDS
    assert deliveries["message_retention_seconds"] == DELIVERIES_KEPT_SECONDS


def test_what_comes_back_too_often_ends_among_the_dead_letters() -> None:
    deliveries = BROKER.resource("aws_sqs_queue", "deliveries")
    times = re.search(r"maxReceiveCount = (\d+)", str(deliveries["redrive_policy"]))

    assert "aws_sqs_queue.deliveries_dead.arn" in deliveries["redrive_policy"]
    assert times is not None
    # All tries lie within what the queue keeps, the longest delay included.
    assert (
        int(times.group(1)) * BROKER.locals["deliveries_visibility"] + DELAY_MAX_SECONDS
        < DELIVERIES_KEPT_SECONDS
    )


def test_the_trigger_honours_answers_message_by_message() -> None:
    mapping = BROKER.resource("aws_lambda_event_source_mapping", "deliveries")

    assert mapping["function_response_types"] == ["ReportBatchItemFailures"]
    assert mapping["batch_size"] == RECEIVED_MAX


def test_nobody_tries_again_for_those_who_start_listeners_and_sweeps() -> None:
    once = Module("function").resource("aws_lambda_function_event_invoke_config")

    assert once["maximum_retry_attempts"] == 0
    assert {name for name in FUNCTIONS if BROKER.module(name).get("asynchronous")} == {
        "listener",
        "sweeper",
    }
    retry = BROKER.resource("aws_scheduler_schedule", "sweep")["target"][0]["retry_policy"][0]
    assert retry["maximum_retry_attempts"] == 0


def test_limits_of_variables_are_those_of_the_code() -> None:
    variables = (MODULES / "broker" / "variables.tf").read_text(encoding="utf-8")

    assert f"var.shards <= {MOST_SHARDS}" in variables
    assert f"var.listener.max_links <= {MOST_LINKS}" in variables


def test_the_log_of_requests_holds_nothing_that_somebody_said() -> None:
    stage = BROKER.resource("aws_apigatewayv2_stage")
    logged = set(re.findall(r"[$]context[.]([\w.]+)", json.dumps(stage)))

    assert logged == {
        "requestId",
        "requestTime",
        "identity.sourceIp",
        "httpMethod",
        "path",
        "status",
        "responseLength",
        "responseLatency",
        "integrationLatency",
        "integrationErrorMessage",
    }


def _door(name: str) -> str:
    file = ROOT / "service" / "entrypoints" / f"{name}.py"
    return " ".join(str(ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))).split())
