"""Sign a guest out: Genesys takes the login back, and the session ends."""

from dataclasses import dataclass

from service.domain.access import ApiKey, IdempotencyRecord
from service.domain.errors import NotSignedInError
from service.domain.events import LogoutRequested
from service.domain.ids import SessionId
from service.domain.session import PublicState
from service.ports.sessions import SessionStore
from service.ports.storage import TenantStore
from service.ports.system import Bell, Clock
from service.usecases.end_session import VerbRequest, answer_of_end, keep_session
from service.usecases.idempotency import Answer, result_of
from service.usecases.read_session import owned
from service.usecases.send_message import mark_work
from service.usecases.waiting import Attending, Changing


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOutSession:
    """Signs guests out. Doing it to a session that has ended changes nothing."""

    sessions: SessionStore
    tenants: TenantStore
    bell: Bell
    clock: Clock
    change: Changing
    attend: Attending

    async def __call__(self, request: VerbRequest) -> Answer:
        """The Session and `ended {mode, verified}`; 202 while Genesys has not answered yet.

        `verified` says that Genesys took the login back. Raises NotFoundError, NotSignedInError.
        """
        session = await owned(self.sessions, request.key.tenant, request.session_id)
        if session.sign_in is None:
            raise NotSignedInError(session_id=session.id)
        if session.public is not PublicState.ENDED:
            await mark_work(self.sessions, session, now=self.clock.now())
            await self.change(session.id, LogoutRequested(), trace=request.trace)
            self.bell.ring(session.id)
        await keep_session(self.tenants, request, now=self.clock.now())
        until = request.patience.until(self.clock)
        await self.attend(session.id, until=until, satisfied=lambda: self._has_ended(session.id))
        return await answer_of_end(self.sessions, request.key, session.id)

    async def replay(self, key: ApiKey, record: IdempotencyRecord) -> Answer:
        """The session of an earlier request as it is now."""
        return await answer_of_end(self.sessions, key, SessionId(result_of(record)["sessionId"]))

    async def _has_ended(self, session_id: SessionId) -> bool:
        return (await self.sessions.load(session_id)).public is PublicState.ENDED
