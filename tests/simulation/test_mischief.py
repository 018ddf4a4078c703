"""The long story in small, on virtual time: the same seed is the same run, to the last frame.

`MISCHIEF_SEED=7 MISCHIEF_SEEDS=1 pytest tests/simulation/test_mischief.py` tells one again.
"""

import asyncio
import json
import os
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any, Final

import pytest

from service.domain.deployment import Deployment
from service.domain.ids import DeploymentName, TenantName
from service.simulator.control import ControlError
from service.simulator.deployments import DEFAULT_DEPLOYMENT_ID, Bot
from service.simulator.deployments import Deployment as Simulated
from service.simulator.knobs import Knobs
from service.simulator.state import WorldConfig
from tests.support.dynasty import Dynasty
from tests.support.log_checker import Ledger, findings, received_texts, settled_texts
from tests.support.mischief import LAG_SECONDS, all_deeds, commit
from tests.support.mortal_broker import KEY, bury, start
from tests.support.virtual_broker import VirtualBroker, virtual_broker
from tests.support.virtual_time import run_virtual

FIRST_SEED: Final = int(os.environ.get("MISCHIEF_SEED", "1"))
SEEDS: Final = int(os.environ.get("MISCHIEF_SEEDS", "2"))
CHATS: Final = 4
MESSAGES: Final = 15
TALK_SECONDS: Final = 60.0
PAUSE_SECONDS: Final = 1.0
LONG: Final = 1e6
SHORT: Final = 12.0
INTERREGNUM_SECONDS: Final = 4.0
MARGIN_SECONDS: Final = 90.0
"""A line may be down for so long; what an agent says then dies with the guest session."""
SETTLE_SECONDS: Final = 200.0
WORLD: Final = WorldConfig(
    deployments=(Simulated(bot=Bot.SILENT),),
    knobs=Knobs(idle_close_seconds=0, max_age_seconds=0),
)


@dataclass(slots=True, kw_only=True)
class Talk:
    """One chat with what its two speakers said so far, and when its guest session died."""

    dynasty: Dynasty
    id: str
    sent: list[str] = field(default_factory=list)
    said: dict[str, float] = field(default_factory=dict)
    deaths: list[float] = field(default_factory=list)

    async def token(self) -> str:
        return str((await self.dynasty.get(f"/v1/sessions/{self.id}"))["clientId"])

    async def events(self) -> list[dict[str, Any]]:
        page = await self.dynasty.get(f"/v1/sessions/{self.id}/events?limit=200")
        items: list[dict[str, Any]] = page["items"]
        return items

    def must_be_heard(self) -> list[str]:
        return [
            text
            for text, at in self.said.items()
            if all(abs(at - death) >= MARGIN_SECONDS for death in self.deaths)
        ]


@pytest.mark.parametrize("reign", [LONG, SHORT])
@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + SEEDS))
def test_a_few_chats_under_mischief_end_with_equal_logs(seed: int, reign: float) -> None:
    assert run_virtual(story(seed, reign)) == []


async def story(seed: int, reign: float) -> list[str]:
    """What is wrong at the end; `reign` is how many seconds a process lives on average."""
    bury(asyncio.get_running_loop())
    async with virtual_broker(WORLD, seed=seed) as broker:
        await furnish(broker)
        dynasty = Dynasty(broker)
        dynasty.begin()
        talks = [await open_one(dynasty, number) for number in range(CHATS)]
        await talk_under_mischief(dynasty, talks, reign, Random(seed))
        await settle(broker, talks)
        ledgers = [await ledger_of(talk) for talk in talks]
        await dynasty.die()
        return findings(
            ledgers,
            transcript=list(broker.simulator.control.transcript()),
            delivered=[json.loads(body) for _, _, body in broker.received.posts],
        )


async def open_one(dynasty: Dynasty, number: int) -> Talk:
    body = {"deployment": "help", "externalId": f"guest-{number}"}
    made = await dynasty.post("/v1/sessions?wait=10", body, key=f"chat {number}")
    return Talk(dynasty=dynasty, id=made["id"])


async def talk_under_mischief(
    dynasty: Dynasty, talks: list[Talk], reign: float, chance: Random
) -> None:
    """Both sides talk while things go wrong and processes die; then calm returns."""
    broker = dynasty.broker
    trouble = asyncio.create_task(make_trouble(broker, talks, Random(chance.random())))
    reaper = asyncio.create_task(reap(dynasty, reign, Random(chance.random())))
    async with asyncio.TaskGroup() as group:
        for talk in talks:
            group.create_task(caller_speaks(broker, talk, Random(chance.random())))
            group.create_task(agent_speaks(broker, talk, Random(chance.random())))
    for task in (trouble, reaper):
        task.cancel()
    await asyncio.gather(trouble, reaper, return_exceptions=True)
    if not dynasty.reigns.is_set():
        dynasty.begin()
    broker.simulator.control.clear_faults()


