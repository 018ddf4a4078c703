"""The loops that stand in for queue and scheduler on one machine."""

import asyncio
import logging
from typing import Final

from service.adapters.embedded.hints import InProcessHints
from service.bootstrap import Assembly
from service.domain.errors import BrokerError
from service.domain.ids import EndpointId, SessionId

_log = logging.getLogger(__name__)

COURIERS: Final = 64
"""Lanes that are delivered side by side."""
SWEEP_SECONDS: Final = 2.0
"""On AWS a minute; on one machine a sweep costs next to nothing."""


async def courier_loop(assembly: Assembly, hints: InProcessHints) -> None:
    """Deliver hinted lanes until cancelled."""
    room = asyncio.Semaphore(COURIERS)
    running: set[asyncio.Task[None]] = set()
    try:
        while True:
            await room.acquire()
            endpoint_id, session_id, hops = await hints.next_lane()
            task = asyncio.create_task(_deliver(assembly, endpoint_id, session_id, hops))
            running.add(task)
            task.add_done_callback(running.discard)
            task.add_done_callback(lambda _: room.release())
    finally:
        # A courier that is stopped between POST and commit repeats the POST later: at least once.
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def sweeper_loop(assembly: Assembly) -> None:
    """Sweep until cancelled."""
    while True:
        try:
            await assembly.sweep()
        except BrokerError as error:
            _log.warning("sweep.failed", extra={"error": type(error).__name__})
        await assembly.ports.clock.sleep(SWEEP_SECONDS)


async def _deliver(
    assembly: Assembly, endpoint_id: EndpointId, session_id: SessionId, hops: int
) -> None:
    try:
        await assembly.deliver_lane(endpoint_id, session_id, hops=hops)
    except BrokerError as error:
        # The lane's due time and the session's work mark stay: the sweeper hints again.
        _log.warning(
            "courier.failed",
            extra={
                "endpoint_id": endpoint_id,
                "session_id": session_id,
                "error": type(error).__name__,
            },
        )
