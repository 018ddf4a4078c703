"""What follows a failed attempt: the endpoint is given up, the event is skipped, or we wait.

Tells what the attempt says of the endpoint; whoever asks does the rest.
"""

from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from service.domain.endpoint import OnExhausted
from service.domain.health import blames_event, is_given_up
from service.ports import Clock
from service.usecases.endpoint_gate import EndpointGate
from service.usecases.keep_lane import BEHIND_SECONDS, HINT_SECONDS, SPREAD_MOST
from service.usecases.read_lane import Hold
from service.usecases.tell_owner import TellOwner
from service.webhook.retry import SCHEDULE, RetryAt

GIVEN_UP: Final = "no delivery succeeded for 5 days"


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Disable the endpoint for that reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class Skip:
    """Leave the head behind: only it fails, and its owner said so."""


@dataclass(frozen=True, slots=True)
class WaitUntil:
    """Try again then."""

    at: float


Weighed: TypeAlias = GiveUp | Skip | WaitUntil


@dataclass(frozen=True, slots=True, kw_only=True)
class WeighFailure:
    """Judges one failed attempt by its answer, its lane and its endpoint's health."""

    clock: Clock
    gate: EndpointGate
    tell_owner: TellOwner
    retry_scale: float = 1.0

    async def __call__(self, hold: Hold, decision: RetryAt) -> Weighed:
        """Tell of the endpoint what the attempt tells, note since when the head fails, and judge.

        Changes the hold's health and lane; the lane is not saved.
        """
        await self._tell(hold, decision)
        now = self.clock.now()
        if is_given_up(hold.health, now=now):
            return GiveUp(GIVEN_UP)
        shut = hold.health.probe_at is not None or decision.pause_until is not None
        # After the telling: what the endpoint's health says of a later time is somebody else's.
        since = None if shut else hold.lane.failing_since or now
        hold.lane = replace(hold.lane, failing_since=since)
        await self.tell_owner.failing(hold, decision)
        if since is not None and _is_hopeless(hold, decision, since=since, now=now):
            return Skip()
        return WaitUntil(self._when(hold, decision, now))

    async def _tell(self, hold: Hold, decision: RetryAt) -> None:
        endpoint_id, probed = hold.endpoint.id, hold.probes
        if decision.pause_until is not None:
            until = decision.pause_until
            hold.health = await self.gate.tell_pause(endpoint_id, hold.health, until=until)
        if decision.tells or probed:
            hold.health = await self.gate.tell_failure(
                endpoint_id,
                hold.run.session_id,
                hold.health,
                probed=probed,
                lasting=decision.lasting,
            )

    def _when(self, hold: Hold, decision: RetryAt, now: float) -> float:
        """Our own time, or that of the next probe.

        Somebody has to send it, and whoever found the endpoint down is there already. But nobody
        tries an event again before the first step of the schedule, nor before it was asked for.
        """
        probe_at = hold.health.probe_at
        if probe_at is None:
            return decision.at
        # Others first: it may be our event that fails, and they would never get their turn.
        if probe_at - now <= HINT_SECONDS:
            probe_at += BEHIND_SECONDS * self.retry_scale
        elif hold.probes:
            probe_at += SPREAD_MOST
        soonest = now + SCHEDULE[0] * self.retry_scale
        asked = max(hold.health.paused_until or 0.0, decision.asked_until or 0.0)
        return max(probe_at, soonest, asked)


def _is_hopeless(hold: Hold, decision: RetryAt, *, since: float, now: float) -> bool:
    endpoint = hold.endpoint
    if endpoint.on_exhausted is not OnExhausted.SKIP or now - since < endpoint.skip_after_seconds:
        return False
    return blames_event(hold.health, hold.run.session_id, since=since, lasting=decision.lasting)
