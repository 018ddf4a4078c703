"""Port to the table: what deployments' frames had that nobody here knows."""

from typing import Protocol

from service.domain.deployment import Deployment
from service.domain.drift import Drift
from service.domain.ids import DeploymentName, TenantName
from service.ports.sessions import Page


class DriftStore(Protocol):
    """Kinds of unknown things by deployment: counted, a few hundred at most each."""

    async def add(self, drift: Drift) -> str:
        """Add its count to its kind; the first one's sample and `first_at` stay.

        The kind it was counted as: `other` where it is beyond the most kinds of a deployment. What
        was not seen for long is gone, and so is what a deployment had that was of that name before;
        what comes late of such a one is passed over. May count twice if a reply is lost. Raises
        UnavailableError.
        """

    async def list(
        self, deployment: Deployment, *, at: float, cursor: str | None, limit: int
    ) -> Page[Drift]:
        """What is new first: who walks through the pages misses nothing that was there.

        `at` is now: what has expired is left out. Raises InvalidRequestError for a bad cursor.
        """

    async def forget(self, tenant: TenantName, deployment: DeploymentName) -> None:
        """Remove all of that name."""
