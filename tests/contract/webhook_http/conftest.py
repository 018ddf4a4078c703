"""One receiver, and one sender."""

from collections.abc import AsyncIterator

import pytest

from service.adapters.webhook_http import WebhookSender
from tests.contract.webhook_http.posting import patient_sender
from tests.support.webhook_sink import WebhookSink, webhook_sink


@pytest.fixture(name="sink")
async def _sink() -> AsyncIterator[WebhookSink]:
    async with webhook_sink() as sink:
        yield sink


@pytest.fixture(name="sender")
async def _sender() -> AsyncIterator[WebhookSender]:
    sender = patient_sender()
    yield sender
    await sender.close()
