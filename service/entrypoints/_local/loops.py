"""The loops that stand in for queue and scheduler on one machine."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from service.bootstrap import Assembly
from service.domain.errors import BrokerError
from service.entrypoints._local.couriers import Couriers
from service.ports import Deliveries, LaneHint
from service.usecases.hold_links import HoldLinks

_log = logging.getLogger(__name__)

DEAF_SECONDS: Final = 2.0
"""A queue that does not answer is asked again after this."""
SWEEP_SECONDS: Final = 2.0
"""On AWS a minute; on one machine a sweep costs next to nothing."""
AHEAD_SECONDS: Final = 120.0
"""How far ahead the first sweep looks: a mark that the dead just set is due within it."""


async def begin_loops(
    assembly: Assembly, deliveries: Deliveries, listener: HoldLinks | None, *, alone: bool
) -> list[asyncio.Task[None]]:
    """Start what works beside the API. Without a listener, links are held by a function's.

    `alone`: whoever worked on this table is dead for certain, so that nothing is waited for.
    Raises UnavailableError.
    """
    tasks: list[asyncio.Task[None]] = []
    if listener is not None:
        await listener.claim()
        # At once: a first sweep may take longer than a lease lasts.
        tasks.append(asyncio.create_task(listener.run()))
    if alone:
        await assembly.sweep(ahead=AHEAD_SECONDS)
    tasks.append(asyncio.create_task(courier_loop(assembly, deliveries)))
    tasks.append(asyncio.create_task(sweeper_loop(assembly)))
    return tasks


async def courier_loop(assembly: Assembly, deliveries: Deliveries) -> None:
    """Deliver hinted lanes until cancelled."""
    couriers = Couriers(lambda hint: _deliver(assembly, hint))
    try:
        while True:
            for hint in await _hinted(assembly, deliveries):
                couriers.take(hint)
    finally:
        await couriers.stop()


async def sweeper_loop(assembly: Assembly) -> None:
    """Sweep until cancelled."""
    while True:
        try:
            await assembly.sweep()
        except BrokerError as error:
            _log.warning("sweep.failed", extra={"error": type(error).__name__})
        await assembly.ports.clock.sleep(SWEEP_SECONDS)


async def _hinted(assembly: Assembly, deliveries: Deliveries) -> Sequence[LaneHint]:
    try:
        return await deliveries.receive()
    except BrokerError as error:
        _log.warning("courier.deaf", extra={"error": str(error)})
        await assembly.ports.clock.sleep(DEAF_SECONDS)
        return ()


async def _deliver(assembly: Assembly, hint: LaneHint) -> None:
    try:
        await assembly.deliver_lane(hint.endpoint_id, hint.session_id, hops=hint.hops)
    except BrokerError as error:
        # The lane's due time and the session's work mark stay: the sweeper hints again.
        _log.warning(
            "courier.failed",
            extra={
                "endpoint_id": hint.endpoint_id,
                "session_id": hint.session_id,
                "error": type(error).__name__,
            },
        )
