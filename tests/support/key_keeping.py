"""A key service of this process and a ring in memory; both fail when they are told to."""

import asyncio
import itertools
import os
from dataclasses import dataclass, field

from service.domain.data_keys import DataKey, KeyRing, with_key
from service.domain.errors import ConfigurationError
from service.ports import NewKey


@dataclass
class OwnKeys:
    """Keeps what it wrapped; several may share `wrapped`, as processes share KMS."""

    wrapped: dict[bytes, bytes] = field(default_factory=dict)
    name: str = "key/1"
    refused: set[bytes] = field(default_factory=set)
    """Wrapped keys that it does not open."""
    refusals: list[Exception] = field(default_factory=list)
    """Raised by the next calls, one each."""
    away: Exception | None = None
    """Raised by every call."""
    calls: list[str] = field(default_factory=list)

    async def make(self) -> NewKey:
        await self._ask("make")
        made = NewKey(
            plain=os.urandom(32), wrapped=b"wrapped-%d" % next(_NUMBER), wrapped_by=self.name
        )
        self.wrapped[made.wrapped] = made.plain
        return made

    async def unwrap(self, wrapped: bytes) -> bytes:
        await self._ask("unwrap")
        if wrapped in self.refused or wrapped not in self.wrapped:
            fault = "BROKER_KMS_KEY: KMS refuses: AccessDeniedException"
            raise ConfigurationError(fault)
        return self.wrapped[wrapped]

    async def _ask(self, call: str) -> None:
        self.calls.append(call)
        await asyncio.sleep(0)
        if self.refusals:
            raise self.refusals.pop(0)
        if self.away is not None:
            raise self.away


_NUMBER = itertools.count()


@dataclass
class OwnRing:
    """A ring that several processes share."""

    ring: KeyRing = field(default_factory=KeyRing)
    loads: int = 0
    away: Exception | None = None

    async def load(self) -> KeyRing:
        self.loads += 1
        await asyncio.sleep(0)
        if self.away is not None:
            raise self.away
        return self.ring

    async def add(self, ring: KeyRing, key: DataKey) -> KeyRing:
        await asyncio.sleep(0)
        if self.ring.version == ring.version:
            self.ring = with_key(ring, key)
        return self.ring
