"""Reactions around a guest's login: sign in, keep it fresh, sign out, lose it."""

from dataclasses import replace

from service.domain import events as happened
from service.domain.effects import Attach, AttachAt, DropLink, Revoke
from service.domain.given import Given, Outcome
from service.domain.reactions.attaching import attach_at_once
from service.domain.reactions.finishing import broken, over, reopen, revive
from service.domain.session import EndedBy, EndMode, Session
from service.domain.sign_in import AUTHENTICATION_REQUIRED, spent


def sign_in(session: Session, event: happened.SignInWanted, given: Given) -> Outcome:
    """Another login: the next attach shows it.

    Whoever holds the link lets go of it in an orderly way, so no outage begins.
    """
    return attach_at_once(_with_login(replace(session, held_by=None), event), event, given)


def sign_in_and_revive(session: Session, event: happened.SignInWanted, given: Given) -> Outcome:
    """The login that a failed session waited for."""
    return revive(_with_login(session, event), event, given)


def sign_in_and_reopen(session: Session, event: happened.SignInToReopen, given: Given) -> Outcome:
    """The same for one that was never opened."""
    return reopen(_with_login(session, event), event, given)


def refreshed(session: Session, event: happened.LoginRefreshed, given: Given) -> Outcome:
    """Genesys gave a new JWT, or refused the one there is: kept before it is used."""
    return Outcome(session=replace(session, sign_in=event.sign_in))


def step_up_refused(session: Session, event: happened.StepUpRefused, given: Given) -> Outcome:
    """The guest session stays anonymous: attach to it as such."""
    return Outcome(session=replace(session, sign_in=None), effects=(Attach(),))


def login_required(session: Session, event: happened.LoginRequired, given: Given) -> Outcome:
    """Nothing proves the guest's login any more: wait for another, and never go on without one."""
    waiting = replace(session, sign_in=spent(session.sign_in))
    return broken(waiting, code=AUTHENTICATION_REQUIRED, detail=event.detail)


def log_out(session: Session, event: happened.LogoutRequested, given: Given) -> Outcome:
    """The caller's wish becomes the session's intent; whoever visits tells Genesys."""
    outage = session.outage
    if outage is not None and not _signs_out(session):
        # The wait was for a link; what Genesys asks of a sign-out itself is kept to.
        outage = replace(outage, retry_at=None)
    leaving = session.sign_in and replace(session.sign_in, leaving=True)
    return Outcome(session=replace(session, sign_in=leaving, held_by=None, outage=outage))


def revoke(session: Session, event: happened.LogoutDue, given: Given) -> Outcome:
    """Tell Genesys that the guest signs out, now or when the last failure allows it."""
    due = session.outage.retry_at if session.outage else None
    if due is not None and due > given.now:
        return Outcome(session=session, effects=(AttachAt(at=due),))
    return Outcome(session=session, effects=(DropLink(), Revoke()))


def logged_out(session: Session, event: happened.LoggedOut, given: Given) -> Outcome:
    """The guest is signed out as the caller wished."""
    return over(session, EndedBy.CALLER, given, verified=event.verified)


def logged_out_unsure(session: Session, event: happened.Event, given: Given) -> Outcome:
    """The caller's wish, where nothing was left by which Genesys could have been told."""
    mode = None if _signs_out(session) else EndMode.CLEAR
    return over(session, EndedBy.CALLER, given, mode=mode, verified=False)


def sign_in_ended(session: Session, event: happened.SignInEnded, given: Given) -> Outcome:
    """The guest signed out elsewhere, or in elsewhere: neither taken back nor made anonymous."""
    return over(session, event.by, given)


def _signs_out(session: Session) -> bool:
    return session.sign_in is not None and session.sign_in.leaving


def _with_login(
    session: Session, event: happened.SignInWanted | happened.SignInToReopen
) -> Session:
    """Anonymous sessions step up, as long as Genesys has not said that they are signed in.

    A sign-out that is under way stays one: without that mark the session would be cleared.
    """
    known, brought = session.sign_in, replace(event.sign_in, unproven=True)
    if known is None:
        return replace(session, sign_in=replace(brought, stepping_up=True))
    sign_in = replace(
        brought, stepping_up=known.stepping_up, name=known.name, leaving=known.leaving
    )
    return replace(session, sign_in=sign_in)
