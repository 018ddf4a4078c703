"""Move one strand of a replay forward: event after event, each session in its order.

Claim, walk, POST, commit, next. A crash at any step leaves a claim that lapses, a due time at which
somebody looks, and cursors that are behind at most by the one event in flight. Lanes and their
cursors are never touched.
"""

import logging
from asyncio import create_task
from dataclasses import dataclass, replace
from typing import Final, TypeAlias, assert_never

from service.domain.attempt import Attempt, Decision, Trigger
from service.domain.endpoint import EndpointState
from service.domain.errors import NotFoundError, VersionConflictError
from service.domain.ids import EndpointId, ReplayId
from service.domain.log import LogEvent
from service.domain.replay import OVERDUE, Part, ReplayState, Skipped
from service.ports import Clock, ReplayStore, WebhookAnswer
from service.usecases.disable_endpoint import DisableEndpoint
from service.usecases.keep_strand import KeepStrand
from service.usecases.post_event import PostEvent
from service.usecases.read_strand import ReadStrand, StrandHold, StrandRun
from service.usecases.record_attempt import DECISIONS, RecordAttempt, tell_attempt
from service.usecases.replay_gate import PROBE_GRACE, ReplayGate
from service.usecases.weigh_failure import GiveUp
from service.usecases.weigh_replay import PassOver, WeighReplay, steps_for
from service.webhook.envelope import event_bytes
from service.webhook.retry import (
    Abort,
    Answer,
    ConfirmGone,
    Delivered,
    Disable,
    Plan,
    RetryAt,
    Waits,
    confirms_gone,
    plan,
)

RUN_SECONDS: Final = 50.0
"""A courier lives a minute at most: no POST begins that could outlast this."""
DROP_ROUNDS: Final = 50
"""How often some replays of a deleted endpoint are removed in one run."""
SHORT_SECONDS: Final = 2.5
"""A wait for a place that is worth staying for."""

