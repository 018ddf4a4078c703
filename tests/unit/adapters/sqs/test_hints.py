"""Sending hints: what fails is lost and counted, and fails nobody."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from service.adapters.sqs.hints import AWAITED_MAX, SqsDeliveries, SqsHints, SqsMailboxes
from service.adapters.sqs.queues import (
    POLL_CONNECT_SECONDS,
    POLL_READ_SECONDS,
    POLL_SECONDS,
)
from service.domain.errors import ConfigurationError, UnavailableError
from service.domain.ids import EndpointId, ReplayId, SessionId
from service.ports import DeliveryHint, LaneHint, ReplayHint, SessionHint
from tests.support.virtual_time import VirtualClock, run_virtual

A, B = SessionId("ses_a"), SessionId("ses_b")
HOOK = EndpointId("whk_1")
DOWN = UnavailableError(what="the queue q")


@dataclass
class Queues:
    """Queues that do as they are told."""

    clock: VirtualClock = field(default_factory=VirtualClock)
    error: Exception | None = None
    takes: float = 0.0
    sent: list[tuple[str, str, float]] = field(default_factory=list)
    tries: int = 0
    waiting: list[str] = field(default_factory=list)

    deliveries = "deliveries"

    def mailbox(self, shard: int) -> str:
        return f"mailbox-{shard}"

    async def send(self, queue: str, body: str, *, delay: float = 0.0) -> None:
        self.tries += 1
        error = self.error
        await self.clock.sleep(self.takes)
        if error is not None:
            raise error
        self.sent.append((queue, body, delay))

    async def receive(self, queue: str) -> Sequence[str]:
        return self.waiting


def _facts(caplog: pytest.LogCaptureFixture) -> list[tuple[int, str, object]]:
    return [
        (record.levelno, record.msg, vars(record).get("lost", vars(record).get("queue")))
        for record in caplog.records
    ]


@pytest.fixture(autouse=True)
def _told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


def test_a_poll_ends_within_what_the_port_promises_and_a_stopping_process_waits() -> None:
    assert POLL_SECONDS <= 5
    assert POLL_CONNECT_SECONDS + POLL_READ_SECONDS <= 6
    assert POLL_SECONDS < POLL_READ_SECONDS


def test_hints_go_to_the_queue_of_their_shard_or_of_all_lanes() -> None:
    async def story() -> list[tuple[str, str, float]]:
        queues = Queues()
        hints = SqsHints(queues, queues.clock)
        await hints.session(A, 3)
        await hints.lane(HOOK, A, delay=2.5, hops=1)
        return queues.sent

    assert run_virtual(story()) == [
        ("mailbox-3", '{"v":1,"session":"ses_a"}', 0.0),
        ("deliveries", '{"v":1,"endpoint":"whk_1","session":"ses_a","hops":1}', 2.5),
    ]


def test_an_outage_is_told_when_it_begins_and_when_it_is_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story() -> int:
        queues = Queues(error=DOWN)
        hints = SqsHints(queues, queues.clock)
        for _ in range(3):
            await hints.session(A, 1)
        queues.error = None
        for _ in range(2):
            await hints.session(A, 1)
        queues.error = DOWN
        await hints.session(A, 1)
        return hints.lost

    assert run_virtual(story()) == 4
    assert _facts(caplog) == [
        (logging.WARNING, "hints.lost", None),
        (logging.INFO, "hints.sent_again", 3),
        (logging.WARNING, "hints.lost", None),
    ]


def test_a_queue_that_is_silent_holds_nobody_up_for_more_than_two_seconds() -> None:
    async def story() -> tuple[float, int]:
        queues = Queues(takes=600)
        hints = SqsHints(queues, queues.clock)
        await hints.session(A, 1)
        return queues.clock.monotonic(), hints.lost

    assert run_virtual(story()) == (2, 1)


def test_during_an_outage_one_caller_tries_and_the_others_go_on_without() -> None:
    async def story() -> tuple[int, float, int, int]:
        queues = Queues(takes=600)
        hints = SqsHints(queues, queues.clock)
        await hints.session(A, 1)
        trying = asyncio.create_task(hints.session(A, 1))
        await queues.clock.sleep(0.1)
        for _ in range(10):
            await hints.session(A, 1)
            await hints.lane(HOOK, A)
        during = queues.tries
        passed = queues.clock.monotonic()
        await trying
        queues.takes = 0
        await hints.session(A, 1)
        return during, round(passed, 6), hints.lost, len(queues.sent)

    assert run_virtual(story()) == (2, 2.1, 22, 1)


def test_a_sender_that_is_cancelled_leaves_the_next_one_to_try() -> None:
    async def story() -> int:
        queues = Queues(error=DOWN)
        hints = SqsHints(queues, queues.clock)
        await hints.session(A, 1)
        queues.takes = 1
        trying = asyncio.create_task(hints.session(A, 1))
        await queues.clock.sleep(0.1)
        trying.cancel()
        await asyncio.gather(trying, return_exceptions=True)
        queues.error = None
        await hints.session(A, 1)
        return len(queues.sent)

    assert run_virtual(story()) == 1


def test_a_queue_that_refuses_us_is_told_once_and_is_no_outage(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story() -> tuple[int, int]:
        queues = Queues(error=ConfigurationError("no such queue"))
        hints = SqsHints(queues, queues.clock)
        for shard in (1, 1, 2):
            await hints.session(A, shard)
        return queues.tries, hints.lost

    assert run_virtual(story()) == (3, 3)
    assert _facts(caplog) == [
        (logging.ERROR, "hints.refused", "mailbox-1"),
        (logging.ERROR, "hints.refused", "mailbox-2"),
    ]


def test_a_defect_is_no_lost_hint() -> None:
    async def story() -> None:
        queues = Queues(error=KeyError("a defect"))
        await SqsHints(queues, queues.clock).session(A, 1)

    with pytest.raises(KeyError):
        run_virtual(story())


def test_a_lane_that_is_hinted_for_later_is_not_hinted_again_until_then() -> None:
    async def story() -> list[tuple[float, float]]:
        queues = Queues()
        hints = SqsHints(queues, queues.clock)
        for _ in range(46):
            due = 90 - queues.clock.monotonic()
            await hints.lane(HOOK, A, delay=max(0.0, due))
            await queues.clock.sleep(2)
        return [(delay, queues.clock.monotonic()) for _, _, delay in queues.sent]

    assert [delay for delay, _ in run_virtual(story())] == [90, 0]


def test_an_earlier_hint_for_a_lane_goes_out_beside_a_later_one() -> None:
    async def story() -> list[float]:
        queues = Queues()
        hints = SqsHints(queues, queues.clock)
        for session_id, delay in ((A, 60.0), (B, 60.0), (A, 20.0), (A, 0.0), (A, 0.0), (A, 40.0)):
            await hints.lane(HOOK, session_id, delay=delay)
        return [delay for _, _, delay in queues.sent]

    assert run_virtual(story()) == [60, 60, 20, 0, 0]


def test_a_strand_goes_the_way_of_lanes_and_is_not_hinted_again_before_its_time() -> None:
    async def story() -> tuple[list[tuple[str, float]], Sequence[DeliveryHint]]:
        queues = Queues()
        hints = SqsHints(queues, queues.clock)
        for strand, delay in ((0, 60.0), (1, 60.0), (0, 60.0), (0, 0.0)):
            await hints.replay(ReplayId("rpl_1"), strand, delay=delay, hops=2)
        queues.waiting = [body for _, body, _ in queues.sent]
        sent = [(queue, delay) for queue, _, delay in queues.sent]
        return sent, await SqsDeliveries(queues).receive()

    assert run_virtual(story()) == (
        [("deliveries", 60), ("deliveries", 60), ("deliveries", 0)],
        [ReplayHint(ReplayId("rpl_1"), 0, 2), ReplayHint(ReplayId("rpl_1"), 1, 2)],
    )


def test_a_delayed_hint_that_was_lost_does_for_nobody() -> None:
    async def story() -> int:
        queues = Queues(error=DOWN)
        hints = SqsHints(queues, queues.clock)
        await hints.lane(HOOK, A, delay=60)
        queues.error = None
        await hints.lane(HOOK, A, delay=60)
        return len(queues.sent)

    assert run_virtual(story()) == 1


def test_what_is_remembered_of_delayed_hints_has_an_end() -> None:
    async def story() -> list[int]:
        queues = Queues()
        hints = SqsHints(queues, queues.clock)
        hints.awaited = {(HOOK, SessionId(f"ses_{n}")): 50.0 for n in range(AWAITED_MAX)}
        sizes = []
        for session_id in (A, B):
            await hints.lane(HOOK, session_id, delay=60)
            sizes.append(len(hints.awaited))
            await queues.clock.sleep(51)
        return sizes

    assert run_virtual(story()) == [AWAITED_MAX, 1]


def test_hints_come_out_each_once_and_what_is_none_is_dropped(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story() -> tuple[Sequence[SessionHint], Sequence[DeliveryHint]]:
        sessions = Queues(waiting=['{"v":1,"session":"ses_a"}'] * 2 + ["a secret"])
        lanes = Queues(waiting=['{"v":1,"endpoint":"whk_1","session":"ses_a","hops":2}'] * 2)
        return await SqsMailboxes(sessions).receive(1), await SqsDeliveries(lanes).receive()

    assert run_virtual(story()) == ([A], [LaneHint(HOOK, A, 2)])
    assert _facts(caplog) == [(logging.WARNING, "hints.unreadable", "mailbox-1")]
    assert "secret" not in caplog.text
