"""A whole broker for tests: real sockets, the real API, and the simulator as the contact centre.

`async with running(folder) as machine` starts it; `chat = await machine.open(...)` opens a session
through the API. Whoever waits here waits for a condition with a deadline, never for a time.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, TypedDict, Unpack

import httpx2

from service.bootstrap import Assembly, Opened, assemble, local_ports
from service.config import LocalSettings, StoreKind
from service.domain.ids import ListenerName
from service.domain.lease import MOST_LINKS, Term
from service.entrypoints._local.loops import courier_loop, sweeper_loop
from service.ports import Ports
from service.simulator.control import Control
from service.simulator.deployments import Bot
from service.simulator.deployments import Deployment as Simulated
from service.simulator.knobs import Knobs
from service.simulator.server import SimulatorServer
from service.simulator.state import WorldConfig
from service.usecases.hold_links import HoldLinks
from tests.support import patience
from tests.support.shared_app import serving

ADMIN: Final = "the-admin-key-of-the-machine"
DEPLOYMENT: Final = "shop"
HISTORY_LAG: Final = 0.3
"""What the deployment believes of history; the simulator's own lag is 0 unless a knob says so."""
PATIENCE: Final = 60.0
"""A busy machine may stand still for seconds; nothing that comes waits for it."""
WAIT: Final = 25.0
"""As long as a request may wait for what it asks for."""

Json = Mapping[str, Any]

eventually = partial(patience.eventually, within=PATIENCE)
"""For stories: waits twice as long as tests of a part."""


class Choices(TypedDict, total=False):
    """How a machine is made: with listener, sweeper and the embedded store unless told otherwise.

    `policies` are fields of `POST /v1/deployments`, `settings` those of `LocalSettings`.
    """

    listener: bool
    sweeper: bool
    aws_endpoint: str | None
    simulated: Simulated
    knobs: Knobs
    policies: Json
    settings: Json
    opening: Callable[[LocalSettings], Awaitable[Opened]]
    """Gives the ports."""
    meddle: Callable[[Ports], Ports]
    """Puts something between the use cases and the world."""


@dataclass(slots=True, kw_only=True)
class Machine:
    """One broker process beside one simulator."""

    sim: SimulatorServer
    opened: Opened
    assembly: Assembly
    http: httpx2.AsyncClient
    shards: int
    listener: HoldLinks | None = None
    tasks: "list[asyncio.Task[None]]" = field(default_factory=list)

    @property
    def control(self) -> Control:
        """The agent's side, and fate."""
        return self.sim.control

    async def call(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        *,
        status: int | None = None,
        **query: float | str,
    ) -> Json:
        """One request; its JSON. `status` is what must be answered, else any success will do."""
        answer = await self.http.request(method, path, json=body, params=query)
        fits = answer.status_code == status if status is not None else answer.is_success
        assert fits, f"{method} {path}: {answer.status_code} {answer.text}"
        found: Json = answer.json() if answer.content else {}
        return found

    async def open(self, *, wait: float = WAIT, status: int = 201, **body: object) -> "Chat":
        """Create a session; `body` is that of `POST /v1/sessions`."""
        made = await self.call(
            "POST", "/v1/sessions", {"deployment": DEPLOYMENT, **body}, status=status, wait=wait
        )
        return Chat(machine=self, id=made["id"], created=made)

    async def webhook(self, url: str, *event_types: str) -> Json:
        """Register a receiver; `*` if no types are given."""
        body = {"url": url, "eventTypes": list(event_types) or ["*"]}
        return await self.call("POST", "/v1/webhooks", body, status=201)

    async def start_listener(self) -> HoldLinks:
        """Hold links from now on."""
        name = self.assembly.ports.ids.ulid("own")
        self.listener = self.assembly.listener(
            self.opened.mailboxes,
            Term(name=ListenerName(name), shards=self.shards, max_links=MOST_LINKS),
        )
        await self.listener.claim()
        self.tasks.append(asyncio.create_task(self.listener.run()))
        return self.listener

    async def stop_listener(self) -> None:
        """Let go of every link in order."""
        if self.listener is not None:
            await self.listener.drain()
            await _cancel([self.tasks.pop()])
            self.listener = None

    def arrived(self, token: str | None = None) -> list[str]:
        """Each text that reached the simulator, in order, as often as it arrived."""
        rows: list[Any] = list(self.control.inbound(token))
        return [row["text"] for row in rows for _ in range(row["arrived"])]

    def stored(self, token: str | None = None) -> list[str]:
        """Each text of a guest that the simulator took, in order: what an agent sees."""
        rows: list[Any] = list(self.control.transcript(token))
        return [row["text"] for row in rows if row["direction"] == "Inbound" and row["text"]]

    def handshakes(self) -> list[int]:
        """The status of every upgrade request so far."""
        rows: list[Any] = list(self.control.handshakes())
        return [row["status"] for row in rows]

    def configures(self, token: str | None = None) -> list[object]:
        """The outcome of every configure so far, in order."""
        return [row["outcome"] for row in self.control.configures(token)]


