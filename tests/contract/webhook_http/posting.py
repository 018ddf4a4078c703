"""The one POST that these suites send."""

from service.adapters.webhook_http import WebhookSender
from service.ports import WebhookAnswer

BODY = '{"a":"é"}'.encode()
"""Ten bytes, nine characters."""


async def post(
    sender: WebhookSender, url: str, *, body: bytes = BODY, seconds: float = 3.0
) -> WebhookAnswer:
    return await sender.post(url, headers={"x-own": "1"}, body=body, timeout_seconds=seconds)
