"""What the broker really sends, from its own process to a socket, as receivers verify it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import svix.webhooks
from standardwebhooks.webhooks import Webhook

from tests.support.ed25519 import verify_v1a
from tests.support.real_process import BrokerProcess, broker_process
from tests.support.webhook_sink import Received, WebhookSink, answer, webhook_sink

FOREIGN = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwBr4"


@pytest.fixture(name="sink")
async def _sink() -> AsyncIterator[WebhookSink]:
    async with webhook_sink() as sink:
        yield sink


@pytest.fixture(name="broker")
async def _broker(tmp_path: Path) -> AsyncIterator[BrokerProcess]:
    async with broker_process(tmp_path, BROKER_SIMULATOR="on") as broker:
        yield broker


def _verify(request: Received, secret: str) -> None:
    for verifier in (Webhook(secret), svix.webhooks.Webhook(secret)):
        verifier.verify(request.body, dict(request.headers))


async def _rotated(broker: BrokerProcess, path: str, **body: object) -> dict[str, Any]:
    return await broker.call("POST", f"{path}/rotate-secret", body)


async def test_each_attempt_verifies_with_every_key_that_is_valid_then(
    broker: BrokerProcess, sink: WebhookSink
) -> None:
    sink.script.extend([answer(503), answer(503)])
    hook = await broker.call(
        "POST",
        "/v1/webhooks",
        {
            "url": sink.url,
            "secret": FOREIGN,
            "asymmetric": True,
            "headers": {"Authorization": "Bearer ! abc"},
        },
    )
    await broker.call(
        "POST",
        "/v1/sessions",
        {"deployment": "simulator", "message": {"text": "h\u00e9llo \u2028 \U0001f44b </script>"}},
    )
    first, second, *more = await sink.received(5)

    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    for request in (first, second, *more):
        _verify(request, FOREIGN)
        verify_v1a(hook["publicKey"], request.headers, request.body)
        assert len(request.headers["webhook-signature"].split(" ")) == 2
        assert request.headers["authorization"] == "Bearer ! abc"


async def test_eleven_keys_of_each_kind_sign_until_a_rotation_ends_them(
    broker: BrokerProcess, sink: WebhookSink
) -> None:
    hook = await broker.call("POST", "/v1/webhooks", {"url": sink.url, "asymmetric": True})
    path = f"/v1/webhooks/{hook['id']}"
    made = [hook] + [await _rotated(broker, path) for _ in range(10)]

    await broker.call("POST", f"{path}/test")
    last = await _rotated(broker, path, graceSeconds=0)
    await broker.call("POST", f"{path}/test")

    full, bare = await sink.received(2)
    for keys in made:
        _verify(full, keys["secret"])
        verify_v1a(keys["publicKey"], full.headers, full.body)
    _verify(bare, last["secret"])
    verify_v1a(last["publicKey"], bare.headers, bare.body)
    versions = [
        [entry.partition(",")[0] for entry in request.headers["webhook-signature"].split(" ")]
        for request in (full, bare)
    ]
    assert versions == [["v1", "v1a"] * 11, ["v1", "v1a"]]
