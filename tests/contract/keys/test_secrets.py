"""Secrets come from where the reference says; no fault shows one."""

import json
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from boto3.session import Session
from botocore.exceptions import (
    BotoCoreError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
)

from service.adapters.secrets import SecretSettings, read_secret
from service.domain.errors import BrokerError, ConfigurationError, UnavailableError
from tests.support.bare_session import LackingSession
from tests.support.fault_proxy import FaultProxy, Refusal, Silence
from tests.support.store_builders import unique

SECRET = "a-key-that-nobody-would-guess"
VARIABLE = "BROKER_ADMIN_KEY_REF"
Reading = Callable[..., Coroutine[Any, Any, str]]


@pytest.fixture
def secrets(aws_session: Session, aws_endpoint: str) -> Any:  # noqa: ANN401 - boto3 makes it
    return aws_session.client("secretsmanager", endpoint_url=aws_endpoint)


@pytest.fixture
def parameters(aws_session: Session, aws_endpoint: str) -> Any:  # noqa: ANN401 - boto3 makes it
    return aws_session.client("ssm", endpoint_url=aws_endpoint)


@pytest.fixture
def read(aws_session: Session, aws_endpoint: str) -> Reading:
    def reading(reference: str, endpoint_url: str = aws_endpoint, attempts: int = 1) -> Any:  # noqa: ANN401 - a coroutine
        settings = SecretSettings(
            variable=VARIABLE, reference=reference, endpoint_url=endpoint_url, attempts=attempts
        )
        return read_secret(settings, aws_session)

    return reading


def keep(secrets: Any, **value: Any) -> str:  # noqa: ANN401 - boto3's
    return str(secrets.create_secret(Name=unique("broker/admin"), **value)["ARN"])


async def test_a_secret_of_secrets_manager(
    secrets: Any,  # noqa: ANN401 - boto3 makes it
    read: Reading,
) -> None:
    assert await read(keep(secrets, SecretString=SECRET)) == SECRET


async def test_one_member_of_a_secret(
    secrets: Any,  # noqa: ANN401 - boto3 makes it
    read: Reading,
) -> None:
    arn = keep(secrets, SecretString=json.dumps({"admin": SECRET, "number": 5}))

    assert await read(f"{arn}#admin") == SECRET
    for member in ("number", "missing"):
        with pytest.raises(ConfigurationError, match=f"{VARIABLE}: .*{member}"):
            await read(f"{arn}#{member}")


async def test_a_parameter_of_systems_manager(
    parameters: Any,  # noqa: ANN401 - boto3 makes it
    read: Reading,
) -> None:
    name = f"/{unique('broker')}/admin"
    parameters.put_parameter(Name=name, Value=SECRET, Type="SecureString")

    assert await read(f"ssm:{name}") == SECRET


async def test_a_parameter_in_the_clear_is_no_secret(
    parameters: Any,  # noqa: ANN401 - boto3 makes it
    read: Reading,
) -> None:
    name = f"/{unique('broker')}/admin"
    parameters.put_parameter(Name=name, Value=SECRET, Type="String")

    with pytest.raises(ConfigurationError, match="SecureString"):
        await read(f"ssm:{name}")


@pytest.mark.parametrize(
    "value",
    [
        {"SecretString": "two words, and long enough"},
        {"SecretString": f"{SECRET}\n"},
        {"SecretString": "schlüssel-den-niemand-errät"},
        {"SecretString": "short"},
        {"SecretBinary": b"\x00" * 32},
    ],
)
async def test_what_is_no_key_is_refused_without_being_shown(
    secrets: Any,  # noqa: ANN401 - boto3 makes it
    read: Reading,
    value: dict[str, Any],
) -> None:
    with pytest.raises(ConfigurationError, match=f"^{VARIABLE}: ") as caught:
        await read(keep(secrets, **value))

    assert str(*value.values()) not in str(caught.value)


async def test_what_is_no_json_has_no_members(
    secrets: Any,  # noqa: ANN401 - boto3 makes it
    read: Reading,
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        await read(f"{keep(secrets, SecretString=SECRET)}#admin")

    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("reference", "code"),
    [
        (
            "arn:aws:secretsmanager:eu-central-1:000000000000:secret:nowhere-abcdef",
            "ResourceNotFoundException",
        ),
        ("ssm:/nowhere", "ParameterNotFound"),
    ],
)
async def test_a_secret_that_is_not_there_is_told_by_aws_code(
    read: Reading, reference: str, code: str
) -> None:
    with pytest.raises(ConfigurationError, match=f"{VARIABLE}: AWS refuses the secret: {code}"):
        await read(reference)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Refusal(code="AccessDeniedException"), ConfigurationError),
        (Refusal(code="ThrottlingException"), UnavailableError),
        (Refusal(code="InternalServiceError", status=500), UnavailableError),
        (Silence.REFUSED, UnavailableError),
    ],
)
async def test_what_may_pass_is_unavailable_and_a_refusal_is_not(
    read: Reading, faults: FaultProxy, fault: Refusal | Silence, kind: type[BrokerError]
) -> None:
    faults.fail("GetParameter", fault)

    with pytest.raises(kind, match=VARIABLE):
        await read("ssm:/broker/admin", endpoint_url=faults.endpoint)


@pytest.mark.parametrize(
    "lack",
    [
        NoRegionError(),
        NoCredentialsError(),
        PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"),
    ],
)
async def test_what_the_environment_lacks_is_a_fault_of_the_settings(lack: BotoCoreError) -> None:
    settings = SecretSettings(variable=VARIABLE, reference="ssm:/broker/admin")

    with pytest.raises(ConfigurationError, match=f"{VARIABLE}: ") as caught:
        await read_secret(settings, LackingSession(lack))

    assert str(lack) in str(caught.value)
