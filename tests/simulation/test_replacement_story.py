"""The whole broker and the simulator on a virtual clock: proof that time and I/O are ports."""

import json
from asyncio import TaskGroup
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx2

from service.api.app import create_app
from service.domain.deployment import Deployment
from service.domain.ids import DeploymentName, ListenerName, TenantName
from service.domain.lease import Term
from service.entrypoints._local.loops import courier_loop, sweeper_loop
from service.simulator.deployments import DEFAULT_DEPLOYMENT_ID
from service.simulator.knobs import Knobs
from service.simulator.state import WorldConfig
from tests.support.virtual_broker import VirtualBroker, virtual_broker
from tests.support.virtual_time import run_virtual

KEY = "story-key"
WORLD = WorldConfig(knobs=Knobs(idle_close_seconds=0, max_age_seconds=0))
QUIET = 600.0


class Caller:
    """Another service, with an API key."""

    def __init__(self, broker: VirtualBroker) -> None:
        transport = httpx2.ASGITransport(app=create_app(broker.assembly.broker))
        self.http = httpx2.AsyncClient(
            transport=transport,
            base_url="http://broker.test",
            headers={"authorization": f"Bearer {KEY}"},
        )

    async def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        answer = await self.http.post(path, json=body)
        assert answer.status_code < 300, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def events(self, session_id: str) -> list[dict[str, Any]]:
        answer = await self.http.get(f"/v1/sessions/{session_id}/events?limit=200")
        items: list[dict[str, Any]] = answer.json()["items"]
        return items


async def furnish(broker: VirtualBroker) -> Caller:
    """An admin key and the deployment `help`, pointing to the simulator."""
    await broker.assembly.ensure_admin_key(KEY)
    deployment = Deployment(
        tenant=TenantName("default"),
        name=DeploymentName("help"),
        deployment_id=DEFAULT_DEPLOYMENT_ID,
        endpoint="http://genesys.test",
    )
    await broker.ports.tenants.put_deployment(deployment, expected_version=None, idempotency=None)
    return Caller(broker)


async def happen(broker: VirtualBroker, caller: Caller) -> tuple[dict[str, Any], dict[str, Any]]:
    """A chat, a quiet time, a Genesys that forgets everything and cuts every line; it goes on."""
    hook = {"url": "http://127.0.0.1:9999/hook", "eventTypes": ["*"]}
    await caller.post("/v1/webhooks", hook)
    hello = {"deployment": "help", "message": {"text": "Hello"}}
    made = await caller.post("/v1/sessions?wait=10", hello)
    await broker.clock.sleep(QUIET)
    broker.simulator.control.wipe()
    broker.simulator.control.restart()
    await broker.clock.sleep(60)
    turn = await caller.post(
        f"/v1/sessions/{made['id']}/messages?turn=10", {"text": "Still there?"}
    )
    await broker.clock.sleep(60)
    return made, turn


@asynccontextmanager
async def at_work(broker: VirtualBroker) -> AsyncIterator[None]:
    """Listener, courier and sweeper beside the story."""
    term = Term(name=ListenerName("listener"), shards=4, max_links=800)
    listener = broker.assembly.listener(broker.hints.mailboxes, term)
    async with TaskGroup() as group:
        running = [
            group.create_task(listener.run()),
            group.create_task(courier_loop(broker.assembly, broker.hints.deliveries)),
            group.create_task(sweeper_loop(broker.assembly)),
        ]
        await broker.clock.sleep(1)
        yield
        await listener.drain()
        for task in running:
            task.cancel()


async def story() -> None:
    async with virtual_broker(WORLD) as broker:
        caller = await furnish(broker)
        async with at_work(broker):
            made, turn = await happen(broker, caller)
        events = await caller.events(made["id"])
        arrived = [record["text"] for record in broker.simulator.control.inbound()]

    types = [event["type"] for event in events]
    replaced = next(event for event in events if event["type"] == "session.replaced")
    receipt = replaced["data"]["receipt"]
    assert (types.count("session.opened"), types.count("session.replaced")) == (1, 1)
    assert receipt["cause"] == "link_lost"
    assert (receipt["previous"]["incarnation"], receipt["current"]["incarnation"]) == (1, 2)
    assert turn["message"]["status"] == "confirmed"
    assert [reply["text"] for reply in turn["replies"]] == ["You said: Still there?"]
    assert [json.loads(body) for _, _, body in broker.received.posts] == events
    assert [event["data"]["sequence"] for event in events] == list(range(1, len(events) + 1))
    assert arrived == ["Hello", "Still there?"]


def test_a_whole_broker_lives_through_a_replacement_on_virtual_time() -> None:
    run_virtual(story())
