"""The sweeper: repairs whatever a crash left behind.

Alone it is enough to finish everything that was accepted.
"""

import logging
from asyncio import gather
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Final, TypeAlias, TypeVar

from service.domain.errors import BrokerError, NotFoundError, UnavailableError
from service.domain.ids import EndpointId, LogId, SessionId
from service.ports import DuePage, DueStrand, Ports
from service.usecases.attend import Attend
from service.usecases.follow_notices import FollowNotices
from service.usecases.start_listeners import StartListeners
from service.usecases.visit.marks import MARK_SECONDS

_log = logging.getLogger(__name__)

DueLane: TypeAlias = tuple[EndpointId, LogId]
Due = TypeVar("Due", DueLane, DueStrand)

LOOK_AHEAD_SECONDS: Final = 90.0
"""Due lanes are found this early and hinted with a delay, so that due times hold to the second."""
SWEEP_SECONDS: Final = 50.0
"""How long one sweep takes at most; the next comes a minute after it began."""
PAGE: Final = 1000
"""How many due lanes or sessions are looked up at a time."""
LANES_SECONDS: Final = 15.0
"""How much of a sweep's time lanes may take at most: sessions wait behind them."""
STRANDS_SECONDS: Final = 5.0
"""The same for the strands of replays."""
VISIT_SECONDS: Final = 30.0
VISIT_LEAST_SECONDS: Final = 5.0
"""No visit is begun that would have less: it comes to nothing in most cases."""
SIDE_BY_SIDE: Final = 20


