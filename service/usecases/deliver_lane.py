"""Move one lane forward: one session's log to one endpoint, strictly in order, nothing lost.

Claim, read, POST the head, commit the cursor, next. A crash at any step leaves a claim that lapses
and a cursor that is behind at most by the one event in flight. Whoever lets go reads again, so a
hint that finds the lane busy may be dropped.
"""

import logging
from dataclasses import dataclass, field, replace
from typing import Final, assert_never

from service.domain.attempt import Decision
from service.domain.endpoint import EndpointState
from service.domain.errors import NotFoundError, VersionConflictError
from service.domain.ids import LOCK, EndpointId, LogId
from service.domain.log import LogEvent
from service.ports import Clock, Ids, LaneStore, TenantStore, WebhookAnswer
from service.usecases.endpoint_gate import EndpointGate, Turned
from service.usecases.keep_lane import KeepLane, claim_seconds
from service.usecases.post_event import PostEvent
from service.usecases.read_lane import Hold, ReadLane, Run
from service.usecases.record_attempt import RecordAttempt, next_try, tell_attempt
from service.usecases.share_places import give_way, wait_inside
from service.usecases.tell_owner import TellOwner
from service.usecases.waiting import Closing
from service.usecases.weigh_failure import GiveUp, Skip, WaitUntil, WeighFailure
from service.webhook.envelope import event_bytes
from service.webhook.retry import (
    SCHEDULE,
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
"""A courier lives a minute at most, or less: no POST begins that could outlast its run."""
DROP_PAGES: Final = 50
"""Pages of a deleted endpoint's lanes removed in one run; the sweeper comes again for the rest."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverLane:
    """The courier's routine for one hinted lane."""

    clock: Clock
    ids: Ids
    lanes: LaneStore
    tenants: TenantStore
    reader: ReadLane
    post_event: PostEvent
    record: RecordAttempt
    gate: EndpointGate
    keep: KeepLane
    weigh_failure: WeighFailure
    tell_owner: TellOwner
    retry_scale: float = 1.0
    closing: Closing = field(default_factory=Closing)

    async def __call__(
        self,
        endpoint_id: EndpointId,
        session_id: LogId,
        *,
        hops: int = 0,
        until: float | None = None,
    ) -> None:
        """Deliver what is due and deliverable, for at most 50 seconds; then hint what is left.

        `until`, on the monotonic clock, ends it sooner: no POST begins that could outlast that.
        Repeating it, or running it twice at once, is harmless. Store failures pass through: the
        lane is then found again by its due time, or by the session's work mark.
        """
        longest = self.clock.monotonic() + RUN_SECONDS
        run = Run(
            endpoint_id=endpoint_id,
            session_id=session_id,
            hops=hops,
            until=longest if until is None else min(until, longest),
        )
        try:
            while await self._hold_once(run):
                continue
        except VersionConflictError:
            _log.info("delivery.claim_lost", extra=_names(run))
        except NotFoundError:
            _log.info("delivery.endpoint_deleted", extra=_names(run))
            await self._forget_endpoint(run)

    async def _forget_endpoint(self, run: Run) -> None:
        """Remove the lanes that wait for a deleted endpoint.

        The sweeper reads due lanes from the oldest on: these would stand before all others for
        ever.
        """
        for _ in range(DROP_PAGES):
            if await self.lanes.drop_lanes(run.endpoint_id):
                break

    async def _hold_once(self, run: Run) -> bool:
        """Claim the lane once, if there is work; whether there is more, read after letting go."""
        hold = await self.reader.find(run)
        if hold is None:
            return False
        found, now = hold.lane, self.clock.now()
        claimed = await self.lanes.claim(
            found, token=self.ids.ulid(LOCK), now=now, until=now + claim_seconds(hold.endpoint)
        )
        if claimed is None:
            return False
        hold.lane = claimed.anew(hold.endpoint)
        if claimed.version != found.version + 1:
            # Somebody moved it between our read and our claim: what we read is stale.
            await self.keep.save(hold, replace(claimed, claim=None))
            return True
        try:
            again = await self._move(hold)
        finally:
            await self._leave(hold)
        return again and await self.reader.has_grown(hold)

    async def _leave(self, hold: Hold) -> None:
        try:
            if hold.entry is not None:
                await self.gate.go_out(hold.endpoint.id, hold.entry)
        finally:
            await self.record.settled(hold)

    async def _move(self, hold: Hold) -> bool:
        """Deliver head after head until something stops us; whether to read again."""
        while True:
            if not await self.reader.is_open(hold):
                await self.keep.park(hold)
                return False
            head = await self.reader.head(hold)
            if head is None:
                await self.keep.save(hold, self.keep.let_go(hold))
                return True
            turned = await self._turned_away(hold)
            soon = None if turned is None else wait_inside(self.gate, hold, turned)
            if turned is not None and soon is None:
                await self.keep.wait_outside(hold, turned)
                return False
            wait = await self.gate.take_turn(hold.endpoint) if soon is None else soon
            if self.closing.begun or self.clock.monotonic() + wait > hold.last_start:
                await self.keep.run_out_of_time(hold)
                return False
            await self.keep.keep_claim(hold)
            if wait:
                # Much may have changed by then: all of it is asked again.
                await self.clock.sleep(wait)
                continue
            stop = await self._attempt(hold, head)
            if stop is not None:
                return stop
            await give_way(self.gate, hold)

    async def _turned_away(self, hold: Hold) -> Turned | None:
        """Why the endpoint lets no lane in, if so; asked at first, and when more is known."""
        if hold.entry is None:
            entry = await self.gate.enter(hold.endpoint, hold.health)
            if isinstance(entry, Turned):
                return entry
            hold.entry, hold.health, hold.outside_since = entry, entry.health, None
            if entry.probes:
                await self.keep.mark_probe(hold)
            return None
        return None if hold.probes else self.gate.turned_away(hold.health)

    async def _attempt(self, hold: Hold, head: LogEvent) -> bool | None:
        """POST the head and commit what came of it; None goes on, else whether to read again."""
        at = self.clock.now()
        answer = await self.post_event(
            hold.endpoint,
            head.id,
            body=event_bytes(head),
            lane=hold.lane,
            trace=head.traced,
        )
        decision = self._judged(hold, answer, at=at)
        hold.lane = replace(hold.lane, gone_at=at if isinstance(decision, ConfirmGone) else None)
        made = self.record.in_lane(hold, head, answer, decision, at=at)
        retry_at = getattr(decision, "at", None)
        tell_attempt(hold.endpoint, head, made, hops=hold.run.hops, retry_at=retry_at)
        stop = await self._commit(hold, head, decision)
        if hold.passed == head.sequence and not isinstance(decision, Delivered):
            made = replace(made, decision=Decision.SKIP)
        await self.record.beside(hold, replace(made, next_at=next_try(hold)))
        await self.tell_owner.pass_on(hold)
        if isinstance(decision, ConfirmGone) and stop is None:
            await self._wait_to_confirm(hold, decision)
        return stop

    def _judged(self, hold: Hold, answer: WebhookAnswer, *, at: float) -> Plan:
        """What follows from the answer to an attempt that began then."""
        told = Answer(
            status=answer.status,
            error=answer.error,
            retry_after=answer.retry_after,
            confirms_gone=confirms_gone(hold.lane.gone_at, hold.endpoint.updated_at, now=at),
            belied=self.gate.took_since(hold.endpoint.id, hold.lane.gone_at),
            directive=answer.directive,
        )
        schedule = hold.endpoint.schedule or SCHEDULE
        waits = Waits(schedule=schedule, jitter=self.ids.jitter(), scale=self.retry_scale)
        return plan(hold.lane.attempt + 1, told, waits, now=self.clock.now())

    async def _commit(self, hold: Hold, head: LogEvent, decision: Plan) -> bool | None:
        match decision:
            case Delivered(then_disable=reason):
                return await self._delivered(hold, head, then_disable=reason)
            case Abort():
                return await self._aborted(hold, head)
            case ConfirmGone():
                return await self._await_confirmation(hold, decision)
            case Disable():
                await self._disable(hold, decision.reason)
                return False
            case RetryAt():
                return await self._failed(hold, head, decision)
            case _:
                assert_never(decision)

    async def _delivered(
        self, hold: Hold, head: LogEvent, *, then_disable: str | None
    ) -> bool | None:
        await self.tell_owner.recovered(hold)
        stop = await self._go_past(hold, head, gap=None)
        hold.health = await self.gate.tell_success(hold.endpoint.id, hold.health)
        await self.tell_owner.recovered(hold)
        if then_disable is not None:
            await self._disable(hold, then_disable)
            return False
        return stop

    async def _aborted(self, hold: Hold, head: LogEvent) -> bool | None:
        """The receiver is there, and wants this event no more."""
        if hold.probes:
            hold.health = await self.gate.tell_failure(
                hold.endpoint.id, hold.run.session_id, hold.health, probed=True, lasting=True
            )
        return await self._skip(hold, head)

    async def _skip(self, hold: Hold, head: LogEvent) -> bool | None:
        """Leave an event behind that only it fails with; the next deliveries tell of it."""
        facts = {"event_id": head.id, "sequence": head.sequence}
        since = {"failing_since": hold.lane.failing_since, "attempts": hold.lane.attempt + 1}
        _log.warning("delivery.skipped", extra=_names(hold.run) | facts | since)
        first = hold.lane.gap[0] if hold.lane.gap else head.sequence
        return await self._go_past(hold, head, gap=(first, head.sequence))

    async def _go_past(
        self, hold: Hold, head: LogEvent, *, gap: tuple[int, int] | None
    ) -> bool | None:
        hold.ahead.popleft()
        hold.passed = head.sequence
        # What follows is no probe.
        hold.entry = hold.entry and replace(hold.entry, probes=False)
        done = replace(
            hold.lane,
            cursor=head.sequence,
            delivered=hold.lane.delivered + 1,
            attempt=0,
            failing_since=None,
            gap=gap,
            due_at=None,
            parked=False,
            claim=self.keep.renewed(hold),
        )
        if head.sequence >= hold.end:
            done = replace(done, claim=None)
        await self.keep.save(hold, done)
        return True if done.claim is None else None

    async def _failed(self, hold: Hold, head: LogEvent, decision: RetryAt) -> bool | None:
        """Give up, skip, or wait."""
        probed = hold.probes
        match await self.weigh_failure(hold, decision):
            case GiveUp(reason=reason):
                await self._disable(hold, reason)
            case Skip():
                return await self._skip(hold, head)
            case WaitUntil(at=at):
                await self.keep.retry_later(hold, at, counts=decision.counts and not probed)
            case other:
                assert_never(other)
        return False

    async def _await_confirmation(self, hold: Hold, decision: ConfirmGone) -> bool | None:
        """Stay for the confirming attempt; with no time left, a later run makes it."""
        wait = max(0.0, decision.at - self.clock.now())
        if self.clock.monotonic() + wait > hold.last_start:
            await self.keep.retry_later(hold, decision.at)
            return False
        failed = replace(hold.lane, cursor=hold.passed, attempt=hold.lane.attempt + 1)
        await self.keep.save(
            hold, replace(failed, due_at=decision.at, claim=self.keep.renewed(hold))
        )
        return None

    async def _wait_to_confirm(self, hold: Hold, decision: ConfirmGone) -> None:
        await self.clock.sleep(max(0.0, decision.at - self.clock.now()))
        await self.keep.save(hold, replace(hold.lane, claim=self.keep.renewed(hold)))

    async def _disable(self, hold: Hold, reason: str) -> None:
        """Close the endpoint, keep the backlog."""
        try:
            closed = replace(
                await self.tenants.endpoint(hold.endpoint.id),
                state=EndpointState.DISABLED,
                disabled_reason=reason,
                updated_at=self.clock.now(),
            )
            notice = self.tell_owner.disabled(closed)
            hold.endpoint = await self.tenants.put_endpoint(
                closed, expected_version=hold.endpoint.version, idempotency=None, notice=notice
            )
        except VersionConflictError:
            # Somebody changed it meanwhile: what was seen does not judge the new one.
            await self.keep.retry_later(hold, self.clock.now())
            return
        _log.warning("endpoint.disabled", extra=_names(hold.run) | {"reason": reason})
        hold.news.append(notice)
        await self.keep.park(hold)


def _names(run: Run) -> dict[str, object]:
    return {"endpoint_id": run.endpoint_id, "session_id": run.session_id, "hops": run.hops}
