"""Ports to the keys behind the cipher: who wraps data keys, and where they are kept wrapped."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from service.domain.data_keys import DataKey, KeyRing


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A data key that was just made. Its text shows nothing of it."""

    plain: bytes = field(repr=False)
    wrapped: bytes
    wrapped_by: str
    """The service's own name for the key that wrapped it, the same whatever it was asked by."""


class KeyService(Protocol):
    """Makes data keys and opens wrapped ones; the key that wraps them never leaves it.

    Raises UnavailableError, and ConfigurationError where it refuses.
    """

    async def make(self) -> NewKey:
        """A new data key of 32 bytes."""

    async def unwrap(self, wrapped: bytes) -> bytes:
        """The data key again."""


class KeyRingStore(Protocol):
    """Where wrapped data keys lie. Raises UnavailableError."""

    async def load(self) -> KeyRing:
        """The ring as it is, strongly consistent; an empty one where there is none."""

    async def add(self, ring: KeyRing, key: DataKey) -> KeyRing:
        """Put the key behind those of that ring, and give the ring that is there then.

        Somebody else may have been first: then it is theirs, without this key.
        """


class SealedError(Exception):
    """A cipher must fetch a key before it can tell: await `fetch()` and ask again.

    Stays inside the adapters. `fetch` raises UnavailableError, and ConfigurationError for a key
    that is nowhere.
    """

    def __init__(self, fetch: Callable[[], Awaitable[None]]) -> None:
        super().__init__("a key has to be fetched first")
        self.fetch = fetch
