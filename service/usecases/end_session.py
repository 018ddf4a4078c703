"""End a session: by clearing the guest's history where that is allowed, else by leaving."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from service.domain.access import ApiKey, IdempotencyRecord
from service.domain.deployment import Deployment
from service.domain.errors import NotFoundError
from service.domain.events import end_requested
from service.domain.ids import DeploymentName, SessionId, TenantName
from service.domain.session import EndMode, PublicState, Session
from service.domain.trace import Trace
from service.ports.sessions import SessionStore
from service.ports.storage import TenantStore
from service.ports.system import Bell, Clock
from service.usecases.idempotency import Answer, Ticket, result_of
from service.usecases.read_session import owned, shown
from service.usecases.send_message import mark_work
from service.usecases.waiting import Attending, Changing, Patience

DONE: Final = 200
UNDER_WAY: Final = 202


@dataclass(frozen=True, slots=True, kw_only=True)
class VerbRequest:
    """A wish about one session: who, which, how long to wait, and the Idempotency-Key if any."""

    key: ApiKey
    session_id: SessionId
    patience: Patience
    ticket: Ticket | None = None
    trace: Trace | None = None


class KnowsDeployments(Protocol):
    """Deployments with what their public configuration says."""

    async def deployment(self, tenant: TenantName, name: DeploymentName) -> Deployment:
        """Raises NotFoundError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndSession:
    """Ends sessions. Ending one that has ended changes nothing."""

    sessions: SessionStore
    tenants: TenantStore
    bell: Bell
    clock: Clock
    change: Changing
    attend: Attending
    deployments: KnowsDeployments

    async def __call__(self, request: VerbRequest, *, mode: EndMode | None = None) -> Answer:
        """The Session and `ended {mode, verified}`; 202 while the clearing is still to be verified.

        Raises NotFoundError.
        """
        session = await owned(self.sessions, request.key.tenant, request.session_id)
        if session.public is not PublicState.ENDED:
            await mark_work(self.sessions, session, now=self.clock.now())
            wish = end_requested(mode or await self._default_mode(session))
            await self.change(session.id, wish, trace=request.trace)
            self.bell.ring(session.id)
        await keep_session(self.tenants, request, now=self.clock.now())
        until = request.patience.until(self.clock)
        await self.attend(
            session.id, until=until, satisfied=lambda: self._has_ended(request.session_id)
        )
        return await answer_of_end(self.sessions, request.key, session.id)

    async def replay(self, key: ApiKey, record: IdempotencyRecord) -> Answer:
        """The session of an earlier request as it is now."""
        return await answer_of_end(self.sessions, key, SessionId(result_of(record)["sessionId"]))

    async def _default_mode(self, session: Session) -> EndMode:
        try:
            deployment = await self.deployments.deployment(session.tenant, session.deployment)
        except NotFoundError:
            return EndMode.LEAVE
        return EndMode.CLEAR if deployment.allow_clear else EndMode.LEAVE

    async def _has_ended(self, session_id: SessionId) -> bool:
        return (await self.sessions.load(session_id)).public is PublicState.ENDED


async def answer_of_end(sessions: SessionStore, key: ApiKey, session_id: SessionId) -> Answer:
    """The Session and `ended`; 202 while its end is under way. Raises NotFoundError."""
    session = await owned(sessions, key.tenant, session_id)
    body = {**await shown(sessions, session, key), "ended": _ended(session)}
    is_over = session.public is PublicState.ENDED
    return Answer(status=DONE if is_over else UNDER_WAY, body=body)


def _ended(session: Session) -> Mapping[str, Any] | None:
    if session.ended is None or session.public is not PublicState.ENDED:
        return None
    mode = session.ended.mode
    return {"mode": mode.value if mode else None, "verified": session.ended.verified}


async def keep_session(tenants: TenantStore, request: VerbRequest, *, now: float) -> None:
    """Keep for repeats which session the wish was about. Raises IdempotencyInProgressError."""
    if request.ticket is not None:
        record = request.ticket.record(status=DONE, result={"sessionId": request.session_id})
        await tenants.put_idempotency(record, now=now)
