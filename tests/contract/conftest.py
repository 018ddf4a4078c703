"""One stand-in of AWS for every suite that needs it."""

from collections.abc import Iterator

import pytest
from boto3.session import Session

from tests.support import stand_in


@pytest.fixture(scope="session")
def aws_endpoint() -> Iterator[str]:
    with stand_in.ministack() as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def aws_session() -> Session:
    return Session(
        aws_access_key_id="test", aws_secret_access_key="test", region_name="eu-central-1"
    )
