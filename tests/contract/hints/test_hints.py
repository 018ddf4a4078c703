"""What every queue of hints holds to."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import pytest

from service.domain.ids import EndpointId, LogId, ReplayId, SessionId, TenantName, log_of
from service.ports import LaneHint, ReplayHint, TypingHint
from tests.contract.hints.conftest import Ends
from tests.support.hint_ends import next_lanes, next_sessions
from tests.support.patience import PATIENCE, quickly

A, B, C = SessionId("ses_a"), SessionId("ses_b"), SessionId("ses_c")
HOOK = EndpointId("whk_1")
JOB = ReplayId("rpl_1")

Hint = TypeVar("Hint")


async def _all(receive: Callable[[], Awaitable[Sequence[Hint]]], count: int) -> set[Hint]:
    """Receive until so many different hints came."""
    found: set[Hint] = set()
    async with asyncio.timeout(PATIENCE):
        while len(found) < count:
            found.update(await receive())
    return found


async def test_a_hint_for_a_shard_comes_out_of_its_mailbox_and_of_no_other(ends: Ends) -> None:
    listening = asyncio.create_task(next_sessions(ends.mailboxes, 1))
    for session_id, shard in ((A, 0), (B, 2), (C, 1)):
        await ends.hints.session(session_id, shard)

    assert await next_sessions(ends.mailboxes, 0) == [A]
    assert await next_sessions(ends.mailboxes, 2) == [B]
    assert await listening == [C]


async def test_typing_comes_out_of_its_mailbox_with_its_time(ends: Ends) -> None:
    await ends.hints.typing(A, 1, at=1_900_000_000.25)

    assert await next_sessions(ends.mailboxes, 1) == [TypingHint(A, 1_900_000_000.25)]


async def test_what_was_received_is_gone(ends: Ends) -> None:
    await ends.hints.session(A, 0)
    first = await next_sessions(ends.mailboxes, 0)
    await asyncio.sleep(0.2)
    await ends.hints.session(B, 0)

    assert (first, await next_sessions(ends.mailboxes, 0)) == ([A], [B])


async def test_who_waits_hears_a_hint_at_once(ends: Ends) -> None:
    async def heard() -> float:
        listening = asyncio.create_task(next_sessions(ends.mailboxes, 0))
        await asyncio.sleep(0.5)
        begun = time.monotonic()
        await ends.hints.session(A, 0)
        assert await listening == [A]
        return time.monotonic() - begun

    await quickly(heard, below=1)


async def test_who_waits_in_vain_is_told_so_within_five_seconds(ends: Ends) -> None:
    async def told() -> float:
        begun = time.monotonic()
        assert await ends.mailboxes.receive(0) == []
        took = time.monotonic() - begun
        assert took > 3
        return took

    await quickly(told, below=5.5)


@pytest.mark.parametrize("log_id", [A, log_of(TenantName("a-b"))])
async def test_a_hint_for_a_lane_keeps_its_hops(ends: Ends, log_id: LogId) -> None:
    await ends.hints.lane(HOOK, log_id, hops=7)

    assert await next_lanes(ends.deliveries) == [LaneHint(HOOK, log_id, 7)]


async def test_strands_of_a_replay_come_out_where_lanes_do(ends: Ends) -> None:
    await ends.hints.replay(JOB, 15, hops=7)
    await ends.hints.replay(JOB, 0)
    await ends.hints.lane(HOOK, A)

    wanted = {ReplayHint(JOB, 15, 7), ReplayHint(JOB, 0), LaneHint(HOOK, A)}
    assert await _all(ends.deliveries.receive, 3) == wanted


async def test_a_delayed_strand_does_not_come_early(ends: Ends) -> None:
    begun = time.monotonic()
    await ends.hints.replay(JOB, 1, delay=1.2)

    assert await next_lanes(ends.deliveries) == [ReplayHint(JOB, 1)]
    assert 1.2 <= time.monotonic() - begun < PATIENCE


async def test_a_delayed_hint_does_not_come_early_and_keeps_no_other_waiting(ends: Ends) -> None:
    async def other_came() -> float:
        begun = time.monotonic()
        await ends.hints.lane(HOOK, A, delay=1.2)
        await ends.hints.lane(HOOK, B)
        first = set(await next_lanes(ends.deliveries))
        took = time.monotonic() - begun
        left = {LaneHint(HOOK, A), LaneHint(HOOK, B)} - first
        # Both at once, or the delayed one before, where the machine stood still meanwhile.
        assert LaneHint(HOOK, A) in left or took >= 1.2
        assert not left or await _all(ends.deliveries.receive, len(left)) == left
        assert time.monotonic() - begun >= 1.2
        return took

    await quickly(other_came, below=1.2)


async def test_a_hint_that_is_sent_again_and_again_is_heard(ends: Ends) -> None:
    for _ in range(3):
        await ends.hints.session(A, 0)
        await ends.hints.lane(HOOK, A)

    assert set(await next_sessions(ends.mailboxes, 0)) == {A}
    assert set(await next_lanes(ends.deliveries)) == {LaneHint(HOOK, A)}


async def test_sixteen_senders_at_once_are_all_heard(ends: Ends) -> None:
    sessions = [SessionId(f"ses_{number}") for number in range(48)]

    async def send(some: Sequence[SessionId]) -> None:
        for session_id in some:
            await ends.hints.session(session_id, 0)
            await ends.hints.lane(HOOK, session_id)

    await asyncio.gather(*(send(sessions[n::16]) for n in range(16)))

    assert await _all(lambda: ends.mailboxes.receive(0), 48) == set(sessions)
    lanes = {LaneHint(HOOK, session_id) for session_id in sessions}
    assert await _all(ends.deliveries.receive, 48) == lanes


async def test_several_couriers_share_the_lanes(ends: Ends) -> None:
    taking = [asyncio.create_task(_all(ends.deliveries.receive, 1)) for _ in range(2)]
    await ends.hints.lane(HOOK, A)
    done, waiting = await asyncio.wait(taking, return_when=asyncio.FIRST_COMPLETED)
    await ends.hints.lane(HOOK, B)

    assert [await task for task in (*done, *waiting)] == [{LaneHint(HOOK, A)}, {LaneHint(HOOK, B)}]


async def test_who_leaves_does_not_take_what_comes_for_the_next(ends: Ends) -> None:
    """A poll cannot be called back: what it still receives must reach whoever listens later."""

    async def found() -> float:
        leaving = [asyncio.create_task(ends.mailboxes.receive(0)) for _ in range(2)]
        await asyncio.sleep(0.3)
        for task in leaving:
            task.cancel()
        left = await asyncio.gather(*leaving, return_exceptions=True)
        assert [type(end) for end in left] == [asyncio.CancelledError] * 2
        for session_id in (A, B, C):
            await ends.hints.session(session_id, 0)
        await asyncio.sleep(0.5)  # until those who left have received it all, if they do
        begun = time.monotonic()
        assert await _all(lambda: ends.mailboxes.receive(0), 3) == {A, B, C}
        return time.monotonic() - begun

    await quickly(found, below=2)
