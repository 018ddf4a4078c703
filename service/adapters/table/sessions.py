"""The SessionStore of the single table.

Each method runs steps or reads pages; what is written is decided elsewhere.
"""

import dataclasses
from collections.abc import Mapping, Sequence

from service.adapters.table import listing, locks, marks, schema
from service.adapters.table import purge as purging
from service.adapters.table.attachment_items import move_attachment, tell_session
from service.adapters.table.conditions import Item
from service.adapters.table.driver import Driver, Query
from service.adapters.table.log_items import (
    SEEN_ATTRIBUTES,
    read_event,
    read_seen,
    read_send,
)
from service.adapters.table.paging import below, every_item
from service.adapters.table.session_items import Shut, read_session
from service.adapters.table.session_steps import (
    append_event,
    change_send,
    change_session,
    create_session,
    drop_send,
    keep_answer,
    list_conversation,
    list_external,
    make_send,
    move_send,
    retakes_reference,
    take_reference,
)
from service.adapters.table.steps import Step, run
from service.adapters.table.unsealing import unsealed
from service.domain.access import IdempotencyRecord
from service.domain.attachment import AttachmentChange
from service.domain.errors import ConfigurationError, NotFoundError, UnavailableError
from service.domain.ids import DeploymentName, SessionId, TenantName
from service.domain.log import EventType, LogEvent, Seen
from service.domain.send import PendingSend
from service.domain.session import Farewell, Lock, Session, State
from service.ports import Authority, Cipher, DuePage, LogPage, Page, SendChange, SessionFilter


