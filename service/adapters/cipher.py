"""Encryption at rest for the few fields that are secrets.

AES-256-GCM, bound to the place they belong to.

The context goes in as associated data, so a value copied to another item does not open there.
"""

import base64
import binascii
import contextlib
import os
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from service.domain.errors import ConfigurationError

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
"""NIST SP 800-38D, 8.2.2: 96 random bits, safe for 2^32 values under one key."""
SCHEME: Final = "v1."


class AesCipher:
    """The Cipher of one key. What it encrypts begins with `scheme`, which tells the keys apart."""

    def __init__(self, key: bytes, *, scheme: str = SCHEME) -> None:
        if len(key) != KEY_BYTES:
            fault = f"an encryption key has {KEY_BYTES} bytes, not {len(key)}"
            raise ConfigurationError(fault)
        self._aead = AESGCM(key)
        self._scheme = scheme

    def encrypt(self, text: str, *, context: str) -> str:
        """Authenticated encryption; the result is text, and another one each time."""
        # Not from the chance port: a nonce that comes again gives secrets away (SP 800-38D, 8.3).
        nonce = os.urandom(NONCE_BYTES)  # noqa: TID251
        sealed = self._aead.encrypt(nonce, text.encode("utf-8", "surrogatepass"), context.encode())
        return self._scheme + base64.b64encode(nonce + sealed).decode("ascii")

    def decrypt(self, text: str, *, context: str) -> str:
        """Raises ConfigurationError when the key or the context is another."""
        try:
            raw = base64.b64decode(text.removeprefix(self._scheme), validate=True)
            opened = self._aead.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], context.encode())
        except (InvalidTag, binascii.Error, ValueError) as exc:
            fault = f"a secret of {context} does not open: it was kept with another encryption key"
            raise ConfigurationError(fault) from exc
        return opened.decode("utf-8", "surrogatepass")


def file_key(path: Path) -> bytes:
    """The key in that file (32 bytes in base64), made on first use, readable by this user alone.

    Raises ConfigurationError when the file holds something else.
    """
    with contextlib.suppress(FileExistsError):
        _make(path)
    try:
        key = base64.b64decode(path.read_bytes().strip(), validate=True)
    except binascii.Error as exc:
        fault = f"{path} does not hold an encryption key in base64"
        raise ConfigurationError(fault) from exc
    if len(key) != KEY_BYTES:
        fault = f"{path} does not hold an encryption key of {KEY_BYTES} bytes"
        raise ConfigurationError(fault)
    return key


def _make(path: Path) -> None:
    """Write a new key so that the file is either whole or not there.

    Under another name, then linked.
    """
    if path.exists():
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(base64.b64encode(AESGCM.generate_key(KEY_BYTES * 8)))
        file.flush()
        os.fsync(file.fileno())
    try:
        path.hardlink_to(draft)
    finally:
        draft.unlink()
