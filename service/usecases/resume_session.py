"""Have a session visited now; a failed one gets one more try and takes its externalId again."""

from dataclasses import dataclass
from typing import Final

from service.domain.access import ApiKey, IdempotencyRecord
from service.domain.errors import ExternalIdInUseError, SessionEndedError
from service.domain.events import Event, ReopenRequested, ResumeRequested
from service.domain.ids import SessionId
from service.domain.session import PublicState, Session
from service.ports.sessions import SessionStore
from service.ports.storage import TenantStore
from service.ports.system import Bell, Clock
from service.usecases.end_session import DONE, VerbRequest, keep_session
from service.usecases.idempotency import Answer, result_of
from service.usecases.read_session import owned, shown
from service.usecases.send_message import mark_work
from service.usecases.waiting import Attending, Changing

UNSETTLED: Final = frozenset({PublicState.OPENING, PublicState.RECOVERING})


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeSession:
    """Resumes sessions."""

    sessions: SessionStore
    tenants: TenantStore
    bell: Bell
    clock: Clock
    change: Changing
    attend: Attending

    async def __call__(self, request: VerbRequest) -> Answer:
        """The Session as the visit left it, or as it stands when the wait is over.

        Raises NotFoundError, SessionEndedError, ExternalIdInUseError.
        """
        session = await owned(self.sessions, request.key.tenant, request.session_id)
        if session.public is PublicState.ENDED:
            raise SessionEndedError(session_id=session.id)
        await refuse_if_name_is_taken(self.sessions, session)
        await mark_work(self.sessions, session, now=self.clock.now())
        await self.change(session.id, _wish(session), trace=request.trace)
        self.bell.ring(session.id)
        await keep_session(self.tenants, request, now=self.clock.now())
        until = request.patience.until(self.clock)
        await self.attend(session.id, until=until, satisfied=lambda: self._is_settled(session.id))
        return await self.now_of(request.key, session.id)

    async def replay(self, key: ApiKey, record: IdempotencyRecord) -> Answer:
        """The session of an earlier request as it is now."""
        return await self.now_of(key, SessionId(result_of(record)["sessionId"]))

    async def now_of(self, key: ApiKey, session_id: SessionId) -> Answer:
        """The session as it is now."""
        session = await owned(self.sessions, key.tenant, session_id)
        return Answer(status=DONE, body=await shown(self.sessions, session, key))

    async def _is_settled(self, session_id: SessionId) -> bool:
        return (await self.sessions.load(session_id)).public not in UNSETTLED


async def refuse_if_name_is_taken(sessions: SessionStore, session: Session) -> None:
    """Whoever took the name after this session failed keeps it, whatever became of it since.

    Raises ExternalIdInUseError.
    """
    if session.public is not PublicState.FAILED or session.external_id is None:
        return
    holder = await sessions.by_external_id(session.tenant, session.external_id)
    if holder not in {None, session.id}:
        raise ExternalIdInUseError(external_id=session.external_id, session_id=str(holder))


def _wish(session: Session) -> Event:
    never_opened = session.public is PublicState.FAILED and session.opened_at is None
    return ReopenRequested() if never_opened else ResumeRequested()
