"""A shard changes hands while agents speak: everything is in the log once, in order, unread."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from service.domain.ids import SessionId
from service.domain.lease import lead_of
from service.simulator.knobs import Knobs
from service.simulator.state import WorldConfig
from service.usecases.serve_term import HAND_OVER_SECONDS
from tests.simulation.test_replacement_story import furnish
from tests.support.fleet import Fleet, Member
from tests.support.log_checker import received_texts
from tests.support.mortal_broker import Process
from tests.support.virtual_broker import VirtualBroker, virtual_broker
from tests.support.virtual_time import run_virtual

WORLD = WorldConfig(knobs=Knobs(idle_close_seconds=0, max_age_seconds=0))
CHATS = 10
GENERATION = 40.0


async def open_chats(member: Member, count: int = CHATS) -> list[SessionId]:
    return await open_chats_at(member.process, count)


async def open_chats_at(door: Process, count: int) -> list[SessionId]:
    hello = {"deployment": "help", "message": {"text": "Hello"}}
    made = [
        await door.post("/v1/sessions?wait=10", hello, key=f"chat-{number}")
        for number in range(count)
    ]
    return [SessionId(each["id"]) for each in made]


async def tokens_of(broker: VirtualBroker, chats: Sequence[SessionId]) -> list[str]:
    return [(await broker.ports.sessions.load(chat)).client_id for chat in chats]


async def speak(broker: VirtualBroker, tokens: Sequence[str], *, every: float) -> Counter[str]:
    """The agents go on and on, one chat after the other, until cancelled."""
    said: Counter[str] = Counter()
    try:
        while True:
            for token in tokens:
                said[token] += 1
                broker.simulator.control.say(token, f"line {said[token]}")
                await broker.clock.sleep(every)
    except asyncio.CancelledError:
        return said


def history_reads(broker: VirtualBroker) -> int:
    """How often history was read so far."""
    counts: dict[str, Any] = dict(broker.simulator.control.counts())
    return sum(each["history_reads"] for each in counts["tokens"].values())


async def check(
    broker: VirtualBroker, chats: Sequence[SessionId], said: Counter[str]
) -> list[dict[str, Any]]:
    """Every line once, in order, in every log; all events."""
    everything: list[dict[str, Any]] = []
    for chat in chats:
        token = (await broker.ports.sessions.load(chat)).client_id
        page = await broker.ports.sessions.read_log(chat, after=0, limit=10_000)
        events: list[dict[str, Any]] = [
            {"type": e.type.value, "data": dict(e.data)} for e in page.events
        ]
        lines = [text for text in received_texts(events) if text.startswith("line ")]
        assert lines == [f"line {n + 1}" for n in range(said[token])]
        everything += events
    return everything


@pytest.mark.parametrize("every", [0.013, 0.2])
def test_nothing_is_missed_doubled_or_read_when_a_generation_ends(every: float) -> None:
    async def story() -> None:
        async with virtual_broker(WORLD) as broker:
            await furnish(broker)
            await hand_over(broker, every)

    run_virtual(story())


def test_what_is_still_on_its_way_to_the_old_link_comes_before_what_the_new_one_hears() -> None:
    async def story() -> None:
        async with virtual_broker(WORLD) as broker:
            await furnish(broker)
            await hand_over(broker, 0.05, late_by=0.6)

    run_virtual(story())


async def hand_over(broker: VirtualBroker, every: float, *, late_by: float = 0.0) -> None:
    """One generation ends and the next begins, while agents speak."""
    fleet = Fleet(broker, generation=GENERATION)
    old = fleet.start()
    await broker.clock.sleep(1)
    chats = await open_chats(old)
    await broker.clock.sleep(GENERATION - lead_of(GENERATION) - 10)
    for line in broker.simulator.control.connections() if late_by else ():
        slow = {"connection": line["id"], "direction": "Outbound", "count": 100_000}
        broker.simulator.control.fault("delay", seconds=late_by, **slow)
    reads = history_reads(broker)
    agents = asyncio.create_task(speak(broker, await tokens_of(broker, chats), every=every))
    new = fleet.start()

    assert await old.task == "retired"
    await broker.clock.sleep(1)
    assert (new.listener.held, len(new.listener.visits)) == (set(range(4)), CHATS)
    assert history_reads(broker) == reads
    assert len(broker.simulator.control.connections()) == CHATS

    agents.cancel()
    said = await agents
    await broker.clock.sleep(5)
    types = Counter(event["type"] for event in await check(broker, chats, said))
    assert not {"session.recovered", "session.replaced"} & set(types)
    assert await new.stop() == "stopped"


@pytest.mark.parametrize("generation", [None, 600.0])
def test_nothing_is_missed_doubled_or_read_when_a_listener_is_told_to_stop(
    generation: float | None,
) -> None:
    async def story() -> None:
        async with virtual_broker(WORLD) as broker:
            await furnish(broker)
            fleet = Fleet(broker, generation=generation)
            old = fleet.start()
            await broker.clock.sleep(1)
            chats = await open_chats(old)
            await broker.clock.sleep(15)
            new = fleet.start()
            await broker.clock.sleep(3)
            await told_to_stop(broker, old, new, chats)

    run_virtual(story())


async def told_to_stop(
    broker: VirtualBroker, old: Member, new: Member, chats: Sequence[SessionId]
) -> None:
    """SIGTERM while agents speak and the next listener is there, without any link yet."""
    reads, begun = history_reads(broker), broker.clock.now()
    agents = asyncio.create_task(speak(broker, await tokens_of(broker, chats), every=0.05))

    assert await old.stop() == "stopped"
    assert broker.clock.now() - begun < HAND_OVER_SECONDS
    await broker.clock.sleep(1)
    assert (new.listener.held, len(new.listener.visits)) == (set(range(4)), CHATS)
    assert history_reads(broker) == reads

    agents.cancel()
    said = await agents
    await broker.clock.sleep(5)
    types = Counter(event["type"] for event in await check(broker, chats, said))
    assert not {"session.recovered", "session.replaced"} & set(types)
    assert await new.stop() == "stopped"


def test_two_that_are_told_to_stop_at_once_ask_each_other_for_nothing_and_end_soon() -> None:
    async def story() -> None:
        async with virtual_broker(WORLD) as broker:
            await furnish(broker)
            fleet = Fleet(broker, max_links=CHATS // 2)
            members = [fleet.start() for _ in range(2)]
            await broker.clock.sleep(1)
            await open_chats(members[0])
            await broker.clock.sleep(15)
            begun = broker.clock.now()

            assert [await member.stop() for member in members] == ["stopped"] * 2
            assert broker.clock.now() - begun < 2 * HAND_OVER_SECONDS
            assert broker.simulator.control.connections() == []

    run_virtual(story())
