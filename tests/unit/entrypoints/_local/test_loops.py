"""What works beside the API is begun in an order that loses nothing."""

from asyncio import create_task, gather

import pytest

from service.domain.ids import ListenerName
from service.domain.lease import LEASE_SECONDS, MOST_LINKS, Term
from service.entrypoints._local.loops import begin_loops
from service.usecases.hold_links import HoldLinks
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
