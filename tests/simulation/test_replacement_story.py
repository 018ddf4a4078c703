"""The whole broker with the simulator on a virtual clock, through a replacement: time and I/O are ports."""

import json
from asyncio import TaskGroup
from collections.abc import Mapping
from typing import Any

import httpx2

from service.api.app import create_app
from service.domain.deployment import Deployment
from service.domain.ids import DeploymentName, TenantName
from service.entrypoints._local.loops import courier_loop, sweeper_loop
from service.simulator.deployments import DEFAULT_DEPLOYMENT_ID
from service.simulator.knobs import Knobs
from service.simulator.state import WorldConfig
from tests.support.virtual_broker import VirtualBroker, virtual_broker
from tests.support.virtual_time import run_virtual

KEY = "story-key"
WORLD = WorldConfig(knobs=Knobs(idle_close_seconds=0, max_age_seconds=0))
HOUR = 3600.0


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


async def story() -> None:
    async with virtual_broker(WORLD) as broker, TaskGroup() as group:
        caller = await furnish(broker)
        listener = broker.assembly.listener(broker.hints, name="listener", shards=4)
        running = [
            group.create_task(listener.run()),
            group.create_task(courier_loop(broker.assembly, broker.hints)),
            group.create_task(sweeper_loop(broker.assembly)),
        ]
        await broker.clock.sleep(1)
        await caller.post(
            "/v1/webhooks", {"url": "http://127.0.0.1:9999/hook", "eventTypes": ["*"]}
        )

        made = await caller.post(
            "/v1/sessions?wait=10", {"deployment": "help", "message": {"text": "Hello"}}
        )
        await broker.clock.sleep(HOUR)
        broker.simulator.control.wipe()
        broker.simulator.control.restart()
        await broker.clock.sleep(60)
        turn = await caller.post(
            f"/v1/sessions/{made['id']}/messages?turn=10", {"text": "Still there?"}
        )
        await broker.clock.sleep(60)
        events = await caller.events(made["id"])
        sessions = broker.simulator.control.inbound()

        await listener.drain()
        for task in running:
            task.cancel()

    types = [event["type"] for event in events]
    replaced = next(event for event in events if event["type"] == "session.replaced")
    receipt = replaced["data"]["receipt"]
    assert types.count("session.opened") == 1
    assert types.count("session.replaced") == 1
    assert receipt["cause"] == "link_lost"
    assert (receipt["previous"]["incarnation"], receipt["current"]["incarnation"]) == (1, 2)
    assert turn["message"]["status"] == "confirmed"
    assert [reply["text"] for reply in turn["replies"]] == ["You said: Still there?"]
    assert [json.loads(body) for _, _, body in broker.received.posts] == events
    assert [event["data"]["sequence"] for event in events] == list(range(1, len(events) + 1))
    assert [record["text"] for record in sessions] == ["Hello", "Still there?"]


def test_a_whole_broker_lives_through_a_replacement_on_virtual_time() -> None:
    run_virtual(story())
