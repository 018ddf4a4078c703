"""From an agent's word to the log, at 500 messages a second on 800 links over TLS, embedded store.

By the log's own times for every message, and as a long poll of a few sessions sees it.
"""

import asyncio
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from statistics import median, quantiles

from tests.bench.conversing import obedient
from tests.bench.processes import Held, broker_on, processor_seconds, waited_seconds
from tests.bench.report import Line, table
from tests.bench.sessions import Caller, caller
from tests.support.certificates import Certificates, certificates

SESSIONS = 800
WATCHED = 12
RATE = 500.0
SECONDS = 15.0
WARM_UP = 2.0
PATIENCE = 240.0
PAUSE = 5.0


async def run() -> list[Line]:
    """One run at that rate, after a short one to warm up."""
    with tempfile.TemporaryDirectory() as folder:
        files = certificates(Path(folder))
        with broker_on(f"{folder}/data", BROKER_CA_FILE=str(files.authority)) as held:
            return await _measured(held, files)


async def _measured(held: Held, files: Certificates) -> list[Line]:
    async with (
        obedient("tests.bench.talking_simulator", str(files.chain), str(files.key)) as sim,
        caller(held.address, sim.ready) as guests,
    ):
        await guests.open(SESSIONS)
        tokens = list(guests.tokens.values())
        await sim.order(tokens=tokens, rate=RATE / 5, seconds=WARM_UP)
        watched = list(guests.tokens)[:WATCHED]
        seen: dict[str, float] = {}
        readers = [asyncio.create_task(_watch(guests, each, seen)) for each in watched]
        used, begun = processor_seconds(held.pid), time.time()
        waited = waited_seconds(held.pid)
        said = await sim.order(tokens=tokens, rate=RATE, seconds=SECONDS)
        waited = waited_seconds(held.pid) - waited
        talked = processor_seconds(held.pid) - used
        logged = await _all_logged(guests, said)
        for reader in readers:
            reader.cancel()
    last = max(said.values())
    by_log = [1000 * (logged[text] - at) for text, at in said.items()]
    by_poll = [1000 * (seen[text] - at) for text, at in said.items() if text in seen]
    return [
        Line(what="said", unit="a second", ours=len(said) / (last - begun)),
        *_percentiles("word to log, by the log's own times", by_log),
        *_percentiles(f"word to a long poll of {WATCHED} sessions", by_poll),
        Line(what="backlog after the last word", unit="s", ours=max(logged.values()) - last),
        Line(what="processor a message", unit="ms", ours=1000 * talked / len(said)),
        Line(what="processor while they spoke", unit="% of a core", ours=100 * talked / SECONDS),
        Line(what="others had the processor meanwhile", unit="%", ours=100 * waited / SECONDS),
    ]


def _percentiles(what: str, values: Sequence[float]) -> list[Line]:
    return [
        Line(what=f"{what}, p50", unit="ms", ours=median(values)),
        Line(what=f"{what}, p99", unit="ms", ours=quantiles(values, n=100)[98]),
    ]


async def _watch(guests: Caller, session: str, seen: dict[str, float]) -> None:
    after = 0
    while True:
        page = await guests.events(session, after, wait=20)
        now = time.time()
        after = page["nextAfter"]
        for event in page["items"]:
            if event["type"] == "message.received":
                seen[event["data"]["message"]["text"]] = now


async def _all_logged(guests: Caller, said: dict[str, float]) -> dict[str, float]:
    """The log's time of each word; every one must be there."""
    async with asyncio.timeout(PATIENCE):
        while True:
            # All logs are many reads: while there is a backlog they would add to it.
            await asyncio.sleep(PAUSE)
            found: dict[str, str] = {}
            for session in guests.tokens:
                found |= await guests.received(session)
            if said.keys() <= found.keys():
                break
    return {text: datetime.fromisoformat(found[text]).timestamp() for text in said}


show = table
