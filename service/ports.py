"""Every outside thing the use cases need, as Protocols: the socket panel of the hexagon.

All calls are asyncio. Adapters translate what goes wrong into `service.domain.errors`; nothing of theirs leaks.
Instants are seconds since the epoch; durations are seconds.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from service.domain.access import ApiKey, IdempotencyRecord
from service.domain.deployment import Deployment, PlatformCredentials
from service.domain.endpoint import Endpoint, Lane
from service.domain.ids import ApiKeyId, DeploymentName, EndpointId, SessionId, TenantName
from service.domain.log import LogEvent, Seen
from service.domain.send import PendingSend
from service.domain.session import Lock, PublicState, Session


T = TypeVar("T")


class Clock(Protocol):
    """Time, and all waiting."""

    def now(self) -> float:
        """Seconds since the epoch, as the world tells it."""

    def monotonic(self) -> float:
        """Seconds that never jump; for deadlines of this process."""

    async def sleep(self, seconds: float) -> None:
        """Wait; zero yields once."""

    def timeout(self, seconds: float | None) -> AbstractAsyncContextManager[Any]:
        """Cancel the block and raise TimeoutError after that long; None waits for ever."""


class Ids(Protocol):
    """Everything that must be unguessable or unique, and chance itself."""

    def ulid(self, prefix: str) -> str:
        """A prefixed ULID such as `ses_01J…`, rising with time."""

    def uuid(self) -> str:
        """A lower-case UUID4 from the operating system's entropy."""

    def secret(self) -> str:
        """32 random bytes, URL-safe base64: an API key's body."""

    def signing_secret(self) -> str:
        """A Standard Webhooks secret: `whsec_` and 24 to 64 random bytes in base64."""

    def jitter(self) -> float:
        """A number in [0, 1)."""


class Link(Protocol):
    """One live WebSocket. Moves strings and reports closes; does not parse, count or wait."""

    async def send(self, text: str) -> None:
        """Write one text frame. Raises LinkLostError."""

    async def receive(self) -> str:
        """The next text frame. Raises LinkLostError; cancelling it loses nothing."""

    async def close(self) -> None:
        """Close with 1000; returns within two seconds whatever the peer does. Never raises."""


class GuestSockets(Protocol):
    """Opens links to a deployment."""

    async def open(self, deployment: Deployment) -> Link:
        """Open the socket. Raises LinkDeniedError (an HTTP status came) or LinkLostError."""


class GuestRest(Protocol):
    """What the Guest API offers over HTTP."""

    async def history(self, deployment: Deployment, *, jwt: str, page: int, page_size: int) -> str:
        """One page of history as JSON text, newest first, page 1 first. Raises HistoryUnavailableError."""

    async def configuration(self, deployment: Deployment) -> str:
        """The public deployment configuration as JSON text. Raises PlatformUnavailableError."""


class Platform(Protocol):
    """The Platform API, where a deployment has credentials for it."""

    async def conversation_of(
        self, deployment: Deployment, credentials: PlatformCredentials, *, body_id: str
    ) -> tuple[str, str | None] | None:
        """(conversation id, customer participant id) of a platform message, or None if not indexed yet.

        Raises PlatformUnavailableError.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookAnswer:
    """What one POST came to. `status` is None when no complete head arrived; then `error` says the class."""

    status: int | None
    error: str | None = None
    """dns, refused, reset, timeout, tls, protocol, blocked_target."""
    detail: str = ""
    retry_after: str | None = None
    directive: str | None = None
    """The `webhook-delivery` header of the answer, if any."""
    body: bytes = b""
    seconds: float = 0.0


class WebhookHttp(Protocol):
    """POSTs to callers' endpoints. Judges the resolved address at every attempt, follows no redirect."""

    async def post(
        self, url: str, *, headers: Mapping[str, str], body: bytes, timeout_seconds: float
    ) -> WebhookAnswer:
        """One attempt, never raising for what a receiver does; one deadline over everything."""


