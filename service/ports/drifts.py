"""Port to the table: what deployments' frames had that nobody here knows."""

from typing import Protocol

from service.domain.drift import Drift
from service.domain.ids import DeploymentName, TenantName
from service.ports.sessions import Page


class DriftStore(Protocol):
    """Kinds of unknown things by deployment: counted, a few hundred at most each."""

    async def add(self, drift: Drift) -> None:
        """Add its count to its kind; the first one's sample and `first_at` stay.

        What is beyond the most kinds of a deployment is counted as `other`. It expires when it was
        not seen for long. May count twice if a reply is lost. Raises UnavailableError.
        """

    async def list(
        self, tenant: TenantName, deployment: DeploymentName, *, cursor: str | None, limit: int
    ) -> Page[Drift]:
        """What was seen last first. Raises InvalidRequestError for a bad cursor."""

    async def forget(self, tenant: TenantName, deployment: DeploymentName) -> None:
        """Remove all of a deployment."""
