"""API keys and what they may do. Pure values; the key itself is never stored, only its hash."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from service.domain.ids import ApiKeyId, TenantName


class Scope(StrEnum):
    """What a key may do. `admin` is everything but secrets; `*` is everything."""

    SESSIONS_READ = "sessions:read"
    SESSIONS_WRITE = "sessions:write"
    SESSIONS_SECRETS = "sessions:secrets"
    WEBHOOKS = "webhooks"
    DEPLOYMENTS = "deployments"
    ADMIN = "admin"
    ALL = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """One key as stored.

    `digest` is SHA-256 of the key: that has 256 random bits, so no slow hash is needed.
    """

    id: ApiKeyId
    tenant: TenantName
    name: str
    digest: str
    scopes: Sequence[Scope]
    created_at: float
    expires_at: float | None = None

    def allows(self, scope: Scope) -> bool:
        """Whether the key may do what needs that scope."""
        if Scope.ALL in self.scopes or scope in self.scopes:
            return True
        if Scope.ADMIN in self.scopes:
            return scope is not Scope.SESSIONS_SECRETS
        return scope is Scope.SESSIONS_READ and Scope.SESSIONS_WRITE in self.scopes


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotencyRecord:
    """What one Idempotency-Key did: the request's hash and the ids it made, from the start."""

    tenant: TenantName
    key: str
    """Scoped already: method, path and the caller's key."""
    request_hash: str
    status: int
    result: str
    """What the answer is made from on a repeat: the ids the request made, as JSON."""
    secret_answer: str | None = None
    """An answer that holds a secret shown once; the store keeps it encrypted."""
    created_at: float
    expires_at: float
