"""What Terraform lets each function do, read from `needs.tf` without Terraform."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tests.support.recorder import BATCHES, Right
from tests.support.terraform_files import Module

NOT_OF_THE_CODE: Final = {"TakeBatches", "UseKeyThroughTable"}
"""What the trigger and DynamoDB do in the name of a function."""

PLACES: Final = {
    "${local.function_arn}-listener": "function/listener",
    "${local.queue_arn}-deliveries": "queue/deliveries",
    "${local.queue_arn}-mailbox-*": "queue/mailbox",
    "${local.table_arn}": "table",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One need, its resources as Terraform spells them."""

    sid: str
    actions: Sequence[str]
    resources: Sequence[str]

    def rights(self) -> set[Right]:
        """Each action on each resource."""
        return {Right(action, _place(each)) for action in self.actions for each in self.resources}


def statements_of(function: str) -> Sequence[Statement]:
    """What the code of a function may do by its role."""
    found = Module("broker").locals
    parts: list[str] = re.findall(r"local[.](\w+)", found["needs"][function])
    return [
        Statement(sid=each["sid"], actions=each["actions"], resources=each["resources"])
        for part in parts
        for each in found[part]
        if each["sid"] not in NOT_OF_THE_CODE
    ]


def rights_of_role(function: str) -> set[Right]:
    """All that a role allows."""
    return {right for each in statements_of(function) for right in each.rights()}


def policy(
    function: str, *, table: str, prefix: str, account: str, region: str
) -> Mapping[str, Any]:
    """The role's policy for a table and queues of those names.

    The stand-in wants the names of batches too, which no policy of AWS knows.
    """
    known = {
        "${local.table_arn}": f"arn:aws:dynamodb:{region}:{account}:table/{table}",
        "${local.queue_arn}": f"arn:aws:sqs:{region}:{account}:{prefix}",
        "${local.function_arn}": f"arn:aws:lambda:{region}:{account}:function:{prefix}",
    }
    wider = {f"sqs:{one}": f"sqs:{batch}" for batch, one in BATCHES.items()}
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": each.sid,
                "Effect": "Allow",
                "Action": [
                    *each.actions,
                    *(wider[action] for action in each.actions if action in wider),
                ],
                "Resource": [_spelled(one, known) for one in each.resources],
            }
            for each in statements_of(function)
        ],
    }


def _place(resource: str) -> str:
    whole, _, index = resource.partition("/index/")
    place = PLACES.get(whole, whole)
    return f"{place}/index/{index}" if index else place


def _spelled(resource: str, known: Mapping[str, str]) -> str:
    for name, value in known.items():
        resource = resource.replace(name, value)
    return resource
