"""Reading sessions: one, many, and their logs as they grow. Writes nothing."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from service.domain.access import ApiKey, Scope
from service.domain.errors import NotFoundError, SessionEndedError, SessionFailedError
from service.domain.ids import SessionId, TenantName
from service.domain.instants import rfc3339
from service.domain.log import LogEvent
from service.domain.session import PublicState, Session
from service.domain.views import session_view
from service.ports.sessions import SessionFilter, SessionStore
from service.ports.system import Bell, Clock
from service.usecases.waiting import Closing, Patience

ID_LENGTH_MAX: Final = 64
NAME_BYTES_MAX: Final = 256
LOOK_SECONDS: Final = 0.5
"""How often a waiting reader looks by itself: other processes append without ringing our bell."""


async def owned(sessions: SessionStore, tenant: TenantName, session_id: SessionId) -> Session:
    """The session, if it is this tenant's. Raises NotFoundError, also for another's."""
    check_id(session_id)
    return _of(tenant, await sessions.load(session_id))


async def owned_to_erase(
    sessions: SessionStore, tenant: TenantName, session_id: SessionId
) -> Session:
    """The same without its secrets, which may not open any more. Raises NotFoundError."""
    check_id(session_id)
    return _of(tenant, await sessions.load_to_erase(session_id))


def _of(tenant: TenantName, session: Session) -> Session:
    if session.tenant != tenant:
        raise NotFoundError(kind="session", name=session.id)
    return session


def check_id(session_id: SessionId) -> None:
    """Whether it could be an id at all. Raises NotFoundError."""
    if len(session_id) > ID_LENGTH_MAX or not session_id.isprintable() or "#" in session_id:
        raise NotFoundError(kind="session", name=session_id[:ID_LENGTH_MAX])


async def shown(sessions: SessionStore, session: Session, key: ApiKey) -> dict[str, Any]:
    """The Session of the REST API, the log's end read now; the client id by the key's scopes."""
    last = await sessions.last_event(session.id)
    return session_view(
        session,
        last_sequence=last.sequence if last else 0,
        updated_at=max(session.updated_at, last.at if last else 0.0),
        reveal=key.allows(Scope.SESSIONS_SECRETS),
    )


def refuse_if_over(session: Session) -> None:
    """Raises SessionEndedError or SessionFailedError when the session is over."""
    if session.public is PublicState.ENDED:
        raise SessionEndedError(session_id=session.id)
    if session.public is PublicState.FAILED:
        detail = session.failure.detail if session.failure else "for an unknown reason"
        raise SessionFailedError(session_id=session.id, detail=detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadSession:
    """One session."""

    sessions: SessionStore

    async def __call__(self, key: ApiKey, session_id: SessionId) -> dict[str, Any]:
        """The Session. Raises NotFoundError."""
        return await shown(self.sessions, await owned(self.sessions, key.tenant, session_id), key)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListSessions:
    """A tenant's sessions, newest first; the listing may lag."""

    sessions: SessionStore

    async def __call__(
        self, key: ApiKey, wanted: SessionFilter, *, cursor: str | None, limit: int
    ) -> dict[str, Any]:
        """`items` and `nextCursor`. Raises InvalidRequestError for a bad cursor."""
        if not _can_be(wanted):
            return {"items": [], "nextCursor": None}
        page = await self.sessions.list_sessions(key.tenant, wanted, cursor=cursor, limit=limit)
        items = await asyncio.gather(*(shown(self.sessions, one, key) for one in page.items))
        return {"items": items, "nextCursor": page.next_cursor}


def _can_be(wanted: SessionFilter) -> bool:
    """Whether a session can have these names: a table has no keys for longer ones."""
    names = (wanted.external_id, wanted.conversation_id)
    return all(len((name or "").encode()) <= NAME_BYTES_MAX for name in names)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsPage:
    """Part of a log. `next_after` is what to ask with next."""

    events: list[LogEvent]
    next_after: int
    last_sequence: int

    @property
    def has_more(self) -> bool:
        """Whether the log goes on after these."""
        return bool(self.events) and self.next_after < self.last_sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadEvents:
    """The log after a place, waiting for it to grow if there is nothing yet."""

    sessions: SessionStore
    bell: Bell
    clock: Clock
    closing: Closing = field(default_factory=Closing)

    async def __call__(
        self, key: ApiKey, session_id: SessionId, *, after: int, limit: int, patience: Patience
    ) -> EventsPage:
        """Events with sequence > `after`, ascending; none when the wait went unfilled.

        Raises NotFoundError, also when the session is erased meanwhile.
        """
        until = patience.until(self.clock)
        while True:
            await owned(self.sessions, key.tenant, session_id)
            page = await self.sessions.read_log(session_id, after=after, limit=limit)
            left = until - self.clock.monotonic()
            if page.events or left <= 0 or self.closing.begun:
                break
            await self.bell.wait(session_id, min(left, LOOK_SECONDS))
        events = list(page.events)
        return EventsPage(
            events=events,
            next_after=events[-1].sequence if events else after,
            last_sequence=page.last_sequence,
        )


def segments_of(session: Session) -> list[Mapping[str, Any]]:
    """Where one guest session ended and the next began, the present one last."""
    past: list[Mapping[str, Any]] = [
        {
            "incarnation": segment.incarnation,
            "conversationId": segment.conversation_id,
            "participantId": segment.participant_id,
            "replacedAt": rfc3339(segment.replaced_at),
            "cause": segment.cause.value,
        }
        for segment in session.segments
    ]
    present = {
        "incarnation": session.incarnation,
        "conversationId": session.conversation_id,
        "participantId": session.participant_id,
        "replacedAt": None,
        "cause": None,
    }
    return [*past, present]