Made: TypeAlias = tuple[Part, LogEvent, WebhookAnswer]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReplay:
    """The courier's routine for one hinted strand."""

    clock: Clock
    replays: ReplayStore
    reader: ReadStrand
    keep: KeepStrand
    gate: ReplayGate
    post_event: PostEvent
    record: RecordAttempt
    weigh: WeighReplay
    disable: DisableEndpoint

    async def __call__(
        self, replay_id: ReplayId, number: int, *, hops: int = 0, until: float | None = None
    ) -> None:
        """Deliver what the strand has for at most 50 seconds; then hint what is left.

        `until`, on the monotonic clock, ends it sooner: no POST begins that could outlast that.
        Repeating it, or running it twice at once, is harmless. Store failures pass through: the
        strand is then found again by its due time.
        """
        longest = self.clock.monotonic() + RUN_SECONDS
        ends = longest if until is None else min(longest, until)
        run = StrandRun(replay_id=replay_id, number=number, hops=hops, until=ends)
        strand = await self.replays.strand(replay_id, number)
        if strand is None:
            return
        try:
            hold = await self.reader.find(run, strand)
            if hold is not None and await self.keep.take(hold):
                await self._hold(hold)
        except VersionConflictError:
            _log.info("replay.claim_lost", extra=_names(run))
        except NotFoundError:
            _log.info("replay.endpoint_deleted", extra=_names(run))
            await self._forget_endpoint(strand.endpoint_id)

    async def _forget_endpoint(self, endpoint_id: EndpointId) -> None:
        """Remove the replays of a deleted endpoint: the sweeper would find them for ever."""
        for _ in range(DROP_ROUNDS):
            if await self.replays.drop_replays(endpoint_id):
                break

    async def _hold(self, hold: StrandHold) -> None:
        try:
            while await self._goes_on(hold) and await self._step(hold):
                continue
        finally:
            try:
                await self.gate.leave(hold)
            finally:
                if hold.recording is not None:
                    await hold.recording

    async def _goes_on(self, hold: StrandHold) -> bool:
        """Whether replay and endpoint are still open; the strand is let go of where not."""
        await self.reader.refresh(hold)
        hold.strand = hold.strand.anew(hold.endpoint.openings)
        now = self.clock.now()
        if hold.replay.state is ReplayState.OPEN and hold.replay.is_overdue(now=now):
            over = hold.replay.over(ReplayState.FAILED, at=now, failure=OVERDUE)
            hold.replay = await self.replays.change(hold.replay, over)
            _log.warning("replay.failed", extra=_names(hold.run) | {"code": OVERDUE.code})
        if hold.replay.state is not ReplayState.OPEN:
            await self.keep.close(hold)
            return False
        if hold.endpoint.state is not EndpointState.ACTIVE:
            await self.keep.park(hold)
            return False
        return True

    async def _step(self, hold: StrandHold) -> bool:
        """Deliver one event, or wait a moment; whether to go on."""
        head = await self.reader.head(hold)
        if head is None:
            await self.keep.rest(hold)
            return False
        turned = await self.gate.enter(hold)
        now = self.clock.now()
        if turned is not None and (turned.down or turned.until - now > SHORT_SECONDS):
            grace = PROBE_GRACE * self.gate.scale
            await self.keep.wait_outside(hold, turned, grace=grace)
            return False
        wait = await self.gate.take_turn(hold) if turned is None else max(0.0, turned.until - now)
        if self.clock.monotonic() + wait > hold.last_start:
            await self.keep.run_out_of_time(hold)
            return False
        if wait:
            # Much may have changed by then: all of it is asked again.
            await self.clock.sleep(wait)
            return True
        await self._attempt(hold, head)
        await self.gate.give_way(hold)
        return True

    async def _attempt(self, hold: StrandHold, head: LogEvent) -> None:
        """POST the head and commit what came of it."""
        part = next(one for one in hold.strand.parts if one.session_id == head.session_id)
        at = self.clock.now()
        body, replay_id = event_bytes(head), hold.replay.id
        answer = await self.post_event.replayed(hold.endpoint, head, body=body, replay_id=replay_id)
        told = Answer(
            status=answer.status,
            error=answer.error,
            retry_after=answer.retry_after,
            confirms_gone=confirms_gone(part.gone_at, hold.endpoint.updated_at, now=at),
            directive=answer.directive,
        )
        waits = Waits(
            schedule=steps_for(part, hold.endpoint),
            jitter=self.keep.ids.jitter(),
            scale=self.weigh.scale,
        )
        decision = plan(part.attempt + 1, told, waits, now=self.clock.now())
        attempt = self._recorded(hold, (part, head, answer), decision, at=at)
        tell_attempt(hold.endpoint, head, attempt, replay_id=replay_id, hops=hold.run.hops)
        skipped = await self._commit(hold, (part, head, answer), decision)
        if skipped:
            attempt = replace(attempt, decision=Decision.SKIP)
        next_at = (one.due_at for one in hold.strand.parts if one.session_id == head.session_id)
        await self._write_down(hold, replace(attempt, next_at=next(next_at, None)))

    def _recorded(self, hold: StrandHold, made: Made, decision: Plan, *, at: float) -> Attempt:
        part, head, answer = made
        word = DECISIONS[type(decision)]
        if word is Decision.EXHAUSTED:
            word = Decision.RETRY  # it is either skipped, or in doubt and tried on
        outside = self.record.outside(hold.endpoint, head, answer, at=at)
        number = part.attempt + 1
        return replace(outside, trigger=Trigger.REPLAY, number=number, decision=word)

    async def _write_down(self, hold: StrandHold, attempt: Attempt) -> None:
        """While the strand goes on: its next POST need not wait for what nobody waits for."""
        if hold.recording is not None:
            await hold.recording
        hold.recording = create_task(self.record(attempt))

    async def _commit(self, hold: StrandHold, made: Made, decision: Plan) -> bool:
        """Whether the event was left behind."""
        part, head, _ = made
        match decision:
            case Delivered(then_disable=reason):
                await self._delivered(hold, part, head)
                if reason is not None:
                    hold.endpoint = await self.disable(hold.endpoint, reason)
            case Disable(reason=reason):
                hold.endpoint = await self.disable(hold.endpoint, reason)
            case ConfirmGone(at=at):
                asked = replace(part, attempt=part.attempt + 1, due_at=at)
                await self._set_aside(hold, replace(asked, gone_at=self.clock.now()))
            case Abort():
                await self._pass_over(hold, made)
                return True
            case RetryAt():
                return await self._failed(hold, made, decision)
            case _:
                assert_never(decision)
        return False

    async def _delivered(self, hold: StrandHold, part: Part, head: LogEvent) -> None:
        before, endpoint_id = hold.strand, hold.endpoint.id
        hold.ahead.popleft()
        after = before.delivered(part, head.sequence, at=self.clock.now())
        await self.keep.save(hold, before, after)
        hold.health = await self.gate.gate.tell_success(endpoint_id, hold.health)

    async def _failed(self, hold: StrandHold, made: Made, decision: RetryAt) -> bool:
        part, _, answer = made
        weighed = await self.weigh(hold, part, decision, status=answer.status)
        if isinstance(weighed, PassOver):
            await self._pass_over(hold, made)
            return True
        if isinstance(weighed, GiveUp):
            hold.endpoint = await self.disable(hold.endpoint, weighed.reason)
        else:
            await self._set_aside(hold, weighed.part)
        return False

    async def _set_aside(self, hold: StrandHold, part: Part) -> None:
        await self.keep.save(hold, hold.strand, hold.strand.with_part(part))

    async def _pass_over(self, hold: StrandHold, made: Made) -> None:
        part, head, answer = made
        skipped = Skipped(
            session_id=part.session_id,
            sequence=head.sequence,
            event_id=head.id,
            event_type=head.type,
            at=self.clock.now(),
            attempts=part.attempt + 1,
            status=answer.status,
            error=answer.error,
        )
        facts = {"session_id": head.session_id, "sequence": head.sequence, "event_id": head.id}
        _log.warning("replay.skipped", extra=_names(hold.run) | facts)
        hold.ahead.popleft()
        await self.keep.save(hold, hold.strand, hold.strand.passed_over(part, skipped))


def _names(run: StrandRun) -> dict[str, object]:
    return {"replay_id": run.replay_id, "strand": run.number, "hops": run.hops}
