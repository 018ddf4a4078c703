"""Where the stories of this folder are stored: on one machine, or in DynamoDB on its stand-in."""

from collections.abc import Iterator

import pytest

from tests.support import stand_in


@pytest.fixture(scope="session")
def aws_endpoint() -> Iterator[str]:
    with stand_in.ministack() as endpoint:
        yield endpoint


@pytest.fixture(params=["embedded", "dynamodb"])
def store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str | None:
    """The endpoint of DynamoDB, or None for the embedded store: `running(aws_endpoint=store)`."""
    if request.param == "embedded":
        return None
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    endpoint: str = request.getfixturevalue("aws_endpoint")
    return endpoint
