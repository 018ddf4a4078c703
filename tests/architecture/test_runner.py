"""The suite runner counts what pytest reports, and never calls a broken run green."""

from pathlib import Path

import pytest

from tests.run_suites import NO_TESTS_COLLECTED, SUITES, Tally, tally

REPORT = (
    '<testsuites><testsuite errors="1" failures="2" skipped="3" tests="10" time="1"/></testsuites>'
)


@pytest.fixture(name="report")
def _report(tmp_path: Path) -> Path:
    report = tmp_path / "report.xml"
    report.write_text(REPORT)
    return report


def test_errors_count_as_failed(report: Path) -> None:
    assert tally(report, 1) == Tally(passed=4, failed=3, skipped=3)


def test_a_suite_that_died_counts_as_failed(tmp_path: Path) -> None:
    assert tally(tmp_path / "never-written.xml", -9) == Tally(failed=1)


def test_a_bad_status_without_a_failure_counts_as_failed(report: Path) -> None:
    report.write_text(REPORT.replace('"1"', '"0"').replace('"2"', '"0"'))

    assert tally(report, 3) == Tally(passed=7, failed=1, skipped=3)


def test_an_empty_suite_counts_nothing(tmp_path: Path) -> None:
    assert tally(tmp_path / "never-written.xml", NO_TESTS_COLLECTED) == Tally()


def test_the_closing_line_names_all_three_counts() -> None:
    assert str(Tally(passed=4, skipped=1)) == "4 passed, 0 failed, 1 skipped"


def test_suites_run_in_the_order_of_what_they_cost_to_understand() -> None:
    names = [suite.name for suite in SUITES]

    assert names == [
        "unit",
        "shell",
        "contract",
        "integration",
        "chaos",
        "simulation",
        "browser",
        "infra",
        "architecture",
    ]


def test_the_two_parts_of_the_unit_folder_leave_nothing_out() -> None:
    unit, shell = (suite for suite in SUITES if suite.folder.name == "unit")

    assert set(unit.without) == set(shell.only)
