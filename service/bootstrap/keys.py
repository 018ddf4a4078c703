"""What encrypts secrets at rest: the key of a file, or data keys that KMS wraps."""

from pathlib import Path
from typing import Final

from service.adapters.cipher import AesCipher, file_key
from service.adapters.kms import KmsKeys, KmsSettings
from service.adapters.ring_cipher import RingCipher
from service.adapters.storage import AwsStorage
from service.config import DATA_DIR, ListenerSettings
from service.domain.errors import ConfigurationError
from service.ports import Clock

KEY_FILE: Final = "encryption.key"
"""In the data directory, 0600: what encrypts client ids and other secrets at rest, without KMS."""


def key_file(settings: ListenerSettings) -> Path:
    """Where the file is to be."""
    return settings.data_dir / KEY_FILE


def file_cipher(settings: ListenerSettings) -> AesCipher:
    """The cipher of the file, which is made where it is missing. Raises ConfigurationError."""
    return AesCipher(file_key(key_file(settings)))


def ring_cipher(settings: ListenerSettings, clock: Clock) -> RingCipher:
    """The cipher of a ring; the file, where there is one, for what was encrypted before.

    Begin it before it is used. Raises ConfigurationError, also for a file that may be there by
    chance: what is encrypted with the key of another broker is lost for everybody else.
    """
    file = key_file(settings)
    if settings.data_dir == DATA_DIR and file.is_file():
        fault = (
            f"BROKER_DATA_DIR: {file} is there, and nobody says that it is this broker's: "
            "give the whole path of the folder that has its encryption.key, or of one that has none"
        )
        raise ConfigurationError(fault)
    before = file_cipher(settings) if file.is_file() else None
    return RingCipher(clock=clock, rotation_days=settings.kms_rotation_days, before=before)


def kms_keys(settings: ListenerSettings, key: str, storage: AwsStorage) -> KmsKeys:
    """Who makes and opens data keys. Raises ConfigurationError."""
    wanted = KmsSettings(
        key=key,
        broker=settings.kms_context or settings.table,
        endpoint_url=settings.aws_endpoint_url,
    )
    return KmsKeys(wanted, storage.session)
