"""Sign a guest in on a session that is there: step up, or bring back one that needs a login."""

from dataclasses import dataclass
from typing import Final

from service.domain.access import ApiKey, IdempotencyRecord
from service.domain.errors import SessionEndedError, StepUpRefusedError
from service.domain.events import SignInWanted
from service.domain.ids import SessionId
from service.domain.session import PublicState, Session, State
from service.domain.sign_in import LoginProof
from service.ports.sessions import SessionStore
from service.ports.storage import TenantStore
from service.ports.system import Bell, Clock
from service.usecases.end_session import DONE, UNDER_WAY, VerbRequest, keep_session
from service.usecases.idempotency import Answer, result_of
from service.usecases.prove_login import ProveLogin, check_login
from service.usecases.read_session import owned, shown
from service.usecases.resume_session import UNSETTLED, refuse_if_name_is_taken
from service.usecases.send_message import mark_work
from service.usecases.waiting import Attending, Changing

_HERE: Final = ""
"""The login is the whole body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticateSession:
    """Signs guests in."""

    sessions: SessionStore
    tenants: TenantStore
    bell: Bell
    clock: Clock
    change: Changing
    attend: Attending
    prove: ProveLogin

    async def __call__(self, request: VerbRequest, proof: LoginProof) -> Answer:
        """The Session, signed in; 202 while Genesys has not taken the login yet.

        Raises NotFoundError, SessionEndedError, ExternalIdInUseError, InvalidRequestError,
        AuthenticationFailedError, LoginUnavailableError, StepUpRefusedError.
        """
        check_login(proof, at=_HERE)
        session = await owned(self.sessions, request.key.tenant, request.session_id)
        if session.public is PublicState.ENDED or session.state is State.ENDING:
            # An end under way is not taken back, and the code would be spent for nothing.
            raise SessionEndedError(session_id=session.id)
        await refuse_if_name_is_taken(self.sessions, session)
        deployment = await self.tenants.deployment(session.tenant, session.deployment)
        sign_in = await self.prove(deployment, proof)
        await mark_work(self.sessions, session, now=self.clock.now())
        await self.change(session.id, SignInWanted(sign_in=sign_in), trace=request.trace)
        self.bell.ring(session.id)
        await keep_session(self.tenants, request, now=self.clock.now())
        until = request.patience.until(self.clock)
        await self.attend(session.id, until=until, satisfied=lambda: self._is_settled(session.id))
        after = await owned(self.sessions, request.key.tenant, session.id)
        return await self._answer(request.key, after)

    async def replay(self, key: ApiKey, record: IdempotencyRecord) -> Answer:
        """The session of an earlier request as it is now.

        Raises StepUpRefusedError, as the first did or would have done by now.
        """
        session_id = SessionId(result_of(record)["sessionId"])
        return await self._answer(key, await owned(self.sessions, key.tenant, session_id))

    async def _is_settled(self, session_id: SessionId) -> bool:
        session = await self.sessions.load(session_id)
        return session.public not in UNSETTLED and not _is_on_its_way(session)

    async def _answer(self, key: ApiKey, session: Session) -> Answer:
        if session.sign_in is None:
            raise StepUpRefusedError
        status = UNDER_WAY if _is_on_its_way(session) else DONE
        return Answer(status=status, body=await shown(self.sessions, session, key))


def _is_on_its_way(session: Session) -> bool:
    waits = session.sign_in is not None and session.sign_in.unproven
    return waits and session.public not in {PublicState.ENDED, PublicState.FAILED}
