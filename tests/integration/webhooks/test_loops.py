"""A webhook that leads back to the broker's own API, over a real port: no storm."""

import asyncio
from collections.abc import AsyncIterator
from itertools import accumulate
from pathlib import Path
from time import monotonic

import httpx2
import pytest

from service.api.app import create_app
from service.entrypoints._local.web import WebServer
from service.webhook.retry import SCHEDULE
from tests.support.machine import ADMIN, DEPLOYMENT, PATIENCE, Machine, eventually, running

KEY = {"authorization": f"Bearer {ADMIN}"}
QUIET_SECONDS = 2.0
SCALE = 0.1


@pytest.fixture(name="machine")
async def _machine(tmp_path: Path) -> AsyncIterator[Machine]:
    async with running(tmp_path, settings={"retry_scale": SCALE}) as machine:
        yield machine


@pytest.fixture(name="origin")
async def _origin(machine: Machine) -> AsyncIterator[str]:
    server = WebServer(create_app(machine.assembly.broker), port=0)
    await server.start()
    yield f"http://127.0.0.1:{server.port}"
    await server.stop()


async def test_a_webhook_at_our_own_door_fails_as_any_other(machine: Machine, origin: str) -> None:
    """Under another name than the one its owner asked us by, so that creation lets it through."""
    url = f"{origin}/v1/sessions"
    body = {"url": url, "headers": KEY}
    async with httpx2.AsyncClient(base_url=origin, headers=KEY, timeout=PATIENCE) as http:
        refused = await http.post("/v1/webhooks", json=body)
    assert (refused.status_code, refused.json()["code"]) == (422, "blocked_target")
    hook = await machine.call("POST", "/v1/webhooks", body, status=201)
    path = f"/v1/webhooks/{hook['id']}"

    begun = monotonic()
    chat = await machine.open(message={"text": "hello"})

    async def failed_twice() -> bool:
        return len((await machine.call("GET", f"{path}/deliveries"))["items"]) >= 2

    await eventually(failed_twice, what="two attempts")
    await asyncio.sleep(QUIET_SECONDS)
    attempts = (await machine.call("GET", f"{path}/deliveries"))["items"]
    assert {(each["status"], each["error"]) for each in attempts} == {(508, "status")}
    assert all("loop_detected" in each["answer"] for each in attempts)
    assert {each["sequence"] for each in attempts} == {1}
    # By the schedule, in tenths: at once, after 0.5 s, after 3 s; a busy machine may take longer.
    since = monotonic() - begun
    assert len(attempts) <= 1 + sum(SCALE * due <= since for due in accumulate(SCHEDULE))
    sessions = (await machine.call("GET", "/v1/sessions", deployment=DEPLOYMENT))["items"]
    assert [each["id"] for each in sessions] == [chat.id]
