"""Broker processes that die at a chosen call to the outside world, over a table that outlives them.

`Life` counts the calls of one process that change anything; at its last one it cuts the process's
sockets and raises `Death`, and again at every call after it, reads included: a process that is gone
does nothing any more, not even in its `finally` blocks. The call at which it dies is not carried
out. To die at a read leaves the same behind as to die at the change after it, so reads are not
counted. Inside `run_virtual` only.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Final, cast

import httpx2
from fastapi import FastAPI

from service.adapters.bell import InProcessBell
from service.adapters.embedded.hints import InProcessHints
from service.api.app import create_app
from service.bootstrap import Assembly, assemble
from service.config import LocalSettings
from service.domain.budget import MINUTE_LIMIT
from service.domain.deployment import Deployment
from service.entrypoints._local.loops import courier_loop
from service.ports import Link
from service.simulator.in_process import ConnectionEndedError
from service.usecases.broker import Broker
from tests.support.virtual_broker import SimulatedLink, VirtualBroker
from tests.support.virtual_time import VirtualClock

KEY: Final = "story-key"
SHARDS: Final = 4
PONG_SECONDS: Final = 8.0

READS: Final = frozenset(
    {
        *(
            "load",
            "load_to_erase",
            "load_erased",
            "open_sends",
            "read_log",
            "tail",
            "seen_after",
            "last_event",
        ),
        *(
            "find_keys",
            "by_external_id",
            "list_sessions",
            "live_in_shard",
            "live_by_deployment",
            "due_sessions",
        ),
        *("has_open_sessions", "lease", "leases", "lane", "lanes_of", "due_lanes", "key_by_digest"),
        *("deployment", "endpoint", "endpoints_of", "idempotency", "configuration", "receive"),
        *("taken", "breaker"),
    }
)
"""Calls that change nothing outside. What is not named here counts as a change."""


class Death(BaseException):
    """The process is gone. Not an Exception: no handler of a living process may catch it."""


@dataclass(slots=True, kw_only=True)
class Life:
    """How long a process lives: it dies at its `last` call; None lives on."""

    last: int | None = None
    calls: int = 0
    fatal: str = ""
    links: list[SimulatedLink] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def step(self, call: str) -> None:
        """Count one call. Raises Death."""
        if self.over.is_set():
            raise Death(self.fatal)
        if call.rpartition(".")[2] in READS:
            return
        self.calls += 1
        if self.last is not None and self.calls >= self.last:
            self.fatal = call
            self.end()
            raise Death(call)

    def end(self) -> None:
        """Die now; the operating system resets the sockets."""
        self.over.set()
        for link in self.links:
            link.connection.abort()


class Mortal:
    """A port of a process: every call is one step of its life."""

    def __init__(self, life: Life, name: str, port: object) -> None:
        self._life = life
        self._name = name
        self._port = port

    def __getattr__(self, method: str) -> Callable[..., Awaitable[Any]]:
        act = getattr(self._port, method)

        async def step(*args: object, **named: object) -> object:
            self._life.step(f"{self._name}.{method}")
            return await act(*args, **named)

        return step


@dataclass(frozen=True)
class MortalSockets:
    """Opens links that die with their process; a ping without a pong ends them, as on a socket."""

    life: Life
    broker: VirtualBroker
    hearts: "set[asyncio.Task[None]]" = field(default_factory=set)

    async def open(self, deployment: Deployment) -> Link:
        self.life.step("sockets.open")
        link = await self.broker.ports.sockets.open(deployment)
        assert isinstance(link, SimulatedLink)
        self.life.links.append(link)
        beating = asyncio.create_task(self._beat(link, deployment.heartbeat_seconds))
        self.hearts.add(beating)
        beating.add_done_callback(self.hearts.discard)
        return cast("Link", Mortal(self.life, "link", link))

    async def _beat(self, link: SimulatedLink, seconds: float) -> None:
        clock = self.broker.clock
        with suppress(ConnectionEndedError):
            while True:
                await clock.sleep(seconds)
                try:
                    async with clock.timeout(PONG_SECONDS):
                        await link.connection.ping()
                except TimeoutError:
                    link.connection.abort()


class Front:
    """Whichever broker serves the request: making the application anew for each takes long."""

    serving: ContextVar[Broker] = ContextVar("serving")
    clock = VirtualClock()

    def __getattr__(self, usecase: str) -> "_Usecase":
        return _Usecase(usecase)


@dataclass(frozen=True)
class _Usecase:
    """A use case of the broker that serves, found when it is called."""

    name: str

    def __call__(self, *args: object, **named: object) -> object:
        return getattr(Front.serving.get(), self.name)(*args, **named)

    def __getattr__(self, method: str) -> object:
        return getattr(getattr(Front.serving.get(), self.name), method)


@cache
def application() -> FastAPI:
    """The application, made once."""
    return create_app(cast("Broker", Front()))


@dataclass(frozen=True, kw_only=True)
class Process:
    """One broker process: use cases, its own queue of hints, and a caller at its door."""

    life: Life
    assembly: Assembly
    hints: InProcessHints

    async def post(self, path: str, body: object = None, *, key: str) -> dict[str, Any]:
        """One write under an Idempotency-Key; it must succeed."""
        return await self._call("POST", path, body, {"idempotency-key": key})

    async def delete(self, path: str, *, key: str) -> dict[str, Any]:
        """One removal under an Idempotency-Key; it must succeed."""
        return await self._call("DELETE", path, None, {"idempotency-key": key})

    async def get(self, path: str) -> dict[str, Any]:
        """One read; it must succeed."""
        return await self._call("GET", path, None, {})

    async def _call(
        self, method: str, path: str, body: object, headers: Mapping[str, str]
    ) -> dict[str, Any]:
        Front.serving.set(self.assembly.broker)
        async with httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=application()), base_url="http://broker.test"
        ) as http:
            bearer = {"authorization": f"Bearer {KEY}"}
            answer = await http.request(method, path, json=body, headers={**headers, **bearer})
        assert answer.is_success, f"{path}: {answer.status_code} {answer.text}"
        made: dict[str, Any] = answer.json()
        return made

    async def live(self, story: Coroutine[Any, Any, object]) -> bool:
        """Run a story beside a courier until it is told or the process is dead; whether it died."""
        telling = asyncio.create_task(story)
        courier = asyncio.create_task(courier_loop(self.assembly, self.hints.deliveries))
        dying = asyncio.create_task(self.life.over.wait())
        await asyncio.wait([telling, dying], return_when=asyncio.FIRST_COMPLETED)
        died = self.life.over.is_set()
        tasks = (telling, courier, dying)
        for task in (courier, dying, *((telling,) if died else ())):
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException) and not _is_end(result):
                raise result
        return died


@cache
def settings(connections_per_minute: int = MINUTE_LIMIT) -> LocalSettings:
    """The settings, read once."""
    return LocalSettings(shards=SHARDS, connections_per_minute=connections_per_minute)


def start(broker: VirtualBroker, *, last: int | None = None) -> Process:
    """A new process over the broker's table and simulator; nothing but the table is inherited."""
    life = Life(last=last)
    clock = broker.clock
    hints = InProcessHints(clock)
    outside = {
        name: Mortal(life, name, getattr(broker.ports, name))
        for name in (
            *("sessions", "shards", "lanes", "tenants", "budgets"),
            *("guest_rest", "login", "webhook_http"),
        )
    }
    ports = replace(
        broker.ports,
        hints=hints,
        bell=InProcessBell(clock),
        sockets=MortalSockets(life, broker),
        **cast("dict[str, Any]", outside),
    )
    assembly = assemble(settings(), ports)
    return Process(life=life, assembly=assembly, hints=hints)


def bury(loop: asyncio.AbstractEventLoop) -> None:
    """Let small tasks of the dead end unseen; whatever else fails unseen is still reported."""
    report = loop.get_exception_handler()
    assert report is not None

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if not isinstance(context.get("exception"), Death):
            report(loop, context)

    loop.set_exception_handler(handle)


def _is_end(result: BaseException) -> bool:
    return isinstance(result, (Death, asyncio.CancelledError))
