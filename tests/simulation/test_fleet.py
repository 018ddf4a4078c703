"""Listeners that retire, die and lose links while both sides talk: equal logs, no send twice.

A scaled-down form runs with the suites; `FLEET_CHATS=600 FLEET_SECONDS=60` is the whole of it.
"""

import asyncio
import os
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from service.domain.ids import SessionId
from service.simulator.deployments import Bot, Deployment
from service.simulator.knobs import Knobs
from service.simulator.state import WorldConfig
from tests.simulation.test_replacement_story import furnish
from tests.support.fleet import Fleet, Member
from tests.support.log_checker import received_texts, settled_texts
from tests.support.mortal_broker import bury
from tests.support.virtual_broker import VirtualBroker, virtual_broker
from tests.support.virtual_time import run_virtual

CHATS: Final = int(os.environ.get("FLEET_CHATS", "12"))
SECONDS: Final = float(os.environ.get("FLEET_SECONDS", "30"))
LISTENERS: Final = 3
GENERATION: Final = 10.0
KILL_EVERY: Final = 7.0
RESET_SHARE: Final = 0.01
CALM: Final = 60.0
KNOBS: Final = Knobs(idle_close_seconds=0, max_age_seconds=0)


@dataclass
class Story:
    """What was said, and to whom."""

    broker: VirtualBroker
    fleet: Fleet
    chance: Random
    chats: list[SessionId] = field(default_factory=list)
    tokens: dict[SessionId, str] = field(default_factory=dict)
    asked: "defaultdict[SessionId, list[str]]" = field(default_factory=lambda: defaultdict(list))
    told: "defaultdict[SessionId, list[str]]" = field(default_factory=lambda: defaultdict(list))

    @property
    def door(self) -> Member:
        """The API: a process that is never killed and holds nothing."""
        return self.fleet.members[0]

    async def open(self, count: int) -> None:
        for number in range(count):
            body = {"deployment": "help", "message": {"text": f"hello {number}"}}
            made = await self.door.process.post("/v1/sessions?wait=10", body, key=f"open-{number}")
            chat = SessionId(made["id"])
            self.chats.append(chat)
            self.asked[chat].append(f"hello {number}")
            self.tokens[chat] = (await self.broker.ports.sessions.load(chat)).client_id

    async def talk(self, chat: SessionId, until: float) -> None:
        """Both sides, about every three seconds each."""
        clock = self.broker.clock
        number = 0
        while clock.now() < until:
            await clock.sleep(self.chance.uniform(0, 3))
            number += 1
            text = f"caller {number}"
            self.asked[chat].append(text)
            await self.door.process.post(
                f"/v1/sessions/{chat}/messages?wait=0", {"text": text}, key=f"{chat}-{number}"
            )
            await clock.sleep(self.chance.uniform(0, 3))
            text = f"agent {number}"
            self.broker.simulator.control.say(self.tokens[chat], text)
            self.told[chat].append(text)

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
                await self.chance.choice(alive).die()

    async def reset(self, until: float) -> None:
        clock = self.broker.clock
        while clock.now() < until:
            await clock.sleep(1)
            for line in self.broker.simulator.control.connections():
                if line["attached"] and self.chance.random() < RESET_SHARE:
                    self.broker.simulator.control.drop(token=str(line["token"]))

    async def check(self) -> None:
        arrived: dict[str, list[str]] = defaultdict(list)
        for record in self.broker.simulator.control.inbound():
            assert record["arrived"] == 1, record
            arrived[str(record["token"])].append(str(record["text"]))
        types: Counter[str] = Counter()
        counts: dict[str, Any] = dict(self.broker.simulator.control.counts())
        for chat in self.chats:
            page = await self.broker.ports.sessions.read_log(chat, after=0, limit=10_000)
            events = [{"type": e.type.value, "data": dict(e.data)} for e in page.events]
            types.update(str(event["type"]) for event in events)
            token = self.tokens[chat]
            assert arrived[token] == self.asked[chat], chat
            assert Counter(settled_texts(events)) == Counter(self.asked[chat]), chat
            assert received_texts(events) == self.told[chat], chat
            assert counts["tokens"][token]["max_sockets"] <= 3
        print(len(self.fleet.members), "listeners,", dict(types))


def test_nothing_is_lost_doubled_or_disordered_whatever_becomes_of_listeners() -> None:
    async def story() -> None:
        bury(asyncio.get_running_loop())
        world = WorldConfig(knobs=KNOBS, deployments=(Deployment(bot=Bot.SILENT),))
        async with virtual_broker(world) as broker:
            await furnish(broker)
            tale = Story(broker=broker, fleet=Fleet(broker), chance=Random(7))
            await tell(tale)

    run_virtual(story())


async def tell(tale: Story) -> None:
    clock = tale.broker.clock
    door = tale.fleet.start()
    await clock.sleep(1)
    await tale.open(CHATS)
    tale.fleet.generation = GENERATION
    for _ in range(LISTENERS):
        tale.fleet.start()
    await door.stop()
    until = clock.now() + SECONDS
    async with asyncio.TaskGroup() as group:
        for act in (tale.renew_generations, tale.kill, tale.reset):
            group.create_task(act(until))
        for chat in tale.chats:
            group.create_task(tale.talk(chat, until))
    tale.fleet.generation = None
    last = tale.fleet.start()
    await clock.sleep(CALM)
    await tale.check()
    for member in (*tale.listeners(), last):
        if not member.task.done():
            await member.stop()
