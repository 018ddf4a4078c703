"""Runs the suites in order and closes with one line over everything.

Each suite is a pytest process of its own, so that one that hangs or dies takes no other with it.
It knows nothing of what the tests are about. Used by `make test`.
"""

import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests import coverage_gate

ROOT: Final = Path(__file__).parent.parent
REPORTS: Final = ROOT / ".reports"
NO_TESTS_COLLECTED: Final = 5  # pytest's exit status
HUNG: Final = 10  # a suite is killed after this many times its budget
HUNG_LEAST: Final = 600  # seconds; the machine may be busy with other things


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """A folder under tests, or a part of one; `budget` in seconds, `workers` 0 for one process."""

    name: str
    budget: int
    workers: int = 0
    covered: bool = False
    under: str = ""
    """The folder, where it is not named as the suite."""
    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """Where its tests are."""
        return ROOT / "tests" / (self.under or self.name)

    @property
    def places(self) -> list[str]:
        """What pytest is told to collect."""
        wanted = [self.folder / part for part in self.only] or [self.folder]
        return [*map(str, wanted), *(f"--ignore={self.folder / part}" for part in self.without)]


# Tests of the core and the wires are pure. Those of the shell run whole brokers on virtual time:
# still without a socket, but a budget of their own keeps the quick suite quick.
_SHELL: Final = ("adapters", "api", "usecases")


SUITES: Final = (
    Suite(name="unit", budget=10, workers=2, covered=True, without=_SHELL),
    Suite(name="shell", budget=30, workers=2, covered=True, under="unit", only=_SHELL),
    Suite(name="contract", budget=60, workers=2, covered=True),
    Suite(name="integration", budget=240, workers=4, covered=True),
    Suite(name="chaos", budget=120, workers=2),
    Suite(name="simulation", budget=90, workers=2),
    Suite(name="browser", budget=60),
    Suite(name="infra", budget=20),
    Suite(name="architecture", budget=60),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many tests went which way; an error in a fixture counts as failed."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            passed=self.passed + other.passed,
            failed=self.failed + other.failed,
            skipped=self.skipped + other.skipped,
        )

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def main(names: Sequence[str]) -> int:
    """Run the suites named, or all and then the coverage gate; 0 when everything is green."""
    unknown = set(names) - {suite.name for suite in SUITES}
    if unknown:
        print(f"no such suite: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    _forget_old_reports()
    total = Tally()
    for suite in SUITES:
        if (not names or suite.name in names) and any(suite.folder.rglob("test_*.py")):
            total += _run(suite)
    if not names and not coverage_gate.passes(REPORTS):
        total += Tally(failed=1)  # a gate is one more thing that must hold
    (REPORTS / "closing-line").write_text(f"{total}\n", encoding="utf-8")
    print(total, flush=True)
    return 1 if total.failed else 0


def _forget_old_reports() -> None:
    REPORTS.mkdir(exist_ok=True)
    for report in REPORTS.iterdir():
        report.unlink()


def _run(suite: Suite) -> Tally:
    report = REPORTS / f"{suite.name}.xml"
    started = time.monotonic()
    try:
        status = subprocess.run(
            _command(suite, report),
            cwd=ROOT,
            env=os.environ | {"COVERAGE_FILE": str(REPORTS / f".coverage.{suite.name}")},
            stdin=subprocess.DEVNULL,
            timeout=max(HUNG_LEAST, suite.budget * HUNG),
            check=False,
        ).returncode
    except subprocess.TimeoutExpired:
        print(f"suite {suite.name}: killed, it did not end", flush=True)
        status = 1
    seconds = time.monotonic() - started
    print(f"suite {suite.name}: {seconds:.0f} s (budget {suite.budget} s)", flush=True)
    return tally(report, status)


def _command(suite: Suite, report: Path) -> list[str]:
    command = [sys.executable, "-m", "pytest", "--quiet", f"--junit-xml={report}"]
    if suite.workers:
        command += ["--numprocesses", str(suite.workers)]
    if suite.covered:
        command += ["--cov", "--cov-report="]
    return [*command, *suite.places]


def tally(report: Path, status: int) -> Tally:
    """Count what a JUnit report says; a bad exit status without a failure counts as one."""
    if status == NO_TESTS_COLLECTED:
        return Tally()
    counted = Tally()
    if report.exists():
        for suite in ET.parse(report).getroot().iter("testsuite"):
            count = {key: int(suite.get(key, "0")) for key in _COUNTERS}
            failed = count["failures"] + count["errors"]
            passed = max(0, count["tests"] - failed - count["skipped"])
            counted += Tally(passed=passed, failed=failed, skipped=count["skipped"])
    if status and not counted.failed:
        counted += Tally(failed=1)
    return counted


_COUNTERS: Final = ("tests", "failures", "errors", "skipped")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
