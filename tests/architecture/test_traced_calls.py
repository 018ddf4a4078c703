"""Coverage sees what tests run, and does not slow down what runs them."""

import inspect
import os
import subprocess
import sys
from pathlib import Path

from coverage import CoverageData

from service.domain.errors import (
    LockHeldError,
    PlaceTakenError,
    SupersededError,
    VersionConflictError,
)
from tests.run_suites import ROOT

TESTS = """
import pytest
from hypothesis import given, strategies

from service.domain.errors import (
    LockHeldError, PlaceTakenError, SupersededError, VersionConflictError
)
from tests.support.virtual_time import TRACED_TURNS, VirtualClock, run_virtual

{at_import}


@pytest.fixture(name="conflict")
def _conflict():
    return {in_fixture}


def test_first(conflict):
    async def story():
        clock = VirtualClock()
        {early}
        for _ in range(TRACED_TURNS):
            await clock.sleep(1)
        {late}

    run_virtual(story())


def test_second():
    {next_test}


@given(strategies.integers())
def test_third(number):
    {in_example}
"""

PLACE = ("PlaceTakenError(sequence=1)", PlaceTakenError)
CONFLICT = ('VersionConflictError(item="it")', VersionConflictError)
SUPERSEDED = ('SupersededError(session_id="ses_1")', SupersededError)
LOCK = ("LockHeldError(until=1.0)", LockHeldError)


def seen(folder: Path, **places: str) -> set[type]:
    """Which of the errors coverage saw being made, and whether it saw the import at all."""
    names = ("at_import", "in_fixture", "early", "late", "next_test", "in_example")
    nothing = dict.fromkeys(names, "None")
    (folder / "test_it.py").write_text(TESTS.format(**nothing | places), encoding="utf-8")
    data = folder / "coverage"
    plugins = ["-p", "tests.traced_calls", "-p", "no:cacheprovider", "-p", "no:randomly"]
    plugins += ["-c", str(ROOT / "pyproject.toml"), "--rootdir", str(folder)]
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--cov", "--cov-report=", *plugins, str(folder)],
        cwd=ROOT,
        env=os.environ | {"COVERAGE_FILE": str(data)},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    measured = CoverageData(str(data))
    measured.read()
    lines = measured.lines(inspect.getsourcefile(PlaceTakenError) or "") or []
    made: set[type] = set()
    for _, error in (PLACE, CONFLICT, SUPERSEDED, LOCK):
        source, first = inspect.getsourcelines(error.__init__)
        assert first in lines, "the import was not seen"
        if first + len(source) - 1 in lines:
            made.add(error)
    return made


def test_tests_fixtures_and_imports_are_seen_and_collecting_is_not(tmp_path: Path) -> None:
    places = {"at_import": LOCK[0], "in_fixture": CONFLICT[0], "next_test": PLACE[0]}
    assert seen(tmp_path, **places) == {CONFLICT[1], PLACE[1]}


def test_of_a_long_story_the_beginning_is_seen_and_of_the_next_test_all(tmp_path: Path) -> None:
    places = {"early": PLACE[0], "late": CONFLICT[0], "next_test": SUPERSEDED[0]}
    assert seen(tmp_path, **places) == {PLACE[1], SUPERSEDED[1]}


def test_examples_of_property_tests_are_seen(tmp_path: Path) -> None:
    assert seen(tmp_path, in_example=LOCK[0]) == {LOCK[1]}
