"""Sends on a live link and on demand, each beside the same on a bare client.

The simulator answers each frame after 25 ms.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import median, quantiles

import httpx2

from service.simulator.deployments import DEFAULT_DEPLOYMENT_ID
from tests.bench.bare import BareClient
from tests.bench.processes import KEY, broker, post, simulator

DELAY = 0.025
ROUNDS = 150
WARM_UP = 10
PAUSE = 0.2


@dataclass(frozen=True)
class Row:
    """One comparison, in milliseconds."""

    what: str
    ours_p50: float
    ours_p99: float
    bare_p50: float
    bare_p99: float
    ratio_p50: float


async def compare(
    what: str, ours: Callable[[], Awaitable[None]], bare: Callable[[], Awaitable[None]]
) -> Row:
    """Time the two in turn, so that a machine whose speed drifts slows both."""
    mine: list[float] = []
    theirs: list[float] = []
    for number in range(WARM_UP + ROUNDS):
        # The broker keeps to five messages a second a session; faster would measure its waiting.
        await asyncio.sleep(PAUSE)
        one, other = await _timed(ours), await _timed(bare)
        if number >= WARM_UP:
            mine.append(one)
            theirs.append(other)
    return Row(
        what=what,
        ours_p50=median(mine),
        ours_p99=quantiles(mine, n=100)[98],
        bare_p50=median(theirs),
        bare_p99=quantiles(theirs, n=100)[98],
        ratio_p50=median(mine) / median(theirs),
    )


async def _timed(act: Callable[[], Awaitable[None]]) -> float:
    begun = time.perf_counter()
    await act()
    return (time.perf_counter() - begun) * 1000


async def live_link(origin: str) -> list[Row]:
    """POST a message to a session whose link a listener holds, until it is proven.

    Once as the caller sees it, and once between the log's own times of accepted and confirmed.
    """
    with broker(listener=True) as address:
        client = _client(address, origin)
        made = (
            await client.post("/v1/sessions?wait=10", json={"deployment": "bench"})
        ).raise_for_status()
        path = f"/v1/sessions/{made.json()['id']}/messages?wait=10"

        async def ours() -> None:
            answer = await client.post(path, json={"text": "How long does this take?"})
            _must_be(answer, 201)

        async with BareClient(origin) as guest:
            row = await compare(
                "POST a message on a live link, proven",
                ours,
                lambda: guest.say("How long does this take?"),
            )
        inside = await _accepted_to_proven(client, made.json()["id"])
        await client.aclose()
        return [_beside(row, "of it, accepted to proven", inside), row]


async def on_demand(origin: str) -> Row:
    """POST a session with its first message where no listener is: open, send, prove, close."""
    with broker(listener=False) as address:
        client = _client(address, origin)

        async def ours() -> None:
            answer = await client.post(
                "/v1/sessions?wait=10",
                json={"deployment": "bench", "message": {"text": "How long does this take?"}},
            )
            _must_be(answer, 201)
            if answer.json()["message"]["status"] != "confirmed":
                raise RuntimeError(answer.text)

        async def bare() -> None:
            async with BareClient(origin) as guest:
                await guest.say("How long does this take?")

        row = await compare("open on demand and send", ours, bare)
        await client.aclose()
        return row


async def _accepted_to_proven(client: httpx2.AsyncClient, session_id: str) -> list[float]:
    accepted: dict[str, datetime] = {}
    took: list[float] = []
    after, more = 0, True
    while more:
        answer = await client.get(f"/v1/sessions/{session_id}/events?after={after}&limit=200")
        page = answer.json()
        after, more = page["nextAfter"], page["hasMore"]
        for event in page["items"]:
            message = event["data"].get("message")
            if event["type"] == "message.accepted":
                accepted[message["id"]] = datetime.fromisoformat(event["timestamp"])
            elif event["type"] == "message.confirmed":
                proven = datetime.fromisoformat(event["timestamp"])
                took.append((proven - accepted[message["id"]]) / timedelta(milliseconds=1))
    return took[WARM_UP:]


def _beside(row: Row, what: str, mine: list[float]) -> Row:
    return replace(
        row,
        what=what,
        ours_p50=median(mine),
        ours_p99=quantiles(mine, n=100)[98],
        ratio_p50=median(mine) / row.bare_p50,
    )


def _client(address: str, origin: str) -> httpx2.AsyncClient:
    deployment = {
        "name": "bench",
        "deploymentId": DEFAULT_DEPLOYMENT_ID,
        "endpoint": origin,
        "carryOver": "none",
    }
    post(f"{address}/v1/deployments", deployment, key=KEY)
    return httpx2.AsyncClient(
        base_url=address, headers={"authorization": f"Bearer {KEY}"}, timeout=30, trust_env=False
    )


def _must_be(answer: httpx2.Response, status: int) -> None:
    if answer.status_code != status:
        raise RuntimeError(f"{answer.status_code}: {answer.text}")


async def run() -> list[Row]:
    """Every comparison."""
    with simulator(answer_delay_seconds=DELAY) as origin:
        return [*await live_link(origin), await on_demand(origin)]


def show(rows: list[Row]) -> str:
    """A table."""
    lines = [
        f"{ROUNDS} samples each, ms",
        f"{'':45}{'ours p50':>10}{'p99':>8}{'bare p50':>10}{'p99':>8}{'ratio':>8}",
    ]
    lines += [
        f"{row.what:45}{row.ours_p50:10.1f}{row.ours_p99:8.1f}"
        f"{row.bare_p50:10.1f}{row.bare_p99:8.1f}{row.ratio_p50:8.2f}"
        for row in rows
    ]
    return "\n".join(lines)
