"""Listeners that retire, die and lose links while both sides talk: equal logs, no send twice.

A scaled-down form runs with the suites; `FLEET_CHATS=600 FLEET_SECONDS=60` is the whole of it. With
processes instead of tasks: tests/chaos/fleet.
"""

import asyncio
import os
from dataclasses import dataclass
from typing import Any, Final

import pytest

from service.simulator.deployments import Bot, Deployment
from service.simulator.state import WorldConfig
from tests.simulation.test_replacement_story import furnish
from tests.support.fleet import MOST, Fleet, Member
from tests.support.fleet_story import KNOBS, UNHINDERED, FleetStory
from tests.support.log_checker import received_texts
from tests.support.mortal_broker import bury
from tests.support.virtual_broker import VirtualBroker, virtual_broker
from tests.support.virtual_time import run_virtual

CHATS: Final = int(os.environ.get("FLEET_CHATS", "12"))
SECONDS: Final = float(os.environ.get("FLEET_SECONDS", "30"))
LISTENERS: Final = 3
GENERATION: Final = 10.0
KILL_EVERY: Final = 7.0
PAUSE: Final = 3.0
CALM: Final = 60 + CHATS / 5
"""A lease that lapses, and links that one listener takes over at 10 a second."""
RUN_SECONDS: Final = 60 + CHATS * SECONDS / 20
"""Of real time: what the calls of so many sessions take to compute."""


@dataclass
class Tale:
    """The story, and the listeners of it."""

    broker: VirtualBroker
    fleet: Fleet
    story: FleetStory

    async def renew_generations(self, until: float) -> None:
        """As a sweeper does: another listener whenever one is about to retire, or gone."""
        clock = self.broker.clock
        while clock.now() < until:
            alive = [each for each in self.listeners() if not each.task.done()]
            lasting = [each for each in alive if self.left(each) > GENERATION / 4]
            if len(lasting) < LISTENERS:
                self.fleet.start()
            await clock.sleep(1)

    def listeners(self) -> list[Member]:
        return self.fleet.members[1:]

    def left(self, member: Member) -> float:
        retires = member.listener.leases.term.retires_at
        return float("inf") if retires is None else retires - self.broker.clock.now()

    async def kill(self, until: float) -> None:
        clock = self.broker.clock
        while clock.now() < until:
            await clock.sleep(KILL_EVERY)
            alive = [each for each in self.listeners() if not each.task.done()]
            if alive:
                await self.story.chance.choice(alive).die()

    async def check(self) -> None:
        assert await self.story.wrong() == []
        for chat in self.story.chats:
            assert received_texts(await self.story.events(chat)) == self.story.told[chat], chat
        print(len(self.fleet.members), "listeners,", dict(await self.story.tally()))


@pytest.mark.timeout(RUN_SECONDS)
def test_nothing_is_lost_doubled_or_disordered_whatever_becomes_of_listeners() -> None:
    async def story() -> None:
        bury(asyncio.get_running_loop())
        world = WorldConfig(knobs=KNOBS, deployments=(Deployment(bot=Bot.SILENT),))
        async with virtual_broker(world) as broker:
            await furnish(broker)
            await tell(told_by(broker))

    run_virtual(story())


def told_by(broker: VirtualBroker) -> Tale:
    fleet = Fleet(broker, connections_per_minute=UNHINDERED, max_links=max(MOST, CHATS))

    async def post(path: str, body: dict[str, Any], key: str) -> dict[str, Any]:
        # Through a process that is never killed.
        return await fleet.members[0].process.post(path, body, key=key)

    story = FleetStory(
        clock=broker.clock,
        sessions=broker.ports.sessions,
        control=broker.simulator.control,
        post=post,
        deployment="help",
        pause=PAUSE,
    )
    return Tale(broker=broker, fleet=fleet, story=story)


async def tell(tale: Tale) -> None:
    clock = tale.broker.clock
    door = tale.fleet.start()
    await clock.sleep(1)
    for number in range(CHATS):
        await tale.story.open(number)
    tale.fleet.generation = GENERATION
    for _ in range(LISTENERS):
        tale.fleet.start()
    await door.stop()
    until = clock.now() + SECONDS
    async with asyncio.TaskGroup() as group:
        for act in (tale.renew_generations, tale.kill, tale.story.reset):
            group.create_task(act(until))
        for chat in tale.story.chats:
            group.create_task(tale.story.talk(chat, until))
    tale.fleet.generation = None
    last = tale.fleet.start()
    await clock.sleep(CALM)
    await tale.check()
    for member in (*tale.listeners(), last):
        if not member.task.done():
            await member.stop()