async def reap(dynasty: Dynasty, reign: float, chance: Random) -> None:
    """Kill one process after another."""
    while True:
        await dynasty.broker.clock.sleep(chance.uniform(0, 2 * reign))
        print(f"{dynasty.broker.clock.monotonic():.1f} death of {dynasty.number}")
        await dynasty.die()
        await dynasty.broker.clock.sleep(chance.uniform(0, INTERREGNUM_SECONDS))
        dynasty.begin()


async def furnish(broker: VirtualBroker) -> None:
    await broker.assembly.ensure_admin_key(KEY)
    deployment = Deployment(
        tenant=TenantName("default"),
        name=DeploymentName("help"),
        deployment_id=DEFAULT_DEPLOYMENT_ID,
        endpoint="http://genesys.test",
        history_lag_seconds=LAG_SECONDS * 1.5,
        heartbeat_seconds=2.0,
    )
    await broker.ports.tenants.put_deployment(deployment, expected_version=None, idempotency=None)
    hook = {"url": "http://127.0.0.1:9999/hook", "eventTypes": ["*"]}
    await start(broker).post("/v1/webhooks", hook, key="hook")


async def make_trouble(broker: VirtualBroker, talks: list[Talk], chance: Random) -> None:
    deeds = list(all_deeds().items())
    while True:
        name, deed = chance.choice(deeds)
        talk = chance.choice(talks)
        print(f"{broker.clock.monotonic():.1f} {talk.id}: {name}")
        commit(deed, broker.simulator.control, token=await talk.token(), chance=chance)
        if deed.kills:
            talk.deaths.append(broker.clock.monotonic())
        await broker.clock.sleep(chance.uniform(0, 2 * PAUSE_SECONDS))


async def caller_speaks(broker: VirtualBroker, talk: Talk, chance: Random) -> None:
    for number in range(MESSAGES):
        await broker.clock.sleep(chance.uniform(0, 2 * TALK_SECONDS / MESSAGES))
        text = f"{talk.id} caller {number}"
        talk.sent.append(text)
        path = f"/v1/sessions/{talk.id}/messages?wait=0"
        await talk.dynasty.post(path, {"text": text}, key=text)


async def agent_speaks(broker: VirtualBroker, talk: Talk, chance: Random) -> None:
    for number in range(MESSAGES):
        await broker.clock.sleep(chance.uniform(0, 2 * TALK_SECONDS / MESSAGES))
        await until(broker, partial(said, broker, talk, f"{talk.id} agent {number}"))


async def said(broker: VirtualBroker, talk: Talk, text: str) -> list[str]:
    """Nothing if the agent found the chat; between two guest sessions there is none."""
    try:
        broker.simulator.control.say(await talk.token(), text)
    except ControlError:
        return [f"no chat to say {text!r} in"]
    talk.said[text] = broker.clock.monotonic()
    return []


async def settle(broker: VirtualBroker, talks: list[Talk]) -> None:
    """Wait until nothing is missing any more, and then for whatever should not come."""
    for talk in talks:
        await until(broker, partial(unsettled, broker, talk))
    await broker.clock.sleep(SETTLE_SECONDS)


async def until(broker: VirtualBroker, missing: "partial[Any]") -> None:
    """Look every second until nothing is missing."""
    end = broker.clock.monotonic() + SETTLE_SECONDS
    while wanting := await missing():
        assert broker.clock.monotonic() < end, wanting
        await broker.clock.sleep(1)


async def unsettled(broker: VirtualBroker, talk: Talk) -> list[str]:
    state = (await talk.dynasty.get(f"/v1/sessions/{talk.id}"))["state"]
    events = await talk.events()
    heard, ended = set(received_texts(events)), set(settled_texts(events))
    got = {json.loads(body)["id"] for _, _, body in broker.received.posts}
    return [
        *(text for text in talk.sent if text not in ended),
        *(text for text in talk.must_be_heard() if text not in heard),
        *(f"{event['type']} undelivered" for event in events if event["id"] not in got),
        *([] if state == "active" else [f"is {state}"]),
    ]


async def ledger_of(talk: Talk) -> Ledger:
    must = talk.must_be_heard()
    return Ledger(
        session=talk.id,
        sent=talk.sent,
        said=must,
        may_be_lost=[text for text in talk.said if text not in must],
        events=await talk.events(),
    )
