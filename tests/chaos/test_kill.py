"""SIGKILL at the worst moments, a restart on the same data directory: nothing lost or doubled."""

import asyncio
import os
from pathlib import Path
from typing import Final

import pytest

from service.simulator.knobs import Knobs
from tests.chaos.stage import Stage, killed_in, moments, stage
from tests.support.machine import PATIENCE, eventually
from tests.support.stand_in import ministack
from tests.support.webhook_sink import answer, hang

SEED: Final = int(os.environ.get("KILL_SEED", "20261122"))
ROUNDS: Final = 3
CHATS: Final = 6

pytestmark = pytest.mark.timeout(600)


async def test_a_kill_between_accept_and_proof_leaves_one_copy_of_each_message(
    tmp_path: Path,
) -> None:
    async with stage(tmp_path) as scene:
        chats = [await scene.open(f"guest-{n}") for n in range(CHATS)]
        await unheard(scene, chats)
        await scene.broker.kill()
        scene.sim.control.clear_faults()
        await scene.again()
        wrong = await scene.wrong()

    assert wrong == []


async def unheard(scene: Stage, chats: list[str]) -> None:
    """A message of each chat arrives, and nobody is told: accepted, written and not proven."""
    scene.sim.control.fault("swallow_echo", count=0)
    for chat in chats:
        assert await scene.send(chat, f"{chat} unheard")

    def stored() -> bool:
        return len(scene.sim.control.inbound()) == len(chats)

    await eventually(stored, what="every message at the simulator")


async def test_kills_at_random_moments_leave_one_copy_of_each_message(tmp_path: Path) -> None:
    print(f"KILL_SEED={SEED}")
    async with stage(tmp_path, knobs=Knobs(answer_delay_seconds=0.15)) as scene:
        chats = [await scene.open(f"guest-{n}") for n in range(CHATS)]
        for number, moment in enumerate(moments(SEED, ROUNDS, within=0.6)):
            await asyncio.gather(
                killed_in(scene, moment),
                *(speak(scene, chat, number, moment) for chat in chats),
            )
            await scene.again()
        wrong = await scene.wrong()

    assert wrong == []


async def speak(scene: Stage, chat: str, number: int, moment: float) -> None:
    """Two messages, so that the moment of death finds each somewhere else."""
    await asyncio.sleep(moment / 2)
    await scene.send(chat, f"{chat} round {number} first", wait=5)
    await scene.send(chat, f"{chat} round {number} second", wait=5)


async def test_a_kill_between_append_and_webhook_delays_every_event_and_loses_none(
    tmp_path: Path,
) -> None:
    async with stage(tmp_path) as scene:
        scene.sink.reply = hang()
        chats = [await scene.open(f"guest-{n}") for n in range(CHATS)]
        for chat in chats:
            assert await scene.send(chat, f"{chat} first", wait=25)
        await scene.sink.received(CHATS)
        await scene.broker.kill()
        hung = len(scene.sink.requests)
        scene.sink.reply = answer()
        await scene.again()
        wrong = await scene.wrong()

    assert wrong == []
    assert hung >= CHATS


async def test_sigterm_drains_and_the_next_start_finds_everything_again(tmp_path: Path) -> None:
    async with stage(tmp_path) as scene:
        chat = await scene.open("guest")
        await scene.send(chat, "before", wait=25)
        status = await scene.broker.stop()
        before = len(scene.sink.requests)
        line = await scene.broker.start()
        found = await scene.broker.call("GET", "/v1/sessions?externalId=guest")
        await scene.send(chat, "after", wait=25)
        wrong = await scene.wrong()
        types = [event["type"] for event in await scene.broker.events(chat)]

    assert status == 0
    assert line.startswith("ready http://127.0.0.1:")
    assert [item["id"] for item in found["items"]] == [chat]
    assert wrong == []
    assert before > 0
    assert "session.recovered" not in types  # leaving on purpose is no outage


async def test_a_second_process_on_the_same_data_is_refused_with_a_reason(tmp_path: Path) -> None:
    async with stage(tmp_path) as scene:
        second = await scene.broker.spawn()
        async with asyncio.timeout(PATIENCE):
            status = await second.wait()
        chat = await scene.open("guest")

    assert status == 2
    assert str(tmp_path / "data") in scene.broker.log()
    assert chat


async def test_a_kill_over_dynamodb_is_survived_when_the_leases_lapse(tmp_path: Path) -> None:
    with ministack() as endpoint:
        aws = {
            "BROKER_STORE": "dynamodb",
            "BROKER_TABLE": "killed",
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_REGION": "eu-central-1",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }
        async with stage(tmp_path, environment=aws) as scene:
            chats = [await scene.open(f"guest-{n}") for n in range(2)]
            await unheard(scene, chats)
            await scene.sink.received(2 * len(chats))
            await asyncio.gather(*(scene.broker.events(chat) for chat in chats))
            await scene.broker.kill()
            scene.sim.control.clear_faults()
            await scene.again()
            # A dead courier's claim on a lane lapses after 30 s, the work mark behind it after 60.
            wrong = await scene.wrong(within=180)

    assert wrong == []
