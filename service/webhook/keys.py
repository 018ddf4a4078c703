"""The keys of Standard Webhooks 1.0 as text, and the bytes in them. Pure: chance comes in.

`whsec_` is a shared secret (HMAC-SHA256, `v1`); `whsk_` and `whpk_` are the private and the public
half of an ed25519 pair (`v1a`): 64 bytes, seed then public key, and 32 bytes.
"""

import base64
import binascii
import re
from typing import Final

from service.domain.errors import FieldFault, InvalidRequestError

SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - the public prefix of a secret, not one
PRIVATE_PREFIX: Final = "whsk_"
PUBLIC_PREFIX: Final = "whpk_"
KEY_BYTES_MIN: Final = 24
KEY_BYTES_MAX: Final = 64
SEED_BYTES: Final = 32
"""RFC 8032, 5.1.5: an ed25519 private key is 32 random bytes."""

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


def import_secret(text: str) -> str:
    """A secret made elsewhere, spelled as every verifier reads it: padded, no stray last bits.

    Raises InvalidRequestError as `parse_secret`.
    """
    return SECRET_PREFIX + base64.b64encode(parse_secret(text)).decode()


def is_private_key(text: str) -> bool:
    """Whether a signing key is the private half of a pair, not a shared secret."""
    return text.startswith(PRIVATE_PREFIX)


def public_key(private: str) -> str:
    """The `whpk_` text that belongs to a `whsk_` of our own making."""
    return PUBLIC_PREFIX + base64.b64encode(_halves(private)[SEED_BYTES:]).decode()


def seed_of(private: str) -> bytes:
    """What signs, in a `whsk_` of our own making."""
    return _halves(private)[:SEED_BYTES]


def _halves(private: str) -> bytes:
    return base64.b64decode(private.removeprefix(PRIVATE_PREFIX), validate=True)


def _wrong(*, detail: str) -> InvalidRequestError:
    return InvalidRequestError(FieldFault(pointer="/secret", detail=detail))
