"""The role of a function, with the policy that Terraform writes for it."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from boto3.session import Session as AwsSession

from tests.functions.conftest import Stage
from tests.support.policies import Names, policy

ANYBODY: Final = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}],
}
NO_KEY: Final = "arn:aws:kms:eu-central-1:000000000000:key/none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """Of one function of a broker on that stage."""

    stage: Stage
    aws: AwsSession
    function: str
    kms_key: str = NO_KEY
    first_key: str = ""
    without: str = ""
    """The sid of a statement that it lacks."""


@contextmanager
def taken(role: Role, endpoint: str) -> Iterator[None]:
    """The variables that Lambda gives a function, while its clients are made."""
    given = {"AWS_ENDPOINT_URL": endpoint, **_credentials(role)}
    before = {each: os.environ.get(each) for each in given}
    os.environ.update(given)
    try:
        yield
    finally:
        for each, value in before.items():
            os.environ.pop(each)
            if value is not None:
                os.environ[each] = value


def _credentials(role: Role) -> Mapping[str, str]:
    settings = role.stage.settings
    url = str(settings.aws_endpoint_url)
    iam, sts = (role.aws.client(each, endpoint_url=url) for each in ("iam", "sts"))
    name = f"{settings.table}-{role.function}-{os.urandom(4).hex()}"
    account = sts.get_caller_identity()["Account"]
    allowed = json.dumps(_policy(role, account))
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(ANYBODY))
    iam.put_role_policy(RoleName=name, PolicyName="needs", PolicyDocument=allowed)
    told = sts.assume_role(RoleArn=made["Role"]["Arn"], RoleSessionName=role.function)
    keys = told["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
        "AWS_SESSION_TOKEN": keys["SessionToken"],
    }


def _policy(role: Role, account: str) -> Mapping[str, object]:
    names = Names(
        table=role.stage.settings.table,
        prefix=role.stage.settings.queue_prefix,
        account=account,
        region=str(role.aws.region_name),
        kms_key=role.kms_key,
        first_key=role.first_key,
    )
    whole = policy(role.function, names)
    left = [each for each in whole["Statement"] if each["Sid"] != role.without]
    # A test that takes away what is not there would prove nothing.
    assert len(whole["Statement"]) - len(left) == bool(role.without)
    return {**whole, "Statement": left}
