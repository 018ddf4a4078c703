"""A listener's term: why it ends, what it waits for, and that nothing is left behind."""

import logging
from asyncio import Event, Task, create_task
from dataclasses import dataclass, replace

import pytest

from service.domain.ids import ListenerName
from service.domain.lease import MOST_LINKS, Term
from service.domain.session import State
from service.usecases.hold_links import HoldLinks
from service.usecases.serve_term import (
    HAND_OVER_SECONDS,
    LINGER_SECONDS,
    LOOK_SECONDS,
    WISH_SECONDS,
    ServeTerm,
)
from tests.support.visit_stage import Stage, on_virtual_time, staged

GENERATION = 40.0
OLD, NEW = ListenerName("own_old"), ListenerName("own_new")


class LoopsFailedError(Exception):
    """What no listener expects."""


@dataclass(frozen=True)
class Served:
    """A listener that serves its term."""

    listener: HoldLinks
    stopping: Event
    task: "Task[str]"


def _served(
    stage: Stage, name: ListenerName = OLD, *, linger: float = LINGER_SECONDS, **term: float
) -> Served:
    wanted = replace(Term(name=name, shards=4, max_links=MOST_LINKS), **term)  # type: ignore[arg-type]  # fields of Term
    listener = stage.assembly.listener(stage.broker.hints.mailboxes, wanted)
    stopping = Event()
    serve = ServeTerm(clock=stage.clock, listener=listener, linger_seconds=linger)
    return Served(listener, stopping, create_task(serve(stopping)))


def _retiring(stage: Stage, *, linger: float = LINGER_SECONDS) -> Served:
    ends = stage.now + GENERATION
    return _served(stage, linger=linger, generation_seconds=GENERATION, retires_at=ends)


@on_virtual_time
async def test_it_stays_until_it_is_told_to_stop_and_lets_go_of_everything() -> None:
    async with staged() as stage:
        session = await stage.made(shard=0)
        served = _served(stage)
        await stage.clock.sleep(3600)
        held = (await stage.load(session)).held_by
        served.stopping.set()

        assert await served.task == "stopped"
        assert held == OLD
        assert (await stage.load(session)).state is State.DETACHED
        assert [lease.owner for lease in await stage.ports.shards.leases(4)] == [None] * 4
        assert stage.control.connections() == []


async def _stopped(stage: Stage, served: Served) -> float:
    """Told to stop: how long it takes to end."""
    begun = stage.clock.monotonic()
    served.stopping.set()
    assert await served.task == "stopped"
    return stage.clock.monotonic() - begun


@on_virtual_time
async def test_told_to_stop_it_gives_its_links_to_who_asks_for_them() -> None:
    async with staged() as stage:
        sessions = [await stage.made(shard=shard) for shard in (0, 3)]
        old = _served(stage)
        await stage.clock.sleep(12)
        new = _served(stage, NEW)
        await stage.clock.sleep(1)

        assert await _stopped(stage, old) < WISH_SECONDS + 2
        assert new.listener.held == {0, 1, 2, 3}
        assert [(await stage.load(session)).held_by for session in sessions] == [NEW] * 2
        assert len(stage.control.connections()) == 2
        assert await _stopped(stage, new) > 1


@on_virtual_time
async def test_told_to_stop_it_goes_when_nobody_asks_for_what_it_holds() -> None:
    async with staged() as stage:
        await stage.made(shard=0)
        served = _served(stage)
        await stage.clock.sleep(12)

        assert await _stopped(stage, served) == pytest.approx(WISH_SECONDS, abs=LOOK_SECONDS)
        assert stage.control.connections() == []


@on_virtual_time
async def test_told_to_stop_it_goes_at_once_where_it_holds_no_link() -> None:
    async with staged() as stage:
        served = _served(stage)
        await stage.clock.sleep(12)

        assert await _stopped(stage, served) <= LOOK_SECONDS


async def _asks(stage: Stage, *shards: int) -> None:
    for shard in shards:
        lease = await stage.ports.shards.lease(shard)
        assert await stage.ports.shards.ask(lease, NEW, now=stage.now, until=stage.now + 15)


