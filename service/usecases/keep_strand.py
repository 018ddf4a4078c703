"""What becomes of a strand in somebody's hands: taken, moved on, parked, ended, or let go of.

Knows no receiver and decides nothing about attempts.
"""

from dataclasses import dataclass, replace
from typing import Final

from service.domain.endpoint import Claim
from service.domain.errors import VersionConflictError
from service.domain.health import Wait, leave
from service.domain.ids import LOCK
from service.domain.replay import Strand
from service.ports import Clock, Hints, Ids, ReplayStore
from service.usecases.endpoint_gate import Turned
from service.usecases.keep_lane import (
    HINT_SECONDS,
    HOPS_MAX,
    PARKED_SECONDS,
    SPREAD_MOST,
    SPREAD_SHARE,
)
from service.usecases.read_strand import StrandHold

CLAIM_SECONDS: Final = 65.0
"""Longer than a run, so that no event need renew it; after a crash the strand waits so long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepStrand:
    """Writes a claimed strand, and leaves hints for whoever comes after us."""

    clock: Clock
    ids: Ids
    replays: ReplayStore
    hints: Hints

    async def take(self, hold: StrandHold) -> bool:
        """Claim it as it was read; whether it is ours."""
        until = self.clock.now() + CLAIM_SECONDS
        claim = Claim(token=self.ids.ulid(LOCK), until=until)
        # Should we die, somebody looks when the claim is over.
        taken = replace(hold.strand, claim=claim, due_at=until, parked=False)
        try:
            await self.save(hold, hold.strand, taken)
        except VersionConflictError:
            return False
        return True

    async def save(self, hold: StrandHold, before: Strand, after: Strand) -> None:
        """Commit what became of it. Raises VersionConflictError where it is not ours any more."""
        hold.strand = await self.replays.save(before, self._stamped(after))

    async def close(self, hold: StrandHold) -> None:
        """The replay is over."""
        await self.save(hold, hold.strand, hold.strand.closed())

    async def park(self, hold: StrandHold) -> None:
        """Let go until the endpoint opens, which wakes us. Attempts are counted anew then."""
        anew = tuple(part.anew() for part in hold.strand.parts)
        hold.strand = replace(hold.strand, parts=anew)
        wait = PARKED_SECONDS.get(hold.endpoint.state, max(PARKED_SECONDS.values()))
        await self._let_go(hold, self.clock.now() + wait, parked=True)

    async def wait_outside(self, hold: StrandHold, turned: Turned, *, grace: float) -> None:
        """Wait for the endpoint, attempts untouched; `grace`: after whoever probes it."""
        now = self.clock.now()
        wait = max(0.0, turned.until - now) + (grace if turned.down else 0.0)
        wait += min(wait * SPREAD_SHARE, SPREAD_MOST) * self.ids.jitter()
        # Time in which nobody gets through says nothing of an event.
        parts = tuple(replace(part, failing_since=None) for part in hold.strand.parts)
        hold.strand = replace(hold.strand, parts=parts)
        await self._let_go(hold, now + wait, parked=True)

    async def rest(self, hold: StrandHold) -> None:
        """Nothing can be sent now: it ends, or waits for what is set aside, or for the next run."""
        strand, now = hold.strand, self.clock.now()
        if strand.due_part(now=now) is not None or strand.has_room:
            await self.run_out_of_time(hold)
        elif strand.parts:
            outside = isinstance(leave(hold.health, now=now), Wait)
            await self._let_go(hold, strand.next_due() or now, parked=outside)
        else:
            closed = self._stamped(strand.closed())
            hold.strand = await self.replays.finish(strand, closed, now=now)

    async def run_out_of_time(self, hold: StrandHold) -> None:
        """Let go at once for whoever comes next."""
        await self._let_go(hold, self.clock.now())

    async def _let_go(self, hold: StrandHold, at: float, *, parked: bool = False) -> None:
        after = replace(hold.strand, claim=None, due_at=at, parked=parked)
        await self.save(hold, hold.strand, after)
        delay, run = max(0.0, at - self.clock.now()), hold.run
        if delay <= HINT_SECONDS and run.hops < HOPS_MAX:
            await self.hints.replay(run.replay_id, run.number, delay=delay, hops=run.hops + 1)

    def _stamped(self, after: Strand) -> Strand:
        return replace(after, updated_at=self.clock.now())
