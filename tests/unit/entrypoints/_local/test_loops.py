"""What works beside the API is begun in an order that loses nothing."""

import logging
from asyncio import create_task, gather
from collections import Counter
from dataclasses import replace
from typing import cast

import pytest

from service.domain.errors import UnavailableError
from service.domain.ids import EndpointId, ListenerName, ReplayId, SessionId
from service.domain.lease import LEASE_SECONDS, MOST_LINKS, Term
from service.entrypoints._local.loops import REPLAYERS, begin_loops, courier_loop
from service.usecases.deliver_lane import DeliverLane
from service.usecases.hold_links import HoldLinks
from service.usecases.run_replay import RunReplay
from tests.support.visit_stage import Stage, on_virtual_time, staged


def _listener(stage: Stage) -> HoldLinks:
    term = Term(name=ListenerName("own_a"), shards=4, max_links=MOST_LINKS)
    return stage.assembly.listener(stage.broker.hints.mailboxes, term)


@on_virtual_time
async def test_leases_are_kept_while_the_first_sweep_takes_long() -> None:
    async with staged() as stage:
        await stage.made(shard=0)
        listener = _listener(stage)

        async def takes_long() -> None:
            await stage.clock.sleep(3 * LEASE_SECONDS)

        stage.sessions.before("due_sessions", takes_long)
        deliveries = stage.broker.hints.deliveries
        begun = create_task(begin_loops(stage.assembly, deliveries, listener, alone=True))
        await stage.clock.sleep(2 * LEASE_SECONDS)
        sweeping = not begun.done()
        leases = await stage.ports.shards.leases(4)
        valid = [lease.is_valid(stage.now) for lease in leases]
        tasks = await begun
        await listener.drain()
        for task in tasks:
            task.cancel()
        await gather(*tasks, return_exceptions=True)

        assert sweeping
        assert valid == [True] * 4
        assert stage.wires.opened == 1


@pytest.mark.parametrize("alone", [True, False])
def test_only_who_is_alone_looks_at_once_at_what_the_dead_left(alone: bool) -> None:  # noqa: FBT001 - a parameter of the story
    @on_virtual_time
    async def story() -> None:
        async with staged() as stage:
            session = await stage.made(shard=0)
            await stage.accept(session, "Left behind")
            await stage.ports.sessions.mark_work(session.id, stage.now + 60)
            deliveries = stage.broker.hints.deliveries
            tasks = await begin_loops(stage.assembly, deliveries, None, alone=alone)
            await stage.clock.sleep(1)
            arrived = stage.arrived()
            for task in tasks:
                task.cancel()
            await gather(*tasks, return_exceptions=True)

            assert arrived == (["Left behind"] if alone else [])

    story()


class _Runs:
    """Stands for the routine that runs strands: each takes a minute, some fail."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.begun: list[tuple[int, float]] = []
        self.at_once = self.most = 0

    async def __call__(self, replay_id: ReplayId, strand: int, *, hops: int = 0) -> None:
        self.begun.append((strand, self.stage.clock.monotonic()))
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            await self.stage.clock.sleep(60)
        finally:
            self.at_once -= 1
        if strand % 2:
            raise UnavailableError(what="the table")


@on_virtual_time
async def test_crowds_of_strands_keep_no_lane_waiting_and_each_runs_once_at_a_time() -> None:
    async with staged() as stage:
        runs, lanes = _Runs(stage), []

        async def deliver(endpoint_id: EndpointId, session_id: SessionId, *, hops: int) -> None:
            lanes.append(stage.clock.monotonic())

        assembly = replace(
            stage.assembly,
            run_replay=cast("RunReplay", runs),
            deliver_lane=cast("DeliverLane", deliver),
        )
        hints = stage.broker.hints
        task = create_task(courier_loop(assembly, hints.deliveries))
        for _ in range(3):
            for number in range(REPLAYERS + 8):
                await hints.replay(ReplayId("rpl_1"), number)
            await stage.clock.sleep(1)
        await hints.lane(EndpointId("whk_1"), SessionId("ses_1"))
        await stage.clock.sleep(1)
        first = [number for number, at in runs.begun if at < 5]
        await stage.clock.sleep(300)
        task.cancel()
        await gather(task, return_exceptions=True)

        assert lanes == [3]
        assert (sorted(first), runs.most) == (list(range(REPLAYERS)), REPLAYERS)
        counts = Counter(number for number, _ in runs.begun)
        assert set(counts) == set(range(REPLAYERS + 8))
        # What was hinted while it ran runs once more; what waited for room does not.
        assert all(counts[number] == 2 for number in range(REPLAYERS))
        assert all(counts[number] == 1 for number in range(REPLAYERS, REPLAYERS + 8))


@on_virtual_time
async def test_strands_that_run_are_stopped_with_the_loop() -> None:
    async with staged() as stage:
        runs = _Runs(stage)
        assembly = replace(stage.assembly, run_replay=cast("RunReplay", runs))
        task = create_task(courier_loop(assembly, stage.broker.hints.deliveries))
        await stage.broker.hints.replay(ReplayId("rpl_1"), 0)
        await stage.clock.sleep(1)
        task.cancel()
        await gather(task, return_exceptions=True)

        assert (len(runs.begun), runs.at_once) == (1, 0)


@on_virtual_time
async def test_a_defect_is_told_without_what_people_wrote_and_stops_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with staged() as stage:
        begun: list[str] = []

        async def deliver(endpoint_id: EndpointId, session_id: SessionId, *, hops: int) -> None:
            begun.append(session_id)
            if len(begun) == 1:
                raise UnavailableError(what="the table")
            raise KeyError("what a guest wrote")

        async def run(replay_id: ReplayId, strand: int, *, hops: int = 0) -> None:
            begun.append(replay_id)
            raise KeyError("what a guest wrote")

        assembly = replace(
            stage.assembly,
            run_replay=cast("RunReplay", run),
            deliver_lane=cast("DeliverLane", deliver),
        )
        hints = stage.broker.hints
        task = create_task(courier_loop(assembly, hints.deliveries))
        for session in ("ses_1", "ses_2", "ses_2"):
            await hints.lane(EndpointId("whk_1"), SessionId(session))
            await stage.clock.sleep(1)
        for _ in range(2):
            await hints.replay(ReplayId("rpl_1"), 0)
            await stage.clock.sleep(1)
        task.cancel()
        await gather(task, return_exceptions=True)

        told = [
            (record.msg, record.levelno, vars(record)["error"])
            for record in caplog.records
            if record.msg in {"courier.failed", "replay.failed_run"}
        ]
        assert begun == ["ses_1", "ses_2", "ses_2", "rpl_1", "rpl_1"]
        assert told == [
            ("courier.failed", logging.WARNING, "UnavailableError"),
            *[("courier.failed", logging.ERROR, "KeyError")] * 2,
            *[("replay.failed_run", logging.ERROR, "KeyError")] * 2,
        ]
        assert "guest wrote" not in caplog.text
