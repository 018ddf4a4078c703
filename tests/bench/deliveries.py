"""From an agent's word to the beginning of its POST, beside a bare relay that stores nothing.

One healthy endpoint at several rates; the same with dead ones beside it; and a backlog, for what
couriers sustain. Broker, simulator, receiver and measurer are processes of their own. Below it what
deliveries ask of table and queue, counted.
"""

import asyncio
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any

from tests.bench.conversing import Obedient, obedient
from tests.bench.processes import KEY, Held, broker_on, free_port, post, processor_seconds
from tests.bench.report import Line, table
from tests.bench.sessions import caller
from tests.support.delivery_costs import costs, shown

SESSIONS = 100
RATES = (50.0, 200.0, 500.0)
DEAD_RATES = (50.0, 200.0)
DEAD = 20
BACKLOG = 3_000
SECONDS = 10.0
WARM_UP = 3.0
SETTLED = 10.0
"""By then every lane of a dead endpoint is there and waits."""
PATIENCE = 120.0
PAUSE = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Whoever turns words into POSTs, and what stands at its two ends."""

    sim: Obedient
    receiver: Obedient
    tokens: list[str]

    async def delays(self, rate: float, seconds: float = SECONDS) -> list[float]:
        """Milliseconds from each word to the beginning of its POST."""
        said = await self.sim.order(tokens=self.tokens, rate=rate, seconds=seconds)
        begun = await self.all_of(said)
        return [1000 * (begun[word] - at) for word, at in said.items()]

    async def all_of(self, said: Mapping[str, float]) -> dict[str, float]:
        """When each word's POST began; waits for the last."""
        begun: dict[str, float] = {}
        async with asyncio.timeout(PATIENCE):
            while said.keys() - begun.keys():
                await asyncio.sleep(PAUSE)
                begun |= await self.receiver.order()
        return begun


async def run() -> list[Line]:
    """Bare first, then ours."""
    bare = await _bare()
    with tempfile.TemporaryDirectory() as folder, broker_on(folder) as held:
        async with (
            obedient("tests.bench.talking_simulator") as sim,
            obedient("tests.bench.receiver") as receiver,
            caller(held.address, sim.ready) as guests,
        ):
            hook = _hook(held, receiver.ready)
            await guests.open(SESSIONS)
            ours = Subject(sim=sim, receiver=receiver, tokens=list(guests.tokens.values()))
            await ours.delays(RATES[0], WARM_UP)
            lines = [
                line
                for rate in RATES
                for line in _beside(f"{rate:.0f} a second", await ours.delays(rate), bare[rate])
            ]
            lines += await _backlog(ours, held, hook)
            lines += await _beside_dead(ours, held)
            return lines


async def _bare() -> dict[float, list[float]]:
    async with (
        obedient("tests.bench.talking_simulator") as sim,
        obedient("tests.bench.receiver") as receiver,
        obedient("tests.bench.bare_relay", sim.ready, receiver.ready) as relay,
    ):
        tokens = await relay.order(open=SESSIONS)
        bare = Subject(sim=sim, receiver=receiver, tokens=tokens)
        await bare.delays(RATES[0], WARM_UP)
        return {rate: await bare.delays(rate) for rate in RATES}


async def _backlog(ours: Subject, held: Held, hook: str) -> list[Line]:
    """The endpoint is closed while agents speak, and opened again: how fast that is worked off."""
    post(f"{held.address}/v1/webhooks/{hook}/disable", {}, key=KEY)
    rate = RATES[1]
    said = await ours.sim.order(tokens=ours.tokens, rate=rate, seconds=BACKLOG / rate)
    await asyncio.sleep(WARM_UP)
    used, begun = processor_seconds(held.pid), time.time()
    post(f"{held.address}/v1/webhooks/{hook}/enable", {}, key=KEY)
    last = max((await ours.all_of(said)).values())
    used = processor_seconds(held.pid) - used
    each = 1000 * used / len(said)
    return [
        Line(what="a backlog worked off", unit="events a second", ours=len(said) / (last - begun)),
        Line(what="processor an event of it", unit="ms", ours=each),
    ]


async def _beside_dead(ours: Subject, held: Held) -> list[Line]:
    """The healthy endpoint again, alone and then beside dead ones."""
    alone = {rate: await ours.delays(rate) for rate in DEAD_RATES}
    for _ in range(DEAD):
        _hook(held, f"http://127.0.0.1:{free_port()}/")
    await asyncio.sleep(WARM_UP)
    found = await ours.delays(DEAD_RATES[0], SETTLED)
    lines = _beside(f"{DEAD} endpoints die (second column: none)", found, alone[DEAD_RATES[0]])
    for rate in DEAD_RATES:
        what = f"{DEAD} dead beside it, {rate:.0f} a second (second column: none)"
        lines += _beside(what, await ours.delays(rate), alone[rate])
    return lines


def _hook(held: Held, url: str) -> str:
    body = {"url": url, "eventTypes": ["message.received"]}
    made: Any = post(f"{held.address}/v1/webhooks", body, key=KEY)
    return str(made["id"])


def _beside(what: str, ours: Sequence[float], bare: Sequence[float]) -> list[Line]:
    marks = (("p50", median), ("p95", lambda v: quantiles(v, n=100)[94]))
    more = (*marks, ("p99", lambda v: quantiles(v, n=100)[98]))
    return [
        Line(what=f"{what}, {name}", unit="ms", ours=mark(ours), bare=mark(bare))
        for name, mark in more
    ]


def show(lines: Sequence[Line]) -> str:
    """Times, and then counts."""
    return f"{table(lines)}\n\n{shown(costs())}"
