"""Take a message in, make it durable, and tell what became of it while the caller waits.

Accepting is one transaction. Sending is the visit's work: nothing here speaks to the contact
centre.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from service.domain.access import ApiKey, IdempotencyRecord
from service.domain.answering import answered
from service.domain.choice import Choice
from service.domain.deployment import OnReadOnly
from service.domain.drafts import accepted
from service.domain.errors import (
    IdempotencyInProgressError,
    PlaceTakenError,
    SessionReadOnlyError,
    UnavailableError,
    VersionConflictError,
)
from service.domain.ids import EVENT, MESSAGE, EventId, MessageId, SessionId
from service.domain.log import LogEvent
from service.domain.message import SendBody
from service.domain.send import PendingSend
from service.domain.session import PublicState, Session
from service.domain.trace import Trace
from service.ports.attachments import AttachmentStore
from service.ports.sessions import SessionStore
from service.ports.storage import TenantStore
from service.ports.system import Bell, Clock, Ids
from service.usecases.claim_files import claims
from service.usecases.follow_message import Followed, FollowMessage, Wanted
from service.usecases.idempotency import Answer, Ticket, result_of
from service.usecases.read_offers import ReadOffers
from service.usecases.read_session import check_id, owned, refuse_if_over
from service.usecases.send_limits import check_attributes, check_body
from service.usecases.send_room import refuse_if_crowded
from service.usecases.waiting import Patience

TRIES: Final = 20
"""Lost races before the caller is asked to come again; with each, somebody else got ahead."""

BACKOFF_SECONDS: Final = 0.005

MARK_SECONDS: Final = 60.0
MARK_LEFT_SECONDS: Final = 30.0
"""A work mark is relied on only while so much of it is left."""

CREATED: Final = 201
PENDING: Final = 202
FAILED: Final = 502
"""The message failed for good; the API tells the exact problem by the failure's code."""

STATUS_BY_END: Final = {"confirmed": CREATED, "failed": FAILED}


