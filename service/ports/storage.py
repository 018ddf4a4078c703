"""Ports to the table: shards, lanes, budgets and what belongs to a tenant."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from service.domain.access import ApiKey, IdempotencyRecord
from service.domain.attempt import EVERY, Attempt, AttemptFilter
from service.domain.budget import Breaker, Taken
from service.domain.deployment import Deployment
from service.domain.endpoint import Endpoint, Lane
from service.domain.health import Health
from service.domain.ids import (
    ApiKeyId,
    DeploymentName,
    EndpointId,
    ListenerName,
    LogId,
    SessionId,
    TenantName,
)
from service.domain.lease import Lease
from service.domain.notice import Notice
from service.ports.sessions import DuePage, LogPage, Page


class ShardStore(Protocol):
    """Who holds which shard. Leases are for efficiency; the log is for correctness."""

    async def acquire(
        self,
        shard: int,
        owner: ListenerName,
        *,
        now: float,
        until: float,
        retires_at: float | None = None,
    ) -> Lease | None:
        """Take the lease if it is free, expired or ours; the fence grows at each take-over."""

    async def renew(self, lease: Lease, *, until: float) -> Lease | None:
        """Extend it if it is still ours, and tell its links and when we retire; as it then is."""

    async def ask(self, lease: Lease, by: ListenerName, *, now: float, until: float) -> bool:
        """Wish for a lease that another holds; whether the wish stands."""

    async def transfer(
        self, lease: Lease, to: ListenerName, *, until: float, drained_by: float
    ) -> Lease | None:
        """Give it to who asked, in one write; the giver drains until then. None if it moved."""

    async def release(self, lease: Lease) -> None:
        """Give it back if it is ours."""

    async def lease(self, shard: int) -> Lease:
        """The lease as it is, strongly consistent."""

    async def leases(self, shards: int) -> Sequence[Lease]:
        """The leases of shards 0 to `shards` - 1, strongly consistent each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneView:
    """All that decides whether a courier may try a lane, but for the log."""

    endpoint: Endpoint
    health: Health
    lane: Lane | None
    has_log: bool
    """Whether the session is there, and not erased; or whether the tenant's log is its own."""


class LaneStore(Protocol):
    """The ordered deliveries."""

    async def look(self, endpoint_id: EndpointId, session_id: LogId) -> LaneView:
        """Everything in one request, strongly consistent. Raises NotFoundError: no endpoint."""

    async def lane(self, endpoint_id: EndpointId, session_id: LogId) -> Lane | None:
        """The lane as it is, strongly consistent."""

    async def lanes_of(self, session_id: SessionId) -> Sequence[Lane]:
        """Every lane of a session, strongly consistent."""

    async def claim(self, lane: Lane, *, token: str, now: float, until: float) -> Lane | None:
        """Claim it for a courier, made as given where absent; None if somebody validly holds it."""

    async def save(self, before: Lane, after: Lane) -> Lane:
        """Move cursor, attempt, due time, gap and claim on; the claim's token and version decide.

        Raises VersionConflictError.
        """

    async def due_lanes(
        self, *, before: float, limit: int, after: object | None = None
    ) -> DuePage[tuple[EndpointId, LogId]]:
        """Lanes whose retry is due before then, oldest first, eventually consistent."""

    async def waiting_lanes(self, endpoint_id: EndpointId, *, limit: int) -> Sequence[LogId]:
        """Logs whose lane to that endpoint waits for a time, eventually consistent."""

    async def count_waiting(self, endpoint_id: EndpointId, *, most: int) -> int:
        """How many lanes to that endpoint wait for a time, counted up to `most`.

        Looks at those of the latest sessions, some twenty thousand; eventually consistent.
        """

    async def drop_lanes(self, endpoint_id: EndpointId) -> bool:
        """Remove lanes of a deleted endpoint, one page at a time; True when nothing is left."""


class TenantStore(Protocol):
    """Keys, endpoints, deployments, idempotency records: what belongs to a tenant."""

    async def put_key(self, key: ApiKey, idempotency: IdempotencyRecord | None) -> None:
        """Keep a new key. Raises IdempotencyInProgressError."""

    async def key_by_digest(self, digest: str) -> ApiKey | None:
        """The key with that SHA-256, strongly consistent."""

    async def list_keys(
        self, tenant: TenantName | None, *, cursor: str | None, limit: int
    ) -> Page[ApiKey]:
        """Keys of a tenant (None: of every tenant), newest first."""

    async def delete_key(self, tenant: TenantName, key_id: ApiKeyId) -> None:
        """Revoke. Raises NotFoundError."""

    async def put_deployment(
        self,
        deployment: Deployment,
        *,
        expected_version: int | None,
        idempotency: IdempotencyRecord | None,
    ) -> Deployment:
        """Create (None) or change.

        Raises NameInUseError, VersionConflictError, IdempotencyInProgressError.
        """

    async def deployment(self, tenant: TenantName, name: DeploymentName) -> Deployment:
        """Raises NotFoundError."""

    async def list_deployments(
        self, tenant: TenantName, *, cursor: str | None, limit: int
    ) -> Page[Deployment]:
        """Newest first."""

    async def delete_deployment(self, tenant: TenantName, name: DeploymentName) -> None:
        """Raises NotFoundError."""

    async def put_endpoint(
        self,
        endpoint: Endpoint,
        *,
        expected_version: int | None,
        idempotency: IdempotencyRecord | None,
        notice: Notice | None = None,
    ) -> Endpoint:
        """Create (None) or change, and append the notice to the tenant's log with it.

        Raises VersionConflictError, IdempotencyInProgressError.
        """

    async def endpoint(self, endpoint_id: EndpointId) -> Endpoint:
        """Strongly consistent. Raises NotFoundError."""

    async def endpoints_of(self, tenant: TenantName) -> Sequence[Endpoint]:
        """Every endpoint of a tenant, strongly consistent."""

    async def list_endpoints(
        self, tenant: TenantName, *, cursor: str | None, limit: int
    ) -> Page[Endpoint]:
        """Newest first."""

    async def delete_endpoint(self, tenant: TenantName, endpoint_id: EndpointId) -> None:
        """Stops claims at once. Raises NotFoundError."""

    async def idempotency(
        self, tenant: TenantName, key: str, *, now: float
    ) -> IdempotencyRecord | None:
        """The record of that scoped key, if it has not expired, strongly consistent."""

    async def put_idempotency(
        self,
        record: IdempotencyRecord,
        *,
        now: float,
        instead_of: IdempotencyRecord | None = None,
    ) -> None:
        """Keep what a request did that made nothing else, or that it is being done.

        Where there is one already: only in place of the one named. Raises
        IdempotencyInProgressError.
        """