class Hints(Protocol):
    """Wake-ups. Only ids travel; losing, repeating or reordering one is always harmless."""

    async def session(self, session_id: SessionId, shard: int) -> None:
        """Tell the owner of the shard to look at this session."""

    async def lane(self, endpoint_id: EndpointId, session_id: SessionId, *, delay: float = 0.0, hops: int = 0) -> None:
        """Tell a courier to look at this lane, not before `delay` seconds."""


class Bell(Protocol):
    """Tells waiters in this process that a session's log moved; across processes they look again by the clock."""

    def ring(self, session_id: SessionId) -> None:
        """Something was appended."""

    async def wait(self, session_id: SessionId, seconds: float) -> None:
        """Return when it rings or after `seconds`, whichever is first; early returns are fine."""

    def typing(self, session_id: SessionId) -> None:
        """The agent or bot is typing: never in the log, but a turn that waits for quiet counts it."""

    def last_typing(self, session_id: SessionId) -> float | None:
        """When typing was last seen in this process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPage:
    """Events in order, and the log's end at the moment of reading."""

    events: Sequence[LogEvent]
    last_sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """One page of a listing and an opaque cursor to the next, None at the end."""

    items: Sequence[T]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SendChange:
    """A pending send before and after: made (before None), moved, or settled and gone (after None)."""

    before: PendingSend | None
    after: PendingSend | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """By what right a writer changes a session: the lock it holds, or the listener's shard lease.

    With `lock_token` the item's lock must still be that one. With `listener` no live lock of another may stand
    (`now` decides what is live). With neither only the version decides.
    """

    lock_token: str | None = None
    listener: str | None = None
    now: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFilter:
    """Which sessions of a tenant to list; None does not filter."""

    external_id: str | None = None
    state: PublicState | None = None
    deployment: DeploymentName | None = None
    conversation_id: str | None = None


