"""ed25519 signatures (RFC 8032), which the standard library does not have."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


class Ed25519Signer:
    """The signer port. Knows no key: each comes along."""

    def sign(self, seed: bytes, content: bytes) -> bytes:
        """64 bytes; the same seed and content always give the same."""
        return Ed25519PrivateKey.from_private_bytes(seed).sign(content)


def public_half(seed: bytes) -> bytes:
    """The 32 bytes with which anybody verifies what the seed's 32 bytes sign."""
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
