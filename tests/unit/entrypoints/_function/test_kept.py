"""What stays from one invocation to the next, and what must not."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Coroutine
from types import SimpleNamespace
from typing import Any, cast

import pytest

from service.bootstrap import Opened
from service.domain.errors import UnavailableError
from service.entrypoints._function.kept import CANCEL_ROUNDS, NEEDED, Kept, Site

PATIENCE = 0.1
SOON = 30.0
"""Far less than what is left at work would take."""


class Opening:
    """Opens sites, failing as often as told; counts."""

    def __init__(self, *, failures: int = 0) -> None:
        self.failures = failures
        self.opened = 0
        self.closed = 0

    async def __call__(self) -> Site:
        if self.failures:
            self.failures -= 1
            raise UnavailableError(what="the table")
        self.opened += 1
        opened = cast("Opened", SimpleNamespace(close=self._close))
        return cast("Site", SimpleNamespace(opened=opened))

    async def _close(self) -> None:
        self.closed += 1


def _away(error: UnavailableError) -> int:
    raise error


async def _number(_: Site) -> int:
    return 7


def test_a_site_is_opened_once_and_closed_in_the_end() -> None:
    opening = Opening()
    with contextlib.closing(Kept(opening)) as kept:
        answers = [kept.run(_number) for _ in range(3)]

    assert answers == [7, 7, 7]
    assert (opening.opened, opening.closed) == (1, 1)


def test_what_was_opened_early_is_there_for_the_first_invocation() -> None:
    opening = Opening()
    with contextlib.closing(Kept(opening)) as kept:
        kept.open_early()
        before = opening.opened
        answer = kept.run(_number)

    assert (before, answer, opening.opened) == (1, 7, 1)


@pytest.mark.parametrize("error", [UnavailableError(what="the table"), TimeoutError()])
def test_what_cannot_be_opened_early_is_told_by_the_first_invocation(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async def fails() -> Site:
        raise error

    with contextlib.closing(Kept(fails)) as kept:
        kept.open_early()
        with pytest.raises(type(error)):
            kept.run(_number)

    [told] = [record for record in caplog.records if record.msg == "function.not_open_yet"]
    assert vars(told)["error"] == type(error).__name__


def test_what_could_not_be_opened_is_opened_by_the_next() -> None:
    opening = Opening(failures=1)
    with contextlib.closing(Kept(opening)) as kept:
        with pytest.raises(UnavailableError):
            kept.run(_number)
        answer = kept.run(_number)

    assert (answer, opening.opened, opening.closed) == (7, 1, 1)


def test_who_runs_the_loop_by_himself_finds_it_and_leaves_nothing_at_work() -> None:
    """As Mangum: it asks for the thread's loop, which others may have taken away."""
    opening = Opening()
    left: list[asyncio.Task[None]] = []
    loops: list[asyncio.AbstractEventLoop] = []

    def serve(_: Site) -> int:
        loop = asyncio.get_event_loop()
        loops.append(loop)
        left.append(loop.create_task(asyncio.sleep(60)))
        return loop.run_until_complete(asyncio.sleep(0, result=7))

    with contextlib.closing(Kept(opening)) as kept:
        answers = [kept.call(serve, away=_away)]
        asyncio.run(asyncio.sleep(0))
        answers += [kept.call(serve, away=_away), kept.run(_number)]
        ended = [task.cancelled() for task in left]

    assert answers == [7, 7, 7]
    assert loops[0] is loops[1]
    assert ended == [True, True]
    assert (opening.opened, opening.closed) == (1, 1)


def test_what_fails_in_a_loop_of_its_own_leaves_nothing_at_work_either() -> None:
    left: list[asyncio.Task[None]] = []

    def fails(_: Site) -> None:
        left.append(asyncio.get_event_loop().create_task(asyncio.sleep(60)))
        raise KeyError

    with contextlib.closing(Kept(Opening(failures=1))) as kept:
        with pytest.raises(UnavailableError):
            kept.call(fails, away=_away)
        with pytest.raises(KeyError):
            kept.call(fails, away=_away)
        assert left[0].cancelled()


def test_whoever_waits_is_told_soon_that_opening_hangs_and_only_once_for_both() -> None:
    begun: list[int] = []

    async def hangs() -> Site:
        begun.append(1)
        await asyncio.sleep(60)
        raise AssertionError

    def serve(_: Site) -> str:
        raise AssertionError

    with contextlib.closing(Kept(hangs, early_seconds=PATIENCE, open_seconds=PATIENCE)) as kept:
        kept.open_early()
        answers = [kept.call(serve, away=str)]
        assert len(begun) == 1
        answers.append(kept.call(serve, away=str))

    assert answers == [f"{NEEDED} is not answering"] * 2
    assert len(begun) == 2


def test_what_was_never_opened_is_not_closed() -> None:
    opening = Opening()
    Kept(opening).close()

    assert opening.closed == 0


def _left_by_an_invocation(task: Coroutine[Any, Any, None]) -> tuple[bool, float]:
    """Whether a task that an invocation leaves has ended when it is over, and how long that took.

    The invocation fails, which changes nothing.
    """
    with contextlib.closing(Kept(Opening(), cancel_seconds=PATIENCE)) as kept:
        left: list[asyncio.Task[None]] = []

        async def leaves(_: Site) -> None:
            left.append(asyncio.get_running_loop().create_task(task))
            await asyncio.sleep(0)
            raise KeyError

        begun = time.monotonic()
        with pytest.raises(KeyError):
            kept.run(leaves)
        return left[0].done(), time.monotonic() - begun


def test_what_is_left_at_work_is_ended() -> None:
    ended, took = _left_by_an_invocation(asyncio.sleep(60))

    assert ended
    assert took < SOON


def test_what_then_waits_once_more_is_ended_too() -> None:
    async def clings() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(60)

    ended, took = _left_by_an_invocation(clings())

    assert ended
    assert took < SOON


def test_what_will_not_end_keeps_no_invocation(caplog: pytest.LogCaptureFixture) -> None:
    async def stubborn() -> None:
        for _ in range(CANCEL_ROUNDS):
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(60)
        await asyncio.sleep(60)

    _, took = _left_by_an_invocation(stubborn())

    assert took < SOON
    [told] = [record for record in caplog.records if record.msg == "function.left_at_work"]
    assert (told.levelno, vars(told)["tasks"]) == (logging.ERROR, 1)
