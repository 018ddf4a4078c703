"""What a deployment's frames had that the broker does not know, for people."""

from dataclasses import dataclass
from typing import Any

from service.domain.access import ApiKey
from service.domain.drift import Drift
from service.domain.errors import NotFoundError
from service.domain.ids import DeploymentName
from service.domain.instants import rfc3339
from service.ports import Clock, DriftStore, TenantStore
from service.usecases.idempotency import Answer
from service.usecases.manage_deployments import NAME, NAME_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadDrift:
    """Lists it, what is new first."""

    tenants: TenantStore
    drifts: DriftStore
    clock: Clock

    async def __call__(
        self, key: ApiKey, name: DeploymentName, *, cursor: str | None, limit: int
    ) -> Answer:
        """200 and a page. Raises NotFoundError, InvalidRequestError for a bad cursor."""
        if NAME.fullmatch(name) is None:
            raise NotFoundError(kind="deployment", name=name[:NAME_MAX])
        deployment = await self.tenants.deployment(key.tenant, name)
        page = await self.drifts.list(deployment, at=self.clock.now(), cursor=cursor, limit=limit)
        items = [drift_view(each) for each in page.items]
        return Answer(status=200, body={"items": items, "nextCursor": page.next_cursor})


def drift_view(drift: Drift) -> dict[str, Any]:
    """One kind, as the REST API shows it."""
    return {
        "kind": drift.sort,
        "name": drift.name or None,
        "count": drift.count,
        "firstSeenAt": rfc3339(drift.first_at),
        "lastSeenAt": rfc3339(drift.last_at),
        "sample": dict(drift.sample) or None,
    }
