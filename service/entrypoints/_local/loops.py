"""The loops that stand in for queue and scheduler on one machine."""

import asyncio
import itertools
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final

from service.bootstrap import Assembly
from service.domain.errors import BrokerError
from service.domain.ids import ReplayId
from service.entrypoints._local.couriers import Couriers, Known
from service.ports import Deliveries, DeliveryHint, LaneHint, ReplayHint
from service.usecases.hold_links import HoldLinks

_log = logging.getLogger(__name__)

REPLAYERS: Final = 32
"""Strands of replays at a time, beside the lanes: replays come in crowds and must not keep lanes
out.
"""
DEAF_SECONDS: Final = 2.0
"""A queue that does not answer is asked again after this."""
SWEEP_SECONDS: Final = 2.0
"""On AWS a minute; on one machine a sweep costs next to nothing."""
LANES_EVERY: Final = 5
"""Sweeps, of which one looks for lanes: their hints wait in this process, unless it was killed."""
LOOK_AHEAD_SECONDS: Final = 15.0
"""How early a lane is found that is due, and so how often: the next look is near."""
SWEPT_TOGETHER: Final = 5
SWEEP_PAUSE_SECONDS: Final = 0.01
"""Hundreds of lanes may be overdue, and whoever delivers is not to wait for all of them."""
PATIENCE_SECONDS: Final = 10.0
"""How long a process that stops waits for answers to what it sent already."""
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
    courier = courier_loop(assembly, deliveries, patience=PATIENCE_SECONDS)
    tasks.append(asyncio.create_task(courier))
    tasks.append(asyncio.create_task(sweeper_loop(assembly)))
    return tasks


async def courier_loop(
    assembly: Assembly, deliveries: Deliveries, *, patience: float = 0.0
) -> None:
    """Deliver hinted lanes and strands until cancelled; what is under way has so long to end."""
    standing, moot = assembly.standing, assembly.moot
    known = Known(is_good=standing.is_good, is_shut=moot.is_shut, is_moot=moot.is_moot)
    couriers = Couriers(lambda hint: _deliver(assembly, hint), known)
    replayers = _Replayers(assembly)
    try:
        while True:
            for hint in await _hinted(assembly, deliveries):
                if isinstance(hint, ReplayHint):
                    replayers.begin(hint)
                else:
                    couriers.take(hint)
    finally:
        if patience:
            assembly.deliver_lane.closing.begin()
        await couriers.stop(patience=patience)
        await replayers.stop()


async def sweeper_loop(assembly: Assembly) -> None:
    """Sweep until cancelled."""
    sweep = replace(
        assembly.sweep,
        look_ahead=LOOK_AHEAD_SECONDS,
        side_by_side=SWEPT_TOGETHER,
        pause_seconds=SWEEP_PAUSE_SECONDS,
    )
    for number in itertools.count():
        # What failed has its line; the next one does its work.
        with suppress(BrokerError):
            await sweep(with_lanes=number % LANES_EVERY == 0)
        await assembly.ports.clock.sleep(SWEEP_SECONDS)


@dataclass(slots=True)
class _Replayers:
    """Strands that are run, or wait for room.

    Each is once at a time, however often it is hinted, and once more where it was hinted meanwhile.
    """

    assembly: Assembly
    room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(REPLAYERS))
    running: "dict[tuple[ReplayId, int], asyncio.Task[None]]" = field(default_factory=dict)
    again: "dict[tuple[ReplayId, int], ReplayHint]" = field(default_factory=dict)

    def begin(self, hint: ReplayHint) -> None:
        """Run it when there is room."""
        name = (hint.replay_id, hint.strand)
        self.again[name] = hint
        if name not in self.running:
            task = self.running[name] = asyncio.create_task(self._run(name))
            task.add_done_callback(lambda _: self.running.pop(name))

    async def stop(self) -> None:
        """Cancel what runs. One that is stopped between POST and commit repeats the POST later."""
        running = list(self.running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _run(self, name: tuple[ReplayId, int]) -> None:
        while name in self.again:
            async with self.room:
                await self._run_once(self.again.pop(name))

    async def _run_once(self, hint: ReplayHint) -> None:
        try:
            await self.assembly.run_replay(hint.replay_id, hint.strand, hops=hint.hops)
        except Exception as error:  # noqa: BLE001 - a defect of one strand must not stop the others
            # The strand's due time stays: the sweeper hints again.
            facts = {"replay_id": hint.replay_id, "strand": hint.strand}
            _tell("replay.failed_run", error, facts)


async def _hinted(assembly: Assembly, deliveries: Deliveries) -> Sequence[DeliveryHint]:
    try:
        return await deliveries.receive()
    except BrokerError as error:
        _log.warning("courier.deaf", extra={"error": str(error)})
        await assembly.ports.clock.sleep(DEAF_SECONDS)
        return ()


async def _deliver(assembly: Assembly, hint: LaneHint) -> None:
    try:
        await assembly.deliver_lane(hint.endpoint_id, hint.session_id, hops=hint.hops)
    except Exception as error:  # noqa: BLE001 - a defect of one lane must not stop the others
        # The lane's due time and the session's work mark stay: the sweeper hints again.
        facts = {"endpoint_id": hint.endpoint_id, "session_id": hint.session_id}
        _tell("courier.failed", error, facts)


def _tell(what: str, error: Exception, facts: Mapping[str, object]) -> None:
    """A defect is an error. Only its name is told: its text may hold what people wrote."""
    level = logging.WARNING if isinstance(error, BrokerError) else logging.ERROR
    _log.log(level, what, extra={**facts, "error": type(error).__name__})
