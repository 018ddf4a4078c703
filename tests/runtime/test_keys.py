"""A function out of its zip whose keys KMS wraps, and whose first key is a secret by reference."""

import asyncio
from typing import Any

import pytest
from boto3.session import Session as AwsSession

from tests.functions.conftest import Stage
from tests.runtime.conftest import KEY, Start
from tests.support.gateway_event import a_request, body_of
from tests.support.store_builders import unique

pytestmark = pytest.mark.timeout(120)

PLATFORM = {"clientId": "platform", "clientSecret": "the-secret-of-the-platform"}
DEPLOYMENT = {
    "name": "shop",
    "deploymentId": "5a1c5a52-1111-4222-8333-444455556666",
    "domain": "mypurecloud.de",
    "platform": PLATFORM,
}


@pytest.fixture
def variables(stage: Stage, aws_session: AwsSession) -> dict[str, str]:
    """In place of a file and of a key in the open."""
    endpoint = stage.settings.aws_endpoint_url
    kms: Any = aws_session.client("kms", endpoint_url=endpoint)
    ssm: Any = aws_session.client("ssm", endpoint_url=endpoint)
    name = f"/{unique('broker')}/admin-key"
    ssm.put_parameter(Name=name, Value=KEY, Type="SecureString")
    return {
        "BROKER_DATA_DIR": "",
        "BROKER_ADMIN_KEY": "",
        "BROKER_KMS_KEY": str(kms.create_key()["KeyMetadata"]["Arn"]),
        "BROKER_ADMIN_KEY_REF": f"ssm:{name}",
    }


async def test_what_one_environment_encrypts_the_next_opens(
    stage: Stage, start: Start, variables: dict[str, str]
) -> None:
    made = a_request("POST", "/v1/deployments", DEPLOYMENT, key=KEY)
    asked = a_request("GET", "/v1/deployments", key=KEY)
    first, second = start("api", **variables), start("api", **variables)
    created = await asyncio.wrap_future(first.begin(made))
    listed = await asyncio.wrap_future(second.begin(asked))
    [key] = (await stage.table.key_ring.load()).keys

    assert isinstance(created, dict)
    assert isinstance(listed, dict)
    assert created["statusCode"] == 201, created
    assert [each["name"] for each in body_of(listed)["items"]] == ["shop"]
    assert [line["data_key"] for line in first.lines("keys.announced")] == [key.id]
    assert second.lines("keys.announced") == []
    for log in (first.log(), second.log()):
        assert KEY not in log
        assert PLATFORM["clientSecret"] not in log


async def test_what_aws_refuses_is_told_with_every_other_fault(
    start: Start, variables: dict[str, str]
) -> None:
    wrong = {"BROKER_KMS_KEY": "alias/nowhere", "BROKER_ADMIN_KEY_REF": "ssm:/nowhere"}
    api = start("api", **(variables | wrong))
    failed = await asyncio.wrap_future(api.begin(a_request("GET", "/healthz")))

    assert isinstance(failed, dict)
    assert failed["errorMessage"] == (
        "BROKER_KMS_KEY: KMS refuses: NotFoundException; "
        "BROKER_ADMIN_KEY_REF: AWS refuses the secret: ParameterNotFound"
    )
