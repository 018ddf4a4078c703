"""Where a policy or a fact decides between two futures, this picks the event.

The table does the rest; no state is chosen here.
"""

from typing import Final

from service.domain import events as ev
from service.domain.deployment import OnSessionLost
from service.domain.given import Given
from service.domain.read_only import begins_new
from service.domain.session import FINAL_STATES, Cause, EndedBy, Session, State

_NOT_OPENED: Final = frozenset({State.CREATED, State.OPENING, State.REOPENING})
_BY_INTENT: Final = frozenset(
    {State.READING, State.RESTARTING, State.CLEARING, State.ENDING, State.RENEWING}
)
_STARTS_ANEW: Final = frozenset({State.RESTARTING, State.CLEARING})
_NEEDS_NEW_ID: Final = frozenset({State.REOPENING, State.RETRYING})
_ENDS_OF_SIGN_INS: Final = {"LogoutEvent": EndedBy.GUEST, "signedIn": EndedBy.EVICTED}
_CONTRADICTION: Final = "Genesys refuses the client id of this signed-in session: sign in again"
_SOMEWHERE_ELSE: Final = (
    "the signed-in guest session is gone; the guest may have signed in or out elsewhere: "
    "sign in again to go on here"
)
_HELD: Final = frozenset({State.DETACHED, State.READ_ONLY})


def judged(session: Session, event: ev.Event, given: Given) -> ev.Event:
    """The event that happened, or what it means under this deployment's policy and at this time."""
    match event:
        case ev.VisitBegan():
            return _begun(session, event, given)
        case ev.ResumeRequested() | ev.SignInWanted() | ev.LogoutRequested():
            return _wished(session, event)
        case ev.ClearRefused() if session.ended is not None:
            return ev.ClearRefusedAsClosed(code=event.code)
        case ev.GuestSessionOpened():
            return _opened(session, event, given)
        case ev.HistoryStrange() | ev.HistoryAgrees():
            return _read(session, event, given)
        case ev.GuestSessionGone():
            return _gone(session, event, given)
        case ev.ClientIdDead():
            return _dead(session, event, given)
        case _:
            return event


def _wished(
    session: Session, event: ev.ResumeRequested | ev.SignInWanted | ev.LogoutRequested
) -> ev.Event:
    if not isinstance(event, ev.LogoutRequested):
        return _reopening(event) if _never_opened(session) else event
    anonymous = session.sign_in is None and session.state not in FINAL_STATES
    # A step-up was refused since the caller looked: nobody is to be signed out, and to end as those
    # do who were signed in would be to clear.
    return ev.LeaveRequested() if anonymous else event


def _never_opened(session: Session) -> bool:
    return session.state is State.FAILED and session.opened_at is None


def _reopening(event: ev.ResumeRequested | ev.SignInWanted) -> ev.Event:
    if isinstance(event, ev.SignInWanted):
        return ev.SignInToReopen(sign_in=event.sign_in)
    return ev.ReopenRequested()


def _begun(session: Session, event: ev.VisitBegan, given: Given) -> ev.Event:
    if session.state is State.DORMANT and not given.quiet:
        return ev.Roused()
    if session.state is State.ENDING and session.sign_in is not None and session.sign_in.leaving:
        return ev.LogoutDue()
    if session.held_by is None or session.state not in _HELD:
        return event
    drains = session.state is State.DETACHED and session.held_by == given.predecessor
    return ev.HandOverBegan() if drains else ev.HolderDied()


def _read(session: Session, event: ev.HistoryStrange | ev.HistoryAgrees, given: Given) -> ev.Event:
    if isinstance(event, ev.HistoryStrange) and _fails_on_loss(session, given):
        return ev.GuestSessionLostForGood(cause=_cause(session, Cause.NEW_SESSION))
    agrees = isinstance(event, ev.HistoryAgrees)
    if agrees and session.state is State.PEEKED and given.quiet:
        return ev.FellQuiet()
    return event


def _opened(session: Session, event: ev.GuestSessionOpened, given: Given) -> ev.Event:
    if session.state in _NOT_OPENED | _BY_INTENT:
        return event
    if _lapsed(session, given):
        return ev.GuestSessionLapsed()
    if _fails_on_loss(session, given):
        return ev.GuestSessionLostForGood(cause=_cause(session, Cause.NEW_SESSION))
    return event


def _gone(session: Session, event: ev.GuestSessionGone, given: Given) -> ev.Event:
    if _waits_for_a_new_chat(session, given):
        return ev.StartNewWanted()
    if session.state in _STARTS_ANEW and session.outage is not None:
        return ev.ClientIdDead(code=event.code)
    if session.state in _NEEDS_NEW_ID:
        return _gone_for_good(session, event, given)
    return ev.GuestSessionLapsed() if _lapsed(session, given) else event


def _dead(session: Session, event: ev.ClientIdDead, given: Given) -> ev.Event:
    if session.authenticated and session.state is not State.ENDING:
        return _dead_to_the_signed_in(event)
    if _waits_for_a_new_chat(session, given):
        return ev.StartNewWanted()
    if _fails_on_loss(session, given):
        return ev.GuestSessionLostForGood(cause=Cause.CLIENT_ID_DEAD, code=event.code)
    return event


def _dead_to_the_signed_in(event: ev.ClientIdDead) -> ev.Event:
    """A new client id would make the guest anonymous, or turn out the guest's other device."""
    by = _ENDS_OF_SIGN_INS.get(event.code)
    if by is None:
        return ev.LoginRequired(detail=_CONTRADICTION)
    return ev.SignInEnded(by=by)


def _gone_for_good(session: Session, event: ev.GuestSessionGone, given: Given) -> ev.Event:
    if _fails_on_loss(session, given):
        return ev.GuestSessionLostForGood(cause=_cause(session, event.cause), code=event.code)
    if session.authenticated and session.state is State.RETRYING and _is_idle(session, given):
        return ev.LoginRequired(detail=_SOMEWHERE_ELSE)
    return event


def _is_idle(session: Session, given: Given) -> bool:
    # Whoever signed in elsewhere is not to be turned out there by a mere look.
    asked = session.outage is not None and session.outage.cause is Cause.REQUESTED
    return not given.sends and not asked


def _cause(session: Session, otherwise: Cause) -> Cause:
    # A caller's wish to try again is not why the guest session is gone.
    if session.outage is None or session.outage.cause is Cause.REQUESTED:
        return otherwise
    return session.outage.cause


def _fails_on_loss(session: Session, given: Given) -> bool:
    opened = session.state not in {State.READING, State.RESTARTING, State.CLEARING, State.ENDING}
    return opened and given.deployment.on_session_lost is OnSessionLost.FAIL


def _waits_for_a_new_chat(session: Session, given: Given) -> bool:
    # The old one need not be there to be left: its messages would wait for it for ever.
    if session.state is not State.READING:
        return False
    return any(begins_new(send, session, given.deployment) for send in given.sends)


def _lapsed(session: Session, given: Given) -> bool:
    # Only a known expiry that has passed with nothing waiting ends a session: a guest session that
    # vanished early, or that somebody still wants to talk through, is replaced.
    if session.state in _NOT_OPENED | _BY_INTENT or given.sends:
        return False
    return session.expires_at is not None and given.now >= session.expires_at
