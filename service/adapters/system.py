"""The machine's own clock, ids and chance.

The only module of the broker that asks the operating system for them; it must decide nothing
with them.
"""

import asyncio
import base64
import random
import secrets
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

from ulid import ULID

from service.adapters.ed25519 import public_half

SECRET_BYTES: Final = 32
SIGNING_SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - how each secret begins is public
SIGNING_PAIR_PREFIX: Final = "whsk_"
_CHANCE_BITS: Final = 80
_CHANCE: Final = 1 << _CHANCE_BITS
"""A ULID is 48 bits of milliseconds, then 80 bits of chance."""


class SystemClock:
    """The clock port on the running asyncio loop (also uvloop)."""

    def now(self) -> float:
        """Seconds since the epoch; may jump when the machine's clock is set."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds that never jump."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait; zero yields once."""
        await asyncio.sleep(seconds)

    def timeout(self, seconds: float | None) -> AbstractAsyncContextManager[Any]:
        """Cancel the block and raise TimeoutError after that long; None waits for ever."""
        return asyncio.timeout(seconds)


class SystemIds:
    """The ids port on the operating system's entropy.

    ULIDs rise strictly within one process, also inside a millisecond and when the clock is set
    back; two processes may interleave.
    """

    def __init__(self, *, now_ns: Callable[[], int] = time.time_ns) -> None:
        self._now_ns = now_ns
        self._chance = random.SystemRandom()
        self._last = 0
        self._turn = threading.Lock()

    def ulid(self, prefix: str) -> str:
        """`prefix`, an underscore and a ULID greater than any this object made before."""
        with self._turn:
            fresh = (self._now_ns() // 1_000_000) * _CHANCE + self._chance.getrandbits(_CHANCE_BITS)
            # Within a millisecond, and behind a clock that was set back, the next number is taken.
            self._last = fresh if fresh // _CHANCE > self._last // _CHANCE else self._last + 1
            number = self._last
        return f"{prefix}_{ULID.from_int(number)}"

    def uuid(self) -> str:
        """A lower-case UUID4."""
        return str(uuid.uuid4())

    def secret(self) -> str:
        """32 random bytes as URL-safe base64 without padding."""
        return secrets.token_urlsafe(SECRET_BYTES)

    def signing_secret(self) -> str:
        """`whsec_` and 32 random bytes in base64, as Standard Webhooks spells its secrets."""
        return SIGNING_SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()

    def signing_pair(self) -> str:
        """`whsk_` and in base64 a seed and its public key, as Standard Webhooks spells pairs."""
        seed = secrets.token_bytes(SECRET_BYTES)
        return SIGNING_PAIR_PREFIX + base64.b64encode(seed + public_half(seed)).decode()

    def jitter(self) -> float:
        """A number in [0, 1)."""
        return self._chance.random()


class OwnListener:
    """The Starter of a process that has its listener with it: that takes every free shard."""

    async def start(self, count: int) -> None:
        """Nothing to do."""
        del count
