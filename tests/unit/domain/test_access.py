"""What a key may do."""

import pytest

from service.domain.access import ApiKey, Scope
from service.domain.ids import ApiKeyId, TenantName
from tests.support.playbook import NOON

ALLOWED = {
    Scope.SESSIONS_READ: {Scope.SESSIONS_READ},
    Scope.SESSIONS_WRITE: {Scope.SESSIONS_READ, Scope.SESSIONS_WRITE},
    Scope.SESSIONS_SECRETS: {Scope.SESSIONS_SECRETS},
    Scope.WEBHOOKS: {Scope.WEBHOOKS},
    Scope.DEPLOYMENTS: {Scope.DEPLOYMENTS},
    Scope.ADMIN: set(Scope) - {Scope.SESSIONS_SECRETS},
    Scope.ALL: set(Scope),
}


@pytest.mark.parametrize("scope", Scope)
def test_a_scope_allows_exactly_this(scope: Scope) -> None:
    key = ApiKey(
        id=ApiKeyId("key_1"),
        tenant=TenantName("acme"),
        name="n",
        digest="d",
        scopes=[scope],
        created_at=NOON,
    )

    assert {asked for asked in Scope if key.allows(asked)} == ALLOWED[scope]
