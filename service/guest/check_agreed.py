"""Where the doctor's findings contradict each other, what a session showed counts. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from service.domain.finding import Finding, Severity

_DISPROVED_BY: Final[Mapping[str, frozenset[str]]] = {
    "session_opened": frozenset(
        {
            "configuration_not_found",
            "configuration_host_unknown",
            "deployment_inactive",
            "endpoint_differs",
            "origin_missing",
            "origin_not_allowed",
            "origins_none",
        }
    ),
    "media_allowed": frozenset({"attachments_off"}),
}
"""What the public files say, by what shows that it is not so: they are served through a cache."""


def agreed(findings: Sequence[Finding]) -> Sequence[Finding]:
    """The same findings; what a session disproved is still told, and breaks nothing."""
    codes = {each.code for each in findings}
    disproved = {
        code for proof, others in _DISPROVED_BY.items() if proof in codes for code in others
    }
    return [_softened(each) if each.code in disproved else each for each in findings]


def _softened(finding: Finding) -> Finding:
    return replace(
        finding,
        severity=Severity.INFO,
        title=f"{finding.title}, say the public files",
        detail=f"{finding.detail} The test session showed that it works, and that counts.",
        broken=False,
    )
