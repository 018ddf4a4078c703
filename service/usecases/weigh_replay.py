"""What follows a failed attempt of a replay: tried again, passed over, or the endpoint given up.

A replay tells less of an endpoint than a lane does. Old events may be what a receiver dislikes, and
sixteen strands at once would soon have it count as down, which would hold up the lanes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from service.domain.endpoint import Endpoint
from service.domain.health import blames_event, is_given_up
from service.domain.replay import DOUBT_SECONDS, Part, is_hopeless
from service.ports import Clock
from service.usecases.endpoint_gate import EndpointGate
from service.usecases.read_strand import StrandHold
from service.usecases.weigh_failure import GIVEN_UP, GiveUp
from service.webhook.retry import SCHEDULE, Exhausted, RetryAt

STEPS: Final = 5
"""Waits of the endpoint's schedule that an event gets: 6 attempts in 22.5 minutes by default."""
STEPS_AGAIN: Final = 1
"""The same for what follows a skipped event of its session, until one is taken."""
LASTING_ATTEMPTS: Final = 3
"""Where the receiver says that the request itself is wrong."""
IN_DOUBT_SECONDS: Final = 900.0
"""How often an event is tried while nobody can tell whether it is to blame."""
_AWAY: Final = frozenset({502, 503, 504})
"""RFC 9110, 15.6: whoever answered could not reach the receiver, or it is overloaded."""


@dataclass(frozen=True, slots=True)
class PassOver:
    """Leave the event behind: it is to blame."""


@dataclass(frozen=True, slots=True)
class SetAside:
    """Try it again when the part is due; others of the strand go on."""

    part: Part


Weighed: TypeAlias = GiveUp | PassOver | SetAside


def steps_for(part: Part, endpoint: Endpoint) -> Sequence[float]:
    """Seconds to wait after each failed attempt of the part's next event."""
    waits = endpoint.schedule or SCHEDULE
    return waits[: STEPS_AGAIN if part.skipped else STEPS]


@dataclass(frozen=True, slots=True, kw_only=True)
class WeighReplay:
    """Judges one failed attempt by its answer, its strand and its endpoint's health."""

    clock: Clock
    gate: EndpointGate
    scale: float = 1.0

    async def __call__(
        self, hold: StrandHold, part: Part, decision: RetryAt, *, status: int | None
    ) -> Weighed:
        """Tell of the endpoint what the attempt tells, and judge. Changes the hold's health."""
        probed = hold.probes
        await self._tell(hold, part, decision, status=status)
        now = self.clock.now()
        if is_given_up(hold.health, now=now):
            return GiveUp(GIVEN_UP)
        asked = decision.asked_until or 0.0
        if probed or hold.health.probe_at is not None or not decision.counts:
            # Not its fault, as far as anybody knows: no attempt is used up.
            soonest = now + SCHEDULE[0] * self.scale
            aside = replace(part, due_at=max(soonest, asked), failing_since=None, gone_at=None)
            return SetAside(aside)
        since = now if part.failing_since is None else part.failing_since
        tried = replace(
            part, attempt=part.attempt + 1, failing_since=since, due_at=decision.at, gone_at=None
        )
        if not _is_used_up(tried, decision):
            return SetAside(tried)
        others = self._others_succeed(hold, part, since)
        doubt = DOUBT_SECONDS * self.scale
        if is_hopeless(tried, status=status, others_succeed=others, now=now, doubt=doubt):
            return PassOver()
        later = max(now + IN_DOUBT_SECONDS * self.scale, asked)
        return SetAside(replace(tried, due_at=later))

    async def _tell(
        self, hold: StrandHold, part: Part, decision: RetryAt, *, status: int | None
    ) -> None:
        endpoint_id, probed = hold.endpoint.id, hold.probes
        if decision.pause_until is not None:
            until = decision.pause_until
            hold.health = await self.gate.tell_pause(endpoint_id, hold.health, until=until)
        away = status is None or status in _AWAY
        if probed or (decision.tells and away):
            hold.health = await self.gate.tell_failure(
                endpoint_id,
                part.session_id,
                hold.health,
                probed=probed,
                lasting=decision.lasting,
            )

    def _others_succeed(self, hold: StrandHold, part: Part, since: float) -> bool:
        """Whether anything got through since the event failed first, as far as it is known here."""
        seen = (hold.strand.succeeded_at, self.gate.successes.get(hold.endpoint.id))
        if any(at is not None and at > since for at in seen):
            return True
        return blames_event(hold.health, part.session_id, since=since, lasting=False)


def _is_used_up(tried: Part, decision: RetryAt) -> bool:
    lasting = decision.lasting and tried.attempt >= LASTING_ATTEMPTS
    return lasting or isinstance(decision, Exhausted)
