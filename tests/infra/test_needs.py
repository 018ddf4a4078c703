"""What roles may do is what the adapters ask AWS for, both ways."""

import ast
from pathlib import Path
from typing import Any, Final

from tests.support.terraform_files import Module

ADAPTERS: Final = Path(__file__).parents[2] / "service" / "adapters"
CLIENTS: Final = {"client", "_client", "_sender", "_poller"}
"""What attributes that hold a client of boto3 are named."""

ACTIONS: Final = {
    "batch_get_item": "dynamodb:BatchGetItem",
    "batch_write_item": "dynamodb:BatchWriteItem",
    "change_message_visibility_batch": "sqs:ChangeMessageVisibility",
    "delete_item": "dynamodb:DeleteItem",
    "delete_message_batch": "sqs:DeleteMessage",
    "get_item": "dynamodb:GetItem",
    "get_queue_url": "sqs:GetQueueUrl",
    "invoke": "lambda:InvokeFunction",
    "put_item": "dynamodb:PutItem",
    "query": "dynamodb:Query",
    "receive_message": "sqs:ReceiveMessage",
    "send_message_batch": "sqs:SendMessage",
    # The rights of its parts, of which only this one is no call of its own.
    "transact_write_items": "dynamodb:ConditionCheckItem",
    "update_item": "dynamodb:UpdateItem",
}
ON_A_STAND_IN: Final = {"create_queue", "create_table", "update_time_to_live", "get_waiter"}
"""What Terraform does on AWS."""
NO_CALLS: Final = {"close", "exceptions"}
NOT_OF_THE_CODE: Final = {"TakeBatches", "UseKeyThroughTable"}
"""What the trigger and DynamoDB do in the name of a function."""


def test_every_call_is_allowed_and_every_right_is_used() -> None:
    called = _called() - ON_A_STAND_IN - NO_CALLS

    assert {ACTIONS.get(each, each) for each in called} == _allowed()


def test_each_statement_has_a_name_of_its_own() -> None:
    sids = [each["sid"] for each in _statements()]

    assert len(set(sids)) == len(sids)


def _called() -> set[str]:
    return {
        node.attr
        for file in ADAPTERS.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and _is_client(node.value) and _is_aws(file)
    }


def _is_client(node: ast.expr) -> bool:
    match node:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name in CLIENTS
        case _:
            return False


def _is_aws(file: Path) -> bool:
    return file.parent.name in {"dynamodb", "sqs"} or file.name == "lambda_starter.py"


def _allowed() -> set[str]:
    return {
        action
        for each in _statements()
        if each["sid"] not in NOT_OF_THE_CODE
        for action in each["actions"]
    }


def _statements() -> list[dict[str, Any]]:
    return [
        statement
        for name, needs in Module("broker").locals.items()
        if name.startswith("needs_of_")
        for statement in needs
    ]
