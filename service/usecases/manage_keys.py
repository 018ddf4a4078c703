"""API keys: make, list, revoke. A key is shown once; only its hash is kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from service.domain.access import ApiKey, IdempotencyRecord, Scope
from service.domain.errors import (
    FieldFault,
    InsufficientScopeError,
    InvalidRequestError,
    NotFoundError,
)
from service.domain.ids import API_KEY, ApiKeyId, TenantName
from service.domain.instants import maybe_rfc3339, rfc3339
from service.ports.storage import TenantStore
from service.ports.system import Clock, Ids
from service.usecases.authenticate import Authenticate, digest_of
from service.usecases.idempotency import Answer, Ticket, secret_of

KEY_PREFIX: Final = "gsb_"
DEFAULT_SCOPES: Final = (Scope.SESSIONS_READ, Scope.SESSIONS_WRITE)
PAGE: Final = 200
LATEST: Final = 253_402_300_799.0
"""9999-12-31T23:59:59Z: with another offset a caller can name what no calendar of ours has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """What a caller asks for."""

    name: str
    tenant: TenantName | None = None
    scopes: Sequence[Scope] = DEFAULT_SCOPES
    expires_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ManageKeys:
    """The keys of every tenant; only scope admin comes here."""

    tenants: TenantStore
    authenticate: Authenticate
    clock: Clock
    ids: Ids

    async def create(self, caller: ApiKey, wanted: NewKey, *, ticket: Ticket | None) -> Answer:
        """201 and the key, `key` itself this once.

        Raises InsufficientScopeError (nobody gives what he has not), InvalidRequestError.
        """
        now = self.clock.now()
        _refuse_odd_expiry(wanted.expires_at, now=now)
        for scope in wanted.scopes:
            _refuse_escalation(caller, scope)
        secret = f"{KEY_PREFIX}{self.ids.secret()}"
        key = ApiKey(
            id=ApiKeyId(self.ids.ulid(API_KEY)),
            tenant=wanted.tenant or caller.tenant,
            name=wanted.name,
            digest=digest_of(secret),
            scopes=tuple(dict.fromkeys(wanted.scopes)),
            created_at=now,
            expires_at=wanted.expires_at,
        )
        body = {**key_view(key), "key": secret}
        record = ticket.record(status=201, result={"id": key.id}, secret=body) if ticket else None
        await self.tenants.put_key(key, record)
        return Answer(status=201, body=body)

    async def list(self, tenant: TenantName, *, cursor: str | None, limit: int) -> Answer:
        """200 and a page of a tenant's keys, newest first. Raises InvalidRequestError (cursor)."""
        page = await self.tenants.list_keys(tenant, cursor=cursor, limit=limit)
        items = [key_view(key) for key in page.items]
        return Answer(status=200, body={"items": items, "nextCursor": page.next_cursor})

    async def read(self, key_id: ApiKeyId) -> Answer:
        """200 and the key, without the key itself. Raises NotFoundError."""
        return Answer(status=200, body=key_view(await self._found(key_id)))

    async def delete(self, key_id: ApiKeyId) -> Answer:
        """204: the key is good no more. Raises NotFoundError."""
        found = await self._found(key_id)
        await self.tenants.delete_key(found.tenant, key_id)
        self.authenticate.forget(key_id)
        return Answer(status=204)

    async def replay(self, record: IdempotencyRecord) -> Answer:
        """The very answer of the earlier request: the key itself stands nowhere else."""
        return Answer(status=record.status, body=secret_of(record))

    async def _found(self, key_id: ApiKeyId) -> ApiKey:
        cursor: str | None = None
        while True:
            page = await self.tenants.list_keys(None, cursor=cursor, limit=PAGE)
            for key in page.items:
                if key.id == key_id:
                    return key
            if (cursor := page.next_cursor) is None:
                raise NotFoundError(kind="API key", name=key_id[:64])


def key_view(key: ApiKey) -> dict[str, Any]:
    """An API key as listed: nothing of the key itself."""
    return {
        "id": key.id,
        "name": key.name,
        "tenant": key.tenant,
        "scopes": [scope.value for scope in key.scopes],
        "createdAt": rfc3339(key.created_at),
        "expiresAt": maybe_rfc3339(key.expires_at),
    }


def _refuse_odd_expiry(expires_at: float | None, *, now: float) -> None:
    if expires_at is None or now < expires_at <= LATEST:
        return
    detail = "lies in the past" if expires_at <= now else "lies too far ahead"
    raise InvalidRequestError(FieldFault(pointer="/expiresAt", detail=detail))


def _refuse_escalation(caller: ApiKey, scope: Scope) -> None:
    if Scope.ALL in caller.scopes or scope in caller.scopes:
        return
    if scope in (Scope.ALL, Scope.SESSIONS_SECRETS):
        raise InsufficientScopeError(scope=scope.value)
