"""What belongs to a tenant.

Kept, listed, changed by version, and its secrets never in the clear.
"""

from dataclasses import replace

import pytest

from service.adapters.table import schema
from service.adapters.table.conditions import Key
from service.domain.endpoint import EndpointState
from service.domain.errors import (
    IdempotencyInProgressError,
    InvalidRequestError,
    NameInUseError,
    NotFoundError,
    VersionConflictError,
)
from service.domain.ids import ApiKeyId, DeploymentName, EndpointId, TenantName
from tests.contract.store.conftest import Table
from tests.support.store_builders import (
    NOW,
    TENANT,
    a_deployment,
    an_answer,
    an_api_key,
    an_endpoint,
)

OTHER = TenantName("other")


async def raw(table: Table, key: Key) -> str:
    return str(await table.driver.get(key))


async def test_a_key_is_found_by_its_digest(table: Table) -> None:
    key = an_api_key(expires_at=NOW + 5)
    await table.tenants.put_key(key, None)

    assert await table.tenants.key_by_digest(key.digest) == key
    assert await table.tenants.key_by_digest("unknown") is None


async def test_keys_are_listed_by_tenant_and_over_all(table: Table) -> None:
    keys = [an_api_key(tenant=TENANT if number % 2 else OTHER) for number in range(4)]
    for key in keys:
        await table.tenants.put_key(key, None)

    mine = await table.tenants.list_keys(TENANT, cursor=None, limit=9)
    first = await table.tenants.list_keys(None, cursor=None, limit=3)
    second = await table.tenants.list_keys(None, cursor=first.next_cursor, limit=3)

    assert list(mine.items) == [keys[3], keys[1]]
    assert mine.next_cursor is None
    assert [*first.items, *second.items] == list(reversed(keys))
    assert second.next_cursor is None


async def test_a_revoked_key_is_gone_everywhere(table: Table) -> None:
    key = an_api_key()
    await table.tenants.put_key(key, None)

    with pytest.raises(NotFoundError):
        await table.tenants.delete_key(OTHER, key.id)
    await table.tenants.delete_key(TENANT, key.id)

    assert await table.tenants.key_by_digest(key.digest) is None
    assert (await table.tenants.list_keys(None, cursor=None, limit=9)).items == []
    with pytest.raises(NotFoundError):
        await table.tenants.delete_key(TENANT, ApiKeyId(key.id))


async def test_putting_a_key_twice_is_a_win_and_another_in_its_place_is_not(table: Table) -> None:
    key = an_api_key()
    await table.tenants.put_key(key, None)
    await table.tenants.put_key(key, None)

    with pytest.raises(NameInUseError):
        await table.tenants.put_key(replace(key, name="second"), None)


async def test_a_used_idempotency_key_makes_nothing(table: Table) -> None:
    answer = an_answer()
    await table.tenants.put_idempotency(answer, now=NOW)
    key, deployment, endpoint = an_api_key(), a_deployment(), an_endpoint()

    with pytest.raises(IdempotencyInProgressError):
        await table.tenants.put_key(key, answer)
    with pytest.raises(IdempotencyInProgressError):
        await table.tenants.put_deployment(deployment, expected_version=None, idempotency=answer)
    with pytest.raises(IdempotencyInProgressError):
        await table.tenants.put_endpoint(endpoint, expected_version=None, idempotency=answer)

    assert await table.tenants.key_by_digest(key.digest) is None
    assert await table.tenants.endpoints_of(TENANT) == []
    with pytest.raises(NotFoundError):
        await table.tenants.deployment(TENANT, deployment.name)


async def test_a_deployment_is_made_changed_and_deleted(table: Table) -> None:
    made = await table.tenants.put_deployment(
        a_deployment(), expected_version=None, idempotency=None
    )
    changed = await table.tenants.put_deployment(
        replace(made, locale="en-US", platform=None), expected_version=1, idempotency=None
    )

    assert (made.version, changed.version) == (1, 2)
    assert await table.tenants.deployment(TENANT, made.name) == changed
    await table.tenants.delete_deployment(TENANT, made.name)
    with pytest.raises(NotFoundError):
        await table.tenants.deployment(TENANT, made.name)
    with pytest.raises(NotFoundError):
        await table.tenants.delete_deployment(TENANT, made.name)


async def test_a_deployments_name_is_taken_once(table: Table) -> None:
    made = await table.tenants.put_deployment(
        a_deployment(), expected_version=None, idempotency=None
    )

    with pytest.raises(NameInUseError):
        await table.tenants.put_deployment(made, expected_version=None, idempotency=None)
    with pytest.raises(VersionConflictError):
        await table.tenants.put_deployment(made, expected_version=9, idempotency=None)


async def test_deployments_are_listed_newest_first(table: Table) -> None:
    made = [
        await table.tenants.put_deployment(
            a_deployment(name=DeploymentName(name), created_at=NOW + at),
            expected_version=None,
            idempotency=None,
        )
        for name, at in (("m", 1), ("z", 2), ("a", 3), ("b", 3))
    ]

    first = await table.tenants.list_deployments(TENANT, cursor=None, limit=2)
    second = await table.tenants.list_deployments(TENANT, cursor=first.next_cursor, limit=2)

    assert [each.name for each in first.items] == ["a", "b"]
    assert list(second.items) == [made[1], made[0]]
    assert second.next_cursor is None
    with pytest.raises(InvalidRequestError):
        await table.tenants.list_deployments(OTHER, cursor=first.next_cursor, limit=2)


