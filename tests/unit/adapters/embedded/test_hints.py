"""The queues of hints: in time, each once, by shard, never without bounds."""

import asyncio
from collections.abc import Sequence

from service.adapters.embedded.hints import InProcessHints
from service.domain.ids import EndpointId, ReplayId, SessionId
from service.ports import DeliveryHint, LaneHint, ReplayHint, SessionHint
from tests.support.virtual_time import EPOCH, VirtualClock, run_virtual

A, B, C = SessionId("ses_a"), SessionId("ses_b"), SessionId("ses_c")
HOOK = EndpointId("whk_1")
JOB = ReplayId("rpl_1")


def test_hints_of_a_shard_come_out_of_its_mailbox_in_the_order_given() -> None:
    async def story() -> list[Sequence[SessionHint]]:
        hints = InProcessHints(VirtualClock())
        for session_id, shard in ((A, 1), (B, 2), (C, 1)):
            await hints.session(session_id, shard)
        return [await hints.mailboxes.receive(shard) for shard in (1, 2)]

    assert run_virtual(story()) == [[A, C], [B]]


def test_who_waits_hears_nothing_of_other_shards_and_waits_five_seconds() -> None:
    async def story() -> tuple[Sequence[SessionHint], float]:
        clock = VirtualClock()
        hints = InProcessHints(clock)
        taking = asyncio.create_task(hints.mailboxes.receive(1))
        await clock.sleep(1)
        await hints.session(A, 2)
        return await taking, clock.monotonic()

    assert run_virtual(story()) == ([], 5)


def test_a_hint_that_waits_already_is_not_queued_again() -> None:
    async def story() -> tuple[int, int]:
        hints = InProcessHints(VirtualClock())
        for _ in range(5):
            await hints.session(A, 1)
            await hints.lane(HOOK, A)
        return hints.waiting

    assert run_virtual(story()) == (1, 1)


def test_a_hint_that_was_taken_may_come_again() -> None:
    async def story() -> list[Sequence[SessionHint]]:
        hints = InProcessHints(VirtualClock())
        found = []
        for _ in range(2):
            await hints.session(A, 1)
            found.append(await hints.mailboxes.receive(1))
        return found

    assert run_virtual(story()) == [[A], [A]]


def test_a_taker_waits_for_a_hint() -> None:
    async def story() -> tuple[Sequence[SessionHint], float]:
        clock = VirtualClock()
        hints = InProcessHints(clock)
        taking = asyncio.create_task(hints.mailboxes.receive(1))
        await clock.sleep(3)
        await hints.session(A, 1)
        return await taking, clock.now()

    assert run_virtual(story()) == ([A], EPOCH + 3)


def test_a_delayed_hint_comes_in_its_time_with_its_hops() -> None:
    async def story() -> list[tuple[Sequence[DeliveryHint], float]]:
        clock = VirtualClock()
        hints = InProcessHints(clock)
        await hints.lane(HOOK, A, delay=8, hops=3)
        await hints.lane(HOOK, B, delay=2, hops=1)
        return [(await hints.deliveries.receive(), clock.monotonic()) for _ in range(3)]

    a, b = LaneHint(HOOK, A, 3), LaneHint(HOOK, B, 1)
    assert run_virtual(story()) == [([b], 2), ([], 7), ([a], 8)]


def test_strands_of_a_replay_wait_in_the_same_queue_each_by_its_number() -> None:
    async def story() -> list[Sequence[DeliveryHint]]:
        hints = InProcessHints(VirtualClock())
        await hints.replay(JOB, 0, delay=2, hops=3)
        await hints.replay(JOB, 1, delay=1)
        await hints.replay(JOB, 1, delay=4, hops=8)
        await hints.lane(HOOK, A, delay=3)
        return [await hints.deliveries.receive() for _ in range(3)]

    assert run_virtual(story()) == [
        [ReplayHint(JOB, 1)],
        [ReplayHint(JOB, 0, 3)],
        [LaneHint(HOOK, A)],
    ]


def test_of_two_hints_for_one_lane_the_earlier_stays() -> None:
    async def story() -> tuple[float, tuple[int, int]]:
        clock = VirtualClock()
        hints = InProcessHints(clock)
        await hints.lane(HOOK, A, delay=60)
        taking = asyncio.create_task(hints.deliveries.receive())
        await clock.sleep(1)
        await hints.lane(HOOK, A, delay=3, hops=2)
        await hints.lane(HOOK, A, delay=90)
        await taking
        return clock.now(), hints.waiting

    assert run_virtual(story()) == (EPOCH + 4, (0, 0))


def test_several_takers_share_the_hints() -> None:
    async def story() -> tuple[set[DeliveryHint], list[int]]:
        clock = VirtualClock()
        hints = InProcessHints(clock)
        taking = [asyncio.create_task(hints.deliveries.receive()) for _ in range(3)]
        await clock.sleep(1)
        for number in range(25):
            await hints.lane(HOOK, SessionId(f"ses_{number}"))
        taken = await asyncio.gather(*taking)
        return {hint for some in taken for hint in some}, sorted(map(len, taken))

    everything = {LaneHint(HOOK, SessionId(f"ses_{number}")) for number in range(25)}
    assert run_virtual(story()) == (everything, [5, 10, 10])


def test_a_taker_that_is_cancelled_loses_nothing() -> None:
    async def story() -> Sequence[SessionHint]:
        clock = VirtualClock()
        hints = InProcessHints(clock)
        taking = asyncio.create_task(hints.mailboxes.receive(1))
        await clock.sleep(1)
        await hints.session(A, 1)
        taking.cancel()
        await asyncio.gather(taking, return_exceptions=True)
        return await hints.mailboxes.receive(1)

    assert run_virtual(story()) == [A]


def test_a_full_queue_drops_and_counts_what_comes() -> None:
    async def story() -> tuple[tuple[int, int], int]:
        hints = InProcessHints(VirtualClock(), longest=2)
        for number in range(5):
            await hints.session(SessionId(f"ses_{number}"), 1)
            await hints.lane(HOOK, SessionId(f"ses_{number}"))
        await hints.session(SessionId("ses_0"), 1)
        await hints.session(SessionId("ses_9"), 2)
        return hints.waiting, hints.dropped

    assert run_virtual(story()) == ((3, 2), 6)