@dataclass(frozen=True, slots=True, kw_only=True)
class SendRequest:
    """What a caller asks. `turn`: also wait for the replies, within the same patience."""

    key: ApiKey
    session_id: SessionId
    body: SendBody
    patience: Patience
    choices: Sequence[Choice] = ()
    """What the body answers: one at most."""
    turn: bool = False
    on_read_only: OnReadOnly | None = None
    """What it does on a chat that the contact centre ended; None: as the session does."""
    ticket: Ticket | None = None
    trace: Trace | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SendMessage:
    """Accepts a message and follows it."""

    sessions: SessionStore
    attachments: AttachmentStore
    tenants: TenantStore
    bell: Bell
    clock: Clock
    ids: Ids
    follow: FollowMessage
    offers: ReadOffers

    async def __call__(self, request: SendRequest) -> Answer:
        """The Message (or, with `turn`, message, replies and turnComplete), status by `answer_of`.

        Raises NotFoundError, SessionEndedError, SessionFailedError, SessionReadOnlyError,
        AttributesTooLargeError, UnknownMessageError, OptionNotOfferedError, RateLimitedError,
        UnknownAttachmentError, and what `send_limits.check_body` raises; nothing is stored then.
        """
        check_body(request.body, request.choices)
        session, event = await self._accept(await self._answering(request))
        until = request.patience.until(self.clock)
        turn_quiet = await self._quiet_seconds(session) if request.turn else None
        wanted = Wanted(session=session, sequence=event.sequence, turn_quiet=turn_quiet)
        return answer_of(await self.follow(wanted, until=until), turn=request.turn)

    async def replay(self, record: IdempotencyRecord) -> Answer:
        """The message of an earlier request as it is now, with the status that one was due to give.

        Raises IdempotencyInProgressError while that request may still be waiting.
        """
        made = result_of(record)
        session = await self.sessions.load(SessionId(made["sessionId"]))
        turn: bool = made["turn"]
        turn_quiet = await self._quiet_seconds(session) if turn else None
        wanted = Wanted(session=session, sequence=made["sequence"], turn_quiet=turn_quiet)
        followed = await self.follow.look(wanted)
        if followed.settled_at is None and self.clock.now() < made["settleBy"]:
            raise IdempotencyInProgressError
        answer = answer_of(followed, turn=turn)
        in_time = followed.settled_at is not None and followed.settled_at <= made["settleBy"]
        return answer if in_time else Answer(status=PENDING, body=answer.body)

    async def _answering(self, request: SendRequest) -> SendRequest:
        """The request with the body that its answer comes to; plain text reads nothing for it."""
        if not request.choices:
            return request
        (choice,) = request.choices
        session = await owned(self.sessions, request.key.tenant, request.session_id)
        await self._refuse_unless_open(session, request.on_read_only)
        offers = await self.offers(session, choice)
        return replace(request, body=answered(request.body, choice, offers), choices=())

    async def _accept(self, request: SendRequest) -> tuple[Session, LogEvent]:
        message_id = MessageId(self.ids.ulid(MESSAGE))
        event_id = EventId(self.ids.ulid(EVENT))
        check_id(request.session_id)
        for attempt in range(TRIES):
            # The log's end first: what changes the session after this takes the place we want.
            last = await self.sessions.tail(request.session_id, limit=1)
            session = await owned(self.sessions, request.key.tenant, request.session_id)
            await self._refuse_unless_open(session, request.on_read_only)
            check_attributes(request.body.custom_attributes, limit=session.attribute_limit)
            await refuse_if_crowded(self.sessions, session, last, now=self.clock.now())
            await mark_work(self.sessions, session, now=self.clock.now())
            now = self.clock.now()
            draft = accepted(session, message_id=message_id, body=request.body, at=now)
            event = replace(draft, trace=request.trace).at_place(
                session,
                sequence=last[-1].sequence + 1 if last else 1,
                event_id=event_id,
                at=now,
            )
            made = pending_send(self.ids, event, message_id, request.body)
            send = replace(made, on_read_only=request.on_read_only)
            files = await claims(self.attachments, send, at=now)
            record = self._record(request, event, message_id)
            try:
                await self.sessions.accept(event, send, record, attachments=files)
            except (PlaceTakenError, VersionConflictError):
                # Many who lost together would lose together again.
                await self.clock.sleep(self.ids.jitter() * attempt * BACKOFF_SECONDS)
                continue
            self.bell.ring(session.id)
            return session, event
        raise UnavailableError(what="the session's log")

    def _record(
        self, request: SendRequest, event: LogEvent, message_id: MessageId
    ) -> IdempotencyRecord | None:
        if request.ticket is None:
            return None
        wait = request.patience.until(self.clock) - self.clock.monotonic()
        made = {
            "sessionId": event.session_id,
            "messageId": message_id,
            "sequence": event.sequence,
            "turn": request.turn,
            "settleBy": self.clock.now() + wait,
        }
        return request.ticket.record(status=PENDING, result=made)

    async def _refuse_unless_open(self, session: Session, wanted: OnReadOnly | None) -> None:
        refuse_if_over(session)
        if session.public is PublicState.READ_ONLY:
            policy = wanted or session.on_read_only
            if policy is None:
                deployment = await self.tenants.deployment(session.tenant, session.deployment)
                policy = deployment.on_read_only
            if policy is OnReadOnly.REFUSE:
                raise SessionReadOnlyError(session_id=session.id)

    async def _quiet_seconds(self, session: Session) -> float:
        deployment = await self.tenants.deployment(session.tenant, session.deployment)
        return deployment.turn_quiet_ms / 1000


async def mark_work(sessions: SessionStore, session: Session, *, now: float) -> None:
    """Set the work mark before work, unless enough of the present one is left."""
    if session.look_at is None or session.look_at <= now + MARK_LEFT_SECONDS:
        await sessions.mark_work(session.id, now + MARK_SECONDS)


def pending_send(ids: Ids, event: LogEvent, message_id: MessageId, body: SendBody) -> PendingSend:
    """The open send that goes with a message.accepted event."""
    return PendingSend(
        session_id=SessionId(event.session_id),
        sequence=event.sequence,
        message_id=message_id,
        tracing_id=ids.uuid(),
        metadata_id=ids.uuid(),
        body=body,
        accepted_at=event.at,
        trace=event.trace,
    )


def answer_of(followed: Followed, *, turn: bool) -> Answer:
    """201 for a message that is proven, 502 for one that failed for good, 202 for any other."""
    status = STATUS_BY_END.get(followed.message["status"], PENDING)
    body: Mapping[str, Any] = followed.message
    if turn:
        body = {
            "message": followed.message,
            "replies": followed.replies,
            "turnComplete": followed.turn_complete,
        }
    return Answer(status=status, body=body)
