"""What the tests that kill the broker play on: simulator and receiver live in the test process."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

import httpx2

from service.simulator.deployments import Bot, Deployment
from service.simulator.knobs import Knobs
from service.simulator.server import SimulatorServer
from service.simulator.state import WorldConfig
from tests.support.log_checker import Ledger, findings, settled_texts
from tests.support.machine import eventually
from tests.support.real_process import BrokerProcess, broker_process
from tests.support.webhook_sink import WebhookSink, webhook_sink

SHOP: Final = "shop"
SETTLE_SECONDS: Final = 120.0
"""A lease or a claim of the dead lapses, on a busy machine."""


@dataclass(slots=True, kw_only=True)
class Stage:
    """A broker that can be killed, and the two outsides that live on."""

    broker: BrokerProcess
    sim: SimulatorServer
    sink: WebhookSink
    secret: str
    sent: dict[str, list[str]] = field(default_factory=dict)
    unanswered: list[tuple[str, str]] = field(default_factory=list)

    async def open(self, name: str) -> str:
        """Create a session; its id."""
        body = {"deployment": SHOP, "externalId": name}
        made = await self.broker.call("POST", "/v1/sessions?wait=25", body)
        assert made["state"] == "active"
        self.sent[made["id"]] = []
        return str(made["id"])

    async def send(self, session: str, text: str, *, wait: float = 0) -> bool:
        """Send once; whether it was answered. A broker that dies meanwhile answers nothing."""
        self.sent[session].append(text)
        path = f"/v1/sessions/{session}/messages?wait={wait}"
        with suppress(httpx2.TransportError):
            answer = await self.broker.request("POST", path, {"text": text}, key=text)
            assert answer.is_success, answer.text
            return True
        self.unanswered.append((session, text))
        return False

    async def again(self) -> None:
        """Start the broker anew; who got no answer repeats the request, under the same key."""
        await self.broker.start()
        for session, text in self.unanswered:
            path = f"/v1/sessions/{session}/messages?wait=0"
            answer = await self.broker.request("POST", path, {"text": text}, key=text)
            # 409: the first request is still allowed to settle; it is the one that counts.
            assert answer.is_success or answer.status_code == 409, answer.text
        self.unanswered.clear()

    async def wrong(self, *, within: float = SETTLE_SECONDS) -> list[str]:
        """What is wrong once everything has come to its end."""
        for session in self.sent:
            await self._settled(session, within)
        ledgers: list[Ledger] = []
        # A receipt may still have come while the rest was delivered.
        while ledgers != (ledgers := await self._ledgers()):
            await self._delivered(ledgers, within)
        self.sink.verify_all(self.secret)
        found = findings(
            ledgers,
            transcript=list(self.sim.control.transcript()),
            delivered=self.sink.events,
        )
        return [*found, *self._arrivals(ledgers)]

    async def _ledgers(self) -> list[Ledger]:
        return [
            Ledger(session=session, sent=sent, events=await self.broker.events(session))
            for session, sent in self.sent.items()
        ]

    def _arrivals(self, ledgers: Sequence[Ledger]) -> list[str]:
        """Nothing came twice, and what callers sent came in the order in which it was accepted."""
        rows = list(self.sim.control.inbound())
        found = [f"{row['text']!r} arrived {row['arrived']} times" for row in rows if _twice(row)]
        stored = [row["text"] for row in self.sim.control.transcript() if row["text"]]
        for ledger in ledgers:
            accepted = [
                event["data"]["message"]["text"]
                for event in ledger.events
                if event["type"] == "message.accepted"
            ]
            if [text for text in stored if text in accepted] != accepted:
                found.append(f"{ledger.session}: accepted {accepted}, stored {stored}")
        return found

    async def _settled(self, session: str, within: float) -> None:
        async def settled() -> bool:
            ended = settled_texts(await self.broker.events(session))
            return len(ended) >= len(self.sent[session])

        await eventually(settled, within=within, what=f"{session} settled", every=0.1)

    async def _delivered(self, ledgers: Sequence[Ledger], within: float) -> None:
        logged = {event["id"] for ledger in ledgers for event in ledger.events}

        def delivered() -> bool:
            return logged <= {request.headers["webhook-id"] for request in self.sink.requests}

        await eventually(delivered, within=within, what="every event delivered")


def _twice(row: object) -> bool:
    return isinstance(row, dict) and row["arrived"] != 1


@asynccontextmanager
async def stage(
    folder: Path, *, knobs: Knobs | None = None, environment: Mapping[str, str] | None = None
) -> AsyncIterator[Stage]:
    """A running broker with a deployment and a receiver of everything."""
    config = WorldConfig(deployments=(Deployment(bot=Bot.SILENT),), knobs=knobs or Knobs())
    async with (
        webhook_sink() as sink,
        SimulatorServer(config, seed=1) as sim,
        broker_process(folder, **(environment or {})) as broker,
    ):
        shop = {
            "name": SHOP,
            "deploymentId": config.deployments[0].id,
            "endpoint": sim.origin,
            "historyLagSeconds": 0.5,
        }
        await broker.call("POST", "/v1/deployments", shop)
        hook = {"url": sink.url, "eventTypes": ["*"]}
        made = await broker.call("POST", "/v1/webhooks", hook)
        yield Stage(broker=broker, sim=sim, sink=sink, secret=made["secret"])


async def killed_in(stage: Stage, seconds: float) -> None:
    """Let the broker work for so long, and kill it."""
    await asyncio.sleep(seconds)
    await stage.broker.kill()


def moments(seed: int, count: int, *, within: float) -> list[float]:
    """Seeded moments at which to die."""
    chance = Random(seed)
    return [chance.uniform(0, within) for _ in range(count)]
