"""What Terraform lets each function do, read from `needs.tf` without Terraform."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tests.support.recorder import BATCHES, Right
from tests.support.terraform_files import Module

NOT_OF_THE_CODE: Final = {"OpenFirstKey", "TakeBatches", "UseKeyThroughTable"}
"""What the trigger, DynamoDB, Secrets Manager and Systems Manager do in the name of a function."""

CONVERSING: Final = ("dynamodb:", "lambda:", "sqs:")
"""How actions begin that conversations want; a function wants all others when it opens."""

DATA_KEY: Final = "${local.data_key_arn}"
OLD_KEYS: Final = (
    "${distinct(concat([local.data_key_arn, aws_kms_key.this.arn], "
    "var.data_keys.former_kms_key_arns))}"
)
"""The module's own key, another one and former ones: where there is one key, that one."""
SECRET: Final = '${split("#", local.first_key_ref)[0]}'
PARAMETER: Final = '${trimprefix(local.first_key_ref, "ssm:")}'

PLACES: Final = {
    "${local.function_arn}-listener": "function/listener",
    "${local.queue_arn}-deliveries": "queue/deliveries",
    "${local.queue_arn}-mailbox-*": "queue/mailbox",
    "${local.table_arn}": "table",
    "arn:${local.partition}:ssm:${local.region}:${local.account}:parameter" + PARAMETER: (
        "parameter"
    ),
    DATA_KEY: "key",
    OLD_KEYS: "key",
    SECRET: "secret",
}
CONTEXT: Final = "kms:EncryptionContext:"
CHOICE: Final = re.compile(r'startswith\(local[.]first_key_ref, "(\w+:)"\) \? (local[.]\w+) : \[\]')


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What Terraform knows of one broker, where there are no former keys."""

    table: str
    prefix: str
    account: str
    region: str
    kms_key: str
    """An ARN."""
    first_key: str
    """`admin_key_ref`; empty where there is none."""

    def spelled(self, resource: str) -> str:
        """An ARN as Terraform would write it."""
        known = {
            "${local.table_arn}": self._arn("dynamodb", f"table/{self.table}"),
            "${local.queue_arn}": self._arn("sqs", self.prefix),
            "${local.function_arn}": self._arn("lambda", f"function:{self.prefix}"),
            "${local.partition}": "aws",
            "${local.region}": self.region,
            "${local.account}": self.account,
            DATA_KEY: self.kms_key,
            OLD_KEYS: self.kms_key,
            SECRET: self.first_key.partition("#")[0],
            PARAMETER: self.first_key.removeprefix("ssm:"),
        }
        for name, value in known.items():
            resource = resource.replace(name, value)
        return resource

    def _arn(self, service: str, thing: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account}:{thing}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One need, its resources as Terraform spells them."""

    sid: str
    actions: Sequence[str]
    resources: Sequence[str]
    context: Sequence[str]
    """What the encryption context has to name."""

    def rights(self) -> set[Right]:
        """Each action on each resource."""
        places = ["/".join([_place(each), *self.context]) for each in self.resources]
        return {Right(action, place) for action in self.actions for place in places}


def needs_of(function: str, *, first_key: str | None = None) -> Sequence[str]:
    """The lists of statements that are brought together for a function, by name.

    Of the first key's needs those for that reference, or all of them.
    """
    found = Module("broker").locals
    return list(_lists(found, found["needs"][function], first_key))


def statements_of(function: str, *, first_key: str | None = None) -> Sequence[Statement]:
    """What the code of a function may do by its role."""
    found = Module("broker").locals
    return [
        _statement(each)
        for part in needs_of(function, first_key=first_key)
        for each in found[part]
        if each["sid"] not in NOT_OF_THE_CODE
    ]


def rights_of_role(function: str, *, first_key: str | None = None) -> set[Right]:
    """All that a role allows."""
    statements = statements_of(function, first_key=first_key)
    return {right for each in statements for right in each.rights()}


def as_text(function: str, rights: Iterable[Right]) -> list[str]:
    """A line for each right, in order."""
    return sorted(f"{function}: {action} on {resource}" for action, resource in set(rights))


def policy(function: str, names: Names) -> Mapping[str, Any]:
    """The role's policy of a broker.

    The stand-in wants the names of batches too, which no policy of AWS knows; and it has no
    conditions on encryption contexts, so these are left out.
    """
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
                "Resource": [names.spelled(one) for one in each.resources],
            }
            for each in statements_of(function, first_key=names.first_key)
        ],
    }


def _lists(found: Mapping[str, Any], spelled: str, first_key: str | None) -> Iterator[str]:
    def chosen(choice: re.Match[str]) -> str:
        begins, wanted = choice.groups()
        return wanted if first_key is None or first_key.startswith(begins) else "[]"

    for name in re.findall(r"local[.](\w+)", CHOICE.sub(chosen, spelled)):
        match found[name]:
            case list():
                yield name
            case str(nested):
                yield from _lists(found, nested, first_key)


def _statement(block: Mapping[str, Any]) -> Statement:
    resources = block["resources"]
    return Statement(
        sid=block["sid"],
        actions=block["actions"],
        # An expression is a text.
        resources=[resources] if isinstance(resources, str) else resources,
        context=[
            key.removeprefix(CONTEXT)
            for operator in block.get("condition", {}).values()
            for key in operator
            if key.startswith(CONTEXT)
        ],
    )


def _place(resource: str) -> str:
    whole, _, index = resource.partition("/index/")
    place = PLACES.get(whole, whole)
    return f"{place}/index/{index}" if index else place
