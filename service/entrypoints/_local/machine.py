"""Starts every part of the broker in one process, in order, and stops them in the opposite one."""

import asyncio
import signal
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Final

from service.api.app import create_app
from service.bootstrap import Opened, assemble
from service.config import LocalSettings, StoreKind
from service.console.routes import console_router
from service.domain.ids import TenantName
from service.domain.lease import Term
from service.entrypoints._local.admin_key import admin_key
from service.entrypoints._local.greeting import greeting
from service.entrypoints._local.loops import begin_loops
from service.entrypoints._local.opening import open_ports
from service.entrypoints._local.simulated import start_simulator
from service.entrypoints._local.web import HOST, WebServer
from service.entrypoints._process.collector import collect_seldom
from service.entrypoints._process.descriptors import make_room
from service.usecases.begin_term import begin_term
from service.usecases.hold_links import HoldLinks
from service.usecases.serve_term import tell_end

TENANT: Final = TenantName("default")


async def serve(settings: LocalSettings) -> None:
    """Run until SIGTERM or SIGINT. Raises ConfigurationError."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with AsyncExitStack() as stack:
        opened = await open_ports(settings)
        stack.push_async_callback(opened.close)
        await _run(settings, opened, stack, stopping)


async def _run(
    settings: LocalSettings, opened: Opened, stack: AsyncExitStack, stopping: asyncio.Event
) -> None:
    assembly = assemble(settings, opened.ports)
    key, made_up = admin_key(settings, opened.ports.ids)
    await assembly.ensure_admin_key(key)
    simulator = None
    if settings.simulator:
        simulator = await start_simulator(settings, opened.ports, stack)
    listener = None
    if settings.listener_function is None:
        listener = assembly.listener(opened.mailboxes, _term(settings, opened))
    app = create_app(assembly.broker)
    app.include_router(console_router())
    web = WebServer(app, port=settings.port)
    begun = opened.ports.clock.now()
    tasks = await begin_loops(
        assembly,
        opened.deliveries,
        listener,
        # The lock on the data directory proves that whoever worked here is dead.
        alone=settings.store is StoreKind.EMBEDDED,
    )
    await web.start()
    _begin_serving(f"http://{HOST}:{web.port}", key if made_up else None, simulator)
    stopped = asyncio.create_task(stopping.wait())
    await asyncio.wait([stopped, *tasks], return_when=asyncio.FIRST_COMPLETED)
    assembly.broker.begin_closing()
    await web.stop()
    if listener is not None:
        await _stop(listener, begun, failed=not stopping.is_set())
    stopped.cancel()
    await _end(tasks)


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    """End what works beside the API; raises what one of them had failed of."""
    for task in tasks:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            raise result


async def _stop(listener: HoldLinks, begun: float, *, failed: bool) -> None:
    """Let go of every link, as at the end of any other listener's term."""
    left = len(listener.visits)
    await listener.drain()
    seconds = listener.ports.clock.now() - begun
    tell_end(listener, "failed" if failed else "stopped", seconds=seconds, left=left)


def _term(settings: LocalSettings, opened: Opened) -> Term:
    """This process's listener stays until it is told to stop."""
    return begin_term(
        opened.ports,
        shards=settings.shards,
        links=make_room(settings.max_links),
        generation_seconds=None,
    )


def _begin_serving(address: str, made_up_key: str | None, simulator: str | None) -> None:
    collect_seldom()
    print(greeting(address, made_up_key=made_up_key, simulator=simulator))
    print(f"ready {address}", flush=True)
