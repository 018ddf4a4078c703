"""When a send may go out, what proves that it arrived, and what proves that it did not.

Pure decisions. Proof is the guest's own message coming back. Refusal is an error with its tracing
id. Absence is two history reads inside the guest session that it was written to. What none of them
can tell is never sent again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from service.domain.message import Failure
from service.domain.said import Refusal, Said
from service.domain.send import PendingSend, SendKind, SendStatus, Written
from service.domain.wording import same_words

MARK_LIFE_SECONDS: Final = 2.0
"""A send is abandoned when more than this has passed between its mark and the socket write."""
CLOCK_SKEW_SECONDS: Final = 2.0
"""How far two machines' clocks, ours and Genesys's, are allowed to differ."""
PER_SECOND: Final = 5
"""Guest API: messages per session and second (error 4029 beyond)."""
ATTEMPTS_MAX: Final = 5
"""A send that was proven undelivered so often is given up."""
READS_FOR_ABSENCE: Final = 2

_ORDER: Final = {SendKind.JOIN: 0, SendKind.RECAP: 1, SendKind.MESSAGE: 2}


def in_order(sends: Iterable[PendingSend]) -> list[PendingSend]:
    """The order in which sends go out: what opens the guest session first, then as accepted."""
    return sorted(sends, key=lambda send: (_ORDER[send.kind], send.sequence))


def next_to_write(sends: Iterable[PendingSend], *, link: str, now: float) -> PendingSend | None:
    """The send that may be marked now, if any.

    A later send may follow only when every earlier one is settled, or was written on this same live
    link and nothing casts doubt on it.
    """
    for send in in_order(sends):
        if send.status is SendStatus.ACCEPTED:
            return send if send.retry_at is None or send.retry_at <= now else None
        if not _fine_on(send, link):
            return None
    return None


def marked(
    send: PendingSend, *, now: float, incarnation: int, writer: str, link: str
) -> PendingSend:
    """The send as it must stand in the table before the socket sees its frame."""
    mark = Written(at=now, incarnation=incarnation, writer=writer, link=link)
    return replace(
        send, status=SendStatus.WRITTEN, attempt=send.attempt + 1, written=mark, retry_at=None
    )


def undelivered(send: PendingSend, *, retry_at: float | None = None) -> PendingSend:
    """The send as it stands once it is proven that it did not arrive: it may go out again."""
    return replace(send, status=SendStatus.ACCEPTED, written=None, retry_at=retry_at)


def doubted(send: PendingSend, *, now: float) -> PendingSend:
    """The send as it stands once its outcome has become unclear."""
    if send.written is None:
        return send
    since = send.written.doubt_at if send.written.doubt_at is not None else now
    return replace(send, status=SendStatus.UNKNOWN, written=replace(send.written, doubt_at=since))


def in_flight(sends: Iterable[PendingSend]) -> list[PendingSend]:
    """Sends that were written and not yet settled, in order."""
    return [send for send in in_order(sends) if send.status is not SendStatus.ACCEPTED]


def proven_by(said: Said, sends: Iterable[PendingSend], *, incarnation: int) -> PendingSend | None:
    """The send that this message of the guest proves delivered, if any.

    By tracing id, then by metadata id; a message that carries neither (history may not have them)
    proves the first send in order whose direction, content and, if it tells one, time fit. What was
    put back because it seemed absent is proven by name alone: history was later than we allow for.
    """
    if not said.from_guest:
        return None
    waiting = in_order(sends)
    flying = [s for s in in_flight(waiting) if s.written and s.written.incarnation == incarnation]
    by_name = _by_name(said, [*flying, *filter(_was_put_back, waiting)])
    if by_name is not None or said.tracing_id or said.metadata_id:
        return by_name
    return next((send for send in flying if _fits(said, send)), None)


def refused_by(
    refusal: Refusal, sends: Iterable[PendingSend], *, link: str | None
) -> PendingSend | None:
    """The send that an error speaks of, if any.

    `link` is the one that brought the error, if nothing but sends is in flight on it. An error
    without a tracing id speaks of a send only if it is the only request in flight, on that very
    link and not in doubt already, and the code says that the guest session is gone.
    """
    flying = in_flight(sends)
    if refusal.tracing_id is not None:
        return next((s for s in flying if s.tracing_id == refusal.tracing_id), None)
    if refusal.session_gone and link is not None and len(flying) == 1:
        return flying[0] if _fine_on(flying[0], link) else None
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """One complete history read: when it was made, and how far back (None: to the beginning)."""

    at: float
    since: float | None


def absent_after(send: PendingSend, reads: Sequence[Read], *, lag: float) -> bool:
    """Whether these reads, none of which showed the send, prove that it did not arrive.

    `lag` is how many seconds history may be behind.
    """
    mark = send.written
    if mark is None or mark.doubt_at is None:
        return False
    wide = [r for r in reads if r.since is None or r.since <= mark.at - CLOCK_SKEW_SECONDS]
    fit = [r for r in wide if r.at >= mark.at]
    late = max(mark.doubt_at + lag, mark.at + MARK_LIFE_SECONDS + CLOCK_SKEW_SECONDS)
    return len(fit) >= READS_FOR_ABSENCE and any(read.at >= late for read in fit)


def absence_known_at(send: PendingSend, *, lag: float) -> float | None:
    """From when on a history read can prove the absence of this send."""
    mark = send.written
    if mark is None or mark.doubt_at is None:
        return None
    return max(mark.doubt_at + lag, mark.at + MARK_LIFE_SECONDS + CLOCK_SKEW_SECONDS)


def is_retryable(refusal: Refusal) -> bool:
    """Whether a certain refusal lets the same send go out again later."""
    return refusal.session_gone or refusal.throttled


def rejection(refusal: Refusal) -> Failure:
    """Why a send that was refused for good failed."""
    return Failure(
        code="rejected_by_genesys",
        detail="Genesys refused the message",
        provider_code=refusal.code,
    )


def unprovable() -> Failure:
    """Why a send failed whose guest session is gone: the caller decides, not we."""
    return Failure(
        code="outcome_unknown",
        detail="the message was written, but whether it arrived can no longer be proven",
    )


def not_sent(code: str, detail: str) -> Failure:
    """Why a send that was never written failed."""
    return Failure(code=code, detail=detail)


def given_up() -> Failure:
    """Why a send that never arrives, however often it is tried, failed."""
    return Failure(
        code="rejected_by_genesys",
        detail=f"Genesys did not take the message in {ATTEMPTS_MAX} attempts",
    )


def _fine_on(send: PendingSend, link: str) -> bool:
    return (
        send.status is SendStatus.WRITTEN and send.written is not None and send.written.link == link
    )


def _was_put_back(send: PendingSend) -> bool:
    return send.status is SendStatus.ACCEPTED and send.attempt > 0


def _by_name(said: Said, sends: Sequence[PendingSend]) -> PendingSend | None:
    for send in sends:
        if said.tracing_id is not None and said.tracing_id == send.tracing_id:
            return send
    for send in sends:
        if said.metadata_id is not None and said.metadata_id == send.metadata_id:
            return send
    return None


def _fits(said: Said, send: PendingSend) -> bool:
    if said.is_join != (send.kind is SendKind.JOIN):
        return False
    # History need not tell the time. Then words alone must do: were such an entry passed over, its
    # message would count as absent and go out a second time.
    at, mark = said.channel_time, send.written
    early = at is not None and mark is not None and at < mark.at - CLOCK_SKEW_SECONDS
    if early or mark is None:
        return False
    # Genesys names a file by its own id, which the mark has.
    body = replace(send.body, attachment_ids=mark.attachment_ids)
    return said.is_join or same_words(said, body)
