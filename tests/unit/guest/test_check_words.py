"""What the doctor can find: what is bad can be mended, and what is well needs nothing."""

import pytest

from service.domain.finding import Feature, Finding, Severity
from service.guest.check_words import WORDS, found


def test_a_finding_has_the_words_of_its_code_and_what_was_seen() -> None:
    assert found("auto_start_off", "seen") == Finding(
        code="auto_start_off",
        severity=Severity.OK,
        title="The first message starts a conversation",
        detail="seen",
        feature=Feature.AUTO_START,
    )


@pytest.mark.parametrize("code", WORDS)
def test_what_is_bad_says_how_it_is_mended(code: str) -> None:
    finding = found(code, "seen")
    bad = finding.severity in {Severity.WARNING, Severity.ERROR}

    assert bool(finding.fix) or not bad
    assert bad or not finding.broken
    assert finding.fix is None or finding.severity is not Severity.OK
