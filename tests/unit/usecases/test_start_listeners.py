"""Who starts a listener, when, and how often."""

from asyncio import gather
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from service.domain.deployment import Mode
from service.domain.errors import UnavailableError
from service.domain.events import LeaveRequested
from service.domain.ids import DeploymentName
from service.domain.session import Session, State
from service.usecases.facts import Facts
from service.usecases.start_listeners import ASK_SECONDS, LOOK_SECONDS, Staff, StartListeners
from tests.support.visit_stage import LISTENER, Stage, Watched, on_virtual_time, staged

DOWN = UnavailableError(what="the table")


@dataclass
class Asked:
    """A starter that remembers what it was asked for."""

    counts: list[int] = field(default_factory=list)

    async def start(self, count: int) -> None:
        self.counts.append(count)


@asynccontextmanager
async def _starting(
    mode: Mode = Mode.LIVE, max_links: int = 2
) -> AsyncIterator[tuple[Stage, Asked, StartListeners]]:
    async with staged(mode=mode) as stage:
        asked = Asked()
        ports = replace(stage.ports, starter=asked)
        facts = Facts(ports)
        yield stage, asked, StartListeners(ports=ports, facts=facts, shards=4, max_links=max_links)


async def _made(stage: Stage, *, shard: int = 0, count: int = 1) -> list[Session]:
    return [await stage.made(shard=shard) for _ in range(count)]


@on_virtual_time
async def test_a_sweep_starts_what_the_live_sessions_of_free_shards_need() -> None:
    async with _starting() as (stage, asked, start):
        assert await start() == 0
        await _made(stage, shard=0, count=3)
        await _made(stage, shard=3, count=2)
        await stage.clock.sleep(LOOK_SECONDS)

        assert await start() == 3
        assert asked.counts == [3]


@on_virtual_time
async def test_a_sweep_does_not_look_more_often_than_it_must() -> None:
    async with _starting() as (stage, asked, start):
        await _made(stage)
        for _ in range(10):
            await start()
            await stage.clock.sleep(LOOK_SECONDS / 5)

        assert asked.counts == [1, 1]
        assert stage.shards.calls["leases"] == 2


@on_virtual_time
async def test_who_holds_a_shard_needs_no_other() -> None:
    async with _starting() as (stage, asked, start):
        await _made(stage)
        await stage.ports.shards.acquire(0, LISTENER, now=stage.now, until=stage.now + 15)
        await start()

        assert asked.counts == []


@on_virtual_time
async def test_sessions_that_are_only_touched_or_over_want_no_listener() -> None:
    async with _starting(Mode.TOUCH) as (stage, asked, start):
        [session] = await _made(stage)
        await start()
        await start.for_session(session)

        assert asked.counts == []

    async with _starting() as (stage, asked, start):
        [session] = await _made(stage)
        await stage.assembly.change(session.id, LeaveRequested())
        await start()
        await start.for_session(await stage.load(session))

        assert asked.counts == []


@on_virtual_time
async def test_dormant_sessions_want_no_listener_until_a_request_wakes_them() -> None:
    async with _starting() as (stage, asked, start):
        session = await stage.made(state=State.DORMANT)
        await start()
        assert asked.counts == []

        await start.for_session(session)
        assert asked.counts == [1]


@on_virtual_time
async def test_many_requests_start_one_listener_in_ten_seconds() -> None:
    async with _starting() as (stage, asked, start):
        sessions = await _made(stage, count=5)
        await gather(*(start.for_session(each) for each in sessions))
        assert asked.counts == [1]

        await stage.clock.sleep(ASK_SECONDS - 0.1)
        await start.for_session(sessions[0])
        assert asked.counts == [1]

        await stage.clock.sleep(0.1)
        await start.for_session(sessions[0])
        assert asked.counts == [1, 1]


@on_virtual_time
async def test_a_table_that_does_not_answer_fails_nobody(caplog: pytest.LogCaptureFixture) -> None:
    async with _starting() as (stage, asked, start):
        [session] = await _made(stage)
        stage.shards.fail("leases", DOWN)

        assert await start() == 0
        assert asked.counts == []
        tenants = Watched(stage.ports.tenants)
        start.facts = Facts(replace(stage.ports, tenants=cast("Any", tenants)))
        tenants.fail("deployment", DOWN)
        await start.for_session(session)
        assert asked.counts == []
        assert [r.message for r in caplog.records].count("listeners.unknown") == 2


@on_virtual_time
async def test_sessions_of_a_deployment_that_is_gone_want_no_listener() -> None:
    async with _starting() as (stage, asked, start):
        await stage.made(deployment=DeploymentName("gone"))

        assert await start() == 0
        assert asked.counts == []


@on_virtual_time
async def test_a_look_tells_who_is_there_and_what_nobody_holds() -> None:
    async with _starting() as (stage, _, start):
        await _made(stage, shard=0, count=3)
        await start()
        nobody = start.staff
        await start()
        unlooked = start.staff
        await stage.clock.sleep(LOOK_SECONDS)
        stage.shards.fail("leases", DOWN)
        await start()

        assert nobody == Staff(listeners=0, links=0, shards_unowned=1, sessions_unowned=3)
        assert (unlooked, start.staff) == (None, None)
