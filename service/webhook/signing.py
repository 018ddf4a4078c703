"""Standard Webhooks 1.0, symmetric signatures (`v1`). Pure: time and secrets come in.

Only our own HMAC is used: what is signed must be exactly the bytes that go on the wire, at the time
they go.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from typing import Final

from service.domain.endpoint import SigningSecret
from service.domain.errors import ConfigurationError, FieldFault, InvalidRequestError
from service.domain.ids import EventId

SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - the public prefix of a secret, not one
KEY_BYTES_MIN: Final = 24
KEY_BYTES_MAX: Final = 64

_STANDARD_BASE64: Final = re.compile(r"[A-Za-z0-9+/]+={0,2}")


def parse_secret(text: str) -> bytes:
    """The HMAC key inside a `whsec_` secret: standard alphabet, padding optional, 24 to 64 bytes.

    Python's decoder drops foreign characters in silence where other languages refuse them; a secret
    that only verifies in Python is worse than one that is refused here.

    Raises:
        InvalidRequestError: it is not such a secret; never quotes it.
    """
    if not text.startswith(SECRET_PREFIX):
        raise _wrong(detail=f"must begin with {SECRET_PREFIX}")
    encoded = text.removeprefix(SECRET_PREFIX)
    if not _STANDARD_BASE64.fullmatch(encoded):
        raise _wrong(detail="must be base64 in the standard alphabet")
    bare = encoded.rstrip("=")
    if "=" in encoded and len(encoded) % 4:
        raise _wrong(detail="has wrong base64 padding")
    try:
        key = base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except binascii.Error as exc:
        raise _wrong(detail="is not valid base64") from exc
    if not KEY_BYTES_MIN <= len(key) <= KEY_BYTES_MAX:
        raise _wrong(detail=f"must hold {KEY_BYTES_MIN} to {KEY_BYTES_MAX} bytes")
    return key


def current_secrets(secrets: Iterable[SigningSecret], now: float) -> Sequence[str]:
    """The secrets that sign now, newest first: the lasting one, then the last to lapse."""
    alive = [each for each in secrets if each.expires_at is None or each.expires_at > now]
    alive.sort(key=lambda each: -(each.expires_at or float("inf")))
    return [each.secret for each in alive]


def signature(event_id: EventId, *, timestamp: int, body: bytes, secret: str) -> str:
    """One `v1,…` entry over id, timestamp and the raw body."""
    signed = b".".join((event_id.encode(), str(timestamp).encode(), body))
    digest = hmac.new(parse_secret(secret), signed, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def headers_for(
    event_id: EventId, *, timestamp: int, body: bytes, secrets: Sequence[str]
) -> dict[str, str]:
    """The three headers of one attempt; `timestamp` is that attempt's own, in whole seconds.

    One header line, entries parted by single spaces: verifiers fail on anything else.

    Raises:
        ConfigurationError: there is no secret to sign with.
    """
    if not secrets:
        fault = "a webhook endpoint has no signing secret"
        raise ConfigurationError(fault)
    entries = [signature(event_id, timestamp=timestamp, body=body, secret=each) for each in secrets]
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(entries),
    }


def _wrong(*, detail: str) -> InvalidRequestError:
    return InvalidRequestError(FieldFault(pointer="/secret", detail=detail))
