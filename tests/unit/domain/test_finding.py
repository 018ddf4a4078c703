"""Findings of the doctor, taken together."""

from service.domain.finding import Feature, Finding, Severity, not_working, worst


def _finding(severity: Severity, feature: Feature, *, broken: bool = False) -> Finding:
    return Finding(
        code="x", severity=severity, title="t", detail="d", feature=feature, broken=broken
    )


def test_the_worst_counts() -> None:
    ok = _finding(Severity.OK, Feature.CLEAR)
    info = _finding(Severity.INFO, Feature.CLEAR)
    warning = _finding(Severity.WARNING, Feature.CLEAR)
    error = _finding(Severity.ERROR, Feature.CLEAR)

    assert worst([]) is Severity.OK
    assert worst([ok, info]) is Severity.INFO
    assert worst([warning, info]) is Severity.WARNING
    assert worst([info, error, warning]) is Severity.ERROR


def test_a_feature_that_is_broken_twice_is_named_once_and_in_order() -> None:
    findings = [
        _finding(Severity.WARNING, Feature.CONVERSATION_IDS, broken=True),
        _finding(Severity.WARNING, Feature.CLEAR, broken=True),
        _finding(Severity.ERROR, Feature.CLEAR, broken=True),
        _finding(Severity.WARNING, Feature.ENDING),
    ]

    assert not_working(findings) == [Feature.CLEAR, Feature.CONVERSATION_IDS]
