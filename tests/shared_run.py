"""Lets several pytest processes share the tests of a suite: each runs what no other has taken.

`pytest -p tests.shared_run --share FOLDER --sharer 0/2`, each with the same empty folder. Where
tests are many and short this costs far less than pytest-xdist, whose workers send each result of
each test to another process: under coverage that took longer than the tests themselves.
"""

from pathlib import Path
from typing import Final

import pytest

TAKEN: Final = "%06d"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where is noted what is taken, and which of the processes this one is."""
    parser.addoption("--share", type=Path, metavar="FOLDER", required=True)
    parser.addoption("--sharer", metavar="I/N", default="0/1")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Run what nobody has taken; what cannot be run is left to pytest's own loop."""
    if session.testsfailed or session.config.option.collectonly:
        return None
    folder: Path = session.config.getoption("--share")
    # Each process finds the same tests, in an order of its own: the name tells which one it is.
    number = {each.nodeid: n for n, each in enumerate(sorted(session.items, key=_name))}
    assert len(number) == len(session.items), "two tests of one name"
    begin = _begin(session.config.getoption("--sharer"), len(session.items))
    ours = (
        each
        for each in session.items[begin:] + session.items[:begin]
        if _take(folder / (TAKEN % number[each.nodeid]))
    )
    item = next(ours, None)
    while item is not None:
        following = next(ours, None)
        session.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.shouldfail:
            raise session.Failed(session.shouldfail)
        if session.shouldstop:
            raise session.Interrupted(session.shouldstop)
        item = following
    return True


def _name(item: pytest.Item) -> str:
    return item.nodeid


def _begin(sharer: str, tests: int) -> int:
    """Apart from the others, so that they meet in one file as late as can be."""
    which, _, among = sharer.partition("/")
    return tests * int(which) // int(among)


def _take(mark: Path) -> bool:
    """Only one process can make a file that was not there."""
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True
