"""What the doctor of a deployment answers, as models for the OpenAPI document."""

from datetime import datetime

from pydantic import Field

from service.api.shapes import Outbound
from service.domain.finding import Feature, Severity


class FindingOut(Outbound):
    """One thing that was looked at."""

    code: str = Field(description="Stable; more codes may come.")
    severity: Severity
    title: str
    detail: str = Field(description="What was seen, for people.")
    feature: Feature
    fix: str | None = Field(description="How to mend it.")


class TestSessionOut(Outbound):
    """The test session. It sends nothing, so that no conversation begins, and is never stored."""

    opened: bool
    closed: bool = Field(description="Whether Genesys confirmed that it is closed.")
    connections: int = Field(description="What it took of the deployment's budget.")


class CheckOut(Outbound):
    """What works with a deployment, what does not, and how to mend it."""

    deployment: str
    deployment_id: str
    organization_id: str | None
    checked_at: datetime
    worst: Severity
    healthy: bool = Field(description="Whether no finding is an error: for pipelines.")
    not_working: list[Feature] = Field(description="Features of the broker that will not work.")
    findings: list[FindingOut]
    session: TestSessionOut | None = Field(description="Only with `session=true`.")
