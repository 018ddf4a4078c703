"""Storage that cannot be opened says what is missing."""

from pathlib import Path

import pytest

from service.adapters.cipher import AesCipher
from service.adapters.dynamodb import DynamoSettings
from service.adapters.sqs import SqsSettings, open_sqs
from service.adapters.storage import open_aws, open_here
from service.domain.errors import ConfigurationError
from service.domain.ids import SessionId
from tests.support.virtual_time import VirtualClock

CIPHER = AesCipher(bytes(32))
CLOCK = VirtualClock()


@pytest.fixture(name="nothing_set")
def _nothing_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


async def test_on_this_machine_hints_come_out_where_they_went_in(tmp_path: Path) -> None:
    storage = open_here(tmp_path, cipher=CIPHER, clock=CLOCK)
    await storage.hints.session(SessionId("ses_a"), 1)
    heard = await storage.mailboxes.receive(1)
    await storage.close()

    assert heard == ["ses_a"]


@pytest.mark.usefixtures("nothing_set")
async def test_a_profile_that_nobody_knows_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")

    with pytest.raises(ConfigurationError, match="nobody"):
        await open_aws(
            DynamoSettings(table="broker"),
            SqsSettings(prefix="broker", shards=1),
            cipher=CIPHER,
            clock=CLOCK,
            create=False,
        )


@pytest.mark.usefixtures("nothing_set")
def test_queues_without_a_region_cannot_be_opened() -> None:
    with pytest.raises(ConfigurationError, match="region"):
        open_sqs(SqsSettings(prefix="broker", shards=1), clock=CLOCK)
