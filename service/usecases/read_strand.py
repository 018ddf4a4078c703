"""Find out whether a strand of a replay has work, and what its next event is. Never posts or saves.

All reads that decide are strongly consistent but the walk over the tenant's sessions, which goes by
an index that only grows at its end.
"""

from asyncio import Task, gather
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final

from service.domain.endpoint import Endpoint, EndpointState
from service.domain.errors import NotFoundError
from service.domain.health import Go, Health, leave
from service.domain.ids import EndpointId, ReplayId, SessionId
from service.domain.log import LogEvent
from service.domain.replay import Part, Replay, ReplayState, Strand, strand_of
from service.ports import (
    Clock,
    FoundSession,
    HealthStore,
    ReplayStore,
    SessionStore,
    TenantStore,
)
from service.usecases.endpoint_gate import Pass

PAGE: Final = 100
WALK_PAGE: Final = 1000
SOON_SECONDS: Final = 2.0
"""A hint may come a little early (queues count whole seconds): wait for the due time here."""
FRESH_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StrandRun:
    """One hint being served."""

    replay_id: ReplayId
    number: int
    hops: int
    until: float
    """By this point of the monotonic clock everything is let go of."""


@dataclass(slots=True, kw_only=True)
class StrandHold:
    """A strand in our hands. `ahead`: what was read of one session's log; `log_end`: its end."""

    run: StrandRun
    replay: Replay
    endpoint: Endpoint
    health: Health
    read_at: float
    strand: Strand
    found: deque[FoundSession] = field(default_factory=deque)
    ahead: deque[LogEvent] = field(default_factory=deque)
    log_end: tuple[SessionId, int] | None = None
    entry: Pass | None = None
    entered_at: float = 0.0
    recording: "Task[None] | None" = None
    """The attempt that is being written down."""

    @property
    def last_start(self) -> float:
        """No POST begins after this point of the monotonic clock: it could outlast the run."""
        return self.run.until - self.endpoint.timeout_seconds

    @property
    def probes(self) -> bool:
        """Whether we are the one that may try although the endpoint is down."""
        return self.entry is not None and self.entry.probes


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadStrand:
    """The eyes of whoever runs a replay."""

    clock: Clock
    sessions: SessionStore
    replays: ReplayStore
    tenants: TenantStore
    healths: HealthStore

    async def find(self, run: StrandRun, strand: Strand) -> StrandHold | None:
        """The strand as it was read, if nobody has it and its time has come, or comes in a moment.

        Raises:
            NotFoundError: the endpoint was deleted.
        """
        if strand.done or _is_held(strand, self.clock.now()):
            return None
        (endpoint, health), job = await gather(
            self._look(strand.endpoint_id),
            self.replays.replay(strand.endpoint_id, strand.replay_id),
        )
        if job is None or not await self._is_ready(strand, job, endpoint, health):
            return None
        return StrandHold(
            run=run,
            replay=job,
            endpoint=endpoint,
            health=health,
            read_at=self.clock.monotonic(),
            strand=strand,
        )

    async def refresh(self, hold: StrandHold) -> None:
        """Know replay, endpoint, health and the session at work as of a second ago at most.

        Raises:
            NotFoundError: the endpoint was deleted.
        """
        if self.clock.monotonic() - hold.read_at <= FRESH_SECONDS:
            return
        strand = hold.strand
        (hold.endpoint, hold.health), job = await gather(
            self._look(strand.endpoint_id),
            self.replays.replay(strand.endpoint_id, strand.replay_id),
        )
        hold.replay = job or hold.replay
        hold.read_at = self.clock.monotonic()
        await self._forget_erased(hold)

    async def head(self, hold: StrandHold) -> LogEvent | None:
        """The next event whose turn it is; None where there is none now, or no time is left."""
        while self.clock.monotonic() < hold.last_start:
            part = hold.strand.due_part(now=self.clock.now())
            if part is None:
                if not await self._find_session(hold):
                    return None
                continue
            event = await self._event_of(hold, part)
            if event is not None:
                return event
            hold.strand = hold.strand.without_part(part.session_id)
        return None

    async def _forget_erased(self, hold: StrandHold) -> None:
        """What was read of a session goes with it: nothing of an erased one is sent any more."""
        if not hold.ahead:
            return
        with suppress(NotFoundError):
            await self.sessions.load(SessionId(hold.ahead[0].session_id))
            return
        hold.ahead.clear()

    async def _look(self, endpoint_id: EndpointId) -> tuple[Endpoint, Health]:
        return await gather(self.tenants.endpoint(endpoint_id), self.healths.health(endpoint_id))

    async def _is_ready(
        self, strand: Strand, job: Replay, endpoint: Endpoint, health: Health
    ) -> bool:
        now = self.clock.now()
        if strand.due_at is None or strand.due_at <= now or job.state is not ReplayState.OPEN:
            return True
        if strand.due_at - now <= SOON_SECONDS:
            await self.clock.sleep(strand.due_at - now)
            return True
        if strand.openings != endpoint.openings:
            return True  # what it waits for is that of the endpoint before it was opened
        # Parked until its endpoint is open and well again, as it may be by now.
        opens = endpoint.state is EndpointState.ACTIVE and isinstance(leave(health, now=now), Go)
        return strand.parked and opens

    async def _find_session(self, hold: StrandHold) -> bool:
        """Take one session more in hand, or pass it by; False where none is to be had now."""
        if not hold.strand.has_room:
            return False
        if not hold.found and not await self._walk(hold):
            hold.strand = replace(hold.strand, walked=True)
            return False
        found = hold.found.popleft()
        hold.strand = replace(hold.strand, place=found.place)
        if strand_of(found.session_id, hold.replay.strands) == hold.strand.number:
            old = await self._is_too_old(hold, found.session_id)
            strand = hold.strand
            hold.strand = strand.passed_by() if old else strand.found(found.session_id)
        return True

    async def _walk(self, hold: StrandHold) -> bool:
        job = hold.replay
        page = await self.replays.sessions_from(
            job.tenant, place=hold.strand.place, until=job.range.last_at, limit=WALK_PAGE
        )
        hold.found.extend(page)
        return bool(page)

    async def _is_too_old(self, hold: StrandHold, session_id: SessionId) -> bool:
        """Whether its log ended before the range begins: then one small read is all it costs."""
        if hold.replay.range.since is None:
            return False
        last = await self.sessions.last_event(session_id)
        return last is None or hold.replay.range.begins_after(last.at)

    async def _event_of(self, hold: StrandHold, part: Part) -> LogEvent | None:
        """The session's next event that is asked for; None at the end of the range."""
        while True:
            if not _is_ahead(hold, part):
                if hold.log_end == (part.session_id, part.after) or not await self._read(
                    hold, part
                ):
                    return None
                continue
            event = hold.ahead[0]
            if hold.replay.range.is_past(event):
                return None
            if hold.replay.range.has(event) and hold.endpoint.wants(event.type):
                return event
            hold.ahead.popleft()
            part = replace(part, after=event.sequence)
            hold.strand = hold.strand.with_part(part)

    async def _read(self, hold: StrandHold, part: Part) -> bool:
        """Read on in its log; False where nothing follows, or the session is gone."""
        try:
            session = await self.sessions.load(part.session_id)
        except NotFoundError:
            return False
        if session.tenant != hold.replay.tenant:
            return False
        page = await self.sessions.read_log(part.session_id, after=part.after, limit=PAGE)
        hold.ahead = deque(page.events)
        hold.log_end = (part.session_id, page.last_sequence)
        return bool(page.events)


def _is_held(strand: Strand, now: float) -> bool:
    return strand.claim is not None and strand.claim.until > now


def _is_ahead(hold: StrandHold, part: Part) -> bool:
    """Whether what was read is of that session and begins where it stands."""
    if not hold.ahead:
        return False
    first = hold.ahead[0]
    return (first.session_id, first.sequence) == (part.session_id, part.after + 1)