class BudgetStore(Protocol):
    """What all processes share of a deployment, by its line (`service.domain.budget.line_of`)."""

    async def take(self, line: str, slot: int, count: int, *, most: int) -> Taken:
        """Take so many permits of the slot if at most `most` of it are gone then, else none.

        A request whose reply is lost may take them twice: some are wasted, none is used twice.
        """

    async def taken(self, line: str, slot: int) -> int:
        """How many permits of the slot are gone, strongly consistent."""

    async def breaker(self, line: str) -> Breaker:
        """As it is, strongly consistent; the closed one where nobody ever opened it."""

    async def change_breaker(self, line: str, before: Breaker, after: Breaker) -> Breaker:
        """Put `after` in the place of `before`.

        What is there then: `after`, or what somebody else made of `before` first.
        """


class HealthStore(Protocol):
    """What all couriers share of an endpoint (`service.domain.health`)."""

    async def health(self, endpoint_id: EndpointId) -> Health:
        """As it is, strongly consistent; that of one that is well where nothing was written."""

    async def change_health(
        self,
        endpoint_id: EndpointId,
        before: Health,
        after: Health,
        *,
        notice: Notice | None = None,
    ) -> Health:
        """Put `after` in the place of `before`, and append the notice to its tenant's log with it.

        What is there then: `after`, or what somebody else made of `before` first.
        """

    async def take_place(
        self, endpoint_id: EndpointId, place: int, *, token: str, now: float, until: float
    ) -> bool:
        """Take one of the endpoint's numbered places until then; whether it was free."""

    async def leave_place(self, endpoint_id: EndpointId, place: int, *, token: str) -> None:
        """Give it back, if it is still ours."""

    async def take_turn(self, endpoint_id: EndpointId, second: int, *, most: int) -> bool:
        """Count one request more in that second; whether it was among the first `most`."""


class TenantLog(Protocol):
    """What is told about a tenant's endpoints: a log beside its sessions', kept for 30 days.

    Notices are appended with the change that they tell of (`HealthStore`, `TenantStore`), each at
    the next place. An append makes the log due, so that its lanes are found whatever is lost.
    """

    async def read(self, tenant: TenantName, *, after: int, limit: int) -> LogPage:
        """Events after that place, ascending, and the log's end, strongly consistent."""

    async def due(self, *, before: float, limit: int) -> Sequence[TenantName]:
        """Logs that are due before then, oldest first, eventually consistent."""

    async def settle(self, tenant: TenantName, *, end: int, due_at: float | None = None) -> bool:
        """Due then, or with None not any more, if it still ends there; whether it does."""


class AttemptStore(Protocol):
    """What single deliveries came to, for people to look at; each is kept for 30 days."""

    async def record(self, attempt: Attempt) -> None:
        """Keep one. Knows no session and no endpoint: it must cost no more than one write."""

    async def attempts_of(
        self,
        endpoint_id: EndpointId,
        session_id: LogId,
        *,
        wanted: AttemptFilter = EVERY,
        cursor: str | None,
        limit: int,
    ) -> Page[Attempt]:
        """Every one of a lane, the latest event first and of it the latest attempt first.

        Strongly consistent. A page ends when it is full or when much was looked at: one that is
        short has a cursor all the same. Raises InvalidRequestError for a bad cursor.
        """

    async def of_session(
        self, session_id: SessionId, *, most: int
    ) -> tuple[Sequence[Attempt], bool]:
        """At most so many of a session, of all endpoints, by endpoint and place in the log.

        And whether those are all. Strongly consistent.
        """

    async def failed_attempts(
        self,
        endpoint_id: EndpointId,
        *,
        now: float,
        wanted: AttemptFilter = EVERY,
        cursor: str | None,
        limit: int,
    ) -> Page[Attempt]:
        """Those of an endpoint that failed, newest first, eventually consistent.

        Pages end as those of `attempts_of`. Raises InvalidRequestError for a bad cursor.
        """

    async def count_failed(self, endpoint_id: EndpointId, *, now: float, most: int) -> int:
        """How many failed on that day (UTC), counted up to `most`, eventually consistent."""
