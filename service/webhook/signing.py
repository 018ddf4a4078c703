"""Standard Webhooks 1.0 signatures, symmetric (`v1`) and ed25519 (`v1a`).

Pure: time, keys and the ed25519 arithmetic come in. Only our own HMAC is used: what is signed must
be exactly the bytes that go on the wire, at the time they go.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from service.domain.endpoint import SigningSecret
from service.domain.errors import ConfigurationError
from service.domain.ids import EventId
from service.webhook.keys import is_private_key, parse_secret, seed_of

SignPair: TypeAlias = Callable[[bytes, bytes], bytes]
"""From an ed25519 seed and the content to its 64 bytes of signature."""


def current_secrets(secrets: Iterable[SigningSecret], now: float) -> Sequence[str]:
    """The keys that sign now, newest first: the lasting ones, then the last to lapse."""
    alive = [each for each in secrets if each.expires_at is None or each.expires_at > now]
    alive.sort(key=lambda each: -float("inf") if each.expires_at is None else -each.expires_at)
    return [each.secret for each in alive]


def signature(
    event_id: EventId, *, timestamp: int, body: bytes, secret: str, sign_pair: SignPair
) -> str:
    """One `v1,…` or `v1a,…` entry over id, timestamp and the raw body, as the key's kind wants."""
    signed = b".".join((event_id.encode(), str(timestamp).encode(), body))
    if is_private_key(secret):
        return "v1a," + base64.b64encode(sign_pair(seed_of(secret), signed)).decode()
    digest = hmac.new(parse_secret(secret), signed, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def headers_for(
    event_id: EventId,
    *,
    timestamp: int,
    body: bytes,
    secrets: Sequence[str],
    sign_pair: SignPair,
) -> dict[str, str]:
    """The three headers of one attempt; `timestamp` is that attempt's own, in whole seconds.

    One header line, entries parted by single spaces: verifiers fail on anything else.

    Raises:
        ConfigurationError: there is no secret to sign with.
    """
    if not secrets:
        fault = "a webhook endpoint has no signing secret"
        raise ConfigurationError(fault)
    entries = [
        signature(event_id, timestamp=timestamp, body=body, secret=each, sign_pair=sign_pair)
        for each in secrets
    ]
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(entries),
    }
