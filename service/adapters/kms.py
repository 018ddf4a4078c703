"""The KeyService over AWS KMS: data keys that it makes, wrapped under a key that never leaves it.

Every call names the broker in the encryption context, so what was wrapped for one broker opens for
no other, even under the same key (KMS developer guide, "Encryption context").
"""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from service.adapters.aws import AwsSession, Clients
from service.adapters.aws_codes import NOT_SET, code_of, may_pass
from service.domain.errors import ConfigurationError, UnavailableError
from service.ports import NewKey

THREADS: Final = 2
KEY_BYTES: Final = 32
CONTEXT: Final = "broker"
"""Name of the one member of the encryption context. Terraform's rights ask for it too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KmsSettings:
    """Which key, for which broker, and how patient to be."""

    key: str
    """ARN, id or alias of a symmetric key."""
    broker: str
    endpoint_url: str | None = None
    connect_timeout_seconds: float = 1.0
    read_timeout_seconds: float = 2.0
    attempts: int = 3


class KmsKeys:
    """The KeyService of one KMS key."""

    def __init__(self, settings: KmsSettings, session: Clients | None = None) -> None:
        self._key = settings.key
        self._context = {CONTEXT: settings.broker}
        config = Config(
            max_pool_connections=THREADS,
            connect_timeout=settings.connect_timeout_seconds,
            read_timeout=settings.read_timeout_seconds,
            retries={"mode": "standard", "total_max_attempts": settings.attempts},
        )
        try:
            self._client = (session or AwsSession()).client(
                "kms", endpoint_url=settings.endpoint_url, config=config
            )
        except (BotoCoreError, ValueError) as exc:
            fault = f"AWS: {exc}"
            raise ConfigurationError(fault) from exc
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="kms")

    async def make(self) -> NewKey:
        """A new data key."""
        made = await self._call(
            lambda: self._client.generate_data_key(
                KeyId=self._key, NumberOfBytes=KEY_BYTES, EncryptionContext=self._context
            )
        )
        return NewKey(
            plain=made["Plaintext"],
            wrapped=made["CiphertextBlob"],
            # The key's ARN, also where an alias was asked (KMS API reference, GenerateDataKey).
            wrapped_by=made["KeyId"],
        )

    async def unwrap(self, wrapped: bytes) -> bytes:
        """The data key again.

        Without naming the KMS key: a ring outlives a change of it, and the wrapped key says which
        one it was. Rights say which ones a process may use.
        """
        opened = await self._call(
            lambda: self._client.decrypt(CiphertextBlob=wrapped, EncryptionContext=self._context)
        )
        return bytes(opened["Plaintext"])

    async def close(self) -> None:
        """Let go of threads and connections."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._client.close()

    async def _call(self, call: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._pool, call)
        except ClientError as exc:
            if may_pass(exc):
                raise UnavailableError(what=f"KMS ({code_of(exc)})") from exc
            fault = f"BROKER_KMS_KEY: KMS refuses: {code_of(exc)}"
            raise ConfigurationError(fault) from exc
        except NOT_SET as exc:
            fault = f"AWS: {exc}"
            raise ConfigurationError(fault) from exc
        except BotoCoreError as exc:
            raise UnavailableError(what=f"KMS ({type(exc).__name__})") from exc