class SessionStore(Protocol):
    """Sessions, their logs and pending sends. Every method is one request to the table unless it pages."""

    async def create(
        self,
        session: Session,
        *,
        events: Sequence[LogEvent],
        sends: Sequence[PendingSend],
        idempotency: IdempotencyRecord | None,
        may_replace: SessionId | None,
    ) -> None:
        """One transaction: session, first events, externalId reference, idempotency record, first sends.

        The reference is taken if absent or if it still names `may_replace` (ended or failed, as the caller read
        it). Raises VersionConflictError(item="externalId"), IdempotencyInProgressError (the record exists: read it),
        PlaceTakenError.
        """

    async def load(self, session_id: SessionId) -> Session:
        """The session, strongly consistent. Raises NotFoundError (also for an erased one)."""

    async def commit(
        self,
        before: Session,
        after: Session,
        *,
        events: Sequence[LogEvent] = (),
        sends: Sequence[SendChange] = (),
        authority: Authority | None = None,
    ) -> Session:
        """State and events together, in one transaction; `after.version` becomes `before.version + 1`.

        Leaves lock and work mark alone. Also keeps the listing indexes, the externalId reference (taken again when a
        failed session resumes) and the conversation lookup true. Raises VersionConflictError or PlaceTakenError.
        """

    async def append(self, event: LogEvent, *, sends: Sequence[SendChange] = ()) -> None:
        """One event at its place, with the sends it settles or makes. A put whose winner has the same event id is a
        win. Raises PlaceTakenError, VersionConflictError (a send changed)."""

    async def accept(self, event: LogEvent, send: PendingSend, idempotency: IdempotencyRecord | None) -> None:
        """Accepted means durable: message.accepted, the pending send and the idempotency record in one transaction.

        Raises PlaceTakenError, IdempotencyInProgressError (the record exists: read it).
        """

    async def change_send(self, before: PendingSend, after: PendingSend) -> PendingSend:
        """A conditional update of one pending send (version); returns it with its new version.

        Raises VersionConflictError.
        """

    async def open_sends(self, session_id: SessionId) -> Sequence[PendingSend]:
        """Every pending send of the session, strongly consistent, by (sequence, kind)."""

    async def read_log(self, session_id: SessionId, *, after: int, limit: int) -> LogPage:
        """Events with sequence > after, ascending, strongly consistent, tombstone left out."""

    async def tail(self, session_id: SessionId, *, limit: int) -> Sequence[Seen]:
        """The last events, ascending, strongly consistent, keys and ids only; the tombstone included."""

    async def seen_after(self, session_id: SessionId, *, after: int) -> Sequence[Seen]:
        """All events with sequence > after, ascending, strongly consistent, keys and ids only."""

    async def last_event(self, session_id: SessionId) -> LogEvent | None:
        """The log's last item, strongly consistent."""

    async def find_keys(self, session_id: SessionId, keys: frozenset[str]) -> int | None:
        """The sequence of the event with one of those keys, looked up in the whole log (pages)."""

    async def mark_work(self, session_id: SessionId, look_at: float) -> None:
        """Set the work mark no earlier than it is already. Raises NotFoundError."""

    async def clear_work_mark(self, session_id: SessionId, seen_look_at: float) -> bool:
        """Remove the work mark if it has not moved; whether it was removed."""

    async def schedule(self, session_id: SessionId, look_at: float) -> None:
        """Make the session due no later than `look_at` (a retry, an expiry warning). Raises NotFoundError."""

    async def take_lock(self, session: Session, lock: Lock, *, now: float) -> Session:
        """Lock the session for a visit on demand, if it has no live lock and its shard no valid lease.

        One transaction. Returns the session as it is now. Raises LockHeldError (also for a valid lease).
        """

    async def release_lock(self, session_id: SessionId, token: str) -> None:
        """Let go, if it is still ours; otherwise nothing."""

    async def by_external_id(self, tenant: TenantName, external_id: str) -> SessionId | None:
        """The session that the reference names, strongly consistent; it may have ended."""

    async def list_sessions(
        self, tenant: TenantName, wanted: SessionFilter, *, cursor: str | None, limit: int
    ) -> Page[Session]:
        """Sessions of a tenant, newest first, eventually consistent. Raises InvalidRequestError for a bad cursor."""

    async def live_in_shard(self, shard: int) -> Sequence[SessionId]:
        """Sessions of a shard that want a link, eventually consistent (a hint: the item decides)."""

    async def due_sessions(self, *, before: float, limit: int) -> Sequence[tuple[SessionId, int]]:
        """(session, shard) whose work mark or schedule lies before then, oldest first, eventually consistent."""

    async def has_open_sessions(self, tenant: TenantName, deployment: DeploymentName) -> bool:
        """Whether any session of the deployment has not ended, eventually consistent."""

    async def erase(self, before: Session, after: Session, tombstone: LogEvent) -> None:
        """META to `erased` and the tombstone at the next place, one transaction.

        Raises VersionConflictError, PlaceTakenError.
        """

    async def purge(self, session: Session) -> bool:
        """Delete rows, lookups and answers of an erased session, one page at a time; True when nothing is left."""


class ShardStore(Protocol):
    """Who holds which shard. Leases are for efficiency; the log is for correctness."""

    async def acquire(self, shard: int, owner: str, *, now: float, until: float) -> bool:
        """Take the lease if it is free or expired; the fence grows at each take-over."""

    async def renew(self, shard: int, owner: str, *, until: float) -> bool:
        """Extend it if it is still ours."""

    async def release(self, shard: int, owner: str) -> None:
        """Give it back if it is ours."""

    async def owner(self, shard: int, *, now: float) -> str | None:
        """Who validly holds it, strongly consistent."""


