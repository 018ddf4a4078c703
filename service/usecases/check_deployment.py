"""The doctor of a deployment: asks Genesys about it, and says in plain words what works.

Whatever cannot be read is a finding, not an error: the doctor is asked when things are wrong.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from service.domain.access import ApiKey
from service.domain.deployment import Deployment
from service.domain.errors import NotFoundError, PlatformUnavailableError, UnavailableError
from service.domain.finding import Finding, Severity, not_working, worst
from service.domain.ids import DeploymentName
from service.domain.instants import rfc3339
from service.guest.check_session import check_platform
from service.guest.check_settings import Unread, check_configuration, check_domains
from service.guest.check_words import found
from service.ports import Ports
from service.usecases.idempotency import Answer
from service.usecases.manage_deployments import NAME, NAME_MAX
from service.usecases.try_session import Trial, TrySession

BUDGET_SECONDS: Final = 20.0
"""For everything; a caller waits 25 s at most."""
TURN_SECONDS: Final = 8.0
"""How much of it a test session may wait for its turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckDeployment:
    """The doctor."""

    ports: Ports
    try_session: TrySession

    async def __call__(self, key: ApiKey, name: DeploymentName, *, session: bool) -> Answer:
        """200 and what was found. `session`: open a test session too. Raises NotFoundError."""
        if NAME.fullmatch(name) is None:
            raise NotFoundError(kind="deployment", name=name[:NAME_MAX])
        deployment = await self.ports.tenants.deployment(key.tenant, name)
        trial = Trial(findings=[])
        configuration, domains, platform, _ = await asyncio.gather(
            self._read(self.ports.guest_rest.configuration(deployment)),
            self._read(self.ports.guest_rest.domains(deployment)),
            self._platform(deployment),
            self._try(deployment, trial if session else None),
        )
        findings = [
            *check_configuration(deployment, configuration),
            check_domains(deployment, domains),
            platform,
            *trial.findings,
        ]
        view = check_view(deployment, findings, at=self.ports.clock.now())
        return Answer(status=200, body={**view, "session": _trial_view(trial) if session else None})

    async def _read(self, fetching: Awaitable[str]) -> str | Unread:
        try:
            async with self.ports.clock.timeout(BUDGET_SECONDS):
                return await fetching
        except PlatformUnavailableError as error:
            return Unread(status=error.status, failure=error.failure)
        except TimeoutError:
            return Unread(status=None, failure="timeout")

    async def _platform(self, deployment: Deployment) -> Finding:
        """Ask for a message that cannot exist: whether the question is answered is what counts."""
        credentials = deployment.platform
        if credentials is None:
            return found("platform_missing", "No credentials for the Platform API are set.")
        asking = self.ports.platform.conversation_of(
            deployment, credentials, afresh=True, body_id=self.ports.ids.uuid().replace("-", "")
        )
        try:
            async with self.ports.clock.timeout(BUDGET_SECONDS):
                await asking
        except PlatformUnavailableError as error:
            return check_platform(Unread(status=error.status, failure=error.failure))
        except TimeoutError:
            return check_platform(Unread(status=None, failure="timeout"))
        return check_platform(None)

    async def _try(self, deployment: Deployment, trial: Trial | None) -> None:
        if trial is None:
            return
        try:
            async with self.ports.clock.timeout(BUDGET_SECONDS):
                until = self.ports.clock.now() + TURN_SECONDS
                await self.try_session(deployment, trial, until=until)
        except UnavailableError:
            detail = "The broker's table does not say now whether a connection may be opened."
            trial.findings.append(found("session_not_tried", detail))
        except TimeoutError:
            trial.findings.append(found("session_unanswered", "It took too long."))


def check_view(deployment: Deployment, findings: Sequence[Finding], *, at: float) -> dict[str, Any]:
    """The answer of the REST API."""
    severity = worst(findings)
    return {
        "deployment": deployment.name,
        "deploymentId": deployment.deployment_id,
        "organizationId": deployment.organization_id,
        "checkedAt": rfc3339(at),
        "worst": severity.value,
        "healthy": severity is not Severity.ERROR,
        "notWorking": [feature.value for feature in not_working(findings)],
        "findings": [_finding_view(each) for each in findings],
    }


def _finding_view(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "severity": finding.severity.value,
        "title": finding.title,
        "detail": finding.detail,
        "feature": finding.feature.value,
        "fix": finding.fix,
    }


def _trial_view(trial: Trial) -> dict[str, Any]:
    return {"opened": trial.opened, "closed": trial.closed, "connections": trial.connections}
