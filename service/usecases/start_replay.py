"""Ask for a part of one or many logs once more, and stop a replay that was asked for."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from service.domain.access import ApiKey, IdempotencyRecord
from service.domain.endpoint import Endpoint
from service.domain.errors import (
    FieldFault,
    InvalidRequestError,
    UnavailableError,
    VersionConflictError,
)
from service.domain.ids import REPLAY, EndpointId, ReplayId, SessionId
from service.domain.log import UNLOGGED
from service.domain.replay import STRANDS, Range, Replay, ReplayState, first_strands
from service.ports import Clock, Ids, ReplayStore, SessionStore, TenantStore
from service.usecases.idempotency import Answer, Ticket, result_of
from service.usecases.owned_endpoint import owned_endpoint
from service.usecases.read_lane import START_SLACK_SECONDS
from service.usecases.read_replays import ReadReplays
from service.usecases.read_session import owned
from service.usecases.wake_replays import WakeReplays
from service.usecases.webhook_fields import FAMILIES, type_faults

SETTLE_SECONDS: Final = 2.0
"""A replay over many sessions begins so late: what was just made is in the index by then."""
ENDPOINT_SECONDS: Final = 60.0
"""The replay of a new endpoint is made before it. By then the endpoint is there, or its request
died and never made it."""
AHEAD_SECONDS: Final = 60.0
"""Clocks differ: so far in the future an end of the range is taken for now."""
TRIES: Final = 5
FORGET_ROUNDS: Final = 20
"""How often some replays are removed within one request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a caller asked for."""

    session_id: SessionId | None = None
    from_sequence: int | None = None
    since: float | None = None
    until: float | None = None
    types: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StartReplay:
    """Makes replays and ends them; couriers do the rest."""

    tenants: TenantStore
    sessions: SessionStore
    replays: ReplayStore
    clock: Clock
    ids: Ids
    read: ReadReplays
    wake: WakeReplays

    async def __call__(
        self, key: ApiKey, endpoint_id: EndpointId, wanted: Wanted, *, ticket: Ticket | None
    ) -> Answer:
        """202 and the Replay.

        Raises NotFoundError (webhook, session), InvalidRequestError.
        """
        endpoint = await owned_endpoint(self.tenants, key.tenant, endpoint_id)
        now = self.clock.now()
        if faults := [*_range_faults(wanted, now=now), *_type_faults(wanted.types, endpoint)]:
            raise InvalidRequestError(*faults)
        if wanted.session_id is not None:
            await owned(self.sessions, key.tenant, wanted.session_id)
        until = now if wanted.until is None else min(wanted.until, now)
        asked = Range(
            session_id=wanted.session_id,
            from_sequence=wanted.from_sequence,
            since=wanted.since,
            until=until,
            types=wanted.types,
        )
        job = self._job(endpoint, asked)
        record = None if ticket is None else ticket.record(status=202, result={"id": job.id})
        wait = SETTLE_SECONDS if job.strands > 1 else 0.0
        strands = first_strands(job, due_at=now + wait, openings=endpoint.openings)
        made = await self.replays.create(job, strands, idempotency=record)
        await self.wake.hint(made, delay=wait)
        return await self.read(key, endpoint_id, made.id, status=202)

    async def repeat(
        self, key: ApiKey, endpoint_id: EndpointId, record: IdempotencyRecord
    ) -> Answer:
        """The replay of an earlier request as it is now, with that one's status."""
        made = ReplayId(result_of(record)["id"])
        return await self.read(key, endpoint_id, made, status=record.status)

    async def before_beginning(self, endpoint: Endpoint) -> None:
        """Make the replay of a new endpoint, all that is older than its lanes' beginnings.

        Before the endpoint itself, so that none is there without it; `wake` it afterwards.
        """
        until = endpoint.created_at - START_SLACK_SECONDS
        job = self._job(endpoint, Range(until=until))
        due_at = self.clock.now() + ENDPOINT_SECONDS
        strands = [replace(one, parked=True) for one in first_strands(job, due_at=due_at)]
        await self.replays.create(job, strands, idempotency=None)

    async def forget(self, endpoint_id: EndpointId) -> None:
        """Remove the replays of an endpoint that was deleted; what is left goes when it is due."""
        for _ in range(FORGET_ROUNDS):
            if await self.replays.drop_replays(endpoint_id):
                break

    async def cancel(self, key: ApiKey, endpoint_id: EndpointId, replay_id: ReplayId) -> Answer:
        """200 and the Replay, over; one that was over before stays as it was.

        Raises NotFoundError.
        """
        for _ in range(TRIES):
            found = await self.read.owned(key, endpoint_id, replay_id)
            if found.state is ReplayState.OPEN:
                over = found.over(ReplayState.CANCELLED, at=self.clock.now())
                try:
                    await self.replays.change(found, over)
                except VersionConflictError:
                    continue
                await self.wake.hint(over)
            return await self.read(key, endpoint_id, replay_id)
        raise UnavailableError(what="the replay")

    def _job(self, endpoint: Endpoint, asked: Range) -> Replay:
        now, strands = self.clock.now(), 1 if asked.session_id is not None else STRANDS
        return Replay(
            id=ReplayId(self.ids.ulid(REPLAY)),
            endpoint_id=endpoint.id,
            tenant=endpoint.tenant,
            range=asked,
            strands=strands,
            unfinished=strands,
            created_at=now,
            updated_at=now,
        )


def _range_faults(wanted: Wanted, *, now: float) -> list[FieldFault]:
    faults = []
    if wanted.from_sequence is not None and wanted.session_id is None:
        detail = "needs sessionId: a sequence is a place in one session's log"
        faults.append(FieldFault(pointer="/fromSequence", detail=detail))
    if wanted.until is not None and wanted.until > now + AHEAD_SECONDS:
        detail = "is in the future: what comes is delivered as it comes"
        faults.append(FieldFault(pointer="/until", detail=detail))
    elif wanted.since is not None and wanted.since > (
        now if wanted.until is None else wanted.until
    ):
        end = "now" if wanted.until is None else "until"
        faults.append(FieldFault(pointer="/since", detail=f"is after {end}"))
    return faults


def _type_faults(types: Sequence[str] | None, endpoint: Endpoint) -> list[FieldFault]:
    if types is None:
        return []
    if faults := type_faults(types, pointer="/types"):
        return faults
    return [
        FieldFault(pointer=f"/types/{place}", detail=detail)
        for place, kind in enumerate(types)
        if (detail := _type_fault(kind, endpoint)) is not None
    ]


def _type_fault(kind: str, endpoint: Endpoint) -> str | None:
    if kind == "*" or kind in FAMILIES:
        return None
    if kind in UNLOGGED:
        return "is in no log"
    return None if endpoint.wants(kind) else "is not among the webhook's eventTypes"
