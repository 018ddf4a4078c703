"""Quiet chats hold no link, through generations and deaths of listeners, and lose nothing by it."""

import pytest

from service.domain.ids import SessionId
from service.domain.session import State
from tests.simulation.test_hand_over import WORLD, open_chats, tokens_of
from tests.simulation.test_replacement_story import furnish
from tests.support.fleet import Fleet
from tests.support.virtual_broker import VirtualBroker, virtual_broker
from tests.support.virtual_time import run_virtual

QUIET = 1800.0
CHATS = 3
SWEEP = 60.0


async def pass_time(fleet: Fleet, seconds: float) -> None:
    """With a sweep each minute."""
    clock = fleet.broker.clock
    until = clock.monotonic() + seconds
    while clock.monotonic() < until:
        await clock.sleep(SWEEP)
        await fleet.sweep()


async def received(broker: VirtualBroker, chat: SessionId) -> list[str]:
    page = await broker.ports.sessions.read_log(chat, after=0, limit=1000)
    return [e.data["message"]["text"] for e in page.events if e.type == "message.received"]


async def fall_asleep(fleet: Fleet) -> list[SessionId]:
    """Chats that nobody holds any more."""
    broker = fleet.broker
    first = fleet.start()
    await broker.clock.sleep(1)
    chats = await open_chats(first, CHATS)
    await pass_time(fleet, QUIET + SWEEP)
    assert {(await broker.ports.sessions.load(chat)).state for chat in chats} == {State.DORMANT}
    assert broker.simulator.control.connections() == []
    assert not first.listener.visits
    return chats


async def change_hands(fleet: Fleet, end: str) -> None:
    """What becomes of the listener, and who comes after it."""
    [first] = fleet.members
    if end == "dead":
        await first.die()
    else:
        await first.stop()
    if end != "nobody left":
        fleet.start()
    await fleet.broker.clock.sleep(30)


@pytest.mark.parametrize("end", ["given back", "dead", "nobody left"])
def test_what_agents_say_to_dormant_chats_arrives_once_and_in_order(end: str) -> None:
    async def story() -> None:
        async with virtual_broker(WORLD) as broker:
            await furnish(broker)
            fleet = Fleet(broker)
            chats = await fall_asleep(fleet)
            before = len(broker.simulator.control.handshakes())
            await change_hands(fleet, end)
            assert len(broker.simulator.control.handshakes()) == before

            for line in range(3):
                for token in await tokens_of(broker, chats):
                    broker.simulator.control.say(token, f"line {line}")
                await broker.clock.sleep(1)
            await pass_time(fleet, 900 + 2 * SWEEP)

            for chat in chats:
                said = [text for text in await received(broker, chat) if "line" in text]
                assert said == ["line 0", "line 1", "line 2"]
            for member in fleet.members[1:]:
                assert set(member.listener.visits) == set(chats)
                assert await member.stop() == "stopped"

    run_virtual(story())


def test_a_callers_message_wakes_a_dormant_chat_within_the_request() -> None:
    async def story() -> None:
        async with virtual_broker(WORLD) as broker:
            await furnish(broker)
            fleet = Fleet(broker)
            member = fleet.start()
            await broker.clock.sleep(1)
            [chat] = await open_chats(member, 1)
            await broker.clock.sleep(QUIET + 10)
            assert (await broker.ports.sessions.load(chat)).state is State.DORMANT

            begun = broker.clock.monotonic()
            path = f"/v1/sessions/{chat}/messages?wait=10"
            sent = await member.process.post(path, {"text": "Still there?"}, key="again")

            assert sent["status"] == "confirmed"
            assert broker.clock.monotonic() - begun < 5
            await broker.clock.sleep(10)
            assert list(member.listener.visits) == [chat]
            assert await member.stop() == "stopped"

    run_virtual(story())
