"""The listener: leases shards and keeps the links of their live sessions.

One visit a session, which does not end. Leases are for efficiency: whoever works on a shard without
knowing that it lost it wastes work and corrupts nothing. A shard whose generation ends is given to
a successor while its links are still there, so that nothing is missed in between.
"""

import logging
from asyncio import Lock, Task, TaskGroup, create_task, gather
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from service.domain.deployment import Mode
from service.domain.errors import BrokerError, NotFoundError, SupersededError
from service.domain.ids import SessionId
from service.domain.lease import ATTACHES_PER_SECOND, LEASE_SECONDS, RENEW_SECONDS
from service.domain.session import SETTLED_STATES, Farewell, Session, State
from service.ports import Mailboxes, Ports
from service.usecases.facts import Facts
from service.usecases.leases import Given, Leases
from service.usecases.link_room import LinkRoom
from service.usecases.listen import ListenMailboxes
from service.usecases.pass_typing import PassTyping
from service.usecases.present import PresentVisits
from service.usecases.visit import HandOverAsked, LeaveAsked, Nudged, Stay, Visit

_log = logging.getLogger(__name__)

BRISK_SECONDS: Final = 1.0
"""How often leases are looked at while a generation ends."""
SCAN_SECONDS: Final = 10.0
TOUCH_SECONDS: Final = 25.0
PAUSE_FIRST: Final = 0.2
PAUSE_MOST: Final = 10.0
DRAIN_SECONDS: Final = 6.0
RELEASE_SECONDS: Final = 2.0
"""How long a claim that is on its way is waited for before everything is given back."""
LOCK_POLL_SECONDS: Final = 0.25
"""How often a lock is looked at that another process may have let go of."""


