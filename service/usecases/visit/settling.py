"""Ends sends: confirmed, refused, failed, or back to be sent again.

Each end is one event and frees the send.
"""

from dataclasses import replace
from typing import Final

from service.domain.contents import contents_of
from service.domain.drafts import Draft, confirmed, failed, message_of
from service.domain.errors import SupersededError, VersionConflictError
from service.domain.instants import maybe_rfc3339
from service.domain.message import Failure
from service.domain.read_only import WHY_NOT_SENT, begins_new
from service.domain.said import Refusal, Said
from service.domain.send import PendingSend, SendKind, SendStatus, Written
from service.domain.sends import (
    ATTEMPTS_MAX,
    CLOCK_SKEW_SECONDS,
    given_up,
    in_flight,
    in_order,
    is_retryable,
    not_sent,
    rejection,
    undelivered,
    unprovable,
)
from service.domain.session import PublicState, State
from service.guest.translate import trace_keys
from service.ports import SendChange
from service.usecases.visit.context import context_arrived, context_refused, known_keys
from service.usecases.visit.desk import Desk
from service.usecases.visit.file_moves import take_over, with_message
from service.usecases.visit.marks import ensure_mark
from service.usecases.visit.noting import note_send

HOPE_SECONDS: Final = 3600.0
"""How long visit after visit may try to learn what became of a message on a chat that is closed."""

_OVER: Final = {
    PublicState.ENDED: ("session_ended", "the session ended before the message was sent"),
    PublicState.FAILED: ("session_failed", "the session failed before the message was sent"),
    PublicState.READ_ONLY: ("session_read_only", WHY_NOT_SENT),
}

_BECAME: Final = {
    SendStatus.ACCEPTED: "putBack",
    SendStatus.WRITTEN: "written",
    SendStatus.UNKNOWN: "unknown",
}
"""What the timeline calls a move to that status."""


async def confirm(desk: Desk, send: PendingSend, said: Said, *, recovered: bool) -> None:
    """The guest's own message came back: the send is done."""
    context_arrived(desk, send)
    if send.kind is SendKind.JOIN:
        await _drop(desk, send)
        return
    at = said.channel_time if said.channel_time is not None else desk.now
    made = contents_of(said, client_id=desk.session.client_id, session_id=desk.session.id)
    # What was sent is known exactly; what came back is told beside it.
    message = replace(message_of(send, desk.session), raw=made.raw, omitted=made.omitted)
    keys = said.keys | known_keys(desk, send)
    draft = confirmed(message, occurred_at=at, keys=keys, recovered=recovered)
    await _end(desk, send, draft, None)
    if send.written is not None and send.written.doubt_at is not None:
        desk.tally = replace(desk.tally, proven=desk.tally.proven + 1)


async def confirm_logged(desk: Desk, send: PendingSend) -> bool:
    """End a send that the log shows as said elsewhere; whether it does.

    Whoever logged it did not know of the send. It arrived all the same: never again.
    """
    since = send.accepted_at - CLOCK_SKEW_SECONDS
    if not await desk.writer.has(trace_keys(send.tracing_id), since):
        return False
    context_arrived(desk, send)
    message = message_of(send, desk.session)
    at = send.accepted_at
    keys = known_keys(desk, send)
    draft = confirmed(message, occurred_at=at, keys=keys, recovered=True)
    await _end(desk, send, draft, None)
    return True


async def fail(desk: Desk, send: PendingSend, failure: Failure) -> None:
    """The send will not be done, or nobody can know."""
    if send.kind is SendKind.JOIN:
        await _drop(desk, send)
        return
    await _end(desk, send, failed(message_of(send, desk.session), failure), failure)


async def refuse(desk: Desk, send: PendingSend, refusal: Refusal) -> None:
    """Genesys did not carry it out, for certain: again later, or never."""
    if context_refused(desk, send, refusal) and send.kind is SendKind.JOIN:
        # Without it the conversation still has to begin.
        await put_back(desk, send)
        return
    if not is_retryable(refusal):
        await fail(desk, send, rejection(refusal))
        return
    wait = refusal.retry_after_seconds if refusal.throttled else None
    retry_at = None if wait is None and not refusal.throttled else desk.now + (wait or 1.0)
    # Being told to slow down says nothing against the message: it does not use up attempts.
    kept = replace(send, attempt=send.attempt - 1) if refusal.throttled else send
    await put_back(desk, kept, retry_at=retry_at)


