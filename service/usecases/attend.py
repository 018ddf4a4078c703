"""Makes somebody visit a session: its listener, or else the caller itself under the lock."""

from asyncio import Queue, gather
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from service.domain.errors import LockHeldError, SupersededError
from service.domain.ids import LOCK, SessionId
from service.domain.send import PendingSend, SendStatus
from service.domain.session import Lock, Session, State
from service.ports import Ports
from service.usecases.present import PresentVisits
from service.usecases.start_listeners import StartListeners
from service.usecases.visit import Inbox, Nudged, Stay, TypingWanted, Visit

LOCK_SECONDS: Final = 35.0
"""One request's time (25 s), and what it needs to come to an end."""
MARGIN_SECONDS: Final = 3.0
"""A holder stops this long before its lock lapses."""
POLL_SECONDS: Final = 0.25
"""How often a waiter looks again when nobody rings: another process may have written."""
PAUSE_MOST_SECONDS: Final = 4.0
"""Visits that come to nothing follow each other ever more slowly, up to this."""
FAVOURS: Final = 1
"""How often a caller who has what it came for visits once more for messages of others."""
HINT_AGAIN_SECONDS: Final = 2.0
TRIES: Final = 3
"""How often the sweeper begins again with a session that somebody changed under its visit."""

Satisfied = Callable[[], Awaitable[bool]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attend:
    """Has a session visited and waits for what comes of it."""

    ports: Ports
    visit: Visit
    present: PresentVisits
    start_listeners: StartListeners

    async def __call__(self, session_id: SessionId, *, until: float, satisfied: Satisfied) -> None:
        """Return when `satisfied()` or at `until` (monotonic); the visit may go on elsewhere."""
        pause, favours = POLL_SECONDS, 0
        joined: Inbox | None = None
        while favours <= FAVOURS:
            session = await self.ports.sessions.load(session_id)
            if await self._through_owner(session, until, satisfied):
                return
            await self.start_listeners.for_session(session)
            stay = Stay(writer="", listener=False, until=until, satisfied=satisfied)
            visited = await self._visited(session, stay)
            left = await self.ports.sessions.open_sends(session_id) if visited else ()
            if visited and not left:
                return
            if self.ports.clock.monotonic() < until and await self._may_go_now(session_id, left):
                # Of those that come faster than visits go, most have a visitor: who waits for them.
                favours += await satisfied()
                continue
            joined = joined if visited else self._join(session_id, joined)
            if await self._moved(session_id, until, satisfied, pause=pause):
                return
            pause = min(PAUSE_MOST_SECONDS, 2 * pause) if visited else POLL_SECONDS

    async def reconcile(self, session_id: SessionId, *, until: float) -> None:
        """Visit as the sweeper does: stay for the second read of history, tidy the mark."""
        stay = Stay(writer="", listener=False, until=until, reconcile=True)
        for _ in range(TRIES):
            session = await self.ports.sessions.load(session_id)
            if await self._owner(session) is not None:
                await self.ports.hints.session(session.id, session.shard)
                return
            try:
                await self._visit(session, stay)
            except SupersededError:
                continue
            return

    async def typing(self, session_id: SessionId, *, until: float) -> bool:
        """Whether a typing frame went out, through the visit under way here or one of its own.

        Also where it was handed to the process that has the link: it goes out if that still has.
        """
        answer: Queue[bool] = Queue()
        inbox = self.present.of(session_id)
        if inbox is not None:
            inbox.put(TypingWanted(answer))
            return await self._typed(answer, until)
        session = await self.ports.sessions.load(session_id)
        if not await self._may_type(session):
            return False
        if await self._owner(session) is not None:
            return await self._typed_elsewhere(session)

        async def answered() -> bool:
            return not answer.empty()

        stay = Stay(writer="", listener=False, until=until, satisfied=answered)
        await self._visited(session, stay, TypingWanted(answer))
        return answer.get_nowait() if not answer.empty() else False

    async def _typed_elsewhere(self, session: Session) -> bool:
        """Whether it was handed to the process that has the link; nobody attaches for it there."""
        if session.held_by is None:
            return False
        now = self.ports.clock.now()
        await self.ports.hints.typing(session.id, session.shard, at=now)
        return True

    async def _may_type(self, session: Session) -> bool:
        """Whether typing may go out now; whoever types is not visited for each key."""
        tools, now = self.visit.tools, self.ports.clock.now()
        minute = tools.last_minutes(session.id)
        if minute.tried_to_type_lately(now):
            return False
        deployment = await tools.facts.deployment(session.tenant, session.deployment)
        if deployment.user_typing is False:
            return False
        minute.typing_tried_at = now
        return True

    async def _owner(self, session: Session) -> str | None:
        lease = await self.ports.shards.lease(session.shard)
        return lease.owner if lease.is_valid(self.ports.clock.now()) else None

    async def _through_owner(self, session: Session, until: float, satisfied: Satisfied) -> bool:
        """Whether waiting is over; False where nobody owns the shard, or no more."""
        clock = self.ports.clock
        if await self._owner(session) is None:
            return False
        # First of all, and also for who does not wait: the owner works while we look.
        await self.ports.hints.session(session.id, session.shard)
        again = clock.monotonic() + HINT_AGAIN_SECONDS
        while not await satisfied():
            if clock.monotonic() >= again:
                if await self._owner(session) is None:
                    return False
                # A lost hint costs two seconds, not the request.
                await self.ports.hints.session(session.id, session.shard)
                again = clock.monotonic() + HINT_AGAIN_SECONDS
            left = until - clock.monotonic()
            if left <= 0:
                return True
            await self.ports.bell.wait(session.id, min(left, POLL_SECONDS))
        return True

    async def _visited(
        self, session: Session, stay: Stay, wish: TypingWanted | None = None
    ) -> bool:
        """Whether the visit came to its end: not when the lock is held or the session moved on."""
        try:
            return await self._visit(session, stay, wish)
        except SupersededError:
            return False

    async def _visit(self, session: Session, stay: Stay, wish: TypingWanted | None = None) -> bool:
        """Visit under the lock; False when it is held. Raises SupersededError.

        Read again afterwards: a message that was accepted meanwhile has no other visitor.
        """
        clock = self.ports.clock
        token = self.ports.ids.ulid(LOCK)
        begun = clock.monotonic()
        lock = Lock(token=token, until=clock.now() + LOCK_SECONDS)
        try:
            locked = await self.ports.sessions.take_lock(session, lock, now=clock.now())
        except LockHeldError:
            return False
        limit = begun + LOCK_SECONDS - MARGIN_SECONDS
        mine = Stay(
            writer=token,
            listener=False,
            until=limit if stay.until is None else min(stay.until, limit),
            satisfied=stay.satisfied,
            reconcile=stay.reconcile,
        )
        inbox = self.present.begin(session.id)
        if wish is not None:
            inbox.put(wish)
        try:
            await self.visit(locked.id, mine, inbox, locked=locked)
        finally:
            self.present.end(session.id, inbox)
            inbox.closed()
            await gather(
                self._release(locked, token),
                self.visit.tools.logbook.settle(session.id),
            )
            # Whoever waits for the lock looks again at once.
            self.ports.bell.ring(session.id)
        return True

    async def _release(self, locked: Session, token: str) -> None:
        """With what the visit has to say: one write.

        Where the table does not take it the lock stands for longer than anybody goes on unread.
        """
        after = self.visit.tools.last_minutes(locked.id).unanswered_after
        await self.ports.sessions.release_lock(
            locked.id,
            token,
            unanswered_after=after if after > locked.unanswered_after else None,
        )

    def _join(self, session_id: SessionId, joined: Inbox | None) -> Inbox | None:
        """Tell the visit under way here, once, that somebody waits: it sends what there is.

        Else its lock would have to be waited for, and the sweeper's visits stay for a while.
        """
        present = self.present.of(session_id)
        if present is not None and present is not joined:
            present.put(Nudged())
        return present

    async def _may_go_now(self, session_id: SessionId, left: Sequence[PendingSend]) -> bool:
        """Whether a send came too late for the visit, and nothing else keeps it from going out.

        A closed chat that could not be attached to knows no outage and no time for the next try.
        """
        late = any(send.status is SendStatus.ACCEPTED and send.attempt == 0 for send in left)
        if not late:
            return False
        session = await self.ports.sessions.load(session_id)
        return session.outage is None and session.state is not State.READ_ONLY

    async def _moved(
        self, session_id: SessionId, until: float, satisfied: Satisfied, *, pause: float
    ) -> bool:
        """Whether waiting is over; otherwise a moment has passed and it is worth trying again."""
        clock = self.ports.clock
        if await satisfied() or clock.monotonic() >= until:
            return True
        await self.ports.bell.wait(session_id, min(until - clock.monotonic(), pause))
        # Another process's visit may have done it: one of our own would come for nothing, and stay
        # for as long as history does not answer.
        return await satisfied() or clock.monotonic() >= until

    async def _typed(self, answer: "Queue[bool]", until: float) -> bool:
        try:
            async with self.ports.clock.timeout(max(0.0, until - self.ports.clock.monotonic())):
                return await answer.get()
        except TimeoutError:
            return False