@dataclass(slots=True, kw_only=True)
class Chat:
    """One session as its caller sees it, with the agent on the other side."""

    machine: Machine
    id: str
    created: Json

    async def read(self) -> Json:
        """The Session."""
        return await self.machine.call("GET", f"/v1/sessions/{self.id}")

    async def token(self) -> str:
        """The client id of its guest session: what the simulator knows it by."""
        return str((await self.read())["clientId"])

    async def send(
        self, text: str, *, wait: float = WAIT, status: int | None = 201, **body: object
    ) -> Json:
        """Send one message and wait for its proof."""
        path = f"/v1/sessions/{self.id}/messages"
        return await self.machine.call(
            "POST", path, {"text": text, **body}, status=status, wait=wait
        )

    async def verb(self, name: str, body: Json | None = None, *, status: int = 200) -> Json:
        """`end`, `clear` or `resume`."""
        path = f"/v1/sessions/{self.id}/{name}"
        return await self.machine.call("POST", path, body, status=status)

    async def agent_says(self, text: str, *, nickname: str = "Dana") -> Json:
        """Let the agent write."""
        return self.machine.control.say(await self.token(), text, nickname=nickname)

    async def events(self, event_type: str | None = None, *, after: int = 0) -> list[Json]:
        """The log, or what it has of one type."""
        found: list[Json] = []
        while True:
            page = await self.machine.call("GET", f"/v1/sessions/{self.id}/events", after=after)
            found += page["items"]
            after = page["nextAfter"]
            if not page["hasMore"]:
                return [each for each in found if event_type in {None, each["type"]}]

    async def types(self) -> list[str]:
        """The types of the log's events, in order."""
        return [event["type"] for event in await self.events()]

    async def texts(self, event_type: str = "message.received") -> list[str]:
        """What messages said in events of that type, in order."""
        return [event["data"]["message"]["text"] for event in await self.events(event_type)]

    async def wait_for(
        self, event_type: str, *, count: int = 1, within: float = PATIENCE, **facts: object
    ) -> Json:
        """The `count`-th event of that type whose session or message is so, once it is there."""
        after = 0
        found: list[Json] = []
        path = f"/v1/sessions/{self.id}/events"
        try:
            async with asyncio.timeout(within):
                while len(found) < count:
                    page = await self.machine.call("GET", path, after=after, wait=1)
                    after = page["nextAfter"]
                    found += [e for e in page["items"] if _is(e, event_type, facts)]
        except TimeoutError:
            missing = f"no {event_type} {facts or ''} no. {count} in {await self.types()}"
            raise AssertionError(f"{missing}\n{await self.told()}") from None
        return found[count - 1]

    async def told(self, *, most: int = 60) -> str:
        """The end of the timeline, an entry a line: what a failed test is read by."""
        path = f"/v1/sessions/{self.id}/timeline"
        page = await self.machine.call("GET", path, limit=200)
        entries: list[Json] = page["items"]
        while page["nextCursor"] is not None:
            page = await self.machine.call("GET", path, limit=200, cursor=page["nextCursor"])
            entries += page["items"]
        files = await self.machine.call("GET", f"/v1/sessions/{self.id}/attachments")
        lines = [f"{e['at']} {e['kind']} {e['what']} {e['facts']}" for e in entries[-most:]]
        return "\n".join([*lines, *(f"{f['id']} {f['status']}" for f in files["items"])])

    async def wait_for_text(self, text: str, *, within: float = PATIENCE) -> Json:
        """The message.received event with that text."""
        return await self.wait_for("message.received", within=within, text=text)

    async def wait_for_state(self, state: str, *, within: float = PATIENCE) -> Json:
        """The Session once it is in that state."""

        async def there() -> bool:
            return bool((await self.read())["state"] == state)

        await eventually(there, within=within, what=f"state {state}")
        return await self.read()


