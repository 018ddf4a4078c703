"""The bell wakes who waits, at once or in time, and keeps nothing of those who went."""

import asyncio

from service.adapters import bell
from service.adapters.bell import InProcessBell
from service.domain.ids import SessionId
from tests.support.virtual_time import EPOCH, VirtualClock, run_virtual

A, B = SessionId("ses_a"), SessionId("ses_b")


def test_everybody_who_waits_for_a_session_is_woken_by_one_ring() -> None:
    async def story() -> list[float]:
        clock = VirtualClock()
        ring = InProcessBell(clock)

        async def wait() -> float:
            await ring.wait(A, 10)
            return clock.now()

        waiting = [asyncio.create_task(wait()) for _ in range(3)]
        await clock.sleep(2)
        ring.ring(A)
        return await asyncio.gather(*waiting)

    assert run_virtual(story()) == [EPOCH + 2] * 3


def test_a_wait_ends_in_time_when_nothing_rings() -> None:
    async def story() -> tuple[float, int]:
        clock = VirtualClock()
        ring = InProcessBell(clock)
        ring.ring(A)
        asyncio.get_running_loop().call_later(1, ring.ring, B)
        await ring.wait(A, 5)
        return clock.now(), ring.waiting

    assert run_virtual(story()) == (EPOCH + 5, 0)


def test_who_comes_after_a_ring_waits_for_the_next() -> None:
    async def story() -> float:
        clock = VirtualClock()
        ring = InProcessBell(clock)

        async def listen() -> None:
            await ring.wait(A, 10)
            await ring.wait(A, 10)

        waiting = asyncio.create_task(listen())
        for _ in range(2):
            await clock.sleep(3)
            ring.ring(A)
        await waiting
        return clock.now()

    assert run_virtual(story()) == EPOCH + 6


def test_nothing_stays_of_those_who_waited() -> None:
    async def story() -> tuple[int, int]:
        clock = VirtualClock()
        ring = InProcessBell(clock)
        tasks = [asyncio.create_task(ring.wait(SessionId(f"s{n}"), 5)) for n in range(50)]
        tasks += [asyncio.create_task(ring.wait(A, 5)) for _ in range(2)]
        await clock.sleep(1)
        before = ring.waiting
        tasks[0].cancel()
        ring.ring(A)
        await asyncio.gather(*tasks, return_exceptions=True)
        return before, ring.waiting

    assert run_virtual(story()) == (51, 0)


def test_one_of_two_who_leaves_does_not_take_the_other_along() -> None:
    async def story() -> float:
        clock = VirtualClock()
        ring = InProcessBell(clock)
        stays = asyncio.create_task(ring.wait(A, 100))
        await ring.wait(A, 1)
        ring.ring(A)
        await stays
        return clock.now()

    assert run_virtual(story()) == EPOCH + 1


def test_the_last_typing_is_remembered() -> None:
    async def story() -> tuple[float | None, float | None]:
        clock = VirtualClock()
        ring = InProcessBell(clock)
        ring.typing(A)
        await clock.sleep(3)
        ring.typing(A)
        return ring.last_typing(A), ring.last_typing(B)

    assert run_virtual(story()) == (EPOCH + 3, None)


def test_of_too_many_that_typed_the_oldest_is_forgotten() -> None:
    async def story() -> tuple[float | None, float | None]:
        ring = InProcessBell(VirtualClock())
        ring.typing(A)
        ring.typing(B)
        ring.typing(A)
        for number in range(bell.TYPING_KEPT - 1):
            ring.typing(SessionId(f"s{number}"))
        return ring.last_typing(A), ring.last_typing(B)

    assert run_virtual(story()) == (EPOCH, None)
