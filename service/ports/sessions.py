"""Port to the table: sessions, their logs and pending sends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from service.domain.access import IdempotencyRecord
from service.domain.attachment import AttachmentChange
from service.domain.ids import DeploymentName, SessionId, TenantName
from service.domain.log import LogEvent, Seen
from service.domain.send import PendingSend
from service.domain.session import Farewell, Lock, PublicState, Session

T = TypeVar("T")


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
class DuePage(Generic[T]):
    """What is due, oldest first; `rest` is given back to have what follows, None at the end."""

    items: Sequence[T]
    rest: object | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SendChange:
    """A pending send before (None: made) and after (None: settled and gone)."""

    before: PendingSend | None
    after: PendingSend | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """By what right a writer changes a session: the lock it holds, or the listener's shard lease.

    With `lock_token` the item's lock must still be that one. With `listener` no live lock of
    another may stand (`now` decides what is live), and with its `fence` no later owner of the shard
    may have changed the session. With neither only the version decides.
    """

    lock_token: str | None = None
    listener: str | None = None
    fence: int | None = None
    now: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFilter:
    """Which sessions of a tenant to list; None does not filter."""

    external_id: str | None = None
    state: PublicState | None = None
    deployment: DeploymentName | None = None
    conversation_id: str | None = None


class SessionStore(Protocol):
    """Sessions, their logs and pending sends.

    Every method is one request to the table unless it pages.
    """

    async def create(
        self,
        session: Session,
        *,
        events: Sequence[LogEvent],
        sends: Sequence[PendingSend],
        idempotency: IdempotencyRecord | None,
        may_replace: SessionId | None,
    ) -> None:
        """One transaction: session, events, externalId reference, idempotency record, sends.

        The reference is taken if absent or if it still names `may_replace` (ended or failed, as the
        caller read it). Raises VersionConflictError(item="externalId"), IdempotencyInProgressError
        (the record exists: read it), PlaceTakenError.
        """

    async def load(self, session_id: SessionId) -> Session:
        """The session, strongly consistent. Raises NotFoundError (also for an erased one)."""

    async def load_to_erase(self, session_id: SessionId) -> Session:
        """The same without its secrets, so that it can be erased where they do not open."""

    async def load_erased(self, session_id: SessionId) -> Session | None:
        """What is left of an erased session; None for any other."""

    async def commit(
        self,
        before: Session,
        after: Session,
        *,
        events: Sequence[LogEvent] = (),
        sends: Sequence[SendChange] = (),
        authority: Authority | None = None,
    ) -> Session:
        """State and events together, in one transaction.

        `after.version` becomes `before.version + 1`. Leaves lock and work mark alone. Also keeps
        the listing indexes, the externalId reference (taken again when a failed session resumes)
        and the conversation lookup true. Raises VersionConflictError or PlaceTakenError.
        """

    async def append(
        self,
        event: LogEvent,
        *,
        sends: Sequence[SendChange] = (),
        attachments: Sequence[AttachmentChange] = (),
    ) -> None:
        """One event at its place, with the sends it settles or makes and what becomes of files.

        A put whose winner has the same event id is a win. Raises PlaceTakenError,
        VersionConflictError (a send or an attachment changed).
        """

    async def accept(
        self,
        event: LogEvent,
        send: PendingSend,
        idempotency: IdempotencyRecord | None,
        *,
        attachments: Sequence[AttachmentChange] = (),
    ) -> None:
        """Accepted means durable.

        One transaction: message.accepted, the pending send, the idempotency record and the files
        that it takes, told on the session. Raises PlaceTakenError, VersionConflictError (of a
        file), IdempotencyInProgressError (the record exists: read it).
        """

    async def change_send(self, before: PendingSend, after: PendingSend) -> PendingSend:
        """A conditional update of one pending send (version); returns it with its new version.

        Raises VersionConflictError.
        """

    async def drop_send(self, before: PendingSend) -> None:
        """Remove a pending send that leaves no event behind (a proven Join).

        Only if its version still stands: raises VersionConflictError.
        """

    async def open_sends(self, session_id: SessionId) -> Sequence[PendingSend]:
        """Every pending send of the session, strongly consistent, by (sequence, kind)."""

    async def read_log(self, session_id: SessionId, *, after: int, limit: int) -> LogPage:
        """Events with sequence > after, ascending, strongly consistent, tombstone left out."""

    async def tail(self, session_id: SessionId, *, limit: int) -> Sequence[Seen]:
        """The last events with the tombstone, ascending, strongly consistent, no content."""

    async def seen_after(self, session_id: SessionId, *, after: int) -> Sequence[Seen]:
        """All events with sequence > after, ascending, strongly consistent, no content."""

    async def last_event(self, session_id: SessionId) -> LogEvent | None:
        """The log's last item, strongly consistent."""

    async def find_keys(self, session_id: SessionId, keys: frozenset[str]) -> int | None:
        """The sequence of the event with one of those keys, looked up in the whole log (pages)."""

    async def mark_work(self, session_id: SessionId, look_at: float) -> None:
        """Set the work mark no earlier than it is already. Raises NotFoundError."""

    async def clear_work_mark(self, session_id: SessionId, seen_look_at: float) -> bool:
        """Remove the work mark if it has not moved, and what was scheduled up to it.

        Without a mark, the schedule that was seen. Whether it was removed.
        """

    async def schedule(
        self,
        session_id: SessionId,
        look_at: float,
        *,
        now: float | None = None,
        mark: float | None = None,
    ) -> None:
        """Make the session due no later than `look_at`, for a retry or an expiry warning.

        What was scheduled up to `now` is served: it gives way. `mark` is where the caller believes
        the work mark, which spares a request when that is right. Raises NotFoundError.
        """

    async def take_lock(self, session: Session, lock: Lock, *, now: float) -> Session:
        """Lock the session for a visit on demand.

        One transaction: it may have no live lock, and its shard no valid lease. Returns the session
        as it is now. Raises LockHeldError (also for a valid lease).
        """

    async def release_lock(
        self, session_id: SessionId, token: str, *, unanswered_after: int | None = None
    ) -> None:
        """Let go, if it is still ours; otherwise nothing.

        In the same write: what `note_unanswered` says.
        """

    async def note_unanswered(self, session_id: SessionId, after: int) -> None:
        """What came of an attach is unknown, or not stored; `after` is the log's end by then.

        Nothing where the session is gone.
        """

    async def claim_renewal(self, session: Session, claim: Lock, *, now: float) -> None:
        """Nobody else has the guest's login renewed until then, or until it is another one.

        Outside `version`. Raises VersionConflictError where the session is not as it was read,
        LockHeldError while another one's claim stands.
        """

    async def release_renewal(self, session_id: SessionId, token: str) -> None:
        """The login was not renewed; nothing where the claim is not ours any more."""

    async def say_farewell(self, session_id: SessionId, farewell: Farewell) -> None:
        """The last word of a listener that gave the shard away, unless a later one has spoken.

        Nothing where the session is gone.
        """

    async def by_external_id(self, tenant: TenantName, external_id: str) -> SessionId | None:
        """The session that the reference names, strongly consistent; it may have ended."""

    async def list_sessions(
        self, tenant: TenantName, wanted: SessionFilter, *, cursor: str | None, limit: int
    ) -> Page[Session]:
        """Sessions of a tenant, newest first, eventually consistent.

        Raises InvalidRequestError for a bad cursor.
        """

    async def live_in_shard(self, shard: int) -> Sequence[SessionId]:
        """Sessions of a shard that want a link, eventually consistent: a hint only."""

    async def live_by_deployment(
        self, shard: int
    ) -> Mapping[tuple[TenantName, DeploymentName], int]:
        """How many sessions of each deployment want a link there, eventually consistent."""

    async def due_sessions(
        self, *, before: float, limit: int, after: object | None = None
    ) -> DuePage[tuple[SessionId, int]]:
        """(session, shard) that are due before then, oldest first, eventually consistent."""

    async def has_open_sessions(self, tenant: TenantName, deployment: DeploymentName) -> bool:
        """Whether any session of the deployment has not ended, eventually consistent."""

    async def erase(self, before: Session, after: Session, tombstone: LogEvent) -> None:
        """META to `erased` and the tombstone at the next place, one transaction.

        Raises VersionConflictError, PlaceTakenError.
        """

    async def purge(self, session: Session) -> bool:
        """Delete what an erased session left, one page at a time; True when nothing is left."""
