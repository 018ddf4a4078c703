"""What is counted on virtual time is what the real adapters ask DynamoDB and SQS for."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import stand_in
from tests.support.machine import Chat, Machine, running
from tests.support.message_costs import COUNTED, Bill
from tests.support.patience import PATIENCE
from tests.support.recorder import Recorder, recorder
from tests.support.webhook_sink import webhook_sink

MESSAGES = 5
SENT = "sqs:SendMessageBatch"
TRANSACTED = "dynamodb:TransactWriteItems"


@pytest.fixture(scope="module", name="door")
def _door() -> Iterator[Recorder]:
    with stand_in.ministack() as endpoint, recorder(endpoint) as made:
        yield made


async def test_messages_ask_as_often_as_was_counted(
    door: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    async with (
        webhook_sink() as sink,
        running(
            tmp_path, sweeper=False, aws_endpoint=door.endpoint, settings={"shards": 1}
        ) as machine,
    ):
        await machine.webhook(sink.url, "message.*")
        chat = await machine.open()
        # The first one makes the lane, which is a transaction of its own.
        await chat.send("the first line")
        await sink.received(2, within=PATIENCE)
        outbound = await _sent(door, machine, chat)
        await sink.received(2 + 2 * MESSAGES, within=PATIENCE)
        inbound = await _said(door, chat)
        await sink.received(2 + 3 * MESSAGES, within=PATIENCE)

    _check(outbound, COUNTED["the same, told to one endpoint"])
    _check(inbound, COUNTED["the same, delivered to one endpoint"])


async def _sent(door: Recorder, machine: Machine, chat: Chat) -> Counter[str]:
    before = Counter(door.calls)
    for number in range(MESSAGES):
        await chat.send(f"line {number}")
    assert machine.arrived()[-1] == f"line {MESSAGES - 1}"
    return door.calls - before


async def _said(door: Recorder, chat: Chat) -> Counter[str]:
    before = Counter(door.calls)
    for number in range(MESSAGES):
        await chat.agent_says(f"line {number}")
        await chat.wait_for_text(f"line {number}")
    return door.calls - before


def _check(asked: Counter[str], bill: Bill) -> None:
    assert asked[TRANSACTED] == MESSAGES * bill.transactions
    # Hints that wait for a request share it.
    assert 0 < asked[SENT] <= MESSAGES * bill.hints
