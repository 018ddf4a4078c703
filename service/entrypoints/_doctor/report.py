"""What the doctor found, in plain words and as an exit status."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from service.domain.deployment import Deployment
from service.domain.finding import Feature, Severity

_HEADINGS: Final = {
    Severity.ERROR: "Broken",
    Severity.WARNING: "To be mended",
    Severity.INFO: "Good to know",
    Severity.OK: "In order",
}
_UNTOLD: Final = frozenset(
    {
        "configuration_unreachable",
        "configuration_malformed",
        "origins_unreadable",
        "origins_malformed",
        "platform_unreachable",
        "session_throttled",
        "session_failed",
        "session_not_tried",
    }
)
"""Nothing is known to be wrong, and nothing to be right. Of the finding's feature: where the
configuration could not be read, nothing that depends on it is told at all, and only who accepts
`configuration` itself can live with that.
"""


def exit_status(view: Mapping[str, Any], accepted: frozenset[Feature]) -> int:
    """1 where a feature that is not accepted will not work or could not be told; else 0."""
    broken = {Feature(name) for name in view["notWorking"]}
    counted = {
        Feature(each["feature"])
        for each in view["findings"]
        if each["severity"] == Severity.ERROR.value or each["code"] in _UNTOLD
    }
    return 1 if (broken | counted) - accepted else 0


def report(
    deployment: Deployment,
    view: Mapping[str, Any],
    strange: Iterable[str],
    accepted: frozenset[Feature],
) -> Iterator[str]:
    """The lines to print: the worst first, each with how to mend it."""
    yield f"Deployment {deployment.deployment_id} at {deployment.domain or deployment.endpoint}"
    for severity, heading in _HEADINGS.items():
        found = [each for each in view["findings"] if each["severity"] == severity.value]
        if found:
            yield from ("", heading)
        for each in found:
            yield from _finding(each)
    yield ""
    yield from _trial(view["session"])
    kinds = list(strange)
    if kinds:
        yield f"Genesys sent what this broker does not know: {', '.join(kinds)}."
    untold = list(_untold(view, accepted))
    if untold:
        yield f"It could not be told now whether all features work: {', '.join(untold)}."
    if view["notWorking"] or not untold:
        yield _summary(view["notWorking"], accepted)


def _finding(finding: Mapping[str, Any]) -> Iterator[str]:
    yield f"  {finding['title']} [{finding['code']}]"
    yield f"    {finding['detail']}"
    if finding["fix"] is not None:
        yield f"    To mend it: {finding['fix']}"


def _untold(view: Mapping[str, Any], accepted: frozenset[Feature]) -> Iterator[str]:
    for each in view["findings"]:
        if each["code"] in _UNTOLD:
            yield each["code"] + _counted(each["feature"], accepted)


def _trial(trial: Mapping[str, Any] | None) -> Iterator[str]:
    if trial is None:
        yield "No session was tried: --session opens one."


def _summary(not_working: Iterable[str], accepted: frozenset[Feature]) -> str:
    names = [name + _counted(name, accepted) for name in not_working]
    if not names:
        return "All features of the broker will work."
    return f"Features of the broker that will not work: {', '.join(names)}."


def _counted(feature: str, accepted: frozenset[Feature]) -> str:
    return " (not counted)" if feature in accepted else ""
