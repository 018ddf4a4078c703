"""A measured broker's caller: opens sessions, and reads what their logs have."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2

from service.simulator.deployments import DEFAULT_DEPLOYMENT_ID
from tests.bench.processes import KEY, post

AT_ONCE = 20


@dataclass(slots=True, kw_only=True)
class Caller:
    """Sessions by id, with the token of each."""

    http: httpx2.AsyncClient
    tokens: dict[str, str] = field(default_factory=dict)

    async def open(self, count: int) -> None:
        """Bring the sessions to that many; each has its link when this returns."""
        room = asyncio.Semaphore(AT_ONCE)

        async def one() -> None:
            async with room:
                made = await self.http.post("/v1/sessions?wait=25", json={"deployment": "bench"})
                session = made.raise_for_status().json()
                if session["state"] != "active":
                    raise RuntimeError(made.text)
                self.tokens[session["id"]] = session["clientId"]

        await asyncio.gather(*(one() for _ in range(count - len(self.tokens))))

    async def events_in_all(self) -> int:
        """How many events all logs have."""
        count = 0
        cursor: str | None = None
        while True:
            query = {"limit": 200} | ({} if cursor is None else {"cursor": cursor})
            page = (await self.http.get("/v1/sessions", params=query)).raise_for_status().json()
            count += sum(int(session["lastSequence"]) for session in page["items"])
            cursor = page["nextCursor"]
            if cursor is None:
                return count

    async def events(self, session: str, after: int, *, wait: float = 0) -> dict[str, Any]:
        """A page of a log."""
        query = {"after": after, "wait": wait, "limit": 200}
        answer = await self.http.get(f"/v1/sessions/{session}/events", params=query)
        page: dict[str, Any] = answer.raise_for_status().json()
        return page

    async def received(self, session: str) -> dict[str, str]:
        """What agents said to a session, with the log's time of each."""
        found: dict[str, str] = {}
        after, more = 0, True
        while more:
            page = await self.events(session, after)
            after, more = page["nextAfter"], page["hasMore"]
            for event in page["items"]:
                if event["type"] == "message.received":
                    found[event["data"]["message"]["text"]] = event["timestamp"]
        return found


@asynccontextmanager
async def caller(address: str, origin: str) -> AsyncIterator[Caller]:
    """A caller with the deployment `bench`."""
    deployment = {
        "name": "bench",
        "deploymentId": DEFAULT_DEPLOYMENT_ID,
        "endpoint": origin,
        "carryOver": "none",
    }
    post(f"{address}/v1/deployments", deployment, key=KEY)
    headers = {"authorization": f"Bearer {KEY}"}
    # Shorter than the server's patience with idle connections, so that none is used that it closes.
    limits = httpx2.Limits(max_connections=2 * AT_ONCE, keepalive_expiry=2)
    async with httpx2.AsyncClient(
        base_url=address, headers=headers, timeout=60, trust_env=False, limits=limits
    ) as http:
        yield Caller(http=http)