@dataclass(slots=True)
class _Tally:
    """What one sweep came to."""

    outcome: str = "cut"
    """`done`, `failed`, or `cut` off."""
    error: str | None = None
    started: int = 0
    """Listeners that were asked for."""
    lanes: int = 0
    strands: int = 0
    notices: int = 0
    sessions: int = 0
    late_seconds: float = 0.0
    """How long ago the most overdue thing that nobody is at work on was due."""

    @property
    def due(self) -> int:
        return self.lanes + self.strands + self.notices + self.sessions

    def late(self, seconds: float) -> None:
        self.late_seconds = max(self.late_seconds, round(seconds, 3))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """One sweep; run it every minute, or more often on one machine."""

    ports: Ports
    attend: Attend
    start_listeners: StartListeners
    follow_notices: FollowNotices
    page: int = PAGE
    look_ahead: float = LOOK_AHEAD_SECONDS
    side_by_side: int = SIDE_BY_SIDE
    """Lanes that are looked at together."""
    pause_seconds: float = 0.0
    """What is left to others after that."""

    async def __call__(
        self, *, ahead: float = 0.0, seconds: float = SWEEP_SECONDS, with_lanes: bool = True
    ) -> int:
        """Hint or visit what is due, for that long at most; how many things were.

        Raises UnavailableError; its line is written all the same.

        `ahead` also takes sessions that become due that much later: for a process that knows that
        it starts after a crash. Whoever sweeps often may leave out lanes now and then: most of them
        have a hint that waits for its time.
        """
        clock, done = self.ports.clock, _Tally()
        begun = clock.monotonic()
        until = begun + seconds
        try:
            # First: a listener needs some seconds, and visits here may take longer.
            done.started = await self.start_listeners()
            if with_lanes:
                done.lanes = await self._lanes(min(until, clock.monotonic() + LANES_SECONDS), done)
            done.strands = await self._strands(min(until, clock.monotonic() + STRANDS_SECONDS))
            before = clock.now() + ahead
            done.notices = await self.follow_notices(before=before)
            done.sessions = await self._sessions(before, until)
            done.outcome = "done"
        except Exception as error:
            done.outcome, done.error = "failed", type(error).__name__
            raise
        finally:
            self._tell(done, seconds=clock.monotonic() - begun)
        return done.due

    def _tell(self, done: _Tally, *, seconds: float) -> None:
        """The one line of a sweep. On one machine most find nothing, and say so to nobody."""
        staff = self.start_listeners.staff
        facts = {"due": done.due, "seconds": round(seconds, 3), **asdict(done)}
        level = logging.INFO if done.due or staff is not None else logging.DEBUG
        level = logging.WARNING if done.error is not None else level
        _log.log(level, "sweeper.swept", extra=facts | (asdict(staff) if staff else {}))

    async def _lanes(self, until: float, done: _Tally) -> int:
        """Hint due lanes; how many."""
        now = self.ports.clock.now()

        async def due(after: object | None) -> DuePage[DueLane]:
            before = now + self.look_ahead
            return await self.ports.lanes.due_lanes(before=before, limit=self.page, after=after)

        return await self._each(due, lambda lane: self._lane(*lane, now=now, done=done), until)

    async def _lane(
        self, endpoint_id: EndpointId, session_id: LogId, *, now: float, done: _Tally
    ) -> None:
        lane = await self.ports.lanes.lane(endpoint_id, session_id)
        if lane is not None and lane.due_at is not None:
            is_held = lane.claim is not None and lane.claim.until > now
            if not lane.parked and not is_held:
                # It waits for nobody but us.
                done.late(now - lane.due_at)
            delay = max(0.0, lane.due_at - now)
            await self.ports.hints.lane(endpoint_id, session_id, delay=delay)

    async def _strands(self, until: float) -> int:
        """The same of the strands of replays, which come after lanes."""
        now = self.ports.clock.now()

        async def due(after: object | None) -> DuePage[DueStrand]:
            before = now + self.look_ahead
            return await self.ports.replays.due_strands(before=before, limit=self.page, after=after)

        return await self._each(due, lambda strand: self._strand(strand, now=now), until)

    async def _strand(self, due: DueStrand, *, now: float) -> None:
        delay = max(0.0, due.due_at - now)
        await self.ports.hints.replay(due.replay_id, due.number, delay=delay)

    async def _each(
        self,
        due: Callable[[object | None], Awaitable[DuePage[Due]]],
        work: Callable[[Due], Awaitable[None]],
        until: float,
    ) -> int:
        """The most overdue first, page by page while there is time; how many."""
        seen: set[Due] = set()
        rest: object | None = None
        while True:
            page = await due(rest)
            # One that moved on meanwhile may come again.
            fresh = [one for one in page.items if one not in seen]
            for start in range(0, len(fresh), self.side_by_side):
                if self.ports.clock.monotonic() >= until:
                    return len(seen)
                # Hints that are sent side by side share requests.
                some = fresh[start : start + self.side_by_side]
                seen.update(some)
                ends = await gather(*(work(one) for one in some), return_exceptions=True)
                _tell_failures(some, ends)
                # A store in the same process answers at once: others are to have their turn.
                await self.ports.clock.sleep(self.pause_seconds)
            rest = page.rest
            if rest is None or self.ports.clock.monotonic() >= until:
                return len(seen)

    async def _sessions(self, before: float, until: float) -> int:
        """The most overdue first, as many as there is time for; how many."""
        seen: set[SessionId] = set()
        done = 0
        rest: object | None = None
        while self._has_time(until):
            page = await self.ports.sessions.due_sessions(
                before=before, limit=self.page, after=rest
            )
            # One that failed is due again, which may be in time for a later page.
            fresh = [session_id for session_id, _ in page.items if session_id not in seen]
            seen.update(fresh)
            waiting = iter(fresh)
            some = range(min(SIDE_BY_SIDE, len(fresh)))
            done += sum(await gather(*(self._work(waiting, until) for _ in some)))
            rest = page.rest
            if done < len(seen):
                break
            if rest is None:
                return done
        _log.warning("sweep.behind", extra={"visited": done, "found": len(seen)})
        return done

    async def _work(self, waiting: Iterator[SessionId], until: float) -> int:
        """One after the other, while there are any and time is left; how many."""
        done = 0
        while self._has_time(until) and (session_id := next(waiting, None)) is not None:
            done += 1
            [end] = await gather(self._session(session_id, until), return_exceptions=True)
            if end is not None:
                # A defect: were it raised here, it would keep every later session from its visit,
                # at this sweep and at each to come.
                _log.error("sweep.visit_failed", extra=_failed(session_id, end))
        return done

    def _has_time(self, until: float) -> bool:
        return self.ports.clock.monotonic() + VISIT_LEAST_SECONDS <= until

    async def _session(self, session_id: SessionId, until: float) -> None:
        longest = self.ports.clock.monotonic() + VISIT_SECONDS
        try:
            await self.attend.reconcile(session_id, until=min(longest, until))
        except NotFoundError as missing:
            if missing.kind == "session":
                # Erased, or gone between the index and the item: the index is only a hint.
                await self._purge(session_id)
                return
            # What an open session needs is gone, which no request can bring about.
            _log.warning("sweep.visit_failed", extra=_failed(session_id, missing))
            await self.ports.sessions.mark_work(session_id, self.ports.clock.now() + MARK_SECONDS)
        except BrokerError as error:
            _log.warning("sweep.visit_failed", extra=_failed(session_id, error))

    async def _purge(self, session_id: SessionId) -> None:
        """Go on removing what an erased session left, where erasing was interrupted."""
        erased = await self.ports.sessions.load_erased(session_id)
        if erased is None:
            return
        while not await self.ports.sessions.purge(erased):
            continue
        due = erased.wake_at if erased.look_at is None else erased.look_at
        if due is not None:
            await self.ports.sessions.clear_work_mark(session_id, due)


def _tell_failures(
    some: Sequence[DueLane | DueStrand], ends: Sequence[BaseException | None]
) -> None:
    """One that fails keeps nothing else from its turn, at this sweep and at each to come.

    Raises UnavailableError where the store answers to none of them.
    """
    failures = [(one, end) for one, end in zip(some, ends, strict=True) if end is not None]
    away = [end for _, end in failures if isinstance(end, UnavailableError)]
    if away and len(away) == len(some):
        raise away[0]
    for one, end in failures:
        level = logging.WARNING if isinstance(end, BrokerError) else logging.ERROR
        _log.log(level, "sweep.hint_failed", extra=_names(one) | {"error": type(end).__name__})


def _names(one: DueLane | DueStrand) -> dict[str, object]:
    if isinstance(one, DueStrand):
        return {"replay_id": one.replay_id, "strand": one.number}
    return {"endpoint_id": one[0], "session_id": one[1]}


def _failed(session_id: SessionId, error: BaseException) -> dict[str, str]:
    return {"session_id": session_id, "error": type(error).__name__}
