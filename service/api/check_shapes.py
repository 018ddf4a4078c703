"""What is told of a deployment from outside, as models for the OpenAPI document."""

from datetime import datetime
from typing import Any

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
    """The test session. No message is sent, no conversation begins, and nothing of it is stored."""

    opened: bool
    closed: bool = Field(description="Whether Genesys confirmed that it is closed.")
    connections: int = Field(description="What it took of the deployment's budget.")


class DriftOut(Outbound):
    """One kind of thing in a deployment's frames that the broker does not know."""

    kind: str = Field(
        description="class, code, content, event, field, type, value, malformed, other; or more."
    )
    name: str | None = Field(description="Its name on the wire; a star where it may be somebody's.")
    count: int = Field(description="Frames, at the least: what a process crashed with is lost.")
    first_seen_at: datetime
    last_seen_at: datetime
    sample: dict[str, Any] | None = Field(
        description="One frame without what anybody said, and without ids and secrets."
    )


class DriftPageOut(Outbound):
    """A page of it, what is new first."""

    items: list[DriftOut]
    next_cursor: str | None


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
