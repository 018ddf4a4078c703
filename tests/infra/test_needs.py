"""What all roles together may do is what the adapters ask AWS for, both ways.

Function by function, and on what, is recorded from runs:
tests/functions/test_rights.py and test_key_rights.py.
"""

import ast
from pathlib import Path
from typing import Final

import pytest

from service.adapters.kms import CONTEXT
from tests.support.policies import needs_of, statements_of
from tests.support.terraform_files import FUNCTIONS, Module

ADAPTERS: Final = Path(__file__).parents[2] / "service" / "adapters"
CLIENTS: Final = {"client", "_client", "_sender", "_poller"}
"""What attributes that hold a client of boto3 are named."""

ACTIONS: Final = {
    "batch_get_item": "dynamodb:BatchGetItem",
    "batch_write_item": "dynamodb:BatchWriteItem",
    "change_message_visibility_batch": "sqs:ChangeMessageVisibility",
    "decrypt": "kms:Decrypt",
    "delete_item": "dynamodb:DeleteItem",
    "delete_message_batch": "sqs:DeleteMessage",
    "generate_data_key": "kms:GenerateDataKey",
    "get_item": "dynamodb:GetItem",
    "get_parameter": "ssm:GetParameter",
    "get_queue_url": "sqs:GetQueueUrl",
    "get_secret_value": "secretsmanager:GetSecretValue",
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
ALSO_AWS: Final = {"kms.py", "lambda_starter.py", "secrets.py"}


def test_every_call_is_allowed_and_every_right_is_used() -> None:
    called = _called() - ON_A_STAND_IN - NO_CALLS

    assert {ACTIONS.get(each, each) for each in called} == _allowed()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_each_statement_of_a_role_has_a_name_of_its_own(function: str) -> None:
    sids = [each.sid for each in statements_of(function)]

    assert len(set(sids)) == len(sids)


def test_every_need_is_somebodys() -> None:
    parts = {name for name in Module("broker").locals if name.startswith("needs_of_")}

    assert {part for each in FUNCTIONS for part in needs_of(each)} == parts


def test_data_keys_are_those_of_the_broker_that_the_code_names() -> None:
    conditions = [each["condition"] for each in Module("broker").locals["needs_of_data_keys"]]

    assert (
        conditions
        == [{"StringEquals": {f"kms:EncryptionContext:{CONTEXT}": "${local.data_key_context}"}}] * 2
    )
    assert Module("broker").locals["everywhere"]["BROKER_KMS_CONTEXT"] == (
        "${local.data_key_context}"
    )


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
    return file.parent.name in {"dynamodb", "sqs"} or file.name in ALSO_AWS


def _allowed() -> set[str]:
    return {action for name in FUNCTIONS for each in statements_of(name) for action in each.actions}
