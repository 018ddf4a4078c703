"""The TenantStore of the single table: API keys, deployments, endpoints and idempotency records."""

import dataclasses
import json
from collections.abc import Iterator, Sequence

from service.adapters.table import cursors, schema
from service.adapters.table.conditions import (
    Absent,
    AtMost,
    Condition,
    Delete,
    Equals,
    Key,
    Present,
    Put,
    any_of,
)
from service.adapters.table.driver import Driver
from service.adapters.table.paging import all_items, below, one_page
from service.adapters.table.session_steps import keep_answer, point_to_answer
from service.adapters.table.steps import Step, run
from service.adapters.table.tenant_items import (
    api_key_item,
    deployment_item,
    endpoint_item,
    endpoint_reader,
    idempotency_item,
    read_api_key,
    read_deployment,
    read_idempotency,
)
from service.adapters.table.tenant_log import append
from service.adapters.table.unsealing import readable, unsealed
from service.domain.access import ApiKey, IdempotencyRecord
from service.domain.deployment import Deployment
from service.domain.endpoint import Endpoint
from service.domain.errors import (
    BrokerError,
    IdempotencyInProgressError,
    NameInUseError,
    NotFoundError,
    VersionConflictError,
)
from service.domain.ids import (
    SESSION,
    ApiKeyId,
    DeploymentName,
    EndpointId,
    SessionId,
    TenantName,
)
from service.domain.notice import Notice
from service.ports import Cipher, Page


