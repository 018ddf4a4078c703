"""The queue of hints: in time, each once, never without bounds."""

import asyncio

from service.adapters.embedded.hints import InProcessHints
from service.domain.ids import EndpointId, SessionId
from tests.support.virtual_time import EPOCH, VirtualClock, run_virtual

A, B, C = SessionId("ses_a"), SessionId("ses_b"), SessionId("ses_c")
HOOK = EndpointId("whk_1")


def test_a_hint_comes_out_with_its_shard_in_the_order_given() -> None:
    async def story() -> list[tuple[SessionId, int]]:
        hints = InProcessHints(VirtualClock())
        await hints.session(A, 1)
        await hints.session(B, 2)
        return [await hints.next_session(), await hints.next_session()]

    assert run_virtual(story()) == [(A, 1), (B, 2)]


def test_a_hint_that_waits_already_is_not_queued_again() -> None:
    async def story() -> tuple[int, int]:
        hints = InProcessHints(VirtualClock())
        for _ in range(5):
            await hints.session(A, 1)
            await hints.lane(HOOK, A)
        return hints.waiting

    assert run_virtual(story()) == (1, 1)


def test_a_hint_that_was_taken_may_come_again() -> None:
    async def story() -> SessionId:
        hints = InProcessHints(VirtualClock())
        await hints.session(A, 1)
        await hints.next_session()
        await hints.session(A, 1)
        taken, _ = await hints.next_session()
        return taken

    assert run_virtual(story()) == A


def test_a_taker_waits_for_a_hint() -> None:
    async def story() -> tuple[SessionId, float]:
        clock = VirtualClock()
        hints = InProcessHints(clock)
        taking = asyncio.create_task(hints.next_session())
        await clock.sleep(3)
        await hints.session(A, 1)
        taken, _ = await taking
        return taken, clock.now()

    assert run_virtual(story()) == (A, EPOCH + 3)


def test_a_delayed_hint_comes_in_its_time_with_its_hops() -> None:
    async def story() -> list[tuple[SessionId, int, float]]:
        clock = VirtualClock()
        hints = InProcessHints(clock)
        await hints.lane(HOOK, A, delay=60, hops=3)
        await hints.lane(HOOK, B, delay=10, hops=1)
        found = []
        for _ in range(2):
            _, session_id, hops = await hints.next_lane()
            found.append((session_id, hops, clock.now()))
        return found

    assert run_virtual(story()) == [(B, 1, EPOCH + 10), (A, 3, EPOCH + 60)]


def test_of_two_hints_for_one_lane_the_earlier_stays() -> None:
    async def story() -> tuple[list[float], tuple[int, int]]:
        clock = VirtualClock()
        hints = InProcessHints(clock)
        await hints.lane(HOOK, A, delay=60)
        taking = asyncio.create_task(hints.next_lane())
        await clock.sleep(1)
        await hints.lane(HOOK, A, delay=4, hops=2)
        await hints.lane(HOOK, A, delay=90)
        await taking
        return [clock.now()], hints.waiting

    assert run_virtual(story()) == ([EPOCH + 5], (0, 0))


def test_several_takers_share_the_hints() -> None:
    async def story() -> set[SessionId]:
        clock = VirtualClock()
        hints = InProcessHints(clock)
        taking = [asyncio.create_task(hints.next_lane()) for _ in range(3)]
        await clock.sleep(1)
        for session_id in (A, B, C):
            await hints.lane(HOOK, session_id, delay=1)
        return {session_id for _, session_id, _ in await asyncio.gather(*taking)}

    assert run_virtual(story()) == {A, B, C}


def test_a_taker_that_is_cancelled_loses_nothing() -> None:
    async def story() -> SessionId:
        clock = VirtualClock()
        hints = InProcessHints(clock)
        taking = asyncio.create_task(hints.next_session())
        await clock.sleep(1)
        await hints.session(A, 1)
        taking.cancel()
        await asyncio.gather(taking, return_exceptions=True)
        taken, _ = await hints.next_session()
        return taken

    assert run_virtual(story()) == A


def test_a_full_queue_drops_and_counts_what_comes() -> None:
    async def story() -> tuple[tuple[int, int], int]:
        hints = InProcessHints(VirtualClock(), longest=2)
        for number in range(5):
            await hints.session(SessionId(f"ses_{number}"), 1)
        await hints.session(SessionId("ses_0"), 1)
        return hints.waiting, hints.dropped

    assert run_virtual(story()) == ((2, 0), 3)
