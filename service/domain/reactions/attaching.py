"""Reactions around the link: attach, lose, come back."""

from dataclasses import replace

from service.domain import backoff
from service.domain import events as happened
from service.domain.drafts import Draft
from service.domain.effects import (
    Attach,
    AttachAt,
    AwaitFarewell,
    CatchUp,
    DropLink,
    Flush,
    Leave,
)
from service.domain.given import Given, Outcome
from service.domain.log import EventType
from service.domain.reactions.facts import is_join_settled, join, latest, outage_of, with_expiry
from service.domain.receipt import receipt
from service.domain.session import Cause, Session


def attach(session: Session, event: happened.Event, given: Given) -> Outcome:
    """Attach now, or when the last failure allows it."""
    due = session.outage.retry_at if session.outage else None
    wait = due is not None and due > given.now
    return Outcome(session=session, effects=(AttachAt(at=due) if wait and due else Attach(),))


def attach_after_death(session: Session, event: happened.HolderDied, given: Given) -> Outcome:
    """Whoever held the link died: that is an outage like any other."""
    outage = outage_of(session, Cause.LINK_LOST, None)
    return Outcome(session=replace(session, outage=outage, held_by=None), effects=(Attach(),))


def attach_at_once(session: Session, event: happened.Event, given: Given) -> Outcome:
    """The caller asks for a visit now: waiting is over."""
    outage = session.outage and replace(session.outage, retry_at=None)
    return Outcome(session=replace(session, outage=outage))


def attach_anew(session: Session, event: happened.Event, given: Given) -> Outcome:
    """What was there is gone as intended: attach to what comes next."""
    return Outcome(session=session, effects=(DropLink(), Attach()))


def hold(session: Session, event: happened.HoldBegan, given: Given) -> Outcome:
    """Remember who keeps the link, so that a death can be told from a farewell."""
    return Outcome(session=replace(session, held_by=event.holder, last_good_at=given.now))


def hold_beside(session: Session, event: happened.HoldBegan, given: Given) -> Outcome:
    """Tell the predecessor that we are here; until when all was well only it can tell."""
    return Outcome(session=replace(session, held_by=event.holder))


def join_predecessor(
    session: Session, event: happened.GuestSessionResumed, given: Given
) -> Outcome:
    """Attached beside the predecessor: wait for its last word."""
    return Outcome(session=with_expiry(session, event), effects=(AwaitFarewell(),))


def taken_over(session: Session, event: happened.PredecessorDrained, given: Given) -> Outcome:
    """Nothing was missed: send what waits."""
    return Outcome(session=replace(session, last_good_at=given.now), effects=(Flush(),))


def leave_unread(session: Session, event: happened.VisitEnded, given: Given) -> Outcome:
    """Leave with something perhaps unread: whoever comes next must look as after a death."""
    return Outcome(session=session, effects=(DropLink(), Leave()))


def let_go(session: Session, event: happened.Event, given: Given) -> Outcome:
    """Leave on purpose; the guest session lives on."""
    left = replace(session, held_by=None, evictions=0, last_good_at=given.now)
    return Outcome(session=left, effects=(DropLink(), Leave()))


def leave_behind(session: Session, event: happened.VisitEnded, given: Given) -> Outcome:
    """Leave before history was read: whoever comes next reads as far back."""
    left = replace(session, held_by=None, evictions=0)
    return Outcome(session=left, effects=(DropLink(), Leave()))


def look_away(session: Session, event: happened.Event, given: Given) -> Outcome:
    """Leave a dormant session as it was: whoever looks next reads as far back again."""
    return Outcome(session=session, effects=(DropLink(), Leave()))


def give_up_visit(session: Session, event: happened.Event, given: Given) -> Outcome:
    """Nothing can be done now and nothing is lost by leaving."""
    return Outcome(session=replace(session, held_by=None), effects=(DropLink(), Leave()))


def stay(session: Session, event: happened.Event, given: Given) -> Outcome:
    """Harmless when late."""
    return Outcome(session=session)


def opened(session: Session, event: happened.GuestSessionOpened, given: Given) -> Outcome:
    """The first guest session: say so, join where the deployment auto-starts, send what waits."""
    born = with_expiry(replace(session, opened_at=given.now, outage=None), event)
    joins = join(given, of=0)
    return Outcome(
        session=replace(born, joined=is_join_settled(given), last_good_at=given.now),
        drafts=(Draft(type=EventType.SESSION_OPENED),),
        sends=joins,
        effects=(Flush(),),
    )


def opened_before(session: Session, event: happened.GuestSessionResumed, given: Given) -> Outcome:
    """An attach of ours made the guest session and died; history tells whether it joined."""
    born = with_expiry(replace(session, opened_at=given.now, outage=None), event)
    return Outcome(
        session=replace(born, last_good_at=given.now),
        drafts=(Draft(type=EventType.SESSION_OPENED),),
        effects=(CatchUp(),),
    )


def catch_up(
    session: Session,
    event: happened.GuestSessionResumed
    | happened.GuestSessionReadOnly
    | happened.PredecessorSilent,
    given: Given,
) -> Outcome:
    """Attached to what we know: read what was missed."""
    return Outcome(session=with_expiry(session, event), effects=(CatchUp(),))


