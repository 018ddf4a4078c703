"""The virtual loop keeps what asyncio promises, takes no real time, and never hangs."""

import asyncio
import time
from contextlib import suppress
from functools import partial

import pytest

from tests.support.virtual_time import (
    EPOCH,
    DeadlockError,
    FakeIds,
    StoryTooLongError,
    UnhandledError,
    VirtualClock,
    run_virtual,
)


def test_a_year_passes_in_no_time() -> None:
    started = time.monotonic()

    async def story() -> float:
        clock = VirtualClock()
        await clock.sleep(365 * 24 * 3600.0)
        return clock.now()

    assert run_virtual(story()) == EPOCH + 365 * 24 * 3600.0
    assert time.monotonic() - started < 60


def test_sleepers_wake_in_the_order_of_their_times() -> None:
    woken: list[float] = []

    async def sleeper(seconds: float) -> None:
        await VirtualClock().sleep(seconds)
        woken.append(seconds)

    async def story() -> None:
        await asyncio.gather(*(sleeper(seconds) for seconds in (0.3, 0.1, 0.2, 0.0)))

    run_virtual(story())

    assert woken == [0.0, 0.1, 0.2, 0.3]


def test_a_timeout_ends_a_wait_exactly_then() -> None:
    async def story() -> float:
        clock = VirtualClock()
        with pytest.raises(TimeoutError):
            async with clock.timeout(7.5):
                await asyncio.Event().wait()
        return clock.monotonic()

    assert run_virtual(story()) == 7.5


@pytest.mark.parametrize("by", ["sleep", "timeout"])
def test_waiting_for_less_than_the_resolution_is_no_wait_for_nothing(by: str) -> None:
    async def wait(clock: VirtualClock) -> None:
        if by == "sleep":
            await clock.sleep(4e-7)
        with suppress(TimeoutError):
            async with clock.timeout(4e-7):
                await asyncio.Event().wait()

    async def story() -> tuple[bool, float]:
        clock = VirtualClock()
        waiting = asyncio.create_task(wait(clock))
        for _ in range(20):
            # While anybody can move, time stands still.
            await clock.sleep(0)
        early = waiting.done()
        await waiting
        return early, clock.monotonic()

    early, passed = run_virtual(story())
    assert not early
    assert passed >= 4e-7


def test_queues_hand_over_between_tasks() -> None:
    async def story() -> tuple[list[int], float]:
        clock, queue = VirtualClock(), asyncio.Queue[int](maxsize=1)

        async def produce() -> None:
            for number in range(3):
                await clock.sleep(1)
                await queue.put(number)

        async with asyncio.TaskGroup() as group:
            group.create_task(produce())
            taken = [await queue.get() for _ in range(3)]
        return taken, clock.monotonic()

    assert run_virtual(story()) == ([0, 1, 2], 3.0)


def test_a_deadlock_is_told_at_once_with_who_waits() -> None:
    async def story() -> None:
        forever = asyncio.create_task(asyncio.Event().wait(), name="the one who waits")
        await forever

    with pytest.raises(DeadlockError, match=r"the one who waits: Event\.wait"):
        run_virtual(story())


def test_a_story_without_end_is_stopped() -> None:
    async def story() -> None:
        while True:
            await VirtualClock().sleep(60)

    with pytest.raises(StoryTooLongError):
        run_virtual(story(), longest=3600)


def test_a_failure_nobody_looked_at_fails_the_story() -> None:
    async def fail() -> None:
        raise ValueError("unseen")

    async def story() -> None:
        failing = asyncio.create_task(fail())
        await asyncio.sleep(1)
        del failing

    with pytest.raises(UnhandledError, match="unseen"):
        run_virtual(story())


def test_a_failure_of_the_story_is_its_own() -> None:
    async def story() -> None:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        run_virtual(story())


def test_work_for_threads_is_done_on_the_spot() -> None:
    async def story() -> tuple[int, float]:
        return await asyncio.to_thread(partial(int, "7")), VirtualClock().monotonic()

    assert run_virtual(story()) == (7, 0.0)


def test_a_failure_in_such_work_reaches_who_waits() -> None:
    async def story() -> None:
        await asyncio.to_thread(partial(int, "seven"))

    with pytest.raises(ValueError, match="seven"):
        run_virtual(story())


def test_tasks_left_behind_are_cancelled() -> None:
    ended: list[str] = []

    async def linger() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    async def story() -> asyncio.Task[None]:
        task = asyncio.create_task(linger())
        await asyncio.sleep(0)
        return task

    run_virtual(story())

    assert ended == ["cancelled"]


def test_a_skewed_clock_differs_by_its_skew_only() -> None:
    async def story() -> tuple[float, float]:
        true, skewed = VirtualClock(), VirtualClock(skew=3.0)
        return skewed.now() - true.now(), skewed.monotonic() - true.monotonic()

    assert run_virtual(story()) == (3.0, 0.0)


def test_ids_of_a_seed_repeat_and_of_another_differ() -> None:
    def made(seed: int) -> list[str | float]:
        ids = FakeIds(seed)
        keys = [ids.secret(), ids.signing_secret(), ids.signing_pair()]
        return [ids.ulid("evt"), ids.uuid(), *keys, ids.jitter()]

    assert made(1) == made(1)
    assert not set(made(1)) & set(made(2))


def test_fake_ulids_rise() -> None:
    ids = FakeIds()

    made = [ids.ulid("evt") for _ in range(1_000)]

    assert made == sorted(set(made))
