"""Tell the owner of an endpoint how it does, through the tenant's other endpoints.

What is told is appended to the tenant's log in the very write that it tells of, so that neither is
there without the other. Nothing is written of an endpoint that is well. What cannot be told keeps
nobody from committing what the receiver answered: the endpoint's health still says then what was
told before, and by that it is told later.
"""

import logging
from asyncio import gather
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Final

from service.domain.endpoint import Endpoint, EndpointState
from service.domain.errors import BrokerError
from service.domain.health import Health, Stamp, telling
from service.domain.ids import EVENT, LOCK, EventId, log_of
from service.domain.log import LogEvent
from service.domain.notice import (
    Failure,
    Notice,
    disabled,
    failing,
    is_of_event,
    recovered,
    stages,
    takes,
)
from service.domain.told import Stage, Told, ended_by, may_tell, with_recovery, with_told
from service.ports import Clock, HealthStore, Hints, Ids
from service.usecases.known_endpoints import KnownEndpoints
from service.usecases.read_lane import Hold
from service.webhook.retry import Exhausted, RetryAt

CHANGE_TRIES: Final = 3

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class TellOwner:
    """Warnings, the end of them, and verdicts."""

    clock: Clock
    ids: Ids
    healths: HealthStore
    endpoints: KnownEndpoints
    hints: Hints

    async def failing(self, hold: Hold, decision: RetryAt) -> None:
        """Tell what the failed attempt brings about, if it is news; changes the hold's health.

        What is due follows from how things stand and not from what just happened: what was not told
        because somebody died, or the table did not take it, is told after the next failure.
        """
        await _unless_unable(self._failing(hold, decision))

    async def _failing(self, hold: Hold, decision: RetryAt) -> None:
        failure = self._failure(hold, decision)
        for _ in range(CHANGE_TRIES):
            stage = self._stage(hold.health, failure)
            if stage is None:
                return
            log = hold.run.session_id if is_of_event(stage) else None
            told = with_told(hold.health.told, stage, log=log, now=self.clock.now())
            notice = failing(self._id(), hold.endpoint, stage, failure, at=self.clock.now())
            if await self._change(hold, told, notice):
                return

    def _failure(self, hold: Hold, decision: RetryAt) -> Failure:
        counts = decision.counts and not hold.probes
        return Failure(
            event=hold.ahead[0],
            row=hold.lane.attempt + (1 if counts else 0),
            exhausted=isinstance(decision, Exhausted),
            reason=decision.reason,
            since=hold.lane.failing_since,
            endpoint_since=hold.health.failing_since,
        )

    def _stage(self, health: Health, failure: Failure) -> Stage | None:
        now, log_id = self.clock.now(), failure.event.session_id
        for stage in stages(health, failure, now=now):
            log = log_id if is_of_event(stage) else None
            if may_tell(health.told, stage, log=log, now=now):
                return stage
        return None

    async def recovered(self, hold: Hold) -> None:
        """Tell that what was told before is over, if it is; changes the hold's health.

        To be called before the delivery is committed: whoever dies in between delivers again, and
        nobody waits for news that never come. And once more afterwards, where the table did not
        take it; where it still does not, the next success that ends it tells it.
        """
        await _unless_unable(self._recovered(hold))

    async def _recovered(self, hold: Hold) -> None:
        for _ in range(CHANGE_TRIES):
            ended = ended_by(hold.health.told, log=hold.run.session_id)
            if not ended:
                return
            now = self.clock.now()
            told = with_recovery(hold.health.told, now=now)
            notice = recovered(self._id(), hold.endpoint, ended, at=now)
            if await self._change(hold, told, notice):
                return

    def disabled(self, endpoint: Endpoint) -> Notice:
        """What is to be told with the write that disables it."""
        return disabled(self._id(), endpoint, at=self.clock.now())

    async def pass_on(self, hold: Hold) -> None:
        """Hint the lanes that have to carry what was told, once the lane itself is committed."""
        news, hold.news = hold.news, []
        for notice in news:
            await self.spread(notice)

    async def spread(self, notice: Notice) -> None:
        """Hint the lanes that have to carry it. Lost hints are made good by the sweeper."""
        event: LogEvent = notice.placed(0)
        facts = {"type": notice.type.value, "webhook": notice.data["webhook"]["id"]}
        _log.info("notice.appended", extra={"event_id": notice.id, **facts})
        try:
            known = await self.endpoints(notice.tenant)
        except BrokerError as error:
            # The delivery that brought it about goes on: whoever took it must not get it again.
            _log.warning("notice.not_hinted", extra={"error": type(error).__name__})
            return
        log_id = log_of(notice.tenant)
        listeners = (
            each.id for each in known if each.state is EndpointState.ACTIVE and takes(each, event)
        )
        await gather(*(self.hints.lane(endpoint_id, log_id) for endpoint_id in listeners))

    def _id(self) -> EventId:
        return EventId(self.ids.ulid(EVENT))

    async def _change(self, hold: Hold, told: tuple[Told, ...], notice: Notice) -> bool:
        """Whether it was told; else somebody changed the health first: ask anew."""
        stamp = Stamp(by=self.ids.ulid(LOCK), at=self.clock.now())
        after = telling(hold.health, stamp, told)
        hold.health = await self.healths.change_health(
            hold.endpoint.id, hold.health, after, notice=notice
        )
        if hold.health.by != stamp.by:
            return False
        hold.news.append(notice)
        return True


async def _unless_unable(telling: Awaitable[None]) -> None:
    """Whatever keeps us from telling: the receiver answered, and must not get it again for that."""
    try:
        await telling
    except BrokerError as error:
        _log.warning("notice.not_told", extra={"error": type(error).__name__})
