"""Reactions on the way out: read-only, clear, end, fail."""

from dataclasses import replace

from service.domain import events as happened
from service.domain.drafts import Draft
from service.domain.effects import (
    Attach,
    CatchUp,
    DropLink,
    Effect,
    Flush,
    Leave,
    SendClear,
    StartNew,
)
from service.domain.given import Given, Outcome
from service.domain.log import EventType
from service.domain.reactions.facts import outage_of, with_expiry
from service.domain.read_only import is_resumable
from service.domain.session import Cause, Ended, EndedBy, EndMode, FailureReason, Session
from service.domain.sign_in import spent


def read_only(session: Session, event: happened.GuestSessionReadOnly, given: Given) -> Outcome:
    """The contact centre ended the chat while nobody listened; its history can still be read."""
    seen = with_expiry(session, event)
    return _read_only(seen, EndedBy.UNKNOWN, given, effects=(CatchUp(),))


def chat_closed(session: Session, event: happened.ChatClosed, given: Given) -> Outcome:
    """The contact centre ended the chat while we listened.

    Its last words may come after the farewell, or only in history.
    """
    return _read_only(session, event.by, given, effects=(CatchUp(),))


def read_history(session: Session, event: happened.HistoryAgrees, given: Given) -> Outcome:
    """All that a read-only chat holds is known, also who ended it: settle what waits."""
    ended, by = session.ended, event.closed_by
    if ended is not None and ended.by is EndedBy.UNKNOWN and by is not None:
        session = replace(session, ended=replace(ended, by=by))
    return Outcome(session=session, effects=(Flush(),))


def read_history_strange(session: Session, event: happened.HistoryStrange, given: Given) -> Outcome:
    """A read-only chat whose history shows nothing: there is nothing to catch up with."""
    return Outcome(session=session, effects=(Flush(),))


def intend_restart(session: Session, event: happened.StartNewWanted, given: Given) -> Outcome:
    """Commit to start anew; the attach that follows tells whether an earlier try did it already."""
    return Outcome(session=session, effects=(DropLink(), Attach()))


def start_new(session: Session, event: happened.Event, given: Given) -> Outcome:
    """The intent to leave read-only is committed by this decision; acting on it comes after."""
    return Outcome(session=session, effects=(StartNew(),))


def send_clear(session: Session, event: happened.Event, given: Given) -> Outcome:
    """Attached with a committed intent to clear: do it."""
    return Outcome(session=session, effects=(SendClear(),))


def intend(session: Session, event: happened.Event, given: Given) -> Outcome:
    """The caller's wish becomes the session's intent; whoever visits carries it out."""
    return Outcome(session=session)


def found_open(session: Session, event: happened.GuestSessionResumed, given: Given) -> Outcome:
    """What is to be cleared is open, also where it was closed before: read what was missed."""
    return Outcome(session=with_expiry(replace(session, ended=None), event), effects=(CatchUp(),))


def found_closed(session: Session, event: happened.GuestSessionReadOnly, given: Given) -> Outcome:
    """What is to be cleared is closed: remember it in case that it is not cleared, and read."""
    ended = session.ended or _closed(session, EndedBy.UNKNOWN, given)
    return Outcome(session=with_expiry(replace(session, ended=ended), event), effects=(CatchUp(),))


def clear_refused(session: Session, event: happened.ClearRefused, given: Given) -> Outcome:
    """Genesys does not clear here: go on."""
    return Outcome(session=replace(session, outage=None), effects=(Flush(),))


def still_read_only(
    session: Session, event: happened.ClearRefusedAsClosed, given: Given
) -> Outcome:
    """Genesys does not clear here, and the chat is as closed as it was."""
    by = session.ended.by if session.ended else EndedBy.UNKNOWN
    return _read_only(session, by, given, effects=(Flush(),))


def ended_cleared(session: Session, event: happened.Event, given: Given) -> Outcome:
    """Cleared at Genesys as the caller wished, and verified."""
    return over(session, EndedBy.CALLER, given, mode=EndMode.CLEAR, verified=True)


def ended_unverified(session: Session, event: happened.Event, given: Given) -> Outcome:
    """The caller wished to clear and end; Genesys would not say that it did."""
    return over(session, EndedBy.CALLER, given, mode=EndMode.CLEAR, verified=False)


def ended_left(session: Session, event: happened.Event, given: Given) -> Outcome:
    """The caller leaves; Genesys is told nothing."""
    return over(session, EndedBy.CALLER, given, mode=EndMode.LEAVE, verified=False)


def ended_by_clear(session: Session, event: happened.Cleared, given: Given) -> Outcome:
    """Somebody else who has this client id cleared the chat."""
    return over(session, EndedBy.CLEARED, given)


def ended_expired(session: Session, event: happened.GuestSessionLapsed, given: Given) -> Outcome:
    """Nobody spoke for the whole life of the guest session, and nobody wants to now."""
    return over(session, EndedBy.EXPIRED, given)


def failed(session: Session, event: happened.Denied, given: Given) -> Outcome:
    """Refused by configuration: say why, and never try in a loop."""
    return broken(session, code=event.code, detail=event.detail)


def failed_lost(session: Session, event: happened.GuestSessionLostForGood, given: Given) -> Outcome:
    """The guest session is gone and this deployment wants to know rather than go on."""
    detail = f"the guest session is gone ({event.cause.value}) and onSessionLost is fail"
    return broken(session, code=event.cause.value, detail=detail)


def reopen(session: Session, event: happened.Event, given: Given) -> Outcome:
    """One more try of a session that failed before it was opened."""
    return Outcome(session=replace(session, failure=None, outage=None))


def revive(session: Session, event: happened.Event, given: Given) -> Outcome:
    """One more try of a session that failed."""
    outage = outage_of(session, Cause.REQUESTED, None)
    return Outcome(session=replace(session, failure=None, outage=outage))


def _read_only(
    session: Session, by: EndedBy, given: Given, *, effects: tuple[Effect, ...]
) -> Outcome:
    closed = replace(
        session,
        ended=_closed(session, by, given),
        outage=None,
        opened_at=session.opened_at or given.now,
    )
    return Outcome(
        session=closed, drafts=(Draft(type=EventType.SESSION_READ_ONLY),), effects=effects
    )


def _closed(session: Session, by: EndedBy, given: Given) -> Ended:
    return Ended(by=by, resumable=is_resumable(session, given.deployment), at=given.now)


def over(
    session: Session,
    by: EndedBy,
    given: Given,
    *,
    mode: EndMode | None = None,
    verified: bool | None = None,
) -> Outcome:
    """The session ends: what it was signed in with goes with it."""
    end = Ended(by=by, resumable=False, at=given.now, mode=mode, verified=verified)
    left = replace(
        session,
        ended=end,
        outage=None,
        next_client_id=None,
        held_by=None,
        sign_in=spent(session.sign_in),
    )
    return Outcome(
        session=left,
        drafts=(Draft(type=EventType.SESSION_ENDED),),
        effects=(DropLink(), Leave()),
    )


def broken(session: Session, *, code: str, detail: str) -> Outcome:
    """The session fails: nobody attaches until somebody asks for it."""
    stopped = replace(
        session,
        failure=FailureReason(code=code, detail=detail),
        outage=None,
        next_client_id=None,
        held_by=None,
    )
    return Outcome(
        session=stopped,
        drafts=(Draft(type=EventType.SESSION_FAILED),),
        effects=(DropLink(), Leave()),
    )