async def test_an_endpoint_is_found_by_id_and_by_tenant(table: Table) -> None:
    made = await table.tenants.put_endpoint(an_endpoint(), expected_version=None, idempotency=None)
    other = await table.tenants.put_endpoint(
        an_endpoint(tenant=OTHER), expected_version=None, idempotency=None
    )

    assert await table.tenants.endpoint(made.id) == made
    assert list(await table.tenants.endpoints_of(TENANT)) == [made]
    assert list(await table.tenants.endpoints_of(OTHER)) == [other]
    with pytest.raises(NotFoundError):
        await table.tenants.endpoint(EndpointId("whk_unknown"))


async def test_both_copies_of_an_endpoint_change_together(table: Table) -> None:
    made = await table.tenants.put_endpoint(an_endpoint(), expected_version=None, idempotency=None)
    disabled = replace(made, state=EndpointState.DISABLED, disabled_reason="410", rate_limit=5)

    kept = await table.tenants.put_endpoint(disabled, expected_version=1, idempotency=None)

    assert kept == replace(disabled, version=2)
    assert await table.tenants.endpoint(made.id) == kept
    assert list(await table.tenants.endpoints_of(TENANT)) == [kept]
    with pytest.raises(VersionConflictError):
        await table.tenants.put_endpoint(made, expected_version=1, idempotency=None)


async def test_a_deleted_endpoint_is_gone_and_does_not_come_back(table: Table) -> None:
    made = await table.tenants.put_endpoint(an_endpoint(), expected_version=None, idempotency=None)

    with pytest.raises(NotFoundError):
        await table.tenants.delete_endpoint(OTHER, made.id)
    await table.tenants.delete_endpoint(TENANT, made.id)

    with pytest.raises(NotFoundError):
        await table.tenants.endpoint(made.id)
    assert await table.tenants.endpoints_of(TENANT) == []
    with pytest.raises(VersionConflictError):
        await table.tenants.put_endpoint(made, expected_version=1, idempotency=None)


async def test_endpoints_are_listed_newest_first_in_pages(table: Table) -> None:
    made = [
        await table.tenants.put_endpoint(an_endpoint(), expected_version=None, idempotency=None)
        for _ in range(3)
    ]

    first = await table.tenants.list_endpoints(TENANT, cursor=None, limit=2)
    second = await table.tenants.list_endpoints(TENANT, cursor=first.next_cursor, limit=2)

    assert [*first.items, *second.items] == list(reversed(made))
    assert second.next_cursor is None
    with pytest.raises(InvalidRequestError):
        await table.tenants.list_endpoints(TENANT, cursor="nonsense", limit=2)


async def test_an_answer_lasts_until_it_expires(table: Table) -> None:
    answer = an_answer(expires_at=NOW + 10, result="not json", secret_answer="shown once")
    await table.tenants.put_idempotency(answer, now=NOW)

    assert await table.tenants.idempotency(TENANT, answer.key, now=NOW + 9) == answer
    assert await table.tenants.idempotency(TENANT, answer.key, now=NOW + 10) is None
    assert await table.tenants.idempotency(OTHER, answer.key, now=NOW) is None
    with pytest.raises(IdempotencyInProgressError):
        await table.tenants.put_idempotency(replace(answer, status=409), now=NOW + 9)
    await table.tenants.put_idempotency(replace(answer, status=409), now=NOW + 10)


async def test_an_answer_takes_the_place_of_its_own_claim_only(table: Table) -> None:
    claim = an_answer(expires_at=NOW + 10, result="mine")
    others = replace(claim, result="theirs")
    answer = replace(claim, expires_at=NOW + 99, result="done", status=200)
    await table.tenants.put_idempotency(claim, now=NOW)

    with pytest.raises(IdempotencyInProgressError):
        await table.tenants.put_idempotency(others, now=NOW)
    with pytest.raises(IdempotencyInProgressError):
        await table.tenants.put_idempotency(answer, now=NOW, instead_of=others)
    await table.tenants.put_idempotency(answer, now=NOW, instead_of=claim)

    assert await table.tenants.idempotency(TENANT, claim.key, now=NOW) == answer
    with pytest.raises(IdempotencyInProgressError):
        await table.tenants.put_idempotency(claim, now=NOW, instead_of=claim)


async def test_no_secret_lies_in_the_table_in_the_clear(table: Table) -> None:
    deployment = await table.tenants.put_deployment(
        a_deployment(), expected_version=None, idempotency=None
    )
    endpoint = await table.tenants.put_endpoint(
        an_endpoint(), expected_version=None, idempotency=None
    )
    answer = an_answer(secret_answer="gsb_secret")
    await table.tenants.put_idempotency(answer, now=NOW)

    places = (
        schema.deployment_key(TENANT, deployment.name),
        schema.endpoint_key(endpoint.id),
        schema.endpoint_listing_key(TENANT, endpoint.id),
        schema.idempotency_key(TENANT, answer.key),
    )
    for place in places:
        text = await raw(table, place)
        assert "body" in text
        for secret in ("platform-secret", "header-secret", "gsb_secret"):
            assert secret not in text
        for key in ("whsec_new", "whsk_private", "whsec_old"):
            assert key not in text
