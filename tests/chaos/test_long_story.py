"""Fifty chats, twenty messages each way, and every second something goes wrong: equal logs.

The seed is printed. `LONG_STORY_SEED=7 python -m pytest tests/chaos/test_long_story.py` tells the
story of that seed again: the same mischief at the same seconds, if not the same interleaving.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest

from service.domain.pace import WINDOW_SECONDS
from service.simulator.control import ControlError
from service.simulator.deployments import Bot, Deployment
from tests.support.log_checker import Ledger, findings, received_texts, settled_texts
from tests.support.machine import Chat, Machine, eventually, running
from tests.support.mischief import LAG_SECONDS, Deed, all_deeds, commit
from tests.support.webhook_sink import Reply, WebhookSink, answer, webhook_sink

MESSAGES: Final = 20
TALK_SECONDS: Final = 20.0
SETTLE_SECONDS: Final = WINDOW_SECONDS + 120.0
"""A chat that lost its link often has used up its ten reads of history: it waits for a minute."""
MARGIN_SECONDS: Final = 90.0
"""What an agent says so near to the death of a guest session may be lost: no link, for a minute."""
DEFAULT_SEED: Final = "20261122"


@dataclass(slots=True, kw_only=True)
class Talk:
    """One chat with what its two speakers said so far. `deaths` are when its guest session died."""

    chat: Chat
    name: str
    sent: list[str] = field(default_factory=list)
    said: dict[str, float] = field(default_factory=dict)
    deaths: list[float] = field(default_factory=list)

    def may_be_lost(self, text: str) -> bool:
        """Whether a death came so close that the guest session took those words along."""
        return any(abs(self.said[text] - death) < MARGIN_SECONDS for death in self.deaths)

    def must_be_heard(self) -> list[str]:
        return [text for text in self.said if not self.may_be_lost(text)]


@pytest.mark.timeout(900)
async def test_fifty_chats_under_mischief_end_with_equal_logs(tmp_path: Path) -> None:
    await tell(tmp_path, chats=50)


async def tell(folder: Path, *, chats: int, aws_endpoint: str | None = None) -> None:
    """The story: talk, mischief, calm, and what every log holds at the end."""
    seed = int(os.environ.get("LONG_STORY_SEED", DEFAULT_SEED))
    print(f"LONG_STORY_SEED={seed}")

    async with stage(folder, seed, aws_endpoint) as (machine, sink):
        talks = await open_all(machine, chats)
        await talk_under_mischief(machine, talks, Random(seed))
        await settle(talks)
        ledgers: list[Ledger] = []
        # What a second read of history found may still have come while the rest was delivered.
        while ledgers != (ledgers := [await ledger_of(talk) for talk in talks]):
            await all_delivered(ledgers, sink)
        wrong = findings(
            ledgers, transcript=list(machine.control.transcript()), delivered=sink.events
        )

    assert wrong == []
    assert sum(len(ledger.sent) for ledger in ledgers) == chats * MESSAGES


@asynccontextmanager
async def stage(
    folder: Path, seed: int, aws_endpoint: str | None
) -> AsyncIterator[tuple[Machine, WebhookSink]]:
    """A machine with a receiver that fails now and then."""
    policies = {"heartbeatSeconds": 2, "historyLagSeconds": LAG_SECONDS * 1.5}
    simulated = Deployment(bot=Bot.SILENT)
    async with (
        webhook_sink() as sink,
        running(
            folder, simulated=simulated, policies=policies, aws_endpoint=aws_endpoint
        ) as machine,
    ):
        sink.reply = fickle(Random(seed + 1))
        await machine.webhook(sink.url)
        yield machine, sink


def fickle(chance: Random) -> Reply:
    """A receiver that says 503 once in fifty times."""

    async def reply(writer: asyncio.StreamWriter) -> bool:
        return await answer(503 if chance.random() < 0.02 else 200)(writer)

    return reply


async def open_all(machine: Machine, chats: int) -> list[Talk]:
    """The chats, each with its guest session open."""
    return list(await asyncio.gather(*(open_one(machine, n) for n in range(chats))))


async def open_one(machine: Machine, number: int) -> Talk:
    chat = await machine.open(externalId=f"guest-{number}")
    await chat.wait_for_state("active")
    return Talk(chat=chat, name=f"chat {number}")


async def talk_under_mischief(machine: Machine, talks: list[Talk], chance: Random) -> None:
    """Both sides talk while something goes wrong every second; then calm returns."""
    trouble = asyncio.create_task(make_trouble(machine, talks, Random(chance.random())))
    async with asyncio.TaskGroup() as group:
        for talk in talks:
            group.create_task(caller_speaks(talk, Random(chance.random())))
            group.create_task(agent_speaks(talk, Random(chance.random())))
    trouble.cancel()
    await asyncio.gather(trouble, return_exceptions=True)
    machine.control.clear_faults()


async def make_trouble(machine: Machine, talks: list[Talk], chance: Random) -> None:
    """Every deed once in random order, and again from the beginning, one a second."""
    while True:
        deeds = list(all_deeds().items())
        chance.shuffle(deeds)
        for name, deed in deeds:
            await strike(machine, chance.choice(talks), name, deed, chance)
            await asyncio.sleep(1)


async def strike(machine: Machine, talk: Talk, name: str, deed: Deed, chance: Random) -> None:
    print(f"{asyncio.get_running_loop().time():.1f} {talk.name} {talk.chat.id}: {name}")
    token = await talk.chat.token()
    commit(deed, machine.control, token=token, chance=chance)
    if deed.kills:
        talk.deaths.append(asyncio.get_running_loop().time())


async def caller_speaks(talk: Talk, chance: Random) -> None:
    for number in range(MESSAGES):
        await asyncio.sleep(chance.uniform(0, 2 * TALK_SECONDS / MESSAGES))
        text = f"{talk.name} caller {number}"
        talk.sent.append(text)
        await talk.chat.send(text, wait=0, status=None)


async def agent_speaks(talk: Talk, chance: Random) -> None:
    for number in range(MESSAGES):
        await asyncio.sleep(chance.uniform(0, 2 * TALK_SECONDS / MESSAGES))
        text = f"{talk.name} agent {number}"
        await eventually(partial(said, talk, text), what=f"{text}: no chat to say it in", every=0.1)


async def said(talk: Talk, text: str) -> bool:
    """Whether the agent found the chat; between two guest sessions there is none."""
    try:
        await talk.chat.agent_says(text)
    except ControlError:
        return False
    talk.said[text] = asyncio.get_running_loop().time()
    return True


async def settle(talks: list[Talk]) -> None:
    """Wait until every message came to an end and all that was said is in the log.

    Fails when for long nothing more does so: how long all of it takes says only how busy we are.
    """
    now = asyncio.get_running_loop().time
    fewest, since = len(talks) * MESSAGES * 3, now()
    while missing := {talk.name: lacks for talk in talks if (lacks := await unsettled(talk))}:
        count = sum(map(len, missing.values()))
        if count < fewest:
            fewest, since = count, now()
        talks = [talk for talk in talks if talk.name in missing]
        if now() - since > SETTLE_SECONDS:
            path = f"/v1/sessions/{talks[0].chat.id}/timeline"
            line = await talks[0].chat.machine.call("GET", path, limit=200)
            raise AssertionError(f"{missing}; {talks[0].name}: {line['items'][-20:]}")
        await asyncio.sleep(0.5)


async def unsettled(talk: Talk) -> list[str]:
    """What this chat still waits for."""
    state = (await talk.chat.read())["state"]
    events = await talk.chat.events()
    heard, ended = set(received_texts(events)), set(settled_texts(events))
    waiting = [text for text in talk.sent if text not in ended]
    unheard = [text for text in talk.must_be_heard() if text not in heard]
    return [*waiting, *unheard, *([] if state == "active" else [f"is {state}"])]


async def all_delivered(ledgers: list[Ledger], sink: WebhookSink) -> None:
    """Wait until the receiver has every event."""
    logged = {event["id"] for ledger in ledgers for event in ledger.events}

    def missing() -> set[str]:
        return logged - {request.headers["webhook-id"] for request in sink.requests}

    try:
        await eventually(lambda: not missing(), within=SETTLE_SECONDS, every=0.1)
    except AssertionError:
        raise AssertionError(f"{len(missing())} of {len(logged)} not delivered") from None


async def ledger_of(talk: Talk) -> Ledger:
    must = talk.must_be_heard()
    events: list[Any] = list(await talk.chat.events())
    return Ledger(
        session=talk.chat.id,
        sent=talk.sent,
        said=must,
        may_be_lost=[text for text in talk.said if text not in must],
        events=events,
    )
