"""Findings that contradict each other: what a session showed counts."""

import pytest

from service.domain.finding import Severity, not_working, worst
from service.guest.check_agreed import agreed
from service.guest.check_words import found


@pytest.mark.parametrize(
    "code",
    [
        "configuration_not_found",
        "configuration_host_unknown",
        "deployment_inactive",
        "endpoint_differs",
        "origin_missing",
        "origin_not_allowed",
        "origins_none",
    ],
)
def test_a_session_that_opened_disproves_what_the_files_say_against_it(code: str) -> None:
    said, opened = agreed([found(code, "Seen."), found("session_opened", "")])

    assert (said.code, said.severity, said.broken) == (code, Severity.INFO, False)
    assert said.title.endswith(", say the public files")
    assert said.detail == "Seen. The test session showed that it works, and that counts."
    assert worst([said, opened]) is Severity.INFO


def test_media_that_a_session_allows_are_not_off() -> None:
    off, media = found("attachments_off", ""), found("media_allowed", "")

    assert not not_working(agreed([off, media]))
    assert agreed([off, found("media_none", "")]) == [off, found("media_none", "")]


def test_what_no_session_disproved_stays_as_it_is() -> None:
    findings = [
        found("origin_not_allowed", ""),
        found("session_denied", ""),
        found("clear_off", ""),
    ]

    assert agreed(findings) == findings
    messaging = [found("messaging_off", ""), found("session_opened", "")]
    assert agreed(messaging) == messaging
