"""Find out whether a lane has work and what its next event is. Never claims, posts or saves.

All reads that decide are strongly consistent.
"""

from asyncio import Task
from collections import deque
from dataclasses import dataclass, field, replace
from typing import Final

from service.domain.endpoint import Endpoint, EndpointState, Lane
from service.domain.health import Health, Probe, Wait, leave
from service.domain.ids import EndpointId, LogId
from service.domain.log import LogEvent
from service.domain.notice import Notice, takes
from service.ports import Clock, LaneStore, LaneView
from service.usecases.endpoint_gate import Pass
from service.usecases.logs import Logs
from service.usecases.moot_hints import MootHints

PAGE: Final = 100
WAITING_PAGE: Final = 2
"""Events read of a lane that will find its endpoint shut: whether there is any is all it asks."""
SOON_SECONDS: Final = 2.0
"""A hint may come a little early (queues count whole seconds): wait for the due time here."""
ENDPOINT_FRESH_SECONDS: Final = 1.0
START_SLACK_SECONDS: Final = 2.0
"""Clocks differ: an event stamped this little before its endpoint counts as after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One hint being served."""

    endpoint_id: EndpointId
    session_id: LogId
    hops: int
    until: float
    """By this point of the monotonic clock everything is let go of."""


@dataclass(slots=True, kw_only=True)
class Hold:
    """A lane in our hands. `passed`: the last sequence done with; `end`: the log's end as read."""

    run: Run
    endpoint: Endpoint
    endpoint_read_at: float
    health: Health
    lane: Lane
    passed: int
    end: int
    ahead: deque[LogEvent] = field(default_factory=deque)
    recording: "Task[None] | None" = None
    """The attempt that is being written down."""
    entry: Pass | None = None
    """What the endpoint's gate gave us, once it was asked."""
    news: list[Notice] = field(default_factory=list)
    """What was told and its listeners were not hinted of yet."""
    outside_since: float | None = None
    """On the monotonic clock: since when the gate lets us not in, but for a moment."""

    @property
    def last_start(self) -> float:
        """No POST begins after this point of the monotonic clock: it could outlast the run."""
        return self.run.until - self.endpoint.timeout_seconds

    @property
    def probes(self) -> bool:
        """Whether we are the one that may try although the endpoint is down."""
        return self.entry is not None and self.entry.probes


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadLane:
    """The courier's eyes."""

    clock: Clock
    logs: Logs
    lanes: LaneStore
    moot: MootHints

    async def find(self, run: Run) -> Hold | None:
        """Read, strongly consistently and before any write, whether there is something to do.

        Raises:
            NotFoundError: the endpoint was deleted.
        """
        if self.moot.is_moot(run.endpoint_id, run.session_id):
            return None
        read_at = self.clock.monotonic()
        view = await self.lanes.look(run.endpoint_id, run.session_id)
        self.moot.saw(run.endpoint_id, view.health, read_at=read_at)
        known = view.lane
        if not view.has_log or (known is not None and not await self._is_ready(known, view)):
            return None
        lane = known or await self._beginning(view.endpoint, run.session_id)
        if lane is None:
            return None
        waits = isinstance(leave(view.health, now=self.clock.now()), Wait)
        limit = WAITING_PAGE if waits else PAGE
        page = await self.logs.read(run.session_id, after=lane.cursor, limit=limit)
        is_done = known is not None and page.last_sequence <= known.cursor
        if page.last_sequence == 0 or (is_done and lane.due_at is None):
            # One that is done and has a time all the same is looked at until that is taken away.
            return None
        return Hold(
            run=run,
            endpoint=view.endpoint,
            endpoint_read_at=read_at,
            health=view.health,
            lane=lane,
            passed=lane.cursor,
            end=page.last_sequence,
            ahead=deque(page.events),
        )

    async def is_open(self, hold: Hold) -> bool:
        """Whether the endpoint still takes deliveries, as of a second ago at most.

        What is known of its health is renewed as well.

        Raises:
            NotFoundError: it was deleted.
        """
        if self.clock.monotonic() - hold.endpoint_read_at > ENDPOINT_FRESH_SECONDS:
            hold.endpoint_read_at = self.clock.monotonic()
            fresh = await self.lanes.look(hold.endpoint.id, hold.run.session_id)
            hold.health = fresh.health
            self.moot.saw(hold.endpoint.id, fresh.health, read_at=hold.endpoint_read_at)
            # A filter holds from one claim to the next: what was passed over stays passed.
            hold.endpoint = replace(fresh.endpoint, event_types=hold.endpoint.event_types)
            if not fresh.has_log:
                # Erased meanwhile: what was read of it already is not sent any more.
                hold.ahead.clear()
                hold.end = hold.passed
        return hold.endpoint.state is EndpointState.ACTIVE

    async def has_grown(self, hold: Hold) -> bool:
        """Whether the log goes on behind what is done with. For whoever has let go."""
        return await self.logs.goes_on(hold.run.session_id, after=hold.passed)

    async def head(self, hold: Hold) -> LogEvent | None:
        """The next event this endpoint wants; None at the log's end."""
        while True:
            while hold.ahead:
                if takes(hold.endpoint, hold.ahead[0]):
                    return hold.ahead[0]
                hold.passed = hold.ahead.popleft().sequence
            if hold.passed >= hold.end:
                return None
            page = await self.logs.read(hold.run.session_id, after=hold.passed, limit=PAGE)
            hold.end = page.last_sequence
            hold.ahead.extend(page.events)
            if not page.events:
                hold.passed = hold.end

    async def _is_ready(self, lane: Lane, view: LaneView) -> bool:
        """Whether nobody is at work on the lane and its time has come, or comes in a moment."""
        now = self.clock.now()
        if lane.claim is not None and lane.claim.until > now:
            return False
        if lane.due_at is None or lane.due_at <= now:
            return True
        if lane.openings != view.endpoint.openings:
            return True  # the time it waits for is that of the endpoint before it was opened
        if view.endpoint.state is not EndpointState.ACTIVE:
            return not lane.parked  # a lane that waits for its retry is parked as soon as it is met
        if not lane.parked and lane.due_at - now <= SOON_SECONDS:
            await self.clock.sleep(lane.due_at - now)
            return True
        # Parked until the endpoint is open and well again, as it may be by now. As a probe, before
        # its time, comes only one whose event never failed.
        way = leave(view.health, now=now)
        early = not isinstance(way, Wait) and (lane.attempt == 0 or not isinstance(way, Probe))
        if not (lane.parked and early):
            self.moot.found_waiting(lane)
            return False
        return True

    async def _beginning(self, endpoint: Endpoint, log_id: LogId) -> Lane | None:
        """A lane that never was begins before the first event as young as its endpoint.

        None where the endpoint has no business with that log.
        """
        born = await self.logs.born(log_id, endpoint.tenant)
        if born is None:
            return None
        since = endpoint.created_at - START_SLACK_SECONDS
        cursor = await self.logs.place_before(log_id, since=since) if born < since else 0
        lane = Lane(endpoint_id=endpoint.id, session_id=log_id, cursor=cursor)
        return lane.anew(endpoint)
