"""What becomes of a lane in a courier's hands: kept, moved on, parked, or let go for later.

Knows no receiver and decides nothing about attempts.
"""

from dataclasses import dataclass, field, replace
from typing import Final

from service.domain.endpoint import Claim, Endpoint, EndpointState, Lane
from service.domain.health import PROBE_TAKES, Wait, leave
from service.domain.ids import EndpointId, LogId
from service.ports import Clock, Hints, Ids, LaneStore
from service.usecases.endpoint_gate import Turned
from service.usecases.read_lane import Hold, Run

CLAIM_POSTS: Final = 2
"""A claim lasts as long as two POSTs may. Each commit renews it; after a crash the lane waits so
long.
"""
CLAIM_LEAST: Final = 30.0
COMMIT_SECONDS: Final = 5.0
HINT_SECONDS: Final = 90.0
HOPS_MAX: Final = 8
"""Lambda stops a chain through a queue after 16 hops. The sweeper starts a fresh one."""
PARKED_SECONDS: Final = {EndpointState.PAUSED: 300.0, EndpointState.DISABLED: 3600.0}
"""How often a lane of a closed endpoint is looked at, should the wake-up at its opening be lost."""

OUTSIDE_SECONDS: Final = 900.0
"""The same for a lane of an endpoint that is down."""
SPREAD_SHARE: Final = 0.2
SPREAD_MOST: Final = 120.0
"""Lanes that wait for one moment come a little apart."""
FIRST_SECONDS: Final = 1.0
"""The same for those whose event never failed, while probes come thick."""
BEHIND_SECONDS: Final = 3.0
"""So long after these come those whose event failed. Queues count whole seconds."""
COMING_MOST: Final = 1000
"""Endpoints of which is remembered who comes for the next probe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepLane:
    """Writes a claimed lane, and leaves hints for whoever comes after us."""

    clock: Clock
    ids: Ids
    lanes: LaneStore
    hints: Hints
    coming: "dict[tuple[EndpointId, bool], tuple[float, LogId]]" = field(default_factory=dict)
    """Which lane of this process comes for which probe; `True`: its event never failed."""

    async def park(self, hold: Hold) -> None:
        """Let go with the backlog kept. Attempts are counted anew when the endpoint opens.

        Without a backlog there is nothing to come back for.
        """
        wait = PARKED_SECONDS.get(hold.endpoint.state, PARKED_SECONDS[EndpointState.DISABLED])
        due_at = None if hold.passed >= hold.end else self.clock.now() + wait
        await self.save(hold, replace(self.let_go(hold), due_at=due_at, parked=due_at is not None))

    async def mark_probe(self, hold: Hold) -> None:
        """Should we die with the probe, somebody comes when the next one may be sent."""
        due_at = self.clock.now() + PROBE_TAKES
        claim = self.renewed(hold)
        await self.save(hold, replace(hold.lane, due_at=due_at, parked=False, claim=claim))

    async def wait_outside(self, hold: Hold, turned: Turned) -> None:
        """Wait for the endpoint, attempts untouched.

        While it is down its return wakes us, and one other lane probes: our own time only sees that
        we are not forgotten.
        """
        now, fresh = self.clock.now(), hold.lane.attempt == 0
        wait, apart = turned.until - now, SPREAD_MOST
        if turned.down and wait <= HINT_SECONDS:
            if not self._comes(hold, turned, now=now):
                # Probes come thick at first: for a while whoever sends them is enough.
                wait = OUTSIDE_SECONDS
            elif fresh:
                apart = FIRST_SECONDS
        elif turned.down and not fresh:
            # First those whose event never failed: it may be ours that does.
            wait += SPREAD_MOST
        wait += min(wait * SPREAD_SHARE, apart) * self.ids.jitter()
        if turned.down or isinstance(leave(hold.health, now=now), Wait):
            # Time in which nobody gets through says nothing of this event.
            hold.lane = replace(hold.lane, failing_since=None)
        await self.retry_later(hold, now + wait, counts=False, parked=True)

    def _comes(self, hold: Hold, turned: Turned, *, now: float) -> bool:
        """Whether it comes for the next probe: one that never failed, and one more.

        With the first, sessions whose events break the receiver hold up no others. The second had a
        time of its own, which is over: should whoever probes die, it follows.
        """
        fresh, due_at = hold.lane.attempt == 0, hold.lane.due_at
        if not fresh and (due_at is None or due_at > now):
            return False
        name, ours = (hold.endpoint.id, fresh), (turned.until, hold.run.session_id)
        known = self.coming.pop(name, ours)
        self.coming[name] = known if known[0] == turned.until else ours
        if len(self.coming) > COMING_MOST:
            del self.coming[next(iter(self.coming))]
        return self.coming[name] == ours

    async def retry_later(
        self, hold: Hold, at: float, *, counts: bool = True, parked: bool = False
    ) -> None:
        """Let go until then; `counts`: an attempt was used up."""
        attempt = hold.lane.attempt + (1 if counts else 0)
        later = replace(self._kept(hold), attempt=attempt, due_at=at, parked=parked)
        await self.save(hold, later)
        await self._hint(hold.run, at)

    async def run_out_of_time(self, hold: Hold) -> None:
        """Let go at once for whoever comes next."""
        now = self.clock.now()
        attempt = hold.lane.attempt
        await self.save(hold, replace(self._kept(hold), attempt=attempt, due_at=now))
        await self._hint(hold.run, now)

    async def _hint(self, run: Run, at: float) -> None:
        """A delayed hint for what is due soon; the table's due time finds the rest."""
        delay = max(0.0, at - self.clock.now())
        if delay <= HINT_SECONDS and run.hops < HOPS_MAX:
            await self.hints.lane(run.endpoint_id, run.session_id, delay=delay, hops=run.hops + 1)

    async def keep_claim(self, hold: Hold) -> None:
        """Renew a claim that a long search used up: it must outlast the POST and its commit."""
        claim = hold.lane.claim
        needed = hold.endpoint.timeout_seconds + COMMIT_SECONDS
        if claim is None or claim.until - self.clock.now() < needed:
            await self.save(hold, replace(hold.lane, claim=self.renewed(hold)))

    async def save(self, hold: Hold, after: Lane) -> None:
        """Commit what became of it. Raises VersionConflictError where it is not ours any more."""
        hold.lane = await self.lanes.save(hold.lane, after)

    def let_go(self, hold: Hold) -> Lane:
        """The lane at the last sequence that is done with, in nobody's hands."""
        return replace(self._kept(hold), attempt=0, failing_since=None, gone_at=None)

    def _kept(self, hold: Hold) -> Lane:
        """The same, its head as often and as long tried as it was."""
        return replace(hold.lane, cursor=hold.passed, due_at=None, parked=False, claim=None)

    def renewed(self, hold: Hold) -> Claim | None:
        """The claim from now on."""
        claim = hold.lane.claim
        until = self.clock.now() + claim_seconds(hold.endpoint)
        return claim and replace(claim, until=until)


def claim_seconds(endpoint: Endpoint) -> float:
    """How long a claim on a lane of that endpoint lasts."""
    return max(CLAIM_LEAST, CLAIM_POSTS * endpoint.timeout_seconds)
