"""Work that is not left in the middle, for what it brings cannot be had again."""

from asyncio import CancelledError, create_task, gather, shield
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def to_the_end(work: Coroutine[Any, Any, T]) -> T:
    """What the work brings. Who is cancelled meanwhile ends when the work has; a second time, both.

    The work must end by itself. Raises what it raises.
    """
    task = create_task(work)
    try:
        return await shield(task)
    except CancelledError:
        await gather(task, return_exceptions=True)
        raise
