"""Listeners that retire, die and lose links while both sides talk: equal logs, no send twice.

With processes, sockets and SIGKILL. A scaled-down form runs with the suites, the whole of it with
`make fleet`.
The same on virtual time: tests/simulation/test_fleet.py.
"""

import asyncio
import math
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import pytest

from service.entrypoints._process.descriptors import make_room
from tests.chaos.fleet.supervisor import Supervisor
from tests.support.fleet_process import shared_ports
from tests.support.fleet_story import KNOBS, MOST_SOCKETS, UNHINDERED, FleetStory, Json
from tests.support.machine import DEPLOYMENT, Machine, running

CHATS: Final = int(os.environ.get("FLEET_CHATS", "24"))
SECONDS: Final = float(os.environ.get("FLEET_SECONDS", "13"))
PAUSE: Final = float(os.environ.get("FLEET_PAUSE", "3"))
"""Each side of a chat is silent for up to so many seconds before it speaks."""
LISTENERS: Final = 3
SHARDS: Final = 16
GENERATION: Final = 10.0
KILL_EVERY: Final = 7.0
ROOM: Final = 1.25
"""Links that the listeners have room for, of those that there are: a third each, and some."""
AT_ONCE: Final = 8
"""Chats that are opened side by side."""
CALM: Final = 180 + CHATS / 5
"""A lease that lapses, links that are handed over at 10 a second, and a busy machine."""
RUN_SECONDS: Final = 300 + CHATS / 2 + 2 * SECONDS + CALM
KILLS: Final = max(0, math.ceil(SECONDS / KILL_EVERY) - 1)
UNAVAILABLE: Final = 503
AGAIN_SECONDS: Final = 0.5


@dataclass(kw_only=True)
class Site:
    """The API and the simulator, in this process, and the listeners, in theirs."""

    machine: Machine
    supervisor: Supervisor
    repeated: int = 0
    """Requests that were answered 503 and came again."""

    def story(self) -> FleetStory:
        return FleetStory(
            clock=self.machine.assembly.ports.clock,
            sessions=self.machine.assembly.ports.sessions,
            control=self.machine.control,
            post=self.post,
            deployment=DEPLOYMENT,
            pause=PAUSE,
        )

    async def post(self, path: str, body: Json, key: str) -> Json:
        """As a caller: who is told that the table is busy asks again, under the same key."""
        while True:
            headers = {"idempotency-key": key}
            answer = await self.machine.http.post(path, json=body, headers=headers)
            if answer.status_code != UNAVAILABLE:
                assert answer.is_success, f"{path}: {answer.status_code} {answer.text}"
                made: Json = answer.json()
                return made
            self.repeated += 1
            await asyncio.sleep(AGAIN_SECONDS)

    async def kill(self, until: float) -> None:
        """A listener every so many seconds, however busy the machine."""
        begun = until - SECONDS
        for number in range(1, KILLS + 1):
            await asyncio.sleep(max(0.0, begun + number * KILL_EVERY - time.time()))
            await self.supervisor.kill_one()


@asynccontextmanager
async def site(folder: Path) -> AsyncIterator[Site]:
    """Nothing is said yet, and no listener is there."""
    make_room(MOST_SOCKETS * CHATS)
    data = folder / "data"
    settings = {"shards": SHARDS, "connections_per_minute": UNHINDERED}
    async with running(
        data, listener=False, knobs=KNOBS, settings=settings, opening=shared_ports
    ) as machine:
        environment = {
            "BROKER_DATA_DIR": str(data),
            "BROKER_SHARDS": str(SHARDS),
            "BROKER_MAX_LINKS": str(round(CHATS * ROOM / LISTENERS)),
            "BROKER_CONNECTIONS_PER_MINUTE": str(UNHINDERED),
        }
        supervisor = Supervisor(
            folder=folder, environment=environment, count=LISTENERS, generation=GENERATION
        )
        yield Site(machine=machine, supervisor=supervisor)


async def open_all(story: FleetStory) -> None:
    """On demand: the first of several listeners would claim all shards while they are empty."""
    room = asyncio.Semaphore(AT_ONCE)

    async def opened(number: int) -> None:
        async with room:
            await story.open(number)

    await asyncio.gather(*map(opened, range(CHATS)))


async def talk(story: FleetStory, place: Site) -> None:
    """Both sides, among deaths and losses."""
    until = time.time() + SECONDS
    async with asyncio.TaskGroup() as group:
        for act in (place.kill, story.reset):
            group.create_task(act(until))
        for chat in story.chats:
            group.create_task(story.talk(chat, until))


async def calm(story: FleetStory) -> None:
    """Until everything that was said is in the logs; what is not by then is found out later."""
    left, ends = story.chats, time.time() + CALM
    while True:
        left = await story.open_ends(left)
        if not left or time.time() >= ends:
            return
        await asyncio.sleep(1)


@pytest.mark.timeout(RUN_SECONDS)
async def test_nothing_is_lost_or_doubled_while_processes_are_killed(tmp_path: Path) -> None:
    steps = [time.time()]
    async with site(tmp_path) as place:
        story, supervisor = place.story(), place.supervisor
        await open_all(story)
        steps.append(time.time())
        async with supervisor.at_work():
            for step in (talk(story, place), calm(story)):
                await step
                steps.append(time.time())
                supervisor.generation = None
            # After the last word of every process, so that nothing can come twice any more.
            await supervisor.stop()
        wrong = await story.wrong()
        told = dict(await story.tally())

    killed = sum(each.killed for each in supervisor.listeners)
    seconds = [round(end - begin, 1) for begin, end in pairwise(steps)]
    print(f"opened, talked, calm after {seconds} s; {len(supervisor.listeners)} listeners,")
    print(f"{killed} killed, {story.resets} links reset, {place.repeated} repeated; {told}")
    assert not wrong, "\n".join(wrong)
    assert supervisor.faults() == []
    assert killed == KILLS
