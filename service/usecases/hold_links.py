"""The listener: leases shards and keeps the links of their live sessions.

One visit a session, which does not end. It claims every shard that is free. Leases are for
efficiency: whoever works on a shard without knowing that it lost it wastes work and corrupts
nothing.
"""

import logging
from asyncio import Task, TaskGroup, create_task, gather
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, Protocol

from service.domain.deployment import Mode
from service.domain.errors import BrokerError, NotFoundError, SupersededError
from service.domain.ids import SessionId
from service.domain.session import Session
from service.ports import Ports
from service.usecases.facts import Facts
from service.usecases.present import PresentVisits
from service.usecases.visit import LeaveAsked, Nudged, Stay, Visit

_log = logging.getLogger(__name__)

LEASE_SECONDS: Final = 15.0
RENEW_SECONDS: Final = 5.0
MARGIN_SECONDS: Final = 6.0
"""Renewing is tried each 5 s, so this is the last moment to stop before a lease lapses."""
SCAN_SECONDS: Final = 10.0
TOUCH_SECONDS: Final = 25.0
PAUSE_FIRST: Final = 0.2
PAUSE_MOST: Final = 10.0
DRAIN_SECONDS: Final = 6.0
LOCK_POLL_SECONDS: Final = 0.25
"""How often a lock is looked at that another process may have let go of."""


class SessionHints(Protocol):
    """Where hints about sessions come out."""

    async def next_session(self) -> tuple[SessionId, int]:
        """The next session to look at, and its shard."""


