"""The long story over the other store: talk, mischief every second, equal logs at the end."""

from pathlib import Path

import pytest

from tests.chaos.test_long_story import tell
from tests.support.stand_in import ministack


@pytest.mark.timeout(900)
async def test_chats_under_mischief_end_with_equal_logs_over_dynamodb(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many as its stand-in, boto3 and the tests beside it bear on two cores."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with ministack() as endpoint:
        await tell(tmp_path, chats=2, aws_endpoint=endpoint)
