"""Waiting for what comes about by itself: for as long as a machine may be busy with other things.

An upper bound on real time tells of the machine, not of the code. What must end is told from what
never does: everything else has the test's own timeout.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

from service.adapters.system import SystemClock

PATIENCE: Final = 30.0
"""Seconds: longer than a machine stands still, and well inside a test's own timeout."""
POLL_SECONDS: Final = 0.01


async def eventually(
    condition: Callable[[], bool | Awaitable[bool]],
    *,
    within: float = PATIENCE,
    every: float = POLL_SECONDS,
    what: str = "",
) -> None:
    """Return as soon as the condition holds; an AssertionError when it does not in that time.

    `every`: seconds between two looks; many who look at much keep whom they wait for from working.
    """
    try:
        async with asyncio.timeout(within):
            while True:
                held = condition()
                if held if isinstance(held, bool) else await held:
                    return
                await asyncio.sleep(every)
    except TimeoutError:
        raise AssertionError(f"not within {within:g} s: {what or condition}") from None


async def quickly(act: Callable[[], Awaitable[float]], *, below: float, tries: int = 5) -> None:
    """Let what takes less than so many seconds be seen once.

    `act` does it from the start and tells how many seconds it took: a busy machine is late, but
    not always.
    """
    took: list[float] = []
    while not took or took[-1] >= below:
        assert len(took) < tries, f"each of {tries} took {below:g} s or more: {took}"
        took.append(await act())


class UnhurriedClock(SystemClock):
    """The real one, for which no deadline of our own comes because a machine is busy."""

    def timeout(self, seconds: float | None) -> AbstractAsyncContextManager[Any]:
        return super().timeout(None if seconds is None else max(seconds, PATIENCE))
