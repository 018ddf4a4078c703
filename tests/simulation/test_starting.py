"""Listeners come because a request or a sweep needs one, and for no other reason."""

import asyncio
from itertools import pairwise

import pytest

from tests.simulation.test_hand_over import (
    WORLD,
    check,
    history_reads,
    open_chats_at,
    speak,
    tokens_of,
)
from tests.simulation.test_replacement_story import furnish
from tests.support.fleet import COLD_START_SECONDS, Fleet
from tests.support.mortal_broker import Process
from tests.support.virtual_broker import VirtualBroker, virtual_broker
from tests.support.virtual_time import run_virtual

GENERATION = 480.0
SWEEP = 60.0
CHATS = 4


async def sweeps(fleet: Fleet) -> None:
    """One each minute, until cancelled."""
    while True:
        await fleet.broker.clock.sleep(SWEEP)
        await fleet.sweep()


def fleet_of(broker: VirtualBroker, *, generation: float | None = GENERATION) -> Fleet:
    return Fleet(broker, generation=generation, idle=90.0, answers=True)


async def stop(fleet: Fleet, *tasks: "asyncio.Task[None]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for member in fleet.alive:
        await member.stop()


def test_the_first_requests_start_one_listener_that_takes_their_chats() -> None:
    async def story() -> None:
        async with virtual_broker(WORLD) as broker:
            await furnish(broker)
            fleet = fleet_of(broker)
            door = fleet.door()
            chats = await open_chats_at(door, CHATS)
            await broker.clock.sleep(COLD_START_SECONDS + 15)

            [member] = fleet.members
            assert set(member.listener.visits) == set(chats)
            assert len(broker.simulator.control.connections()) == CHATS
            await stop(fleet)

    run_virtual(story())


def test_generation_after_generation_is_started_by_sweeps_alone_and_misses_nothing() -> None:
    async def story() -> None:
        async with virtual_broker(WORLD) as broker:
            await furnish(broker)
            fleet = fleet_of(broker)
            chats = await open_chats_at(fleet.door(), CHATS)
            sweeping = asyncio.create_task(sweeps(fleet))
            await broker.clock.sleep(30)
            reads = history_reads(broker)
            agents = asyncio.create_task(speak(broker, await tokens_of(broker, chats), every=11.0))
            await broker.clock.sleep(3 * GENERATION)

            agents.cancel()
            said = await agents
            await broker.clock.sleep(5)
            await check(broker, chats, said)
            assert history_reads(broker) == reads
            assert 4 <= len(fleet.asked) <= 5
            assert all(later - earlier > GENERATION / 2 for earlier, later in pairwise(fleet.asked))
            ended = [await member.task for member in fleet.members[:-1]]
            assert ended == ["retired"] * len(ended)
            await stop(fleet, sweeping)

    run_virtual(story())


@pytest.mark.parametrize("many", [2, 5])
def test_starting_too_many_is_harmless_and_the_idle_ones_end(many: int) -> None:
    async def story() -> None:
        async with virtual_broker(WORLD) as broker:
            await furnish(broker)
            fleet = fleet_of(broker, generation=None)
            await fleet.begin(many)
            await broker.clock.sleep(COLD_START_SECONDS + 1)
            chats = await open_chats_at(fleet.door(), CHATS)
            sweeping = asyncio.create_task(sweeps(fleet))
            await broker.clock.sleep(300)

            [busy] = fleet.alive
            assert set(busy.listener.visits) == set(chats)
            idle = [await m.task for m in fleet.members if m is not busy]
            assert idle == ["idle"] * (many - 1)
            assert len(fleet.asked) == many
            await stop(fleet, sweeping)

    run_virtual(story())


async def end_all(door: Process, chats: list[str]) -> None:
    for chat in chats:
        await door.post(f"/v1/sessions/{chat}/end", {"mode": "leave"}, key=f"end-{chat}")


def test_a_dead_listener_is_replaced_by_the_next_sweep_and_the_last_one_ends_itself() -> None:
    async def story() -> None:
        async with virtual_broker(WORLD) as broker:
            await furnish(broker)
            fleet = fleet_of(broker, generation=None)
            door = fleet.door()
            chats = await open_chats_at(door, CHATS)
            sweeping = asyncio.create_task(sweeps(fleet))
            await broker.clock.sleep(30)
            await fleet.members[0].die()
            await broker.clock.sleep(2 * SWEEP)

            assert len(fleet.asked) == 2
            assert set(fleet.members[1].listener.visits) == set(chats)

            await end_all(door, [str(chat) for chat in chats])
            await broker.clock.sleep(10 * SWEEP)
            assert await fleet.members[1].task == "idle"
            assert len(fleet.asked) == 2
            await stop(fleet, sweeping)

    run_virtual(story())


def test_a_request_is_served_when_no_listener_can_be_started() -> None:
    async def story() -> None:
        async with virtual_broker(WORLD) as broker:
            await furnish(broker)
            fleet = Fleet(broker)
            door = fleet.door()
            [chat] = await open_chats_at(door, 1)
            for number in range(3):
                path = f"/v1/sessions/{chat}/messages?wait=10"
                sent = await door.post(path, {"text": "Hello"}, key=f"more-{number}")
                assert sent["status"] == "confirmed"

            assert fleet.members == []
            assert len(fleet.asked) == 1

    run_virtual(story())
