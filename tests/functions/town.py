"""All four functions of a broker, each in its own role, behind a door that notes what it asks for.

As on AWS: nobody makes tables or queues, and a right that a role does not have is refused.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from boto3.session import Session as AwsSession

from service.config import ApiFunctionSettings, FunctionSettings, ListenerFunctionSettings
from service.entrypoints import api, courier, listener, sweeper
from service.simulator.deployments import Bot, Deployment
from service.simulator.server import SimulatorServer
from service.simulator.state import WorldConfig
from tests.functions.conftest import UNHURRIED, Stage, eventually
from tests.functions.roles import Role, taken
from tests.support.event_source import TIMEOUT, Function
from tests.support.gateway_event import a_request, body_of
from tests.support.recorder import Recorder, recorder
from tests.support.webhook_sink import WebhookSink

KEY: Final = "the-admin-key-of-the-town"
HINTED_SECONDS: Final = 15.0
"""What comes of a hint is there by then, however busy the machine, unless the hint was lost."""
SIMULATED: Final = Deployment(bot=Bot.SILENT, auth=True, step_up=True)


@dataclass(kw_only=True)
class Town:
    """A broker on functions, a contact centre, and a receiver."""

    stage: Stage
    sim: SimulatorServer
    api: Function
    listener: Function
    heir: Function
    """Another environment of the listener."""
    courier: Function
    sweeper: Function
    asked: Mapping[str, Recorder]
    """What each function asked for, by its name."""
    operations: set[tuple[str, str]] = field(default_factory=set)
    """Method and path of requests that were served."""

    @property
    def sink(self) -> WebhookSink:
        return self.stage.sink

    async def call(self, method: str, path: str, body: object = None, **query: str | float) -> Any:  # noqa: ANN401 - any JSON
        """One request; fails unless it is served."""
        headers = {"idempotency-key": str(query.pop("once"))} if "once" in query else {}
        if isinstance(body, bytes):
            headers["content-type"] = str(query.pop("media"))
        event = a_request(method, path, body, key=KEY, query=query, headers=headers)
        answer = await self.api(event, seconds=29.0)
        assert answer["statusCode"] < 300, f"{method} {path}: {answer}"
        self.operations.add((method, path))
        return body_of(answer) if answer.get("body") else None

    async def open(self, **body: object) -> str:
        """Create a session; its path."""
        made = await self.call("POST", "/v1/sessions", {"deployment": "shop", **body}, wait=10)
        return f"/v1/sessions/{made['id']}"

    async def token(self, session: str) -> str:
        return str((await self.call("GET", session))["clientId"])

    async def links(self, count: int) -> None:
        """Wait until listeners hold so many."""

        async def held() -> bool:
            told = await self.call("GET", "/v1/listeners")
            return bool(told["totals"]["links"] == count)

        await eventually(held)

    async def came(self, event_type: str, count: int) -> None:
        """Wait until so many events of a type came to the receiver."""

        async def there() -> bool:
            came = [each for each in self.sink.events if each["type"] == event_type]
            return len(came) >= count

        await self.eventually(there)

    async def told(self) -> list[str]:
        """What stands in the logs, and what came to the receiver: a failed story is read by it."""
        found = [f"came: {each['type']}" for each in self.sink.events]
        for session in (await self.call("GET", "/v1/sessions"))["items"]:
            page = await self.call("GET", f"/v1/sessions/{session['id']}/events")
            found += [f"{session['state']} {session['id']}: {e['type']}" for e in page["items"]]
        return found

    async def eventually(self, condition: Callable[[], Awaitable[bool]]) -> None:
        """Wait until it holds; a sweep finds what a lost hint told of, as on AWS each minute."""
        try:
            await eventually(condition, within=HINTED_SECONDS)
        except AssertionError:
            await self.sweeper()
            await eventually(condition)


@asynccontextmanager
async def town(stage: Stage, aws: AwsSession) -> AsyncIterator[Town]:
    """Everything open; the courier is not fed yet."""
    asked: dict[str, Recorder] = {}
    common = stage.settings.model_dump() | {
        "aws_endpoint_url": None,
        "allow_endpoint": True,
        "listener_function": f"{stage.settings.queue_prefix}-listener",
    }
    served = api.Environment(lambda: _api_settings(common), **UNHURRIED)
    holds = [
        listener.Environment(lambda: _listener_settings(common), **UNHURRIED) for _ in range(2)
    ]
    delivers = courier.Environment(lambda: FunctionSettings.model_construct(**common), **UNHURRIED)
    sweeps = sweeper.Environment(lambda: FunctionSettings.model_construct(**common), **UNHURRIED)
    async with AsyncExitStack() as stack:
        doors = stack.enter_context(ExitStack())

        async def opened(name: str, environment: Any) -> Function:  # noqa: ANN401 - of any door
            if name not in asked:
                asked[name] = doors.enter_context(recorder(str(stage.settings.aws_endpoint_url)))
            made = Function(environment.invoke)
            stack.push_async_callback(_closed, made, environment.close)
            role = Role(stage=stage, aws=aws, function=name)
            with taken(role, asked[name].endpoint):
                await made.run(environment.open_early)
            return made

        world = WorldConfig(deployments=(SIMULATED,))
        sim = await stack.enter_async_context(SimulatorServer(world, seed=1))
        yield Town(
            stage=stage,
            sim=sim,
            api=await opened("api", served),
            listener=await opened("listener", holds[0]),
            heir=await opened("listener", holds[1]),
            courier=await opened("courier", delivers),
            sweeper=await opened("sweeper", sweeps),
            asked=asked,
        )


def _api_settings(common: Mapping[str, Any]) -> ApiFunctionSettings:
    wanted = ApiFunctionSettings.model_validate(
        {"table": "any", "queue_prefix": "any", "shards": 1, "data_dir": "any", "admin_key": KEY}
    )
    return wanted.model_copy(update={**common})


def _listener_settings(common: Mapping[str, Any]) -> ListenerFunctionSettings:
    return ListenerFunctionSettings.model_construct(**common, idle_seconds=2.0)


async def _closed(function: Function, close: Callable[[], None]) -> None:
    await function.run(close)
    function.close()


async def begun(
    function: Function, *arguments: object, seconds: float = TIMEOUT
) -> "asyncio.Task[Any]":
    """An invocation that goes on beside."""
    task = asyncio.create_task(function(*arguments, seconds=seconds))
    await asyncio.sleep(0)
    return task