async def put_back(desk: Desk, send: PendingSend, *, retry_at: float | None = None) -> None:
    """It is proven that it did not arrive: let it go out again, but not for ever."""
    if send.attempt >= ATTEMPTS_MAX:
        await fail(desk, send, given_up())
        return
    await change(desk, undelivered(send, retry_at=retry_at))


async def change(desk: Desk, after: PendingSend) -> PendingSend:
    """Move a send on in the table. Raises SupersededError when somebody else did."""
    before = desk.sends[after.sequence, after.kind]
    try:
        saved = await desk.ports.sessions.change_send(before, after)
    except VersionConflictError as conflict:
        raise SupersededError(session_id=desk.session.id) from conflict
    desk.keep(saved)
    note_send(desk, saved, _BECAME[saved.status], retryAt=maybe_rfc3339(saved.retry_at))
    return saved


async def settle_hopeless(desk: Desk) -> None:
    """Fail what was written to a guest session that is gone: it can never be proven."""
    for send in in_flight(desk.sends.values()):
        if send.written and send.written.incarnation != desk.session.incarnation:
            await fail(desk, send, unprovable())


async def settle_all(desk: Desk) -> None:
    """The session is over: no send may stay open."""
    code, detail = _OVER[desk.session.public]
    for send in in_order(desk.sends.values()):
        never = send.status is SendStatus.ACCEPTED
        await fail(desk, send, not_sent(code, detail) if never else unprovable())


async def settle_read_only(desk: Desk, *, gone: bool = False) -> None:
    """The chat is closed: what may not begin another, and was not written, fails at once.

    What was written waits for history, unless the guest session is `gone` or this visit too came to
    nothing.
    """
    if desk.session.state not in {State.READING, State.READ_ONLY}:
        return
    for send in in_order(desk.sends.values()):
        if begins_new(send, desk.session, desk.deployment):
            continue
        if send.written is None:
            await fail(desk, send, not_sent(*_OVER[PublicState.READ_ONLY]))
        elif desk.session.state is State.READ_ONLY and (gone or _is_hopeless(desk, send.written)):
            await fail(desk, send, unprovable())


def _is_hopeless(desk: Desk, mark: Written) -> bool:
    return desk.now > mark.at + HOPE_SECONDS


async def reload_sends(desk: Desk) -> None:
    """Take in what callers have accepted since."""
    stored = await desk.ports.sessions.open_sends(desk.session.id)
    desk.sends_at = desk.now
    desk.sends = {(send.sequence, send.kind): send for send in stored}


async def _end(desk: Desk, send: PendingSend, draft: Draft, failure: Failure | None) -> None:
    await ensure_mark(desk)
    files = await with_message(desk, send, failure)
    change_ = SendChange(before=desk.sends[send.sequence, send.kind], after=None)
    try:
        traced = replace(draft, trace=send.trace)
        event = await desk.writer.append(desk.session, traced, sends=(change_,), attachments=files)
    except VersionConflictError as conflict:
        raise SupersededError(session_id=desk.session.id) from conflict
    if event is None:
        # The log has this very message already, under a send that another visit settled.
        raise SupersededError(session_id=desk.session.id)
    take_over(desk, files)
    note_send(desk, send, draft.type.value.partition(".")[2])
    desk.forget(send)
    desk.moved = True
    await desk.tools.wake_lanes(desk.session.tenant, desk.session.id)


async def _drop(desk: Desk, send: PendingSend) -> None:
    try:
        await desk.ports.sessions.drop_send(desk.sends[send.sequence, send.kind])
    except VersionConflictError as conflict:
        raise SupersededError(session_id=desk.session.id) from conflict
    note_send(desk, send, "settled")
    desk.forget(send)
