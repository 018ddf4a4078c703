"""Whether a strand of a replay may try now. The endpoint's gate, with lanes going first.

A replay may come with sixteen strands at once and for hours. So it takes half of the endpoint's
rate and of its places at most, keeps a place no longer than a moment, comes back from an outage
after the lanes, and probes only where no lane does.
"""

from dataclasses import dataclass, replace
from typing import Final

from service.domain.endpoint import Endpoint
from service.domain.health import RAMP_DOUBLINGS, RAMP_STEP, Narrow, Probe, leave
from service.ports import Clock
from service.usecases.endpoint_gate import EndpointGate, Turned
from service.usecases.read_strand import StrandHold

PROBE_GRACE: Final = 30.0
"""So long after a probe was due a strand sends it: lanes had their chance."""
PLACE_MOMENT: Final = 1.0
"""How long a place is kept, and how long a strand then stays away from it at least."""
ALONE_SECONDS: Final = 5.0
"""The only place is for both for so long, and then as long for lanes alone: they ask every second
or two, and sixteen strands would have it nearly always.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayGate:
    """Asks the endpoint's gate for a strand."""

    clock: Clock
    gate: EndpointGate
    scale: float = 1.0

    async def enter(self, hold: StrandHold) -> Turned | None:
        """Let the strand in, unless it is turned away. What is given is in the hold then."""
        if hold.entry is not None:
            return None if hold.probes else self.gate.turned_away(hold.health)
        early = self._too_early(hold)
        if early is not None:
            return early
        if hold.endpoint.max_concurrency == 1 and self.clock.now() // ALONE_SECONDS % 2:
            return Turned(self.clock.now() + PLACE_MOMENT * (1 + self.gate.ids.jitter()))
        entry = await self.gate.enter(_half(hold.endpoint), hold.health)
        if isinstance(entry, Turned):
            return entry
        hold.entry, hold.health, hold.entered_at = entry, entry.health, self.clock.monotonic()
        return None

    async def leave(self, hold: StrandHold) -> None:
        """Give back what `enter` gave."""
        entry, hold.entry = hold.entry, None
        if entry is not None:
            await self.gate.go_out(hold.endpoint.id, entry)

    async def give_way(self, hold: StrandHold) -> None:
        """After an attempt: what comes next is no probe, and a place is left after a moment."""
        if hold.entry is None:
            return
        hold.entry = replace(hold.entry, probes=False)
        kept = self.clock.monotonic() - hold.entered_at
        if hold.entry.place is not None and kept >= PLACE_MOMENT:
            await self.leave(hold)
            await self.clock.sleep(PLACE_MOMENT * (1 + self.gate.ids.jitter()))

    async def take_turn(self, hold: StrandHold) -> float:
        """Take one request of half the rate: 0, or the seconds after which to ask again."""
        now = self.clock.now()
        if hold.endpoint.rate_limit == 1 and int(now) % 2:
            return int(now) + 1 - now  # every other second is for lanes alone
        return await self.gate.take_turn(_half(hold.endpoint))

    def _too_early(self, hold: StrandHold) -> Turned | None:
        now, health = self.clock.now(), hold.health
        way = leave(health, now=now)
        if isinstance(way, Narrow) and health.back_at is not None:
            return Turned(health.back_at + RAMP_STEP * RAMP_DOUBLINGS)
        grace = (health.probe_at or 0.0) + PROBE_GRACE * self.scale
        if isinstance(way, Probe) and now < grace:
            return Turned(grace, down=True)
        return None


def _half(endpoint: Endpoint) -> Endpoint:
    """The endpoint with the limits that a replay keeps to."""
    rate, places = endpoint.rate_limit, endpoint.max_concurrency
    return replace(
        endpoint,
        rate_limit=None if rate is None else max(1, rate // 2),
        max_concurrency=None if places is None else max(1, places // 2),
    )
