"""Work that goes on to its end though nobody waits for it any more."""

import asyncio

import pytest

from service.usecases.to_the_end import to_the_end
from tests.support.virtual_time import run_virtual


def test_what_the_work_brings_or_raises_is_passed_on() -> None:
    async def story() -> None:
        assert await to_the_end(_after(1.0, [], "done")) == "done"
        with pytest.raises(ValueError, match="odd"):
            await to_the_end(_failing(0.0))

    run_virtual(story())


def test_who_is_cancelled_ends_when_the_work_has() -> None:
    async def story() -> None:
        done: list[str] = []
        task = asyncio.create_task(to_the_end(_after(5.0, done, "done")))
        await asyncio.sleep(1.0)
        task.cancel()
        await asyncio.sleep(1.0)
        assert not task.done()
        assert (await asyncio.wait({task}))[0] == {task}
        assert (task.cancelled(), done) == (True, ["done"])

    run_virtual(story())


def test_work_that_fails_after_its_waiter_was_cancelled_is_nobodys_trouble() -> None:
    async def story() -> None:
        task = asyncio.create_task(to_the_end(_failing(5.0)))
        await asyncio.sleep(1.0)
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled()

    run_virtual(story())


def test_a_second_time_the_work_ends_too() -> None:
    async def story() -> None:
        done: list[str] = []
        task = asyncio.create_task(to_the_end(_after(5.0, done, "done")))
        for _ in range(2):
            await asyncio.sleep(1.0)
            task.cancel()
        await asyncio.wait({task})
        await asyncio.sleep(10.0)
        assert (task.cancelled(), done) == (True, [])

    run_virtual(story())


async def _after(seconds: float, done: list[str], what: str) -> str:
    await asyncio.sleep(seconds)
    done.append(what)
    return what


async def _failing(seconds: float) -> None:
    await asyncio.sleep(seconds)
    raise ValueError("odd")
