"""What KMS makes it opens again, for that broker alone; what it refuses is told by its code."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from boto3.session import Session
from botocore.exceptions import NoCredentialsError

from service.adapters.kms import KmsKeys, KmsSettings
from service.domain.errors import ConfigurationError, UnavailableError
from tests.support.bare_session import LackingSession
from tests.support.fault_proxy import FaultProxy, Refusal, Silence
from tests.support.store_builders import unique

Opening = Callable[..., KmsKeys]


@pytest_asyncio.fixture
async def keys_of(kms_key: str, aws_endpoint: str, aws_session: Session) -> AsyncIterator[Opening]:
    opened: list[KmsKeys] = []
    settings = KmsSettings(key=kms_key, broker="shop", endpoint_url=aws_endpoint, attempts=1)

    def opening(**changes: Any) -> KmsKeys:  # noqa: ANN401 - fields of any type
        opened.append(KmsKeys(replace(settings, **changes), aws_session))
        return opened[-1]

    yield opening
    for each in opened:
        await each.close()


async def test_a_wrapped_key_is_opened_by_another_process(keys_of: Opening) -> None:
    made = await keys_of().make()

    assert await keys_of().unwrap(made.wrapped) == made.plain
    assert len(made.plain) == 32
    assert made.plain not in made.wrapped


async def test_a_key_of_another_broker_does_not_open(keys_of: Opening) -> None:
    made = await keys_of(broker="shop").make()

    with pytest.raises(ConfigurationError, match=r"BROKER_KMS_KEY: .*InvalidCiphertextException"):
        await keys_of(broker="other").unwrap(made.wrapped)


async def test_an_alias_will_do_and_old_keys_open_after_it_was_moved(
    keys_of: Opening,
    kms: Any,  # noqa: ANN401 - boto3 makes it
    kms_key: str,
) -> None:
    alias = f"alias/{unique('broker')}"
    kms.create_alias(AliasName=alias, TargetKeyId=kms_key)
    made = await keys_of(key=alias).make()
    # Named as itself: an alias may mean another one tomorrow.
    assert made.wrapped_by == kms_key
    kms.update_alias(AliasName=alias, TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])

    assert await keys_of(key=alias).unwrap(made.wrapped) == made.plain


async def test_a_key_that_is_not_there_is_a_fault_of_the_settings(keys_of: Opening) -> None:
    with pytest.raises(ConfigurationError, match="BROKER_KMS_KEY: KMS refuses: NotFoundException"):
        await keys_of(key="alias/nowhere").make()


async def test_a_disabled_key_is_told(
    keys_of: Opening,
    kms: Any,  # noqa: ANN401 - boto3 makes it
    kms_key: str,
) -> None:
    made = await keys_of().make()
    kms.disable_key(KeyId=kms_key)
    with pytest.raises(ConfigurationError, match="DisabledException"):
        await keys_of().unwrap(made.wrapped)
    kms.enable_key(KeyId=kms_key)

    assert await keys_of().unwrap(made.wrapped) == made.plain


@pytest.mark.parametrize(
    "fault",
    [
        Refusal(code="ThrottlingException"),
        Refusal(code="KMSInternalException", status=500),
        Refusal(code="SomethingNew", status=503),
        Silence.REFUSED,
    ],
)
async def test_what_may_pass_is_unavailable(
    keys_of: Opening, faults: FaultProxy, fault: Refusal | Silence
) -> None:
    faults.fail("GenerateDataKey", fault)

    with pytest.raises(UnavailableError, match="KMS"):
        await keys_of(endpoint_url=faults.endpoint).make()


async def test_a_throttle_is_waited_out(keys_of: Opening, faults: FaultProxy) -> None:
    faults.fail("GenerateDataKey", Refusal(code="ThrottlingException"), times=1)

    assert (await keys_of(endpoint_url=faults.endpoint, attempts=2).make()).plain


def test_a_client_that_cannot_be_made_is_a_fault_of_the_settings() -> None:
    settings = KmsSettings(key="alias/any", broker="shop", endpoint_url="no address")

    with pytest.raises(ConfigurationError, match="AWS: "):
        KmsKeys(settings, Session(region_name="eu-central-1"))


async def test_what_the_environment_lacks_is_a_fault_of_the_settings() -> None:
    keys = KmsKeys(
        KmsSettings(key="alias/any", broker="shop"), LackingSession(NoCredentialsError())
    )
    with pytest.raises(ConfigurationError, match=r"AWS: .*credentials"):
        await keys.make()
    await keys.close()