@asynccontextmanager
async def running(folder: Path, **choices: Unpack[Choices]) -> AsyncIterator[Machine]:
    """A machine with a deployment `shop` that points to its simulator."""
    simulated = choices.get("simulated", Simulated(bot=Bot.SILENT))
    async with AsyncExitStack() as stack:
        config = WorldConfig(deployments=(simulated,), knobs=choices.get("knobs", Knobs()))
        sim = await stack.enter_async_context(SimulatorServer(config, seed=1))
        settings = _settings(folder, choices)
        opened = await choices.get("opening", local_ports)(settings)
        stack.push_async_callback(opened.close)
        meddle = choices.get("meddle")
        assembly = assemble(settings, meddle(opened.ports) if meddle else opened.ports)
        await assembly.ensure_admin_key(ADMIN)
        http = await stack.enter_async_context(client(assembly))
        machine = Machine(
            sim=sim, opened=opened, assembly=assembly, http=http, shards=settings.shards
        )
        stack.push_async_callback(_stop, machine)
        wanted = {"name": DEPLOYMENT, "deploymentId": simulated.id, "endpoint": sim.origin}
        policies = {"historyLagSeconds": HISTORY_LAG, **choices.get("policies", {})}
        await machine.call("POST", "/v1/deployments", {**wanted, **policies}, status=201)
        await _start(machine, choices)
        yield machine


def _settings(folder: Path, choices: Choices) -> LocalSettings:
    given: dict[str, Any] = {"shards": 4, "retry_scale": 0.01, "data_dir": folder}
    endpoint = choices.get("aws_endpoint")
    if endpoint is not None:
        given |= {"store": StoreKind.DYNAMODB, "AWS_ENDPOINT_URL": endpoint}
        given |= {"table": f"machine-{folder.name}", "queue_prefix": f"m-{folder.name}"}
    return LocalSettings(**{**given, **choices.get("settings", {})})


def client(assembly: Assembly) -> httpx2.AsyncClient:
    """Speaks to its API with the admin's key."""
    return httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=serving(assembly.broker)),
        base_url="http://broker.test",
        headers={"Authorization": f"Bearer {ADMIN}"},
        timeout=90,
    )


async def _start(machine: Machine, choices: Choices) -> None:
    loops = [courier_loop(machine.assembly, machine.opened.deliveries)]
    if choices.get("sweeper", True):
        loops.append(sweeper_loop(machine.assembly))
    machine.tasks += [asyncio.create_task(loop) for loop in loops]
    if choices.get("listener", True):
        await machine.start_listener()


async def _stop(machine: Machine) -> None:
    await machine.stop_listener()
    await _cancel(machine.tasks)


async def _cancel(tasks: "Sequence[asyncio.Task[None]]") -> None:
    for task in tasks:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            raise result


def _is(event: Json, event_type: str, facts: Json) -> bool:
    data = event["data"]
    subject = data.get("message") or data.get("session") or {}
    return event["type"] == event_type and all(subject.get(k) == v for k, v in facts.items())