def caught_up(session: Session, event: happened.HistoryAgrees, given: Given) -> Outcome:
    """Nothing is missing any more: join if that is still owed, send what waits."""
    settled = session.joined or event.shows_join or event.spoken
    owed = () if settled else join(given, of=None)
    known = replace(session, joined=settled or is_join_settled(given), last_good_at=given.now)
    return Outcome(session=known, sends=owed, effects=(Flush(),))


def join_late(session: Session, event: happened.AutoStartKnown, given: Given) -> Outcome:
    """What could not be known when the guest session was opened: join, unless the guest spoke."""
    owed = () if session.joined or event.spoken else join(given, of=None)
    return Outcome(session=replace(session, joined=True), sends=owed, effects=(Flush(),))


def recovered(session: Session, event: happened.HistoryAgrees, given: Given) -> Outcome:
    """The same guest session is back, open again if it was closed: give the receipt and go on."""
    outage = session.outage or outage_of(session, Cause.REQUESTED, None)
    back = caught_up(replace(session, outage=None, ended=None), event, given)
    tally = replace(given.tally, history_complete=event.complete)
    # The outage ends with the attach; reading what was missed is not part of it.
    back_at = given.now if given.back_at is None else given.back_at
    told = receipt(session, back.session, outage, tally, now=back_at)
    return replace(back, drafts=(Draft(type=EventType.SESSION_RECOVERED, extra={"receipt": told}),))


def lost(session: Session, event: happened.LinkFailed, given: Given) -> Outcome:
    """The link broke: attach again after a jittered wait, or after the one Genesys asked for."""
    outage = outage_of(session, Cause.LINK_LOST, None)
    attempts = outage.attempts + 1
    wait = event.retry_after_seconds
    if wait is None:
        wait = backoff.after_failure(attempts, jitter=given.jitter)
    at = given.now + wait
    broken = replace(outage, attempts=attempts, retry_at=at)
    return Outcome(session=replace(session, outage=broken), effects=(DropLink(), AttachAt(at=at)))


def lost_again(
    session: Session, event: happened.GuestSessionGone | happened.ClientIdDead, given: Given
) -> Outcome:
    """Genesys contradicts itself: treat it as trouble that may pass, and slow down."""
    if isinstance(event, happened.ClientIdDead):
        outage = outage_of(session, Cause.CLIENT_ID_DEAD, event.code)
    else:
        outage = outage_of(session, event.cause, event.code)
    return lost(replace(session, outage=outage), happened.LinkFailed(code=event.code), given)


def evicted(session: Session, event: happened.Evicted, given: Given) -> Outcome:
    """Pushed out by a fourth connection: come back, but ever more slowly.

    Who was left alone for longer than the longest wait has no rival any more.
    """
    held_since = given.now if given.back_at is None else given.back_at
    alone = given.now - held_since >= backoff.EVICTED_LONGEST_SECONDS
    times = 1 if alone else session.evictions + 1
    at = given.now + backoff.after_eviction(times)
    outage = replace(outage_of(session, Cause.EVICTED, None), retry_at=at)
    out = replace(session, outage=outage, evictions=times)
    return Outcome(session=out, effects=(DropLink(), AttachAt(at=at)))


def retry_once(session: Session, event: happened.GuestSessionGone, given: Given) -> Outcome:
    """Not found or expired: a new socket with the same client id tells what is true."""
    outage = outage_of(session, event.cause, event.code)
    return Outcome(
        session=replace(session, outage=replace(outage, retry_at=None)),
        effects=(DropLink(), Attach()),
    )


def retry_later(session: Session, event: happened.GuestSessionGone, given: Given) -> Outcome:
    """It answered a moment ago and is gone again: another look, but not at once and not for ever.

    A guest session that configures well and knows no other request would be attached to in a loop.
    """
    outage = outage_of(session, event.cause, event.code)
    return lost(replace(session, outage=outage), happened.LinkFailed(code=event.code), given)


def renew(
    session: Session, event: happened.GuestSessionGone | happened.ClientIdDead, given: Given
) -> Outcome:
    """The client id is dead: commit to a new one before the wire sees it."""
    outage = outage_of(session, Cause.CLIENT_ID_DEAD, event.code)
    fresh = replace(
        session, next_client_id=given.fresh.client_id, outage=replace(outage, retry_at=None)
    )
    return Outcome(session=fresh, effects=(DropLink(), Attach()))


def identified(session: Session, event: happened.ConversationFound, given: Given) -> Outcome:
    """The contact centre's own ids are known now, or known to be right still."""
    ids = {
        "conversationId": event.conversation_id,
        "participantId": event.participant_id,
    }
    former = session.conversation_id
    if former is not None and former != event.conversation_id:
        kept = latest(session.former_conversations, former)
        session = replace(session, former_conversations=kept)
    known = replace(
        session,
        conversation_id=event.conversation_id,
        participant_id=event.participant_id,
        identified_at=max(session.identified_at, event.as_of),
    )
    if (former, session.participant_id) == (event.conversation_id, event.participant_id):
        return Outcome(session=known)
    draft = Draft(type=EventType.CONVERSATION_IDENTIFIED, extra=ids)
    return Outcome(session=known, drafts=(draft,))


def expiring(session: Session, event: happened.ExpiryNear, given: Given) -> Outcome:
    """Warn once for each expiry."""
    warned = replace(session, expires_at=event.expires_at, warned_expiry_at=event.expires_at)
    return Outcome(session=warned, drafts=(Draft(type=EventType.SESSION_EXPIRING),))