@dataclass(slots=True)
class HoldLinks:
    """Holds links until it is told to stop."""

    ports: Ports
    facts: Facts
    visit: Visit
    present: PresentVisits
    hints: SessionHints
    name: str
    shards: int
    held: "set[int]" = field(default_factory=set)
    visits: "dict[SessionId, Task[None]]" = field(default_factory=dict)
    shard_of: "dict[SessionId, int]" = field(default_factory=dict)
    again: "set[SessionId]" = field(default_factory=set)
    """Sessions that were hinted while their visit was ending."""
    draining: bool = False
    """Nothing new is begun any more."""
    good_until: float = 0.0
    """Until when the leases are ours for certain, on the monotonic clock."""

    async def run(self) -> None:
        """Work until cancelled; `drain` lets go in order."""
        async with TaskGroup() as group:
            group.create_task(self._lease())
            group.create_task(self._listen())
            group.create_task(self._scan())

    async def claim(self) -> None:
        """Take every shard that is free, once."""
        if self.draining:
            return
        clock = self.ports.clock
        begun = clock.monotonic()
        now = clock.now()
        wanted = [shard for shard in range(self.shards) if shard not in self.held]
        taken = await gather(
            *(
                self.ports.shards.acquire(shard, self.name, now=now, until=now + LEASE_SECONDS)
                for shard in wanted
            )
        )
        fresh = {shard for shard, won in zip(wanted, taken, strict=True) if won}
        self.held |= fresh
        if fresh:
            self.good_until = begun + LEASE_SECONDS
            await gather(*(self._visit_all(shard) for shard in fresh))

    async def drain(self) -> None:
        """Let go of every link and give the shards back. Nothing is taken up again after it."""
        self.draining = True
        for session_id in list(self.visits):
            inbox = self.present.of(session_id)
            if inbox is not None:
                inbox.put(LeaveAsked())
            else:
                # It waits for a lock or for its next try: there is no link to let go.
                self.visits[session_id].cancel()
        with suppress(TimeoutError):
            # What takes longer is cancelled with the waiting for it.
            async with self.ports.clock.timeout(DRAIN_SECONDS):
                await gather(*self.visits.values(), return_exceptions=True)
        await gather(*(self.ports.shards.release(shard, self.name) for shard in self.held))
        self.held.clear()

    def look(self, session_id: SessionId, shard: int, *, wanted: bool = True) -> None:
        """Visit it, or tell the visit that is under way to look again.

        Not ours: left to its owner. Not `wanted` by anybody: one that is only touched waits for its
        time.
        """
        if shard not in self.held or self.draining:
            return
        self.shard_of[session_id] = shard
        task = self.visits.get(session_id)
        inbox = self.present.of(session_id)
        if task is None or task.done():
            self.visits[session_id] = create_task(self._hold(session_id, wanted=wanted))
        elif inbox is not None:
            inbox.put(Nudged())
        else:
            self.again.add(session_id)

    async def _lease(self) -> None:
        while True:
            with suppress(BrokerError, TimeoutError):
                async with self.ports.clock.timeout(RENEW_SECONDS):
                    await self._renew()
                    await self.claim()
            if self.held and self.ports.clock.monotonic() >= self.good_until - MARGIN_SECONDS:
                # The table does not answer: before the leases lapse for others, stop believing in
                # them.
                lost, self.held = self.held, set()
                _log.error("listener.leases_unsure", extra={"shards": sorted(lost)})
                self._let_go(lost)
            await self.ports.clock.sleep(RENEW_SECONDS)

    def _let_go(self, shards: "set[int]") -> None:
        """End the visits of shards that are, or may be, somebody else's now."""
        for session_id, task in list(self.visits.items()):
            if self.shard_of.get(session_id) in shards:
                task.cancel()

    async def _renew(self) -> None:
        clock = self.ports.clock
        begun = clock.monotonic()
        until = clock.now() + LEASE_SECONDS
        mine = sorted(self.held)
        kept = await gather(
            *(self.ports.shards.renew(shard, self.name, until=until) for shard in mine)
        )
        lost = {shard for shard, still in zip(mine, kept, strict=True) if not still}
        self.held -= lost
        if mine and not lost:
            self.good_until = begun + LEASE_SECONDS
        if lost:
            _log.warning("listener.shards_lost", extra={"shards": sorted(lost)})
            self._let_go(lost)

    async def _listen(self) -> None:
        while True:
            session_id, shard = await self.hints.next_session()
            self.look(session_id, shard)

    async def _scan(self) -> None:
        """The index is a hint like any other; looking again finds what it did not show before."""
        while True:
            await self.ports.clock.sleep(SCAN_SECONDS)
            with suppress(BrokerError):
                for shard in sorted(self.held):
                    await self._visit_all(shard)

    async def _visit_all(self, shard: int) -> None:
        for session_id in await self.ports.sessions.live_in_shard(shard):
            if session_id not in self.visits:
                self.look(session_id, shard, wanted=False)

    async def _hold(self, session_id: SessionId, *, wanted: bool) -> None:
        """Visit a session until it wants no link; again if a hint came that the visit missed."""
        pause = PAUSE_FIRST
        try:
            while True:
                self.again.discard(session_id)
                try:
                    await self._once(session_id, wanted=wanted)
                    pause = PAUSE_FIRST
                except SupersededError:
                    continue
                except NotFoundError:
                    return
                except BrokerError as error:
                    _log.warning(
                        "listener.visit_failed",
                        extra={"session_id": session_id, "error": type(error).__name__},
                    )
                    await self.ports.clock.sleep(pause)
                    pause = min(PAUSE_MOST, 2 * pause)
                    continue
                if session_id not in self.again or self.draining:
                    return
                wanted = True
        finally:
            self.visits.pop(session_id, None)
            self.again.discard(session_id)
            self.shard_of.pop(session_id, None)

    async def _unlocked(self, session_id: SessionId) -> Session:
        """The session once no visit on demand is at work: until then nothing may be changed."""
        while True:
            session = await self.ports.sessions.load(session_id)
            left = session.lock.until - self.ports.clock.now() if session.lock else 0.0
            if left <= 0:
                return session
            await self.ports.bell.wait(session_id, min(left, LOCK_POLL_SECONDS))

    async def _once(self, session_id: SessionId, *, wanted: bool) -> None:
        session = await self._unlocked(session_id)
        deployment = await self.facts.deployment(session.tenant, session.deployment)
        touch = deployment.mode is Mode.TOUCH
        if touch and not wanted and not _is_due(session, self.ports.clock.now()):
            return
        until = self.ports.clock.monotonic() + TOUCH_SECONDS if touch else None
        stay = Stay(writer=self.name, listener=True, until=until, reconcile=touch)
        inbox = self.present.begin(session_id)
        try:
            await self.visit(session_id, stay, inbox)
        finally:
            self.present.end(session_id, inbox)
            if inbox.closed():
                # It came when the visit had looked for the last time.
                self.again.add(session_id)


def _is_due(session: Session, now: float) -> bool:
    times = [at for at in (session.look_at, session.wake_at) if at is not None]
    return not times or min(times) <= now
