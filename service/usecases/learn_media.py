"""Remembers what files a deployment takes, as its guest sessions were told."""

import logging
from dataclasses import dataclass, field

from service.domain.deployment import Deployment
from service.domain.errors import BrokerError
from service.domain.ids import DeploymentName, TenantName
from service.domain.media import MediaRules
from service.ports import AttachmentStore

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LearnMedia:
    """One for the whole process: it writes what is new to it, and reads that first."""

    attachments: AttachmentStore
    known: "dict[tuple[TenantName, DeploymentName, str], MediaRules]" = field(default_factory=dict)

    async def __call__(self, deployment: Deployment, rules: MediaRules | None) -> None:
        """Never fails: without it Genesys judges alone. `rules` None: nothing was said."""
        key = (deployment.tenant, deployment.name, deployment.deployment_id)
        if rules is None or self.known.get(key) == rules:
            return
        try:
            if await self.attachments.rules(deployment) != rules:
                await self.attachments.learn(deployment, rules)
        except BrokerError as error:
            _log.warning("media.not_written", extra={"error": type(error).__name__})
            return
        self.known[key] = rules
