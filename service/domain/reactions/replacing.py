"""Reactions when another guest session takes the old one's place."""

from dataclasses import replace

from service.domain import events as happened
from service.domain.carry_over import carried_attributes, recap_message
from service.domain.deployment import CarryOver
from service.domain.drafts import Draft, accepted
from service.domain.effects import CatchUp, Effect, Flush
from service.domain.given import Given, NewSend, Outcome
from service.domain.log import EventType
from service.domain.message import Author, AuthorKind, SendBody
from service.domain.reactions.facts import is_join_settled, join, latest, outage_of, with_expiry
from service.domain.receipt import Tally, client_id_hash, receipt
from service.domain.send import SendKind
from service.domain.session import Cause, Outage, Segment, Session


def replaced(session: Session, event: happened.GuestSessionOpened, given: Given) -> Outcome:
    """Another guest session took the old one's place: same session, same log, next incarnation."""
    return _replaced(session, event, given, cause=Cause.NEW_SESSION, effects=(Flush(),))


def replaced_then_read(session: Session, event: happened.Event, given: Given) -> Outcome:
    """Replaced without us seeing it: what the new guest session holds must be read."""
    return _replaced(session, event, given, cause=Cause.NEW_SESSION, effects=(CatchUp(),))


def restarted(session: Session, event: happened.GuestSessionOpened, given: Given) -> Outcome:
    """A read-only chat was started anew."""
    return _replaced(session, event, given, cause=Cause.READ_ONLY, effects=(Flush(),))


def restarted_then_read(session: Session, event: happened.Event, given: Given) -> Outcome:
    """A read-only chat was started anew by a visit that did not live to say so."""
    return _replaced(session, event, given, cause=Cause.READ_ONLY, effects=(CatchUp(),))


def cleared_and_on(session: Session, event: happened.GuestSessionOpened, given: Given) -> Outcome:
    """The history at Genesys is erased and a new guest session goes on."""
    return _replaced(session, event, given, cause=Cause.CLEARED, effects=(Flush(),))


def _replaced(
    session: Session,
    event: happened.Event,
    given: Given,
    *,
    cause: Cause,
    effects: tuple[Effect, ...],
) -> Outcome:
    kept = session.outage if cause is Cause.NEW_SESSION else None
    outage = kept or outage_of(replace(session, outage=None), cause, None)
    seen = CatchUp() not in effects
    fresh = replace(
        _next_incarnation(session, event, given),
        segments=latest(session.segments, _segment(session, outage, given)),
        joined=seen and is_join_settled(given),
    )
    told = receipt(session, fresh, outage, _tally(cause, given), now=given.now)
    drafts = [Draft(type=EventType.SESSION_REPLACED, extra={"receipt": told})]
    sends = list(join(given, of=0) if seen else ())
    if given.deployment.carry_over is CarryOver.RECAP and given.recap and not _recap_waits(given):
        drafts.append(_recap_draft(fresh, given))
        sends.append(_recap_send(given))
    return Outcome(session=fresh, drafts=tuple(drafts), sends=tuple(sends), effects=effects)


def _next_incarnation(session: Session, event: happened.Event, given: Given) -> Session:
    # The old guest session's expiry says nothing of the new one.
    return replace(
        with_expiry(replace(session, expires_at=None), event),
        incarnation=session.incarnation + 1,
        client_id=session.next_client_id or session.client_id,
        next_client_id=None,
        conversation_id=None,
        participant_id=None,
        carry=carried_attributes(session, given.deployment, given.recap),
        opened_at=session.opened_at or given.now,
        outage=None,
        ended=None,
        evictions=0,
        warned_expiry_at=None,
        last_good_at=given.now,
    )


def _segment(session: Session, outage: Outage, given: Given) -> Segment:
    return Segment(
        incarnation=session.incarnation,
        client_id_hash=client_id_hash(session.client_id),
        conversation_id=session.conversation_id,
        participant_id=session.participant_id,
        replaced_at=given.now,
        cause=outage.cause,
    )


def _tally(cause: Cause, given: Given) -> Tally:
    # What was given up on purpose had been read; what vanished may have held more than we saw.
    return replace(given.tally, history_complete=cause is not Cause.NEW_SESSION)


def _recap_waits(given: Given) -> bool:
    # The guest session before did not live to hear it: this one does.
    return any(send.kind is SendKind.RECAP and send.written is None for send in given.sends)


def _recap_body(given: Given) -> SendBody:
    return SendBody(text=recap_message(given.recap))


def _recap_draft(session: Session, given: Given) -> Draft:
    return accepted(
        session,
        message_id=given.fresh.recap.message_id,
        body=_recap_body(given),
        at=given.now,
        author=Author(kind=AuthorKind.SYSTEM),
    )


def _recap_send(given: Given) -> NewSend:
    return NewSend(kind=SendKind.RECAP, of=1, ids=given.fresh.recap, body=_recap_body(given))
