"""Waiting for what comes about by itself: for as long as a machine may be busy with other things.

An upper bound on real time tells of the machine, not of the code. What must end is told from what
never does: everything else has the test's own timeout.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

PATIENCE: Final = 30.0
"""Seconds: longer than a machine stands still, and well inside a test's own timeout."""
POLL_SECONDS: Final = 0.01


async def eventually(
    condition: Callable[[], bool | Awaitable[bool]],
    *,
    within: float = PATIENCE,
    every: float = POLL_SECONDS,
) -> None:
    """Return as soon as the condition holds; an AssertionError when it does not in that time."""
    try:
        async with asyncio.timeout(within):
            while True:
                held = condition()
                if held if isinstance(held, bool) else await held:
                    return
                await asyncio.sleep(every)
    except TimeoutError:
        raise AssertionError(f"not within {within:g} s: {condition}") from None
