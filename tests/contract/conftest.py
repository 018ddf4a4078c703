"""One stand-in of AWS for every suite that needs it."""

from collections.abc import Iterator

import pytest
from boto3.session import Session

from tests.support import stand_in
from tests.support.shared_clients import SharedClients


@pytest.fixture(scope="session")
def aws_endpoint() -> Iterator[str]:
    with stand_in.ministack() as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def aws_session() -> Session:
    return SharedClients(region="eu-central-1")