class SessionTable:
    """Sessions, their logs and pending sends in one table."""

    def __init__(self, driver: Driver, cipher: Cipher) -> None:
        self._driver = driver
        self._cipher = cipher

    async def create(
        self,
        session: Session,
        *,
        events: Sequence[LogEvent],
        sends: Sequence[PendingSend],
        idempotency: IdempotencyRecord | None,
        may_replace: SessionId | None,
    ) -> None:
        """One transaction: session, first events, reference, listings, answer, first sends."""
        await run(
            self._driver,
            create_session(session, self._cipher, idempotency),
            *(append_event(event) for event in events),
            *keep_answer(idempotency, self._cipher),
            *take_reference(session, instead_of=may_replace),
            *list_external(session),
            *list_conversation(None, session),
            *(make_send(send) for send in sends),
        )

    async def load(self, session_id: SessionId) -> Session:
        """The session. Raises NotFoundError (also for an erased one)."""
        return _present(session_id, await self._session(session_id, self._cipher))

    async def load_to_erase(self, session_id: SessionId) -> Session:
        """The session without its secrets. Raises NotFoundError (also for an erased one)."""
        return _present(session_id, await self._session(session_id, Shut()))

    async def load_erased(self, session_id: SessionId) -> Session | None:
        """What is left of an erased session.

        None where there is none, or where it is not erased.
        """
        try:
            session = await self._session(session_id, self._cipher)
        except (ConfigurationError, UnavailableError):
            # The purge needs no secret, and may be all that is left to do.
            session = await self._session(session_id, Shut())
        return session if session is not None and session.state is State.ERASED else None

    async def _session(self, session_id: SessionId, cipher: Cipher) -> Session | None:
        item = await self._driver.get(schema.session_key(session_id))
        if item is None:
            return None
        return await unsealed(lambda: read_session(item, cipher))

    async def commit(
        self,
        before: Session,
        after: Session,
        *,
        events: Sequence[LogEvent] = (),
        sends: Sequence[SendChange] = (),
        authority: Authority | None = None,
    ) -> Session:
        """State and events together. Raises VersionConflictError or PlaceTakenError."""
        kept = dataclasses.replace(after, version=before.version + 1)
        reference: Sequence[Step] = ()
        if retakes_reference(before, kept):
            reference = take_reference(kept, instead_of=kept.id)
        await run(
            self._driver,
            change_session(before, kept, self._cipher, authority),
            *(append_event(event) for event in events),
            *(step for change in sends for step in change_send(change)),
            *reference,
            *list_conversation(before, kept),
        )
        return kept

    async def append(
        self,
        event: LogEvent,
        *,
        sends: Sequence[SendChange] = (),
        attachments: Sequence[AttachmentChange] = (),
    ) -> None:
        """One event at its place, with the sends it settles or makes and what becomes of files."""
        steps = (step for change in sends for step in change_send(change))
        files = (move_attachment(change, self._cipher) for change in attachments)
        await run(self._driver, append_event(event), *steps, *files)

    async def accept(
        self,
        event: LogEvent,
        send: PendingSend,
        idempotency: IdempotencyRecord | None,
        *,
        attachments: Sequence[AttachmentChange] = (),
    ) -> None:
        """message.accepted, the pending send, the answer and its files in one transaction."""
        told = (tell_session(send.session_id, event.at),) if attachments else ()
        await run(
            self._driver,
            append_event(event, idempotency),
            *keep_answer(idempotency, self._cipher),
            make_send(send),
            *(move_attachment(change, self._cipher) for change in attachments),
            *told,
        )

    async def change_send(self, before: PendingSend, after: PendingSend) -> PendingSend:
        """One pending send moved on. Raises VersionConflictError."""
        kept = dataclasses.replace(after, version=before.version + 1)
        await run(self._driver, move_send(before, kept))
        return kept

    async def drop_send(self, before: PendingSend) -> None:
        """Remove a pending send that leaves no event behind. Raises VersionConflictError."""
        await run(self._driver, drop_send(before))

    async def open_sends(self, session_id: SessionId) -> Sequence[PendingSend]:
        """Every pending send of the session, by (sequence, kind)."""
        query = below(schema.session_partition(session_id), schema.SENDS)
        return [read_send(item) async for item in every_item(self._driver, query)]

    async def read_log(self, session_id: SessionId, *, after: int, limit: int) -> LogPage:
        """Events after that place, and the log's end.

        No page is empty before the log's end: a reader may take an empty one for the end.
        """
        query = dataclasses.replace(_events(session_id, after=after), limit=limit)
        while True:
            found = await self._driver.query(query)
            if found.items and found.last is None:
                end = schema.sequence_of(str(found.items[-1]["sk"]))
            else:
                end = await self._end(session_id)
            if found.items or end <= after:
                break
            # The end was appended between the two reads: whoever skips to it would lose an event.
        events = [read_event(item) for item in found.items if not _is_tombstone(item)]
        return LogPage(events=events, last_sequence=end)

    async def _end(self, session_id: SessionId) -> int:
        last = await self.tail(session_id, limit=1)
        return last[-1].sequence if last else 0

    async def tail(self, session_id: SessionId, *, limit: int) -> Sequence[Seen]:
        """The last events, ascending, without their content."""
        query = dataclasses.replace(
            _events(session_id, after=0), forward=False, attributes=SEEN_ATTRIBUTES
        )
        items: list[Item] = []
        start = None
        while len(items) < limit:
            page = dataclasses.replace(query, limit=limit - len(items), start=start)
            found = await self._driver.query(page)
            items += found.items
            start = found.last
            if start is None:
                break
        return [read_seen(item) for item in reversed(items)]

    async def seen_after(self, session_id: SessionId, *, after: int) -> Sequence[Seen]:
        """All events after that place, ascending, without their content."""
        query = dataclasses.replace(_events(session_id, after=after), attributes=SEEN_ATTRIBUTES)
        return [read_seen(item) async for item in every_item(self._driver, query)]

    async def last_event(self, session_id: SessionId) -> LogEvent | None:
        """The log's last item."""
        query = dataclasses.replace(_events(session_id, after=0), forward=False, limit=1)
        found = await self._driver.query(query)
        return read_event(found.items[0]) if found.items else None

    async def find_keys(self, session_id: SessionId, keys: frozenset[str]) -> int | None:
        """The sequence of the event with one of those keys."""
        query = dataclasses.replace(
            _events(session_id, after=0), forward=False, attributes=SEEN_ATTRIBUTES
        )
        async for item in every_item(self._driver, query):
            event = read_seen(item)
            if event.keys & keys:
                return event.sequence
        return None

    async def mark_work(self, session_id: SessionId, look_at: float) -> None:
        """Set the work mark no earlier than it is already. Raises NotFoundError."""
        await marks.mark_work(self._driver, session_id, look_at)

    async def clear_work_mark(self, session_id: SessionId, seen_look_at: float) -> bool:
        """Remove the work mark if it has not moved; whether it was removed."""
        return await marks.clear(self._driver, session_id, seen_look_at)

    async def schedule(
        self,
        session_id: SessionId,
        look_at: float,
        *,
        now: float | None = None,
        mark: float | None = None,
    ) -> None:
        """Make the session due no later than then; what was scheduled up to `now` is served."""
        await marks.schedule(self._driver, session_id, look_at, served=now, mark=mark)

    async def take_lock(self, session: Session, lock: Lock, *, now: float) -> Session:
        """Lock the session for a visit on demand. Raises LockHeldError (also for a valid lease)."""
        await locks.take(self._driver, session, lock, now=now)
        return await self.load(session.id)

    async def release_lock(
        self, session_id: SessionId, token: str, *, unanswered_after: int | None = None
    ) -> None:
        """Let go, if it is still ours."""
        await locks.release(self._driver, session_id, token, unanswered_after=unanswered_after)

    async def note_unanswered(self, session_id: SessionId, after: int) -> None:
        """What came of an attach is unknown."""
        await locks.note_unanswered(self._driver, session_id, after)

    async def claim_renewal(self, session: Session, claim: Lock, *, now: float) -> None:
        """Who has the login renewed. Raises VersionConflictError, LockHeldError."""
        await run(self._driver, locks.claim_renewal(session, claim, now=now))

    async def release_renewal(self, session_id: SessionId, token: str) -> None:
        """The login was not renewed."""
        await locks.release_renewal(self._driver, session_id, token)

    async def say_farewell(self, session_id: SessionId, farewell: Farewell) -> None:
        """A predecessor's last word, unless a later one has spoken or the session is gone."""
        await locks.farewell(self._driver, session_id, farewell)

    async def by_external_id(self, tenant: TenantName, external_id: str) -> SessionId | None:
        """The session that the reference names."""
        item = await self._driver.get(schema.reference_key(tenant, external_id))
        return None if item is None else SessionId(str(item["session"]))

    async def list_sessions(
        self, tenant: TenantName, wanted: SessionFilter, *, cursor: str | None, limit: int
    ) -> Page[Session]:
        """Sessions of a tenant, newest first. Raises InvalidRequestError for a bad cursor."""
        asked = listing.Listing(
            driver=self._driver, cipher=self._cipher, tenant=tenant, wanted=wanted
        )
        return await asked.page(cursor=cursor, limit=limit)

    async def live_in_shard(self, shard: int) -> Sequence[SessionId]:
        """Sessions of a shard that want a link."""
        return await listing.live_in_shard(self._driver, shard)

    async def live_by_deployment(
        self, shard: int
    ) -> Mapping[tuple[TenantName, DeploymentName], int]:
        """How many sessions of each deployment want a link there."""
        return await listing.live_by_deployment(self._driver, shard)

    async def due_sessions(
        self, *, before: float, limit: int, after: object | None = None
    ) -> DuePage[tuple[SessionId, int]]:
        """(session, shard) that are due before then, oldest first."""
        return await listing.due_sessions(self._driver, before=before, limit=limit, after=after)

    async def has_open_sessions(self, tenant: TenantName, deployment: DeploymentName) -> bool:
        """Whether any session of the deployment has not ended."""
        return await listing.has_open_sessions(self._driver, tenant, deployment)

    async def erase(self, before: Session, after: Session, tombstone: LogEvent) -> None:
        """META to `erased` and the tombstone at the next place, one transaction."""
        kept = dataclasses.replace(after, version=before.version + 1)
        expires = int(tombstone.at) + purging.STUB_SECONDS
        await run(
            self._driver,
            purging.expiring(change_session(before, kept, self._cipher, None), expires),
            purging.expiring(append_event(tombstone), expires),
        )

    async def purge(self, session: Session) -> bool:
        """Delete what belongs to an erased session, one page at a time.

        True when nothing is left.
        """
        return await purging.purge(self._driver, self._cipher, session)


def _present(session_id: SessionId, session: Session | None) -> Session:
    if session is None or session.state is State.ERASED:
        raise NotFoundError(kind="session", name=session_id)
    return session


def _events(session_id: SessionId, *, after: int) -> Query:
    return Query(
        partition=schema.session_partition(session_id),
        low=schema.event_sort(after + 1),
        high=schema.EVENTS + schema.LAST,
    )


def _is_tombstone(item: Item) -> bool:
    return item.get("type") == EventType.ERASED
