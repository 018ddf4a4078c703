"""How deliveries to an endpoint went, and how it does. Writes nothing."""

from asyncio import gather
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from service.domain.access import ApiKey
from service.domain.attempt import Attempt, AttemptFilter, Outcome, Phases
from service.domain.errors import FieldFault, InvalidRequestError
from service.domain.health import Health
from service.domain.ids import EndpointId, SessionId, tenant_of
from service.domain.instants import maybe_rfc3339, rfc3339
from service.domain.told import standing
from service.ports import AttemptStore, Clock, HealthStore, LaneStore, SessionStore, TenantStore
from service.usecases.idempotency import Answer
from service.usecases.owned_endpoint import owned_endpoint
from service.usecases.read_session import owned
from service.usecases.webhook_fields import EVENT_TYPES_MAX, FAMILIES, TYPES

COUNT_MOST: Final = 1000
"""Whoever has more than that has an outage, and no use for the exact number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryQuery:
    """What somebody wants to see. Without a session only attempts that failed can be found."""

    session_id: SessionId | None
    wanted: AttemptFilter
    cursor: str | None
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadDeliveries:
    """What a tenant may see of its endpoints' attempts."""

    tenants: TenantStore
    sessions: SessionStore
    attempts: AttemptStore
    lanes: LaneStore
    healths: HealthStore
    clock: Clock

    async def list(self, key: ApiKey, endpoint_id: EndpointId, query: DeliveryQuery) -> Answer:
        """200 and a page of attempts: all of a session, or those of the endpoint that failed.

        Raises NotFoundError, InvalidRequestError for a bad cursor or filter.
        """
        await owned_endpoint(self.tenants, key.tenant, endpoint_id)
        if faults := query_faults(query):
            raise InvalidRequestError(*faults)
        if query.session_id is None:
            page = await self.attempts.failed_attempts(
                endpoint_id,
                now=self.clock.now(),
                wanted=query.wanted,
                cursor=query.cursor,
                limit=query.limit,
            )
        else:
            await owned(self.sessions, key.tenant, query.session_id)
            page = await self.attempts.attempts_of(
                endpoint_id,
                query.session_id,
                wanted=query.wanted,
                cursor=query.cursor,
                limit=query.limit,
            )
        items = [attempt_view(one) for one in page.items]
        return Answer(status=200, body={"items": items, "nextCursor": page.next_cursor})

    async def stats(self, key: ApiKey, endpoint_id: EndpointId) -> Answer:
        """200 and how the endpoint does; counts end at a thousand. Raises NotFoundError."""
        endpoint = await owned_endpoint(self.tenants, key.tenant, endpoint_id)
        now = self.clock.now()
        health, waiting, failed = await gather(
            self.healths.health(endpoint_id),
            self.lanes.count_waiting(endpoint_id, most=COUNT_MOST),
            self.attempts.count_failed(endpoint_id, now=now, most=COUNT_MOST),
        )
        body = {
            "state": endpoint.state.value,
            "disabledReason": endpoint.disabled_reason,
            **health_view(health, now=now),
            "lanesWaiting": waiting,
            "failedToday": failed,
        }
        return Answer(status=200, body=body)


def query_faults(query: DeliveryQuery) -> Sequence[FieldFault]:
    """What is wrong with what somebody wants to see."""
    faults = []
    wanted = query.wanted
    if query.session_id is None and wanted.outcome is Outcome.DELIVERED:
        detail = "delivered attempts are listed by session: name one with sessionId"
        faults.append(FieldFault(pointer="/query/status", detail=detail))
    if len(wanted.types) > EVENT_TYPES_MAX:
        detail = f"takes at most {EVENT_TYPES_MAX} types"
        faults.append(FieldFault(pointer="/query/type", detail=detail))
    elif any(kind not in TYPES and kind not in FAMILIES for kind in wanted.types):
        detail = "takes event types and families such as message.*"
        faults.append(FieldFault(pointer="/query/type", detail=detail))
    if wanted.since is not None and wanted.until is not None and wanted.until <= wanted.since:
        faults.append(FieldFault(pointer="/query/until", detail="must be later than since"))
    return faults


def attempt_view(attempt: Attempt) -> dict[str, Any]:
    """The Attempt of the REST API. What is told about endpoints belongs to no session."""
    of_session = tenant_of(attempt.session_id) is None
    return {
        "id": attempt.id,
        "sessionId": attempt.session_id if of_session else None,
        "sequence": attempt.sequence if of_session else None,
        "eventId": attempt.event_id,
        "eventType": attempt.event_type.value,
        "at": rfc3339(attempt.at),
        "trigger": attempt.trigger.value,
        "attempt": attempt.number,
        "status": attempt.status,
        "error": attempt.error,
        "detail": attempt.detail,
        "seconds": round(attempt.seconds, 3),
        "phases": phases_view(attempt.phases),
        "answer": attempt.answer,
        "decision": attempt.decision.value,
        "nextAttemptAt": maybe_rfc3339(attempt.next_at),
    }


def phases_view(phases: Phases) -> dict[str, Any]:
    """Where the seconds of an attempt went."""
    return {
        "dns": phases.dns,
        "connect": phases.connect,
        "tls": phases.tls,
        "firstByte": phases.first_byte,
    }


def health_view(health: Health, *, now: float) -> dict[str, Any]:
    """What couriers know of an endpoint, as of `now`: what is over is not shown."""
    paused_until = health.paused_until
    if paused_until is not None and paused_until <= now:
        paused_until = None
    word = "well" if paused_until is None else "paused"
    return {
        "health": word if health.probe_at is None else "down",
        "pausedUntil": maybe_rfc3339(paused_until),
        "nextProbeAt": maybe_rfc3339(health.probe_at),
        "failingSince": maybe_rfc3339(health.failing_since),
        "failuresInARow": health.failed,
        "warnings": [
            {"stage": each.stage.value, "at": rfc3339(each.at)} for each in standing(health.told)
        ],
    }