@dataclass(slots=True)
class HoldLinks:
    """Holds links until it is told to stop."""

    ports: Ports
    facts: Facts
    visit: Visit
    present: PresentVisits
    mailboxes: Mailboxes
    leases: Leases
    visits: "dict[SessionId, Task[None]]" = field(default_factory=dict)
    shard_of: "dict[SessionId, int]" = field(default_factory=dict)
    again: "set[SessionId]" = field(default_factory=set)
    """Sessions that were hinted while their visit was ending."""
    draining: bool = False
    """Nothing new is begun any more."""
    looked_at: float | None = None
    """When the leases were last renewed and looked at, on the monotonic clock."""
    claiming: Lock = field(default_factory=Lock)
    """Held while shards are claimed: who gives everything back waits for what is on its way."""
    next_attach: float = 0.0
    """When the next link may be opened beside a predecessor's, on the monotonic clock."""
    listen: ListenMailboxes = field(init=False)
    room: LinkRoom = field(init=False)

    def __post_init__(self) -> None:
        self.room = LinkRoom(
            sessions=self.ports.sessions,
            most=self.leases.term.most_links,
            evict=self._send_away,
        )
        typed = PassTyping(self.ports.clock, self.present)
        self.listen = ListenMailboxes(
            clock=self.ports.clock, mailboxes=self.mailboxes, look=self.look, typed=typed
        )

    @property
    def name(self) -> str:
        """Who this is, in leases and marks."""
        return self.leases.term.name

    @property
    def held(self) -> set[int]:
        """The shards that are ours."""
        return set(self.leases.held)

    async def run(self) -> None:
        """Work until cancelled; `drain` lets go in order."""
        async with TaskGroup() as group:
            group.create_task(self._lease())
            group.create_task(self._watch())
            group.create_task(self.listen.run())
            group.create_task(self._scan())

    async def claim(self) -> None:
        """Take every shard that is free and fits, once."""
        async with self.claiming:
            fresh = set() if self.draining else await self.leases.take(len(self.visits))
            if not self.draining:
                self.listen.keep(self.held)
                for shard in fresh:
                    await self._visit_all(shard)
        self.looked_at = self.ports.clock.monotonic()

    def is_keeping_up(self) -> bool:
        """Whether the leases were looked at within the life of one, so that none lapses."""
        if self.looked_at is None:
            return False
        return self.ports.clock.monotonic() - self.looked_at <= LEASE_SECONDS

    async def drain(self) -> None:
        """Let go of every link and give the shards back. Nothing is taken up again after it."""
        self.draining = True
        self.listen.keep(())
        for session_id in list(self.visits):
            self._send_away(session_id)
        with suppress(TimeoutError):
            # What takes longer is cancelled with the waiting for it.
            async with self.ports.clock.timeout(DRAIN_SECONDS):
                await gather(*self.visits.values(), return_exceptions=True)
        with suppress(TimeoutError):
            async with self.ports.clock.timeout(RELEASE_SECONDS), self.claiming:
                # Nothing is claimed any more.
                pass
        await self.leases.release()
        await self.visit.tools.drift.flush()

    def look(self, session_id: SessionId, shard: int, *, wanted: bool = True) -> None:
        """Visit it, or tell the visit that is under way to look again.

        Not ours: left to its owner. Not `wanted` by anybody: one that is only touched waits for its
        time.
        """
        if self.leases.of(shard) is None or self.draining:
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

    def _send_away(self, session_id: SessionId) -> None:
        inbox = self.present.of(session_id)
        if inbox is not None:
            inbox.put(LeaveAsked())
        elif session_id in self.visits:
            # It waits for a lock or for its next try: there is no link to let go.
            self.visits[session_id].cancel()

    async def _lease(self) -> None:
        while True:
            begun = self.ports.clock.monotonic()
            with suppress(BrokerError, TimeoutError):
                async with self.ports.clock.timeout(RENEW_SECONDS):
                    await self._renew()
                    await self.claim()
            await self._rest(begun)

    async def _watch(self) -> None:
        """Stop in time on our own clock, also while the table does not answer."""
        while True:
            certain = self.leases.certain_for()
            await self.ports.clock.sleep(RENEW_SECONDS if certain is None else certain)
            self._let_go(self.leases.let_go_of_doubtful())

    async def _rest(self, begun: float) -> None:
        """Until the next look; sooner where something begins to change meanwhile.

        Counted from when the last one began: one that took long is no reason to let leases lapse.
        """
        left = max(BRISK_SECONDS, begun + RENEW_SECONDS - self.ports.clock.monotonic())
        while left > 0:
            await self.ports.clock.sleep(min(left, BRISK_SECONDS))
            left = 0.0 if self.leases.is_changing() else left - BRISK_SECONDS

    def _let_go(self, shards: "set[int]") -> None:
        """End the visits of shards that are, or may be, somebody else's now."""
        self.listen.keep(self.held)
        for session_id, task in list(self.visits.items()):
            if self.shard_of.get(session_id) in shards:
                task.cancel()

    async def _renew(self) -> None:
        lost, given = await self.leases.renew(Counter(self.shard_of.values()))
        self._let_go(lost)
        # All are told before anything is waited for.
        silent = [word for each in given for word in self._give(each)]
        await gather(*(self.ports.sessions.say_farewell(*word) for word in silent))

    def _give(self, given: Given) -> "list[tuple[SessionId, Farewell]]":
        """Tell the visits of a shard that it is another's.

        Those without a link end here; what is to be said of them.
        """
        lease = given.lease
        asked = HandOverAsked(successor=str(lease.owner), fence=lease.fence, until=given.until)
        silent: list[tuple[SessionId, Farewell]] = []
        for session_id, task in list(self.visits.items()):
            if self.shard_of.get(session_id) != lease.shard:
                continue
            inbox = self.present.of(session_id)
            if inbox is not None:
                inbox.put(asked)
                continue
            task.cancel()
            silent.append((session_id, Farewell(fence=lease.fence, drained=False)))
        return silent

    async def _scan(self) -> None:
        """The index is a hint like any other; looking again finds what it did not show before."""
        while True:
            await self.ports.clock.sleep(SCAN_SECONDS)
            await self.visit.tools.drift.settle()
            with suppress(BrokerError):
                live: set[SessionId] = set()
                for shard in sorted(self.held):
                    live.update(await self._visit_all(shard))
                self.room.tell(self.held, live)

    async def _visit_all(self, shard: int) -> "list[SessionId]":
        """Visit those that nobody visits; all that want a link."""
        live = list(await self.ports.sessions.live_in_shard(shard))
        for session_id in await self._most_urgent_first(shard, live):
            if session_id not in self.visits:
                self.look(session_id, shard, wanted=False)
        return live

    async def _most_urgent_first(self, shard: int, live: "list[SessionId]") -> "list[SessionId]":
        """Beside a predecessor: what somebody waits to have sent comes first."""
        lease = self.leases.of(shard)
        if lease is None or lease.predecessor(self.ports.clock.now()) is None:
            return live
        sends = await gather(*(self.ports.sessions.open_sends(each) for each in live))
        waits = {each for each, open_ in zip(live, sends, strict=True) if open_}
        return sorted(live, key=lambda each: each not in waits)

    async def _hold(self, session_id: SessionId, *, wanted: bool) -> None:
        """Visit a session until it wants no link; again if a hint came that the visit missed."""
        pause = PAUSE_FIRST
        try:
            while not self.draining and self.leases.of(self.shard_of[session_id]) is not None:
                # Also a hint that came while a failed visit paused.
                wanted = wanted or session_id in self.again
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
                if session_id not in self.again:
                    return
        finally:
            self.room.leave(session_id)
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
        touch = await self._touches(session, wanted=wanted)
        stay = None if touch is None else await self._stay(session, touch=touch)
        if stay is None:
            return
        inbox = self.present.begin(session_id)
        try:
            await self.visit(session_id, stay, inbox)
        finally:
            self.present.end(session_id, inbox)
            if inbox.closed():
                # It came when the visit had looked for the last time.
                self.again.add(session_id)
            await self.visit.tools.logbook.settle(session_id)

    async def _touches(self, session: Session, *, wanted: bool) -> bool | None:
        """Whether it is only touched; None where it waits for its time."""
        if session.state in SETTLED_STATES:
            # Only tidying is left. It needs no link, and its deployment may be deleted by now.
            return False
        deployment = await self.facts.deployment(session.tenant, session.deployment)
        touch = deployment.mode is Mode.TOUCH
        rests = touch or session.state is State.DORMANT
        idle = not wanted and not _is_due(session, self.ports.clock.now())
        place = await self._needs_place(session)
        if idle and (rests or (place and not self.room.fits(session.id))):
            return None
        touch = touch or (place and not await self.room.take(session))
        # Where others were faster to take the room that there was, it waits too.
        return None if touch and idle else touch

    async def _needs_place(self, session: Session) -> bool:
        """Not what is read-only, unless a message waits that may open a new chat."""
        if session.state is not State.READ_ONLY:
            return True
        return bool(await self.ports.sessions.open_sends(session.id))

    async def _stay(self, session: Session, *, touch: bool) -> Stay | None:
        """By what right and how long; None where the shard is not ours any more."""
        lease = self.leases.of(session.shard)
        if lease is None:
            return None
        predecessor = lease.predecessor(self.ports.clock.now())
        if predecessor is not None and session.held_by == predecessor:
            await self._wait_for_turn()
        until = self.ports.clock.monotonic() + TOUCH_SECONDS if touch else None
        return Stay(
            writer=self.name,
            listener=True,
            fence=lease.fence,
            predecessor=predecessor,
            until=until,
            reconcile=touch,
        )

    async def _wait_for_turn(self) -> None:
        """No more attaches beside a predecessor than Genesys and its own farewells can bear."""
        now = self.ports.clock.monotonic()
        mine = max(now, self.next_attach)
        self.next_attach = mine + 1.0 / ATTACHES_PER_SECOND
        await self.ports.clock.sleep(mine - now)


def _is_due(session: Session, now: float) -> bool:
    times = [at for at in (session.look_at, session.wake_at) if at is not None]
    return not times or min(times) <= now
