"""Deployments of a tenant: create, read, change, delete. Asks Genesys nothing."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlsplit

from service.domain.access import ApiKey, IdempotencyRecord
from service.domain.deployment import Deployment
from service.domain.errors import (
    FieldFault,
    InvalidRequestError,
    LostRaceError,
    NameInUseError,
    NotFoundError,
    UnavailableError,
)
from service.domain.ids import DeploymentName, TenantName
from service.domain.instants import rfc3339
from service.domain.region import HOST, Regions, rule
from service.ports.drifts import DriftStore
from service.ports.sessions import SessionStore
from service.ports.storage import TenantStore
from service.ports.system import Clock
from service.usecases.idempotency import Answer, Ticket, result_of

NAME_MAX: Final = 63
NAME: Final = re.compile(r"[a-z0-9-]{1,63}")
DEPLOYMENT_ID: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}")
LOCALE: Final = re.compile(r"(?=.{2,64}\Z)[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*")
_LABEL: Final = r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
ORIGIN: Final = re.compile(
    rf"https?://(?=.{{1,260}}\Z)({_LABEL}(\.{_LABEL})*|\[[0-9A-Fa-f:.]{{2,45}}\])(:[0-9]{{1,5}})?"
)
"""What a browser sends as Origin: a name outside of ASCII stands in its xn-- form."""

HEARTBEAT_MAX: Final = 19.0
"""With 8 s for the pong and 2 s to close, a dead link is found in under 30 s."""

LAG_MAX: Final = 60.0
QUIET_MAX: Final = 20_000
METADATA_NAMES: Final = frozenset({"metadata.google.internal", "metadata.goog", "metadata"})
TRIES: Final = 5

IDENTITY: Final = ("deployment_id", "domain", "endpoint")
"""What a guest session hangs on: it cannot change under open sessions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManageDeployments:
    """The deployments of a tenant. `allow_endpoint`: an origin may stand in for a domain.

    A deployment whose domain is no longer allowed stays, is shown and can be changed; it cannot
    be led to another such domain.
    """

    tenants: TenantStore
    sessions: SessionStore
    drifts: DriftStore
    clock: Clock
    allow_endpoint: bool
    regions: Regions

    async def create(
        self, key: ApiKey, wanted: Mapping[str, Any], *, ticket: Ticket | None
    ) -> Answer:
        """201 and the Deployment. `wanted` has fields of `domain.deployment.Deployment`.

        Raises InvalidRequestError, NameInUseError.
        """
        now = self.clock.now()
        deployment = Deployment(tenant=key.tenant, created_at=now, updated_at=now, **wanted)
        self._check(deployment, before=None)
        record = ticket.record(status=201, result={"name": deployment.name}) if ticket else None
        made = await self.tenants.put_deployment(
            deployment, expected_version=None, idempotency=record
        )
        return Answer(status=201, body=deployment_view(made))

    async def read(self, key: ApiKey, name: DeploymentName) -> Answer:
        """200 and the Deployment. Raises NotFoundError."""
        return Answer(status=200, body=deployment_view(await self._found(key.tenant, name)))

    async def list(self, key: ApiKey, *, cursor: str | None, limit: int) -> Answer:
        """200 and a page, newest first. Raises InvalidRequestError for a bad cursor."""
        page = await self.tenants.list_deployments(key.tenant, cursor=cursor, limit=limit)
        items = [deployment_view(one) for one in page.items]
        return Answer(status=200, body={"items": items, "nextCursor": page.next_cursor})

    async def change(
        self,
        key: ApiKey,
        name: DeploymentName,
        *,
        changes: Mapping[str, Any],
        ticket: Ticket | None,
    ) -> Answer:
        """200 and the Deployment; what is not named stays.

        Raises NotFoundError, InvalidRequestError, NameInUseError (open sessions hang on it).
        """
        for _ in range(TRIES):
            before = await self._found(key.tenant, name)
            after = replace(before, **changes, updated_at=self.clock.now())
            self._check(after, before=before)
            if any(getattr(before, part) != getattr(after, part) for part in IDENTITY):
                await self._refuse_while_used(key.tenant, name)
            record = ticket.record(status=200, result={"name": name}) if ticket else None
            try:
                made = await self.tenants.put_deployment(
                    after, expected_version=before.version, idempotency=record
                )
            except LostRaceError:
                continue
            return Answer(status=200, body=deployment_view(made))
        raise UnavailableError(what="the deployment")

    async def unused(self, key: ApiKey, name: DeploymentName) -> Answer:
        """200 and the Deployment, which may go. Raises as `delete`."""
        found = await self.read(key, name)
        await self._refuse_while_used(key.tenant, name)
        return found

    async def delete(self, key: ApiKey, name: DeploymentName) -> Answer:
        """204. Raises NotFoundError, NameInUseError while sessions of it are open."""
        # Not read first: its credentials may not open any more.
        _check_name(name)
        await self._refuse_while_used(key.tenant, name)
        # First, as a request that is repeated after half of this finds no deployment any more.
        await self.drifts.forget(key.tenant, name)
        await self.tenants.delete_deployment(key.tenant, name)
        return Answer(status=204)

    async def replay(self, key: ApiKey, record: IdempotencyRecord) -> Answer:
        """The deployment of an earlier request as it is now, with that request's status."""
        found = await self._found(key.tenant, DeploymentName(result_of(record)["name"]))
        return Answer(status=record.status, body=deployment_view(found))

    async def _found(self, tenant: TenantName, name: DeploymentName) -> Deployment:
        _check_name(name)
        return await self.tenants.deployment(tenant, name)

    async def _refuse_while_used(self, tenant: TenantName, name: DeploymentName) -> None:
        if await self.sessions.has_open_sessions(tenant, name):
            raise NameInUseError(name=name, reason="sessions that have not ended use it")

    def _check(self, deployment: Deployment, *, before: Deployment | None) -> None:
        faults = deployment_faults(deployment, allow_endpoint=self.allow_endpoint)
        if before is None or deployment.domain != before.domain:
            faults = [*faults, *domain_faults(deployment, self.regions)]
        if faults:
            raise InvalidRequestError(*faults)


