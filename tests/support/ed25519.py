"""Key pairs for tests, and `v1a` signatures verified as a receiver would, by the public key.

The public verifiers of Standard Webhooks pass over such entries.
"""

import base64
from collections.abc import Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


def private_key(seed: bytes) -> str:
    """The `whsk_` text of the pair that grows from 32 bytes."""
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    return "whsk_" + base64.b64encode(seed + public).decode()


def verify_v1a(public: str, headers: Mapping[str, str], body: bytes) -> None:
    """Raises InvalidSignature unless one `v1a` entry is by that `whpk_` key over those bytes."""
    assert public.startswith("whpk_")
    raw = base64.b64decode(public.removeprefix("whpk_"), validate=True)
    key = Ed25519PublicKey.from_public_bytes(raw)
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    for entry in headers["webhook-signature"].split(" "):
        version, _, text = entry.partition(",")
        if version == "v1a" and _is_by(key, base64.b64decode(text, validate=True), signed):
            return
    raise InvalidSignature


def _is_by(key: Ed25519PublicKey, signature: bytes, signed: bytes) -> bool:
    try:
        key.verify(signature, signed)
    except InvalidSignature:
        return False
    return True