class LaneStore(Protocol):
    """The ordered deliveries."""

    async def lane(self, endpoint_id: EndpointId, session_id: SessionId) -> Lane | None:
        """The lane as it is, strongly consistent."""

    async def lanes_of(self, session_id: SessionId) -> Sequence[Lane]:
        """Every lane of a session, strongly consistent."""

    async def claim(self, lane: Lane, *, token: str, now: float, until: float) -> Lane | None:
        """Claim it for a courier (creating it as given where absent); None if somebody validly holds it."""

    async def save(self, before: Lane, after: Lane) -> Lane:
        """Move cursor, attempt, due time, gap and claim on; the claim's token and version decide.

        Raises VersionConflictError.
        """

    async def due_lanes(self, *, before: float, limit: int) -> Sequence[tuple[EndpointId, SessionId]]:
        """Lanes whose retry is due before then, oldest first, eventually consistent."""

    async def drop_lanes(self, endpoint_id: EndpointId) -> bool:
        """Remove lanes of a deleted endpoint, one page at a time; True when nothing is left."""


class TenantStore(Protocol):
    """Keys, endpoints, deployments, idempotency records: what belongs to a tenant."""

    async def put_key(self, key: ApiKey, idempotency: IdempotencyRecord | None) -> None:
        """Keep a new key. Raises IdempotencyInProgressError."""

    async def key_by_digest(self, digest: str) -> ApiKey | None:
        """The key with that SHA-256, strongly consistent."""

    async def list_keys(self, tenant: TenantName | None, *, cursor: str | None, limit: int) -> Page[ApiKey]:
        """Keys of a tenant (None: of every tenant), newest first."""

    async def delete_key(self, tenant: TenantName, key_id: ApiKeyId) -> None:
        """Revoke. Raises NotFoundError."""

    async def put_deployment(
        self, deployment: Deployment, *, expected_version: int | None, idempotency: IdempotencyRecord | None
    ) -> Deployment:
        """Create (None) or change. Raises NameInUseError, VersionConflictError, IdempotencyInProgressError."""

    async def deployment(self, tenant: TenantName, name: DeploymentName) -> Deployment:
        """Raises NotFoundError."""

    async def list_deployments(self, tenant: TenantName, *, cursor: str | None, limit: int) -> Page[Deployment]:
        """Newest first."""

    async def delete_deployment(self, tenant: TenantName, name: DeploymentName) -> None:
        """Raises NotFoundError."""

    async def put_endpoint(
        self, endpoint: Endpoint, *, expected_version: int | None, idempotency: IdempotencyRecord | None
    ) -> Endpoint:
        """Create (None) or change. Raises VersionConflictError, IdempotencyInProgressError."""

    async def endpoint(self, endpoint_id: EndpointId) -> Endpoint:
        """Strongly consistent. Raises NotFoundError."""

    async def endpoints_of(self, tenant: TenantName) -> Sequence[Endpoint]:
        """Every endpoint of a tenant, strongly consistent."""

    async def list_endpoints(self, tenant: TenantName, *, cursor: str | None, limit: int) -> Page[Endpoint]:
        """Newest first."""

    async def delete_endpoint(self, tenant: TenantName, endpoint_id: EndpointId) -> None:
        """Stops claims at once. Raises NotFoundError."""

    async def idempotency(self, tenant: TenantName, key: str, *, now: float) -> IdempotencyRecord | None:
        """The record of that scoped key, if it has not expired, strongly consistent."""

    async def put_idempotency(self, record: IdempotencyRecord, *, now: float) -> None:
        """Keep what a request did that made nothing else. Raises IdempotencyInProgressError."""


class Cipher(Protocol):
    """Encrypts what may not lie in a table in the clear. Bound to what it belongs to by `context`."""

    def encrypt(self, text: str, *, context: str) -> str:
        """Authenticated encryption; the result is text."""

    def decrypt(self, text: str, *, context: str) -> str:
        """Raises ConfigurationError when the key or the context is another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """One field per outside thing; tests replace one with `dataclasses.replace`."""

    clock: Clock
    ids: Ids
    sessions: SessionStore
    shards: ShardStore
    lanes: LaneStore
    tenants: TenantStore
    hints: Hints
    bell: Bell
    sockets: GuestSockets
    guest_rest: GuestRest
    platform: Platform
    webhook_http: WebhookHttp
