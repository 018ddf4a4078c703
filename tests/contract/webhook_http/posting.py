"""The one POST that these suites send, and a sender that gives up for no busy machine."""

import ssl
from collections.abc import Sequence
from typing import Final

from service.adapters.system import SystemClock
from service.adapters.webhook_http import WebhookSender
from service.adapters.webhook_names import Resolver
from service.adapters.webhook_pool import KEPT_MOST
from service.ports import Clock, WebhookAnswer
from service.webhook.target import Network, networks
from tests.support.patience import PATIENCE

BODY: Final = '{"a":"é"}'.encode()
"""Ten bytes, nine characters."""
LOOPBACK: Final = networks("127.0.0.0/8,::1/128")


def patient_sender(
    *,
    clock: Clock | None = None,
    allowed: Sequence[Network] = LOOPBACK,
    tls: ssl.SSLContext | None = None,
    resolver: Resolver | None = None,
    connect_seconds: float = PATIENCE,
    body_seconds: float = PATIENCE,
    kept_most: int = KEPT_MOST,
) -> WebhookSender:
    """One for which nothing is too late, unless a test wants to see just that."""
    return WebhookSender(
        clock=clock or SystemClock(),
        allowed_networks=allowed,
        allow_http=True,
        tls=tls,
        resolver=resolver,
        connect_seconds=connect_seconds,
        body_seconds=body_seconds,
        kept_most=kept_most,
        idle_seconds=10 * PATIENCE,
    )


async def post(
    sender: WebhookSender, url: str, *, body: bytes = BODY, seconds: float = PATIENCE
) -> WebhookAnswer:
    return await sender.post(url, headers={"x-own": "1"}, body=body, timeout_seconds=seconds)
