"""What the doctor of a deployment says: one finding per thing it looked at. Pure values."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad it is: `error` keeps sessions from working, `warning` a feature."""

    OK = "ok"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Feature(StrEnum):
    """What of the broker a finding is about."""

    CONNECTION = "connection"
    CONFIGURATION = "configuration"
    ENDING = "ending"
    CLEAR = "clear"
    AUTO_START = "autoStart"
    TYPING = "typing"
    ATTACHMENTS = "attachments"
    SESSION_LIFETIME = "sessionLifetime"
    CONVERSATION_IDS = "conversationIds"
    LOCALE = "locale"
    AUTHENTICATION = "authentication"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at. `code` is stable; the words may change."""

    code: str
    severity: Severity
    title: str
    detail: str
    feature: Feature
    fix: str | None = None
    broken: bool = False
    """Whether the feature does not work because of it."""


def worst(findings: Sequence[Finding]) -> Severity:
    """The worst severity among them; ok where there is none."""
    order = list(Severity)
    return max((each.severity for each in findings), key=order.index, default=Severity.OK)


def not_working(findings: Sequence[Finding]) -> Sequence[Feature]:
    """The features that will not work, each once, in the order of `Feature`."""
    broken = {each.feature for each in findings if each.broken}
    return [feature for feature in Feature if feature in broken]
