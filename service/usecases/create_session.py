"""Make a session durable, with its first message if there is one, and wait for it to open.

One transaction makes everything. Opening the guest session is the visit's work, not this module's.
"""

import hashlib
from asyncio import gather
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from service.domain.access import ApiKey, IdempotencyRecord
from service.domain.answering import answered
from service.domain.choice import Choice
from service.domain.deployment import Deployment, OnReadOnly
from service.domain.drafts import accepted
from service.domain.errors import (
    ExternalIdInUseError,
    FieldFault,
    InvalidRequestError,
    NotFoundError,
    UnavailableError,
    UnknownDeploymentError,
    VersionConflictError,
)
from service.domain.ids import (
    EVENT,
    MESSAGE,
    SESSION,
    ClientId,
    DeploymentName,
    EventId,
    MessageId,
    SessionId,
    TenantName,
)
from service.domain.log import LogEvent
from service.domain.message import SendBody
from service.domain.region import SETTING, Regions
from service.domain.send import PendingSend
from service.domain.session import PublicState, Session, State
from service.domain.sign_in import LoginProof, SignIn
from service.domain.trace import Trace
from service.ports.sessions import SessionStore
from service.ports.storage import TenantStore
from service.ports.system import Bell, Clock, Ids
from service.usecases.follow_message import FollowMessage, Wanted
from service.usecases.idempotency import Answer, Ticket, result_of
from service.usecases.manage_deployments import NAME, NAME_MAX
from service.usecases.prove_login import ProveLogin, check_login
from service.usecases.read_session import owned, shown
from service.usecases.send_limits import (
    check_attributes,
    check_external_id,
    check_first_body,
    check_metadata,
)
from service.usecases.send_message import CREATED, MARK_SECONDS, TRIES, pending_send
from service.usecases.waiting import Attending, Patience

OVER: Final = frozenset({PublicState.ENDED, PublicState.FAILED})


