"""A session of boto3 that asks nobody."""

import pytest
from boto3.session import Session


@pytest.fixture(scope="session")
def aws_session() -> Session:
    return Session(
        aws_access_key_id="test", aws_secret_access_key="test", region_name="eu-central-1"
    )