@on_virtual_time
async def test_told_to_stop_it_waits_only_so_long_for_who_asked_and_does_not_come() -> None:
    async with staged() as stage:
        await stage.made(shard=0)
        served = _served(stage)
        await stage.clock.sleep(12)
        await _asks(stage, 0, 1, 2, 3)

        took = await _stopped(stage, served)
        assert took == pytest.approx(HAND_OVER_SECONDS, abs=LOOK_SECONDS)
        assert stage.control.connections() == []


@on_virtual_time
async def test_told_to_stop_it_goes_when_nobody_asks_for_the_rest() -> None:
    async with staged() as stage:
        for shard in (0, 1):
            await stage.made(shard=shard)
        served = _served(stage)
        await stage.clock.sleep(12)
        served.stopping.set()
        await stage.clock.sleep(WISH_SECONDS - 2)
        await _asks(stage, 0)

        took = WISH_SECONDS - 2 + await _stopped(stage, served)
        assert took == pytest.approx(2 * WISH_SECONDS - 1, abs=1)
        assert (await stage.ports.shards.lease(0)).owner == NEW


@on_virtual_time
async def test_it_ends_when_it_had_nothing_to_do_for_long_enough() -> None:
    async with staged() as stage:
        served = _served(stage, idle_seconds=30.0)

        assert await served.task == "idle"
        assert 30 <= stage.clock.monotonic() < 31


@on_virtual_time
async def test_idleness_is_counted_from_the_last_session() -> None:
    async with staged() as stage:
        session = await stage.made(shard=0)
        served = _served(stage, idle_seconds=30.0)
        await stage.clock.sleep(100)
        busy = not served.task.done()
        stage.control.disconnect(session.client_id)

        assert await served.task == "idle"
        assert busy
        assert 130 <= stage.clock.monotonic() < 140


@on_virtual_time
async def test_it_retires_once_a_successor_has_everything() -> None:
    async with staged() as stage:
        session = await stage.made(shard=0)
        old = _retiring(stage)
        await stage.clock.sleep(20)
        new = _served(stage, NEW, generation_seconds=GENERATION)

        assert await old.task == "retired"
        assert stage.clock.monotonic() == pytest.approx(GENERATION, abs=1)
        assert new.listener.held == {0, 1, 2, 3}
        assert (await stage.load(session)).held_by == NEW
        new.stopping.set()
        await new.task


@pytest.mark.parametrize("linger", [LINGER_SECONDS, 5.0])
@on_virtual_time
async def test_without_a_successor_it_lingers_and_then_lets_go(linger: float) -> None:
    async with staged() as stage:
        session = await stage.made(shard=0)
        old = _retiring(stage, linger=linger)

        assert await old.task == "retired"
        assert stage.clock.monotonic() == pytest.approx(GENERATION + linger, abs=1)
        assert (await stage.load(session)).state is State.DETACHED


@on_virtual_time
async def test_a_failure_of_its_loops_is_told_and_the_shards_are_given_back() -> None:
    async with staged() as stage:
        await stage.made(shard=0)
        served = _served(stage)
        await stage.clock.sleep(1)
        stage.shards.fail("renew", *[LoopsFailedError()] * 4)

        with pytest.raises(ExceptionGroup) as failed:
            await served.task

        assert failed.group_contains(LoopsFailedError)
        assert [lease.owner for lease in await stage.ports.shards.leases(4)] == [None] * 4
        assert stage.control.connections() == []


@on_virtual_time
async def test_a_term_is_one_line_also_where_it_failed(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with staged() as stage:
        await stage.made(shard=0)
        stopped = _served(stage)
        await stage.clock.sleep(60)
        stopped.stopping.set()
        await stopped.task
        broken = _served(stage, NEW)

        async def fails() -> None:
            raise LoopsFailedError

        stage.shards.before("leases", fails)
        with pytest.raises(ExceptionGroup):
            await broken.task

    told = [vars(each) for each in caplog.records if each.msg == "listener.ended"]
    assert [(each["listener"], each["reason"]) for each in told] == [
        (OLD, "stopped"),
        (NEW, "failed"),
    ]
    assert told[0]["seconds"] >= 60
    assert told[0]["links_left"] == 1, "nobody was there to take it"
