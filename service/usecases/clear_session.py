"""Clear the guest's history at Genesys and go on: the session stays, a new incarnation begins."""

from dataclasses import dataclass

from service.domain.access import ApiKey, IdempotencyRecord
from service.domain.errors import ClearRefusedError
from service.domain.events import ClearRequested
from service.domain.ids import SessionId
from service.domain.session import PublicState, Session, State
from service.ports.sessions import SessionStore
from service.ports.storage import TenantStore
from service.ports.system import Bell, Clock
from service.usecases.end_session import DONE, UNDER_WAY, VerbRequest
from service.usecases.idempotency import Answer, result_of
from service.usecases.read_session import owned, refuse_if_over, shown
from service.usecases.send_message import mark_work
from service.usecases.waiting import Attending, Changing


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearSession:
    """Clears sessions."""

    sessions: SessionStore
    tenants: TenantStore
    bell: Bell
    clock: Clock
    change: Changing
    attend: Attending

    async def __call__(self, request: VerbRequest) -> Answer:
        """The Session; 202 while the clearing is under way.

        Raises NotFoundError, SessionEndedError, SessionFailedError, ClearRefusedError.
        """
        session = await owned(self.sessions, request.key.tenant, request.session_id)
        refuse_if_over(session)
        await self._keep(request, session)
        return await self._clear(request, session)

    async def replay(self, request: VerbRequest, record: IdempotencyRecord) -> Answer:
        """The session of an earlier request as it is now; what that one did not live to ask, is."""
        session = await owned(self.sessions, request.key.tenant, request.session_id)
        if session.incarnation == result_of(record)["incarnation"] and not _is_over(session):
            return await self._clear(request, session)
        return await self._answer(request.key, session.id)

    async def _keep(self, request: VerbRequest, session: Session) -> None:
        """Keep first which incarnation is to be cleared: a repeat after a death clears no other."""
        if request.ticket is None:
            return
        # What was never opened has nothing to clear, also when the repeat comes later.
        made = {"incarnation": session.incarnation if session.opened_at is not None else None}
        record = request.ticket.record(status=DONE, result=made)
        await self.tenants.put_idempotency(record, now=self.clock.now())

    async def _clear(self, request: VerbRequest, session: Session) -> Answer:
        await mark_work(self.sessions, session, now=self.clock.now())
        await self.change(session.id, ClearRequested(), trace=request.trace)
        self.bell.ring(session.id)
        until = request.patience.until(self.clock)
        await self.attend(session.id, until=until, satisfied=lambda: self._is_clear(session.id))
        if _was_refused(session, await owned(self.sessions, session.tenant, session.id)):
            raise ClearRefusedError
        return await self._answer(request.key, session.id)

    async def _is_clear(self, session_id: SessionId) -> bool:
        return (await self.sessions.load(session_id)).state is not State.CLEARING

    async def _answer(self, key: ApiKey, session_id: SessionId) -> Answer:
        session = await owned(self.sessions, key.tenant, session_id)
        status = UNDER_WAY if session.state is State.CLEARING else DONE
        return Answer(status=status, body=await shown(self.sessions, session, key))


def _was_refused(before: Session, after: Session) -> bool:
    """The wish is not pending any more, and the guest session is still the same one."""
    as_before = after.public in {PublicState.ACTIVE, PublicState.READ_ONLY}
    goes_on = as_before and after.state is not State.CLEARING
    had_history = before.opened_at is not None
    return goes_on and had_history and after.incarnation == before.incarnation


def _is_over(session: Session) -> bool:
    return session.public in {PublicState.ENDED, PublicState.FAILED}
