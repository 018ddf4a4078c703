"""The doctor of a deployment that is kept here."""

from dataclasses import dataclass

from service.domain.access import ApiKey
from service.domain.errors import NotFoundError
from service.domain.ids import DeploymentName
from service.ports.storage import TenantStore
from service.usecases.examine import Examine
from service.usecases.idempotency import Answer
from service.usecases.manage_deployments import NAME, NAME_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckDeployment:
    """The doctor."""

    tenants: TenantStore
    examine: Examine

    async def __call__(self, key: ApiKey, name: DeploymentName, *, session: bool) -> Answer:
        """200 and what was found. `session`: open a test session too. Raises NotFoundError."""
        if NAME.fullmatch(name) is None:
            raise NotFoundError(kind="deployment", name=name[:NAME_MAX])
        deployment = await self.tenants.deployment(key.tenant, name)
        return Answer(status=200, body=await self.examine(deployment, session=session))