class TenantTable:
    """What belongs to a tenant, in one table."""

    def __init__(self, driver: Driver, cipher: Cipher) -> None:
        self._driver = driver
        self._cipher = cipher
        self._read_endpoint = endpoint_reader(cipher)

    async def put_key(self, key: ApiKey, idempotency: IdempotencyRecord | None) -> None:
        """Keep a new key. Raises IdempotencyInProgressError."""
        places = (schema.digest_key(key.digest), *schema.api_key_keys(key.tenant, key.id))
        steps = (
            Step(
                write=Put(item=api_key_item(key, place), condition=Absent()),
                refusal=lambda _: NameInUseError(name=key.id, reason="this key exists already"),
                identity=("body",),
            )
            for place in places
        )
        await run(self._driver, *steps, *keep_answer(idempotency, self._cipher))

    async def key_by_digest(self, digest: str) -> ApiKey | None:
        """The key with that SHA-256."""
        item = await self._driver.get(schema.digest_key(digest))
        return None if item is None else read_api_key(item)

    async def list_keys(
        self, tenant: TenantName | None, *, cursor: str | None, limit: int
    ) -> Page[ApiKey]:
        """Keys of a tenant (None: of every tenant), newest first."""
        partition = schema.ALL_KEYS if tenant is None else schema.tenant_partition(tenant)
        query = below(partition, schema.KEYS, forward=False)
        return await one_page(self._driver, query, cursor=cursor, limit=limit, read=read_api_key)

    async def delete_key(self, tenant: TenantName, key_id: ApiKeyId) -> None:
        """Revoke. Raises NotFoundError."""
        places = schema.api_key_keys(tenant, key_id)
        item = await self._driver.get(places[0])
        if item is None:
            raise NotFoundError(kind="API key", name=key_id)
        digest = schema.digest_key(read_api_key(item).digest)
        await self._delete("API key", key_id, digest, *places)

    async def put_deployment(
        self,
        deployment: Deployment,
        *,
        expected_version: int | None,
        idempotency: IdempotencyRecord | None,
    ) -> Deployment:
        """Create (None) or change.

        Raises NameInUseError, VersionConflictError, IdempotencyInProgressError.
        """
        kept = dataclasses.replace(deployment, version=_next(expected_version))
        in_use = NameInUseError(name=kept.name, reason="a deployment of this name exists")
        step = Step(
            write=Put(
                item=deployment_item(kept, self._cipher), condition=_unchanged(expected_version)
            ),
            refusal=lambda _: _conflict("deployment", expected_version, in_use),
            identity=("version", "body"),
        )
        await run(self._driver, step, *keep_answer(idempotency, self._cipher))
        return kept

    async def deployment(self, tenant: TenantName, name: DeploymentName) -> Deployment:
        """Raises NotFoundError."""
        item = await self._driver.get(schema.deployment_key(tenant, name))
        if item is None:
            raise NotFoundError(kind="deployment", name=name)
        return await unsealed(lambda: read_deployment(item, self._cipher))

    async def list_deployments(
        self, tenant: TenantName, *, cursor: str | None, limit: int
    ) -> Page[Deployment]:
        """Newest first.

        Sorted here, for a tenant has few and their keys are in the order of names.
        """
        query = below(schema.tenant_partition(tenant), schema.DEPLOYMENTS)
        items = await all_items(self._driver, query)
        read = await readable(items, lambda item: read_deployment(item, self._cipher))
        every = sorted((deployment for _, deployment in read), key=_newest)
        listing = f"{query.partition}|{schema.DEPLOYMENTS}"
        if cursor is not None:
            at, name = cursors.read(listing, cursor, parts=2)
            every = [found for found in every if _newest(found) > (-cursors.instant(at), name)]
        shown = every[:limit]
        more = len(every) > limit
        following = (
            cursors.spell(listing, [repr(shown[-1].created_at), shown[-1].name]) if more else None
        )
        return Page(items=shown, next_cursor=following)

    async def delete_deployment(self, tenant: TenantName, name: DeploymentName) -> None:
        """Raises NotFoundError."""
        await self._delete("deployment", name, schema.deployment_key(tenant, name))

    async def put_endpoint(
        self,
        endpoint: Endpoint,
        *,
        expected_version: int | None,
        idempotency: IdempotencyRecord | None,
        notice: Notice | None = None,
    ) -> Endpoint:
        """Create (None) or change, both copies, and what is told of it.

        Raises VersionConflictError, IdempotencyInProgressError.
        """
        kept = dataclasses.replace(endpoint, version=_next(expected_version))
        places = (
            schema.endpoint_key(kept.id),
            schema.endpoint_listing_key(kept.tenant, kept.id),
        )
        steps = [
            Step(
                write=Put(
                    item=endpoint_item(kept, place, self._cipher),
                    condition=_unchanged(expected_version),
                ),
                refusal=lambda _: VersionConflictError(item="endpoint"),
                identity=("version", "body"),
            )
            for place in places
        ]
        steps += keep_answer(idempotency, self._cipher)
        if notice is None:
            await run(self._driver, *steps)
        else:
            await append(self._driver, notice, *steps)
        return kept

    async def endpoint(self, endpoint_id: EndpointId) -> Endpoint:
        """Raises NotFoundError."""
        item = await self._driver.get(schema.endpoint_key(endpoint_id))
        if item is None:
            raise NotFoundError(kind="webhook", name=endpoint_id)
        return await unsealed(lambda: self._read_endpoint(item))

    async def endpoints_of(self, tenant: TenantName) -> Sequence[Endpoint]:
        """Every endpoint of a tenant that can be opened."""
        query = below(schema.tenant_partition(tenant), schema.ENDPOINTS)
        items = await all_items(self._driver, query)
        return [endpoint for _, endpoint in await readable(items, self._read_endpoint)]

    async def list_endpoints(
        self, tenant: TenantName, *, cursor: str | None, limit: int
    ) -> Page[Endpoint]:
        """Newest first."""
        query = below(schema.tenant_partition(tenant), schema.ENDPOINTS, forward=False)
        return await one_page(
            self._driver,
            query,
            cursor=cursor,
            limit=limit,
            read=self._read_endpoint,
        )

    async def delete_endpoint(self, tenant: TenantName, endpoint_id: EndpointId) -> None:
        """Stops claims at once. Raises NotFoundError."""
        await self._delete(
            "webhook",
            endpoint_id,
            schema.endpoint_listing_key(tenant, endpoint_id),
            schema.endpoint_key(endpoint_id),
        )

    async def idempotency(
        self, tenant: TenantName, key: str, *, now: float
    ) -> IdempotencyRecord | None:
        """The record of that scoped key, if it has not expired (DynamoDB removes it days later)."""
        item = await self._driver.get(schema.idempotency_key(tenant, key))
        if item is None or float(item["expires_at"]) <= now:
            return None
        return await unsealed(lambda: read_idempotency(item, self._cipher))

    async def put_idempotency(
        self,
        record: IdempotencyRecord,
        *,
        now: float,
        instead_of: IdempotencyRecord | None = None,
    ) -> None:
        """Keep what a request did that made nothing else. Raises IdempotencyInProgressError."""
        (kept,) = keep_answer(record, self._cipher)
        free: list[Condition] = [Absent(), AtMost("expires_at", now)]
        if instead_of is not None:
            before = idempotency_item(instead_of, self._cipher)
            free.append(Equals("body", before["body"]))
        put = dataclasses.replace(kept.write, condition=any_of(*free))
        session_id = _session_named(record)
        pointer = () if session_id is None else (point_to_answer(session_id, record),)
        step = Step(write=put, refusal=lambda _: IdempotencyInProgressError(), identity=("body",))
        await run(self._driver, step, *pointer)

    async def _delete(self, kind: str, name: str, *keys: Key) -> None:
        """Remove something with all its copies, if it is there."""
        missing = NotFoundError(kind=kind, name=name)
        steps = (
            Step(write=Delete(key=key, condition=Present()), refusal=lambda _: missing)
            for key in keys
        )
        await run(self._driver, *steps)


def _next(expected_version: int | None) -> int:
    return 1 if expected_version is None else expected_version + 1


def _unchanged(expected_version: int | None) -> Condition:
    return Absent() if expected_version is None else Equals("version", expected_version)


def _conflict(item: str, expected_version: int | None, in_use: BrokerError) -> BrokerError:
    return in_use if expected_version is None else VersionConflictError(item=item)


def _newest(deployment: Deployment) -> tuple[float, str]:
    return -deployment.created_at, deployment.name


def _session_named(answer: IdempotencyRecord) -> SessionId | None:
    """The session that an answer is about, so that erasing the session erases the answer."""
    try:
        return next(_session_ids(json.loads(answer.result)), None)
    except json.JSONDecodeError:
        return None


def _session_ids(value: object) -> Iterator[SessionId]:
    if isinstance(value, str) and value.startswith(f"{SESSION}_"):
        yield SessionId(value)
    elif isinstance(value, dict | list):
        for member in value.values() if isinstance(value, dict) else value:
            yield from _session_ids(member)
