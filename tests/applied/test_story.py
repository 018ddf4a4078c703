"""A whole conversation on what Terraform made, a loss and its recovery included."""

import asyncio
import json
import time
from base64 import b64decode
from collections.abc import Callable

import pytest

from service.adapters.kms import CONTEXT, KEY_BYTES
from service.adapters.table.records import record
from service.adapters.table.schema import KEY_RING
from service.domain.data_keys import DataKey
from tests.applied.conftest import SIMULATED, Site

PATIENCE = 60.0
BATCH_MOST = 10
"""What the mapping declares."""


async def eventually(holds: Callable[[], bool], what: str) -> None:
    ends = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < ends, f"no {what} within {PATIENCE:.0f} s"
        await asyncio.sleep(0.05)


def texts(site: Site, event_type: str) -> list[str]:
    return [each["data"]["message"]["text"] for each in site.of_type(event_type)]


@pytest.mark.timeout(240)
async def test_a_conversation_with_a_loss_is_held_by_what_was_applied(site: Site) -> None:
    # A message that nobody of ours sent is dropped by the courier, and not by the dead letters.
    deliveries = site.applied.outputs["queues"]["deliveries"]
    site.client("sqs").send_message(QueueUrl=deliveries, MessageBody="no hint")
    shop = {"name": "shop", "deploymentId": SIMULATED.id, "endpoint": site.sim.origin}
    await site.call("POST", "/v1/deployments", shop)
    hook = await site.call("POST", "/v1/webhooks", {"url": site.hook, "eventTypes": ["*"]})
    wanted = {"deployment": "shop", "message": {"text": "hello"}}
    session = f"/v1/sessions/{(await site.call('POST', '/v1/sessions', wanted, wait=10))['id']}"
    token = (await site.call("GET", session))["clientId"]
    _what_is_secret_is_encrypted_with_a_key_that_kms_wraps(site, token)
    await eventually(lambda: bool(site.functions["listener"].lines("listener.invoked")), "listener")
    site.sim.control.say(token, "how can I help?")
    await eventually(lambda: texts(site, "message.received") == ["how can I help?"], "answer")
    await _lose_the_link_and_then_the_session(site, session, token)
    await site.call("POST", f"{session}/end")
    await eventually(lambda: bool(site.of_type("session.ended")), "end")

    site.sink.verify_all(hook["secret"])
    assert [row["text"] for row in site.sim.control.inbound(token)] == ["hello", "still there?"]
    assert texts(site, "message.confirmed") == ["hello", "still there?"]
    sequences = sorted({each["data"]["sequence"] for each in site.sink.events})
    assert sequences == list(range(sequences[0], sequences[0] + len(sequences)))
    await _the_clock_starts_a_sweep(site)
    _nothing_is_left(site)


def _what_is_secret_is_encrypted_with_a_key_that_kms_wraps(site: Site, token: str) -> None:
    """From the first session on; the wrapped key opens with the module's own KMS key alone."""
    name, kms = site.applied.outputs["table"]["name"], site.applied.outputs["kms_key_arn"]
    rows = site.client("dynamodb").scan(TableName=name, ConsistentRead=True)["Items"]
    [ring] = [row for row in rows if row["pk"] == {"S": KEY_RING.pk}]
    [key] = [record(DataKey, each) for each in json.loads(ring["body"]["S"])]
    opened = site.client("kms").decrypt(
        CiphertextBlob=b64decode(key.wrapped), EncryptionContext={CONTEXT: name}, KeyId=kms
    )
    assert len(opened["Plaintext"]) == KEY_BYTES
    assert token not in json.dumps(rows, default=repr)


async def _lose_the_link_and_then_the_session(site: Site, session: str, token: str) -> None:
    site.sim.control.drop(token)
    await eventually(lambda: bool(site.of_type("session.recovered")), "recovery")
    site.sim.control.forget(token)
    await site.call("POST", f"{session}/messages", {"text": "still there?"}, wait=10)
    await eventually(lambda: bool(site.of_type("session.replaced")), "replacement")

    [replaced] = site.of_type("session.replaced")
    receipt = replaced["data"]["receipt"]
    # What is sent is refused with 4007, or an attach is told of a new session: whoever comes first.
    assert receipt["cause"] in {"session_not_found", "new_session"}
    assert (receipt["previous"]["incarnation"], receipt["current"]["incarnation"]) == (1, 2)
    assert site.sim.control.configures(token)[-1]["outcome"] == "new"


async def _the_clock_starts_a_sweep(site: Site) -> None:
    """With what the schedule says: its target, its input, without waiting for an answer."""
    name = f"{site.applied.outputs['table']['name']}-sweep"
    schedule = site.client("scheduler").get_schedule(Name=name)
    assert schedule["ScheduleExpression"] == "rate(1 minute)"
    swept = len(site.functions["sweeper"].lines("sweeper.swept"))
    target = schedule["Target"]
    site.client("lambda").invoke(
        FunctionName=target["Arn"], InvocationType="Event", Payload=target["Input"].encode()
    )
    await eventually(lambda: len(site.functions["sweeper"].lines("sweeper.swept")) > swept, "sweep")
    assert json.loads(target["Input"]) in site.functions["sweeper"].events


def _nothing_is_left(site: Site) -> None:
    """Batches came as the mapping says, nothing failed, and no function wrote a secret."""
    [mapping] = site.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["BatchSize"] == BATCH_MOST
    courier = site.functions["courier"]
    assert all(1 <= len(each["Records"]) <= BATCH_MOST for each in courier.events)
    assert len(courier.lines("hints.unreadable")) == 1
    dead = site.client("sqs").get_queue_attributes(
        QueueUrl=site.applied.outputs["queues"]["deliveries_dead"], AttributeNames=["All"]
    )["Attributes"]
    assert dead["ApproximateNumberOfMessages"] == "0"
    for name, function in site.functions.items():
        log = function.log()
        assert site.applied.admin_key not in log
        assert '"errorType"' not in log, f"{name}: {log[-3000:]}"
