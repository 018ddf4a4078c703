"""Runs the suites in order and closes with one line over everything.

Each suite is a pytest process of its own, so that one that hangs or dies takes no other with it.
It knows nothing of what the tests are about. Used by `make test`.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
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
    """A folder under tests, or a part of one; `budget` in seconds.

    `workers` of pytest-xdist balance what waits; `sharers` are cheap for many short tests.
    """

    name: str
    budget: int
    workers: int = 0
    sharers: int = 1
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

# The whole API over a table in memory, in one process and on a clock that jumps.
_IN_PROCESS: Final = ("api",)

SUITES: Final = (
    Suite(name="unit", budget=10, sharers=2, covered=True, without=_SHELL),
    Suite(name="shell", budget=30, sharers=2, covered=True, under="unit", only=_SHELL),
    Suite(name="contract", budget=60, sharers=3, covered=True),
    # Whole environments of functions, which load all that AWS's clients know: twice as long where
    # it is traced, and the gate holds without them.
    Suite(name="functions", budget=100, workers=3),
    # Of the stories over sockets the coverage gate needs those of the API only.
    Suite(name="api", budget=40, sharers=2, covered=True, under="integration", only=_IN_PROCESS),
    Suite(name="integration", budget=200, workers=6, without=_IN_PROCESS),
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
    started = time.monotonic()
    deadline = started + max(HUNG_LEAST, suite.budget * HUNG)
    total = Tally()
    with tempfile.TemporaryDirectory() as taken:
        sharers = [_Sharer(suite, number, Path(taken)) for number in range(suite.sharers)]
        for sharer in sharers:
            total += sharer.ended(deadline)
    seconds = time.monotonic() - started
    print(f"suite {suite.name}: {seconds:.0f} s (budget {suite.budget} s)", flush=True)
    return total


class _Sharer:
    """One process of a suite. Where there are several, what it says is shown when it has ended."""

    def __init__(self, suite: Suite, number: int, taken: Path) -> None:
        self._suite = suite
        name = suite.name if suite.sharers == 1 else f"{suite.name}-{number}"
        self._report = REPORTS / f"{name}.xml"
        self._said = REPORTS / f"{name}.txt" if suite.sharers > 1 else None
        with self._said.open("w") if self._said else contextlib.nullcontext() as said:
            self._process = subprocess.Popen(
                command(suite, self._report, number, taken),
                cwd=ROOT,
                env=os.environ | {"COVERAGE_FILE": str(REPORTS / f".coverage.{name}")},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said and subprocess.STDOUT,
            )

    def ended(self, deadline: float) -> Tally:
        """Wait for it, and count."""
        try:
            status = self._process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            print(f"suite {self._suite.name}: killed, it did not end", flush=True)
            status = 1
        if self._said:
            print(self._said.read_text(encoding="utf-8", errors="replace"), end="", flush=True)
        return tally(self._report, status)


def command(suite: Suite, report: Path, number: int, taken: Path) -> list[str]:
    """What pytest is called with; `number` of the sharers, who note in a folder what is taken."""
    made = [sys.executable, "-m", "pytest", "--quiet", f"--junit-xml={report}"]
    if suite.workers:
        # One at a time: what would wait behind a long story goes to who is free.
        made += ["--numprocesses", str(suite.workers), "--maxschedchunk=1"]
    if suite.sharers > 1:
        made += ["-p", "tests.shared_run", "--share", str(taken)]
        made += ["--sharer", f"{number}/{suite.sharers}", f"--randomly-seed={os.getpid()}"]
    if suite.covered:
        made += ["--cov", "--cov-report=", "-p", "tests.traced_calls"]
    return [*made, *suite.places]


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
