"""One receiver, and one sender that waits for no more than it must."""

from collections.abc import AsyncIterator

import pytest

from service.adapters.system import SystemClock
from service.adapters.webhook_http import WebhookSender
from service.webhook.target import networks
from tests.support.webhook_sink import WebhookSink, webhook_sink


@pytest.fixture(name="sink")
async def _sink() -> AsyncIterator[WebhookSink]:
    async with webhook_sink() as sink:
        yield sink


@pytest.fixture(name="sender")
async def _sender() -> AsyncIterator[WebhookSender]:
    sender = WebhookSender(
        clock=SystemClock(),
        allowed_networks=networks("127.0.0.0/8,::1/128"),
        connect_seconds=1.0,
        body_seconds=0.2,
    )
    yield sender
    await sender.close()