def shard_of(session_id: SessionId, shards: int) -> int:
    """The shard a session belongs to for ever."""
    return int.from_bytes(hashlib.sha256(session_id.encode()).digest()[:8], "big") % shards


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateRequest:
    """What a caller asks."""

    key: ApiKey
    deployment: DeploymentName
    patience: Patience
    external_id: str | None = None
    custom_attributes: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, Any] | None = None
    on_read_only: OnReadOnly | None = None
    journey_context: Mapping[str, Any] | None = None
    message: SendBody | None = None
    message_on_read_only: OnReadOnly | None = None
    choices: Sequence[Choice] = ()
    """What the message answers. Nothing was offered yet, so none is accepted."""
    login: LoginProof | None = None
    ticket: Ticket | None = None
    trace: Trace | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateSession:
    """Makes sessions."""

    sessions: SessionStore
    tenants: TenantStore
    bell: Bell
    clock: Clock
    ids: Ids
    attend: Attending
    follow: FollowMessage
    prove: ProveLogin
    regions: Regions
    shards: int

    async def __call__(self, request: CreateRequest) -> Answer:
        """The Session, always 201; with `message` when one was given.

        Raises UnknownDeploymentError, ExternalIdInUseError, InvalidRequestError and what
        `send_limits.check_first_body` and `ProveLogin` raise; nothing is stored then.
        """
        _check(request)
        deployment = await self._deployment(request.key.tenant, request.deployment)
        sign_in = await self._signed_in(request, deployment)
        session, events, sends = self._made(request)
        session = replace(session, sign_in=sign_in)
        await self._store(request, session, events, sends)
        self.bell.ring(session.id)
        until = request.patience.until(self.clock)
        await self.attend(
            session.id, until=until, satisfied=lambda: self._is_settled(session.id, events)
        )
        return await self._answer(request.key, session.id, bool(events))

    async def replay(self, key: ApiKey, record: IdempotencyRecord) -> Answer:
        """The session of an earlier request as it is now."""
        made = result_of(record)
        return await self._answer(key, SessionId(made["sessionId"]), made["message"])

    async def _answer(self, key: ApiKey, session_id: SessionId, with_message: bool) -> Answer:  # noqa: FBT001
        session = await owned(self.sessions, key.tenant, session_id)
        showing = shown(self.sessions, session, key)
        if not with_message:
            return Answer(status=CREATED, body=await showing)
        look = self.follow.look(Wanted(session=session, sequence=1))
        body, followed = await gather(showing, look)
        return Answer(status=CREATED, body={**body, "message": followed.message})

    async def _signed_in(self, request: CreateRequest, deployment: Deployment) -> SignIn | None:
        if request.login is None:
            return None
        # A code is good once: what else refuses the request refuses it before that.
        await self._holder(request.key.tenant, request.external_id)
        return await self.prove(deployment, request.login)

    async def _deployment(self, tenant: TenantName, name: DeploymentName) -> Deployment:
        if NAME.fullmatch(name) is None:  # nor could every table be asked for it
            raise UnknownDeploymentError(name=name[:NAME_MAX])
        try:
            found = await self.tenants.deployment(tenant, name)
        except NotFoundError:
            raise UnknownDeploymentError(name=name) from None
        if found.domain is not None and not self.regions.allow(found.domain):
            detail = f"leads to {found.domain}, which {SETTING} of this broker does not allow"
            raise InvalidRequestError(FieldFault(pointer="/deployment", detail=detail))
        return found

    def _made(self, request: CreateRequest) -> tuple[Session, list[LogEvent], list[PendingSend]]:
        now = self.clock.now()
        session_id = SessionId(self.ids.ulid(SESSION))
        session = Session(
            id=session_id,
            tenant=request.key.tenant,
            deployment=request.deployment,
            external_id=request.external_id,
            shard=shard_of(session_id, self.shards),
            state=State.CREATED,
            version=1,
            incarnation=1,
            client_id=ClientId(self.ids.uuid()),
            custom_attributes=request.custom_attributes,
            metadata=request.metadata,
            on_read_only=request.on_read_only,
            journey_context=request.journey_context,
            trace=request.trace,
            created_at=now,
            updated_at=now,
            look_at=now + MARK_SECONDS,
        )
        if request.message is None:
            return session, [], []
        message_id = MessageId(self.ids.ulid(MESSAGE))
        draft = accepted(session, message_id=message_id, body=request.message, at=now)
        event_id = EventId(self.ids.ulid(EVENT))
        traced = replace(draft, trace=request.trace)
        event = traced.at_place(session, sequence=1, event_id=event_id, at=now)
        send = pending_send(self.ids, event, message_id, request.message)
        return session, [event], [replace(send, on_read_only=request.message_on_read_only)]

    async def _store(
        self,
        request: CreateRequest,
        session: Session,
        events: Sequence[LogEvent],
        sends: Sequence[PendingSend],
    ) -> None:
        made = {"sessionId": session.id, "message": bool(events)}
        ticket = request.ticket
        for _ in range(TRIES):
            may_replace = await self._holder(session.tenant, session.external_id)
            try:
                await self.sessions.create(
                    session,
                    events=events,
                    sends=sends,
                    idempotency=ticket.record(status=CREATED, result=made) if ticket else None,
                    may_replace=may_replace,
                )
            except VersionConflictError:
                continue  # the externalId reference moved since it was read
            return
        raise UnavailableError(what="the externalId reference")

    async def _holder(self, tenant: TenantName, external_id: str | None) -> SessionId | None:
        if external_id is None:
            return None
        return await free_holder(self.sessions, tenant, external_id)

    async def _is_settled(self, session_id: SessionId, events: Sequence[LogEvent]) -> bool:
        if self.follow.closing.begun:
            return True
        session = await self.sessions.load(session_id)
        if session.public is PublicState.OPENING:
            return False
        if not events or session.public in OVER:
            return True
        followed = await self.follow.look(Wanted(session=session, sequence=1))
        return followed.settled_at is not None


async def free_holder(
    sessions: SessionStore, tenant: TenantName, external_id: str
) -> SessionId | None:
    """The session that the externalId names now and may lose it, being over; None if it names none.

    Raises ExternalIdInUseError when that session is open.
    """
    holder_id = await sessions.by_external_id(tenant, external_id)
    if holder_id is None:
        return None
    try:
        holder = await sessions.load(holder_id)
    except NotFoundError:
        return holder_id  # erased: the reference is about to go
    if holder.public not in OVER:
        raise ExternalIdInUseError(external_id=external_id, session_id=holder_id)
    return holder_id


def _check(request: CreateRequest) -> None:
    check_external_id(request.external_id)
    check_attributes(request.custom_attributes)
    check_metadata(request.metadata)
    if request.login is not None:
        check_login(request.login, at="/authentication")
    if request.message is None:
        return
    check_first_body(request.message, request.choices, at="/message")
    check_attributes(request.message.custom_attributes)
    for choice in request.choices:
        # Nobody has offered anything yet.
        answered(request.message, choice, (), at="/message")
