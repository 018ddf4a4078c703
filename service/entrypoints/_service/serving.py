"""One listener in a process of its own, from the signal handlers to the closed table."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from service.bootstrap import Opened, assemble
from service.config import ListenerServiceSettings
from service.entrypoints._local.opening import open_ports
from service.entrypoints._process.collector import collect_seldom
from service.entrypoints._process.descriptors import make_room
from service.entrypoints._service.liveness import Liveness, Pulse
from service.usecases.begin_term import begin_term
from service.usecases.hold_links import HoldLinks
from service.usecases.serve_term import ServeTerm


async def serve(
    settings: ListenerServiceSettings,
    opening: Callable[[ListenerServiceSettings], Awaitable[Opened]] = open_ports,
) -> None:
    """Hold links until SIGTERM, SIGINT or the end of the generation.

    `opening` gives the ports. Raises ConfigurationError, and UnavailableError when the table does
    not answer at the start.
    """
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    links = make_room(settings.max_links)
    async with AsyncExitStack() as stack:
        opened = await opening(settings)
        stack.push_async_callback(opened.close)
        term = begin_term(
            opened.ports,
            shards=settings.shards,
            links=links,
            generation_seconds=settings.generation_seconds,
        )
        listener = assemble(settings, opened.ports).listener(opened.mailboxes, term)
        liveness = await stack.enter_async_context(
            Liveness(
                host=settings.liveness_host,
                port=settings.liveness_port,
                pulse=lambda: _pulse(listener),
            )
        )
        await listener.claim()
        collect_seldom()
        print(f"ready {liveness.address}", flush=True)
        await ServeTerm(clock=opened.ports.clock, listener=listener)(stopping)


def _pulse(listener: HoldLinks) -> Pulse:
    return Pulse(
        alive=listener.is_keeping_up(),
        facts={
            "listener": listener.name,
            "shards": len(listener.held),
            "links": len(listener.visits),
            "draining": listener.draining,
        },
    )
