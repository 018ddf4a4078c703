"""Sends what waits, one mark and one frame at a time, and watches what is in flight."""

import logging
from dataclasses import replace
from typing import Final

from service.domain.catchup import HistoryRead
from service.domain.errors import LinkLostError
from service.domain.send import PendingSend, SendKind, SendStatus
from service.domain.sends import (
    MARK_LIFE_SECONDS,
    Read,
    absence_known_at,
    absent_after,
    doubted,
    in_flight,
    marked,
    next_to_write,
    undelivered,
)
from service.domain.session import State
from service.domain.trace import trace_id
from service.guest.outgoing import outgoing_join, outgoing_message
from service.guest.requests import OnMessage
from service.usecases.visit.context import carries_context, with_context
from service.usecases.visit.desk import Desk, Phase
from service.usecases.visit.file_sends import is_held_back, may_go, with_files
from service.usecases.visit.guest_link import GuestLink
from service.usecases.visit.marks import ensure_mark
from service.usecases.visit.pacing import pause_for_message
from service.usecases.visit.settling import change, confirm_logged, put_back

_log = logging.getLogger(__name__)

PROOF_SECONDS: Final = 4.0
"""How long the guest's own message may take to come back before its outcome is in doubt."""

_SENDING: Final = frozenset({State.LIVE, State.CATCHING_UP, State.VERIFYING})


async def flush(desk: Desk) -> None:
    """Write every send that may go out now. Raises SupersededError."""
    while (link := link_for_sending(desk)) is not None and pause_for_message(desk) <= 0:
        send = next_to_write(desk.sends.values(), link=link.name, now=desk.now)
        if send is None or (send.body.attachment_ids and not await may_go(desk, send)):
            return
        if (send.sequence, send.kind) in desk.sends:
            await _write(desk, link, send)


def next_send_at(desk: Desk) -> float | None:
    """When to flush again, if anything waits for a time rather than for an event."""
    link = link_for_sending(desk)
    if link is None:
        return None
    soon = next_to_write(desk.sends.values(), link=link.name, now=float("inf"))
    if soon is None or is_held_back(desk, soon):
        return None
    return max(soon.retry_at or 0.0, desk.now + pause_for_message(desk))


async def doubt_in_flight(desk: Desk) -> None:
    """Doubt what was written: the link is gone, or an unclear error came."""
    for send in in_flight(desk.sends.values()):
        if send.written and send.written.doubt_at is None:
            await change(desk, doubted(send, now=desk.now))


async def doubt_orphans(desk: Desk) -> bool:
    """What went out on a link that is not this one is in doubt; whether there was any."""
    name = desk.link.name if desk.link is not None else None
    orphans = [
        send
        for send in in_flight(desk.sends.values())
        if send.written and send.written.link != name and send.written.doubt_at is None
    ]
    for send in orphans:
        await change(desk, doubted(send, now=desk.now))
    return bool(orphans)


async def doubt_silent(desk: Desk) -> None:
    """Doubt what was written a while ago and has not come back: history must tell."""
    for send in in_flight(desk.sends.values()):
        mark = send.written
        if mark and mark.doubt_at is None and desk.now >= mark.at + PROOF_SECONDS:
            await change(desk, doubted(send, now=desk.now))
            _read_soon(desk, desk.now)


async def settle_absent(desk: Desk) -> None:
    """What two reads of history do not show did not arrive."""
    reads = [_read(read) for read in desk.reading.reads]
    lag = desk.deployment.history_lag_seconds
    for send in in_flight(desk.sends.values()):
        if absent_after(send, reads, lag=lag) and not await confirm_logged(desk, send):
            await put_back(desk, send)


def plan_reads(desk: Desk) -> None:
    """Have history read when it can tell about a send that is in doubt."""
    lag = desk.deployment.history_lag_seconds
    for send in in_flight(desk.sends.values()):
        known_at = absence_known_at(send, lag=lag)
        if known_at is not None:
            _read_soon(desk, max(known_at, desk.now))


def doubt_due(desk: Desk) -> float | None:
    """When the oldest message in flight becomes doubtful."""
    times = [
        send.written.at + PROOF_SECONDS
        for send in in_flight(desk.sends.values())
        if send.written and send.written.doubt_at is None
    ]
    return min(times, default=None)


async def _write(desk: Desk, link: GuestLink, send: PendingSend) -> None:
    await ensure_mark(desk)
    resent = send.attempt > 0
    carries = carries_context(desk, send)
    mark = marked(
        send,
        now=desk.now,
        incarnation=desk.session.incarnation,
        writer=desk.stay.writer,
        link=link.name,
    )
    context = desk.session.context if carries else None
    saved = await change(desk, replace(with_files(desk, mark), context=context))
    if desk.now - mark_time(saved) > MARK_LIFE_SECONDS:
        # The mark took too long: somebody may have judged it by now. It was not written, for
        # certain.
        await change(desk, undelivered(replace(saved, attempt=send.attempt)))
        return
    if resent:
        desk.tally = replace(desk.tally, resent=desk.tally.resent + 1)
    desk.written.append(desk.now)
    try:
        await link.send(frame_of(desk, saved, carries=carries))
    except LinkLostError:
        # The reader reports the close as well; what was written of the frame nobody knows.
        await change(desk, doubted(saved, now=desk.now))
        return
    _tell_written(desk, saved)


def _tell_written(desk: Desk, send: PendingSend) -> None:
    facts = {
        "session_id": send.session_id,
        "tenant": desk.session.tenant,
        "message_id": send.message_id,
        "sequence": send.sequence,
        "kind": send.kind.value,
        "attempt": send.attempt,
        "seconds": round(desk.now - send.accepted_at, 4),
        "trace_id": None if send.trace is None else trace_id(send.trace),
    }
    _log.info("message.written", extra=facts)


def mark_time(send: PendingSend) -> float:
    """When the send was marked."""
    return send.written.at if send.written else 0.0


def frame_of(desk: Desk, send: PendingSend, *, carries: bool) -> OnMessage:
    """The frame of a send; one of a guest session carries what the agent should know."""
    body = with_context(desk, send.body) if carries else send.body
    # What Genesys calls its files stands in the mark; without one there is none to name.
    body = replace(body, attachment_ids=send.written.attachment_ids if send.written else ())
    token = desk.session.client_id
    if send.kind is SendKind.JOIN:
        return outgoing_join(
            token=token,
            tracing_id=send.tracing_id,
            attributes=body.custom_attributes,
            metadata_id=send.metadata_id,
        )
    return outgoing_message(
        token=token, tracing_id=send.tracing_id, metadata_id=send.metadata_id, body=body
    )


def link_for_sending(desk: Desk) -> GuestLink | None:
    """The link, once it is known to be that of the guest session which the log tells of."""
    ready = desk.phase is Phase.READY and desk.session.state in _SENDING
    reading = desk.reading
    agreed = desk.session.state is State.LIVE or reading.agreed
    return desk.link if ready and (agreed or reading.may_follow_now(desk.now)) else None


def _read_soon(desk: Desk, at: float) -> None:
    due = desk.reading.due
    desk.reading.due = at if due is None else min(due, at)


def _read(read: HistoryRead) -> Read:
    return Read(at=read.at, since=read.since)


def any_unknown(desk: Desk) -> bool:
    """Whether a send's outcome is in doubt."""
    return any(send.status is SendStatus.UNKNOWN for send in desk.sends.values())
