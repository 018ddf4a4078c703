"""Who is calling: API keys by their hash. Never stores, logs or returns a key itself."""

import hashlib
from dataclasses import dataclass, field
from typing import Final

from service.domain.access import ApiKey, Scope
from service.domain.errors import NameInUseError, UnauthorizedError
from service.domain.ids import API_KEY, ApiKeyId, TenantName
from service.ports.storage import TenantStore
from service.ports.system import Clock

CACHE_SECONDS: Final = 3.0
"""How long another process may still take a key that was revoked here."""

CACHE_SIZE: Final = 1024
DEFAULT_TENANT: Final = TenantName("default")
CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
RANDOM_LENGTH: Final = 16
"""Characters of a ULID after the ten that tell its time."""


def digest_of(key: str) -> str:
    """The SHA-256 under which a key is kept (256 random bits need no slow hash)."""
    return hashlib.sha256(key.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticate:
    """Finds the key that a request carries; remembers good ones for a few seconds."""

    tenants: TenantStore
    clock: Clock
    _known: dict[str, tuple[float, ApiKey]] = field(default_factory=dict, repr=False)

    async def __call__(self, key: str | None) -> ApiKey:
        """The stored key. Raises UnauthorizedError when there is none, or it has lapsed."""
        if not key:
            raise UnauthorizedError
        digest = digest_of(key)
        found = self._remembered(digest) or await self._look_up(digest)
        if found.expires_at is not None and found.expires_at <= self.clock.now():
            raise UnauthorizedError
        return found

    def forget(self, key_id: ApiKeyId) -> None:
        """Take no notice any more of what was remembered of a revoked key."""
        for digest in [d for d, (_, key) in self._known.items() if key.id == key_id]:
            del self._known[digest]

    def _remembered(self, digest: str) -> ApiKey | None:
        until, key = self._known.get(digest, (0.0, None))
        return key if self.clock.monotonic() < until else None

    async def _look_up(self, digest: str) -> ApiKey:
        key = await self.tenants.key_by_digest(digest)
        if key is None:
            raise UnauthorizedError
        if len(self._known) >= CACHE_SIZE:
            self._known.clear()
        self._known[digest] = (self.clock.monotonic() + CACHE_SECONDS, key)
        return key


@dataclass(frozen=True, slots=True, kw_only=True)
class EnsureAdminKey:
    """Makes the first key of an environment known: tenant `default`, every scope."""

    tenants: TenantStore
    clock: Clock

    async def __call__(self, key: str) -> None:
        """Safe to repeat, and safe when two processes start at once."""
        digest = digest_of(key)
        if await self.tenants.key_by_digest(digest) is not None:
            return
        admin = ApiKey(
            id=_admin_key_id(digest),
            tenant=DEFAULT_TENANT,
            name="admin",
            digest=digest,
            scopes=(Scope.ALL,),
            created_at=self.clock.now(),
        )
        try:
            await self.tenants.put_key(admin, None)
        except NameInUseError:
            return  # the other process that starts now was first


def _admin_key_id(digest: str) -> ApiKeyId:
    """A ULID of the key itself, the same in every process; at time 0, so that it is the oldest."""
    number = int(digest[: RANDOM_LENGTH * 5 // 4], 16)
    places = range(5 * (RANDOM_LENGTH - 1), -1, -5)
    return ApiKeyId(f"{API_KEY}_{'0' * 10}{''.join(CROCKFORD[number >> at & 31] for at in places)}")
