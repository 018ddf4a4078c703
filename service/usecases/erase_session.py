"""Erase a session: it ends at once, and every stored byte of it goes.

A stub and a tombstone without content stay for a while: whoever still writes runs into them.
"""

from dataclasses import dataclass, replace
from typing import Final

from service.domain.access import ApiKey
from service.domain.drafts import tombstone
from service.domain.errors import LostRaceError, UnavailableError
from service.domain.ids import EVENT, EventId, SessionId
from service.domain.session import Session, State
from service.ports.sessions import SessionStore
from service.ports.system import Bell, Clock, Hints, Ids
from service.usecases.idempotency import Answer
from service.usecases.read_session import owned_to_erase
from service.usecases.send_message import TRIES, mark_work

GONE: Final = 204
PURGE_PAGES: Final = 50
"""Pages removed before answering; the job in the due index removes the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EraseSession:
    """Erases sessions."""

    sessions: SessionStore
    hints: Hints
    bell: Bell
    clock: Clock
    ids: Ids

    async def __call__(self, key: ApiKey, session_id: SessionId) -> Answer:
        """204. Raises NotFoundError, also on a repeat."""
        erased = await self._bury(key, session_id)
        self.bell.ring(session_id)
        await self.hints.session(session_id, erased.shard)
        for _ in range(PURGE_PAGES):
            if await self.sessions.purge(erased):
                break
        return Answer(status=GONE)

    async def _bury(self, key: ApiKey, session_id: SessionId) -> Session:
        event_id = EventId(self.ids.ulid(EVENT))
        for _ in range(TRIES):
            last = await self.sessions.tail(session_id, limit=1)
            before = await owned_to_erase(self.sessions, key.tenant, session_id)
            await mark_work(self.sessions, before, now=self.clock.now())
            now = self.clock.now()
            after = _without_content(before, now=now)
            place = last[-1].sequence + 1 if last else 1
            stone = tombstone().at_place(after, sequence=place, event_id=event_id, at=now)
            try:
                await self.sessions.erase(before, after, replace(stone, data={}))
            except LostRaceError:
                continue
            return replace(after, version=before.version + 1)
        raise UnavailableError(what="the session's log")


def _without_content(session: Session, *, now: float) -> Session:
    """What the purge still needs to find the lookups stays until it has found them."""
    return replace(
        session,
        state=State.ERASED,
        custom_attributes={},
        metadata=None,
        next_client_id=None,
        sign_in=None,
        held_by=None,
        outage=None,
        ended=None,
        failure=None,
        updated_at=now,
    )
