"""What the doctor does for a deployment: asks Genesys about it, and says what works.

Whatever cannot be read is a finding, not an error: the doctor is asked when things are wrong. It
needs no store: how the deployment came to be known is its caller's matter.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from service.domain.deployment import Deployment
from service.domain.errors import PlatformUnavailableError, UnavailableError
from service.domain.finding import Finding, Severity, not_working, worst
from service.domain.instants import rfc3339
from service.domain.region import Regions, rule
from service.guest.check_agreed import agreed
from service.guest.check_session import check_platform
from service.guest.check_settings import Unread, check_configuration, check_domains
from service.guest.check_words import found
from service.ports import Clock, GuestRest, Ids, Platform
from service.usecases.try_session import Trial, TrySession

BUDGET_SECONDS: Final = 20.0
"""For everything; a caller waits 25 s at most."""
TURN_SECONDS: Final = 8.0
"""How much of it a test session may wait for its turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Examine:
    """One examination."""

    clock: Clock
    ids: Ids
    guest_rest: GuestRest
    platform: Platform
    try_session: TrySession
    regions: Regions

    async def __call__(self, deployment: Deployment, *, session: bool) -> dict[str, Any]:
        """What was found, as the REST API shows it. `session`: open a test session too.

        Nobody is asked where the domain is not allowed.
        """
        trial = Trial(findings=[])
        if deployment.domain is None or self.regions.allow(deployment.domain):
            findings = await self._found(deployment, trial, session=session)
        else:
            findings = [
                found("domain_not_allowed", f"The domain {rule()}; {deployment.domain} is neither.")
            ]
        view = check_view(deployment, findings, at=self.clock.now())
        return {**view, "session": _trial_view(trial) if session else None}

    async def _found(
        self, deployment: Deployment, trial: Trial, *, session: bool
    ) -> Sequence[Finding]:
        configuration, domains, platform, _ = await asyncio.gather(
            self._read(self.guest_rest.configuration(deployment)),
            self._read(self.guest_rest.domains(deployment)),
            self._platform(deployment),
            self._try(deployment, trial if session else None),
        )
        return agreed(
            [
                *check_configuration(deployment, configuration),
                check_domains(deployment, domains),
                platform,
                *trial.findings,
            ]
        )

    async def _read(self, fetching: Awaitable[str]) -> str | Unread:
        try:
            async with self.clock.timeout(BUDGET_SECONDS):
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
        asking = self.platform.conversation_of(
            deployment, credentials, afresh=True, body_id=self.ids.uuid().replace("-", "")
        )
        try:
            async with self.clock.timeout(BUDGET_SECONDS):
                await asking
        except PlatformUnavailableError as error:
            unread = Unread(status=error.status, failure=error.failure, what=error.what)
            return check_platform(unread)
        except TimeoutError:
            return check_platform(Unread(status=None, failure="timeout"))
        return check_platform(None)

    async def _try(self, deployment: Deployment, trial: Trial | None) -> None:
        if trial is None:
            return
        try:
            async with self.clock.timeout(BUDGET_SECONDS):
                until = self.clock.now() + TURN_SECONDS
                await self.try_session(deployment, trial, until=until)
        except UnavailableError:
            detail = "The broker's table does not say now whether a connection may be opened."
            trial.findings.append(found("session_not_tried", detail))
        except TimeoutError:
            trial.cut_short()


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