def deployment_faults(deployment: Deployment, *, allow_endpoint: bool) -> list[FieldFault]:
    """What is wrong with its fields; `allow_endpoint`: an origin may stand in for a domain."""
    return [
        *_identity_faults(deployment),
        *_endpoint_faults(deployment, allowed=allow_endpoint),
        *_number_faults(deployment),
    ]


def domain_faults(deployment: Deployment, regions: Regions) -> list[FieldFault]:
    """Whether it may lead to its domain; nothing is said of one that is none."""
    domain = deployment.domain
    if domain is None or HOST.fullmatch(domain) is None or regions.allow(domain):
        return []
    return [FieldFault(pointer="/domain", detail=rule())]


def _check_name(name: DeploymentName) -> None:
    if NAME.fullmatch(name) is None:
        raise NotFoundError(kind="deployment", name=name[:NAME_MAX])


def deployment_view(deployment: Deployment) -> dict[str, Any]:
    """The Deployment of the REST API; the platform secret is never shown."""
    platform = deployment.platform
    return {
        "name": deployment.name,
        "deploymentId": deployment.deployment_id,
        "domain": deployment.domain,
        "endpoint": deployment.endpoint,
        "origin": deployment.origin,
        "mode": deployment.mode.value,
        "onSessionLost": deployment.on_session_lost.value,
        "onReadOnly": deployment.on_read_only.value,
        "carryOver": deployment.carry_over.value,
        "autoStart": deployment.auto_start,
        "platform": None if platform is None else {"clientId": platform.client_id},
        "organizationId": deployment.organization_id,
        "locale": deployment.locale,
        "heartbeatSeconds": deployment.heartbeat_seconds,
        "historyLagSeconds": deployment.history_lag_seconds,
        "turnQuietMs": deployment.turn_quiet_ms,
        "createdAt": rfc3339(deployment.created_at),
        "updatedAt": rfc3339(deployment.updated_at),
    }


def _identity_faults(deployment: Deployment) -> list[FieldFault]:
    rules = (
        ("/name", NAME, deployment.name, "is 1 to 63 of a-z, 0-9 and -"),
        ("/deploymentId", DEPLOYMENT_ID, deployment.deployment_id, "is not a deployment id"),
        ("/domain", HOST, deployment.domain, "is a domain such as mypurecloud.com"),
        ("/origin", ORIGIN, deployment.origin, "is an origin such as https://www.example.com"),
        ("/locale", LOCALE, deployment.locale, "is a language tag such as en-US"),
    )
    faults = [
        FieldFault(pointer=pointer, detail=detail)
        for pointer, pattern, value, detail in rules
        if value is not None and pattern.fullmatch(value) is None
    ]
    if (deployment.domain is None) == (deployment.endpoint is None):
        faults.append(FieldFault(pointer="", detail="needs either domain or endpoint, not both"))
    return faults


def _endpoint_faults(deployment: Deployment, *, allowed: bool) -> list[FieldFault]:
    if deployment.endpoint is None:
        return []
    problem = _endpoint_problem(deployment.endpoint) if allowed else "is not allowed here"
    return [FieldFault(pointer="/endpoint", detail=problem)] if problem else []


def _endpoint_problem(endpoint: str) -> str | None:
    if ORIGIN.fullmatch(endpoint) is None:
        return "is one origin such as http://127.0.0.1:9000"
    try:
        host, port = urlsplit(endpoint).hostname or "", urlsplit(endpoint).port
    except ValueError:
        return "has no valid host and port"
    if port == 0 or not host:
        return "has no valid host and port"
    return "may not be link-local" if _is_link_local(host) else None


def _is_link_local(host: str) -> bool:
    if host.rstrip(".").lower() in METADATA_NAMES:
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        # inet_aton's short and numeric spellings are names to us and addresses to a resolver.
        return re.fullmatch(r"(0x[0-9a-f]*|\d+)(\.(0x[0-9a-f]*|\d+))*\.?", host.lower()) is not None
    inner = getattr(address, "ipv4_mapped", None) or address
    return bool(inner.is_link_local) or str(inner) == "fd00:ec2::254"


def _number_faults(deployment: Deployment) -> list[FieldFault]:
    rules = (
        ("/heartbeatSeconds", 1.0, deployment.heartbeat_seconds, HEARTBEAT_MAX),
        ("/historyLagSeconds", 0.0, deployment.history_lag_seconds, LAG_MAX),
        ("/turnQuietMs", 0, deployment.turn_quiet_ms, QUIET_MAX),
    )
    return [
        FieldFault(pointer=pointer, detail=f"is between {low:g} and {high:g}")
        for pointer, low, value, high in rules
        if not low <= value <= high
    ]
