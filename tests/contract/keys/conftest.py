"""Keys and secrets on a stand-in of AWS, which knows encryption contexts and disabled keys."""

from collections.abc import Iterator
from typing import Any

import pytest
from boto3.session import Session

from tests.support.fault_proxy import FaultProxy, fault_proxy


@pytest.fixture(scope="session")
def kms(aws_session: Session, aws_endpoint: str) -> Any:  # noqa: ANN401 - boto3 makes it
    return aws_session.client("kms", endpoint_url=aws_endpoint)


@pytest.fixture
def kms_key(kms: Any) -> str:  # noqa: ANN401 - boto3 makes it
    return str(kms.create_key()["KeyMetadata"]["Arn"])


@pytest.fixture(scope="session")
def faulty(aws_endpoint: str) -> Iterator[FaultProxy]:
    with fault_proxy(aws_endpoint) as proxy:
        yield proxy


@pytest.fixture
def faults(faulty: FaultProxy) -> Iterator[FaultProxy]:
    yield faulty
    faulty.heal()
