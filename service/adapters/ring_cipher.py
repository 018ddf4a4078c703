"""The Cipher whose data keys are wrapped by a key service and kept, wrapped, in the table.

Values name their data key. What is open stays open for the life of the process; when the key
service is away, all that it opened before goes on. Nothing here runs by a timer: an environment may
be frozen for hours, so the ring is looked at again when something is read and the last look is old.
"""

import asyncio
import base64
import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from service.adapters.cipher import AesCipher
from service.domain.data_keys import (
    DAY,
    DataKey,
    KeyRing,
    begins,
    coming,
    is_due,
    named,
    usable,
)
from service.domain.errors import ConfigurationError, FaultError, UnavailableError
from service.ports import Cipher, Clock, KeyRingStore, KeyService, NewKey, SealedError

SCHEME: Final = "v2."
ID_DIGITS: Final = 12
"""Of the SHA-256 of a wrapped key: 48 bits tell a few hundred keys apart."""

LOOK_SECONDS: Final = 3_600.0
"""How old the last look may be. Far less than a key is announced before its use."""
AHEAD_SECONDS: Final = 2 * LOOK_SECONDS
"""What comes into use until then is opened at a look: one key service that is away for a look is no
reason to fail."""
PATIENCE_SECONDS: Final = 60.0
"""After a look that failed."""
UNKNOWN_SECONDS: Final = 60.0
"""How long a key that the table did not have is not looked for again: keys are announced, so one
that is missing will hardly come."""
COOL_SECONDS: Final = 1.0
"""After a key that could not be opened: a whole broker that asks at once keeps KMS throttled."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Depot:
    """Where wrapped data keys lie, and who opens them."""

    ring: KeyRingStore
    service: KeyService


class RingCipher:
    """The Cipher over a ring of data keys. `before` opens what was kept before there was one."""

    def __init__(self, *, clock: Clock, rotation_days: int, before: Cipher | None) -> None:
        self._clock = clock
        self._rotation_seconds = rotation_days * DAY
        self._before = before
        self._open: dict[str, AesCipher] = {}
        self._ring = KeyRing()
        self._depot: Depot | None = None
        self._looked_at = 0.0
        self._look_seconds = LOOK_SECONDS
        self._cool: dict[str, tuple[float, bool]] = {}
        """Until when a key that was not opened is left alone, and whether it was refused."""
        self._unknown: dict[str, float] = {}
        """Until when a key that the table does not have is not looked for."""
        self._lock = asyncio.Lock()

    async def begin(self, depot: Depot) -> None:
        """Open what encrypts now; before anything else is asked.

        One read of the table and one of the key service, and a first key where there is none.
        Raises UnavailableError, ConfigurationError.
        """
        try:
            await self._look(depot)
        except FaultError as fault:
            if not self._is_ready():
                raise
            self._go_on_after(fault)
        if not self._is_ready():
            raise UnavailableError(what="the key that encrypts")
        self._depot = depot
        if self._before is not None and not self._usable():
            # Whoever does not have this very file reads nothing of what is encrypted now.
            begin = min(key.used_from for key in self._ring.keys)
            _log.warning("keys.file_encrypts", extra={"until": begin})

    def encrypt(self, text: str, *, context: str) -> str:
        """Under the best key that is open here; under the old file's until the first is used."""
        for key in self._usable():
            if key.id in self._open:
                return self._open[key.id].encrypt(text, context=context)
        if self._before is None:
            raise UnavailableError(what="the key that encrypts")
        return self._before.encrypt(text, context=context)

    def decrypt(self, text: str, *, context: str) -> str:
        """Raises SealedError where a key or a look is wanted first, ConfigurationError."""
        if self._depot is not None and self._is_old():
            raise SealedError(partial(self._look_again, self._depot))
        if not text.startswith(SCHEME):
            return self._decrypt_before(text, context=context)
        key_id = text.removeprefix(SCHEME).partition(".")[0]
        if key_id not in self._open:
            raise SealedError(partial(self._fetch, key_id))
        return self._open[key_id].decrypt(text, context=context)

    def _decrypt_before(self, text: str, *, context: str) -> str:
        if self._before is None:
            fault = (
                f"a secret of {context} was kept with the key of a file: "
                "BROKER_DATA_DIR is to have that encryption.key"
            )
            raise ConfigurationError(fault)
        return self._before.decrypt(text, context=context)

    def _is_ready(self) -> bool:
        """Whether a key that may be used is open, or the file's still serves."""
        may_be_used = self._usable()
        if may_be_used:
            return any(key.id in self._open for key in may_be_used)
        return bool(self._ring.keys) and self._before is not None

    def _usable(self) -> Sequence[DataKey]:
        return usable(self._ring, self._clock.now(), may_wait=self._before is not None)

    def _is_old(self) -> bool:
        # By the world's clock, which goes on while an environment is frozen; it may be set back.
        return not 0 <= self._clock.now() - self._looked_at < self._look_seconds

    def _go_on_after(self, fault: FaultError) -> None:
        self._looked_at = self._clock.now()
        self._look_seconds = PATIENCE_SECONDS
        _log.warning("keys.look_failed", extra={"error": str(fault)})

    async def _look_again(self, depot: Depot) -> None:
        """Look, and let what is open go on: while somebody looks, and where that fails."""
        if not self._is_old():
            return
        last, self._looked_at = self._looked_at, self._clock.now()
        try:
            async with self._lock:
                await self._look(depot)
        except FaultError as fault:
            self._go_on_after(fault)
        except BaseException:
            # Whoever asked has gone away: the next one looks.
            self._looked_at = last
            raise

    async def _look(self, depot: Depot) -> None:
        self._ring = await depot.ring.load()
        now = self._clock.now()
        await self._open_wanted(depot, now)
        if is_due(self._ring, now, rotation_seconds=self._rotation_seconds):
            await self._announce(depot, now)
        self._looked_at = now
        self._look_seconds = LOOK_SECONDS

    async def _open_wanted(self, depot: Depot, now: float) -> None:
        for best in self._usable()[:1]:
            try:
                await self._open_key(depot, best)
            except ConfigurationError as refused:
                await self._start_over(depot, best, refused)
        for key in coming(self._ring, now, ahead_seconds=AHEAD_SECONDS):
            await self._open_key(depot, key)

    async def _start_over(self, depot: Depot, best: DataKey, refused: ConfigurationError) -> None:
        """Encrypt under the settings' KMS key where it is another one than the refused key's.

        The other one is lost, or a right to it is missing. What it wraps stays as unreadable as it
        is. Raises `refused` where the KMS key is the same.
        """
        made = await depot.service.make()
        if not best.wrapped_by or made.wrapped_by == best.wrapped_by:
            raise refused
        for own in self._usable():
            if own.wrapped_by == made.wrapped_by:
                # Settings go back and forth, or differ: no key more for each start.
                await self._open_key(depot, own)
                return
        # From when the other one was the best, so that it is the best at once by every clock.
        if await self._add(depot, made, used_from=best.used_from, made_at=self._clock.now()):
            _log.error("keys.started_over", extra={"refused": best.id, "error": str(refused)})
            return
        for key in self._usable()[:1]:
            await self._open_key(depot, key)

    async def _announce(self, depot: Depot, now: float) -> None:
        begin = begins(self._ring, now, may_wait=self._before is not None)
        if not await self._add(depot, await depot.service.make(), used_from=begin, made_at=now):
            await self._open_wanted(depot, now)

    async def _add(self, depot: Depot, made: NewKey, *, used_from: float, made_at: float) -> bool:
        """Whether it is in the ring; else somebody else was first, and it encrypted nothing."""
        key = DataKey(
            id=hashlib.sha256(made.wrapped).hexdigest()[:ID_DIGITS],
            wrapped=base64.b64encode(made.wrapped).decode("ascii"),
            made_at=made_at,
            used_from=used_from,
            wrapped_by=made.wrapped_by,
        )
        self._ring = await depot.ring.add(self._ring, key)
        if named(self._ring, key.id) is None:
            return False
        self._keep(key.id, made.plain)
        _log.info("keys.announced", extra={"data_key": key.id, "used_from": key.used_from})
        return True

    async def _fetch(self, key_id: str) -> None:
        """Open the key of a value, asking the table where it is not known here.

        What the key service refuses may be allowed again, so nothing is lost by it.
        """
        async with self._lock:
            if key_id in self._open:
                return
            what = f"the data key {key_id[:ID_DIGITS]}"
            until, is_refused = self._cool.get(key_id, (0.0, False))
            if self._depot is None or self._clock.monotonic() < until:
                raise UnavailableError(what=what, is_refused=is_refused)
            key = await self._known(self._depot, key_id)
            try:
                await self._open_key(self._depot, key)
            except ConfigurationError as refused:
                raise UnavailableError(what=what, is_refused=True) from refused

    async def _known(self, depot: Depot, key_id: str) -> DataKey:
        key = named(self._ring, key_id)
        now = self._clock.monotonic()
        if key is None and now >= self._unknown.get(key_id, now):
            self._ring = await depot.ring.load()
            key = named(self._ring, key_id)
            self._unknown = {each: at for each, at in self._unknown.items() if now < at}
        if key is None:
            self._unknown.setdefault(key_id, now + UNKNOWN_SECONDS)
            fault = f"the table has no data key {key_id[:ID_DIGITS]}: what it encrypted is lost"
            raise ConfigurationError(fault)
        return key

    async def _open_key(self, depot: Depot, key: DataKey) -> None:
        if key.id in self._open:
            return
        try:
            plain = await depot.service.unwrap(base64.b64decode(key.wrapped))
        except FaultError as fault:
            until = self._clock.monotonic() + COOL_SECONDS
            self._cool[key.id] = until, isinstance(fault, ConfigurationError)
            _log.warning("keys.not_opened", extra={"data_key": key.id, "error": str(fault)})
            raise
        self._keep(key.id, plain)

    def _keep(self, key_id: str, plain: bytes) -> None:
        self._open[key_id] = AesCipher(plain, scheme=f"{SCHEME}{key_id}.")
