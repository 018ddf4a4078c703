"""A whole conversation through functions: REST in, a listener that was started, webhooks out."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from service.simulator.deployments import Bot, Deployment
from service.simulator.server import SimulatorServer
from service.simulator.state import WorldConfig
from tests.functions.conftest import Stage, eventually
from tests.runtime.conftest import KEY, Start
from tests.support.emulator import Emulator, invoke_door
from tests.support.event_source import Function
from tests.support.gateway_event import a_request, body_of
from tests.support.webhook_sink import answer

FUNCTION = "holds-links"
SIMULATED = Deployment(bot=Bot.SILENT)


@dataclass(kw_only=True)
class Site:
    """Three functions, the queue's trigger, and a contact centre."""

    api: Emulator
    courier: Emulator
    listener: Emulator
    sim: SimulatorServer
    stage: Stage

    async def call(self, method: str, path: str, body: object = None, **query: str | float) -> Any:  # noqa: ANN401 - any JSON
        """One request through the gateway."""
        event = a_request(method, path, body, key=KEY, query=query)
        told = await asyncio.wrap_future(self.api.begin(event))
        assert told["statusCode"] in {200, 201}, f"{told} {self.api.log()[-3000:]}"
        return body_of(told)

    async def is_held(self) -> bool:
        told = await self.call("GET", "/v1/listeners")
        return bool(told["totals"]["links"] == 1)

    def came(self, event_type: str) -> list[str]:
        """What messages said of which a webhook told, each once, in the order of the log."""
        events = {each["data"]["sequence"]: each for each in self.stage.sink.events}
        return [
            events[at]["data"]["message"]["text"]
            for at in sorted(events)
            if events[at]["type"] == event_type
        ]


@pytest_asyncio.fixture(name="site")
async def _site(start: Start, stage: Stage) -> AsyncIterator[Site]:
    listener = start("listener", BROKER_IDLE_SECONDS="3")
    courier = start("courier", handler="courier_of_this_machine.handler")
    serves = Function(lambda event, _: courier.invoke(event))
    with ExitStack() as doors:
        doors.callback(serves.close)
        api = start(
            "api",
            handler="api_of_this_machine.handler",
            BROKER_ALLOW_ENDPOINT="true",
            BROKER_LISTENER_FUNCTION=FUNCTION,
            AWS_ENDPOINT_URL_LAMBDA=doors.enter_context(invoke_door({FUNCTION: listener})),
        )
        async with AsyncExitStack() as stack:
            world = WorldConfig(deployments=(SIMULATED,))
            sim = await stack.enter_async_context(SimulatorServer(world, seed=1))
            await stack.enter_async_context(stage.source.feeding(serves))
            yield Site(api=api, courier=courier, listener=listener, sim=sim, stage=stage)


@pytest.mark.timeout(180)
async def test_a_conversation_is_held_by_functions_alone(site: Site) -> None:
    sink = site.stage.sink
    sink.script.append(answer(503))
    shop = {"name": "shop", "deploymentId": SIMULATED.id, "endpoint": site.sim.origin}
    await site.call("POST", "/v1/deployments", shop)
    hook = await site.call("POST", "/v1/webhooks", {"url": sink.url, "eventTypes": ["message.*"]})
    wanted = {"deployment": "shop", "message": {"text": "hello"}}
    session = f"/v1/sessions/{(await site.call('POST', '/v1/sessions', wanted, wait=10))['id']}"
    await eventually(site.is_held)
    token = (await site.call("GET", session))["clientId"]
    site.sim.control.say(token, "how can I help?")

    async def was_heard() -> bool:
        return site.came("message.received") == ["how can I help?"]

    await eventually(was_heard)
    await site.call("POST", f"{session}/messages", {"text": "my parcel"}, wait=10)
    await site.call("POST", f"{session}/end")

    async def was_told() -> bool:
        return site.came("message.confirmed") == ["hello", "my parcel"]

    await eventually(was_told)
    # Behind the term that the API started, which ends because there is nothing left to hold.
    second = await asyncio.wrap_future(site.listener.begin({}))

    sink.verify_all(hook["secret"])
    assert [row["text"] for row in site.sim.control.inbound(token)] == ["hello", "my parcel"]
    assert second["reason"] == "idle"
    assert len(site.listener.lines("listener.invoked")) == 2
    assert [len(each.inits()) for each in (site.api, site.courier, site.listener)] == [1, 1, 1]
