"""The suite runner counts what pytest reports, and never calls a broken run green."""

import subprocess
from pathlib import Path

import pytest

from tests.run_suites import NO_TESTS_COLLECTED, ROOT, SUITES, Suite, Tally, command, tally

REPORT = (
    '<testsuites><testsuite errors="1" failures="2" skipped="3" tests="10" time="1"/></testsuites>'
)

SHARED = """
import pytest

@pytest.mark.parametrize("number", range(21))
def test_any(number):
    assert number
"""


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
        "functions",
        "api",
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


def test_the_two_parts_of_the_integration_folder_leave_nothing_out() -> None:
    api, others = (suite for suite in SUITES if suite.folder.name == "integration")

    assert set(others.without) == set(api.only)


def test_processes_that_share_a_suite_run_each_test_once(tmp_path: Path) -> None:
    """Both at once; a failure is told by whoever has it."""
    for name in ("test_one.py", "test_two.py"):
        (tmp_path / name).write_text(SHARED, encoding="utf-8")
    taken = tmp_path / "taken"
    taken.mkdir()
    suite = Suite(name="any", budget=1, sharers=2, under=str(tmp_path))
    reports = [tmp_path / f"{number}.xml" for number in range(2)]
    running = [
        subprocess.Popen(
            [*command(suite, report, number, taken), "-p", "no:cacheprovider"],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
        )
        for number, report in enumerate(reports)
    ]
    total = Tally()
    for report, process in zip(reports, running, strict=True):
        total += tally(report, process.wait())

    assert total == Tally(passed=40, failed=2)
