"""The life of a session as one flat table: in this state, on this event, go there and do that.

Two rules. Everything that may change a session's state stands in TABLE; what is not in it is illegal and changes
nothing. And nothing here knows a wire, a policy or a clock: `judgement` turned those into events before.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from service.domain import events as ev
from service.domain.drafts import Draft
from service.domain.effects import Effect
from service.domain.errors import IllegalTransitionError
from service.domain.given import Given, NewSend, Outcome
from service.domain.log import EventType
from service.domain.reactions import attaching as att
from service.domain.reactions import finishing as fin
from service.domain.reactions import replacing as rep
from service.domain.reactions import signing as sig
from service.domain.session import Session, State

_ENDS_OF_WISHES: Final = frozenset(
    {
        EventType.SESSION_OPENED,
        EventType.SESSION_RECOVERED,
        EventType.SESSION_REPLACED,
        EventType.SESSION_READ_ONLY,
        EventType.SESSION_ENDED,
        EventType.SESSION_FAILED,
    }
)

_NO_WISH: Final = frozenset({State.LIVE, State.READ_ONLY})
"""States in which nothing that a caller asked for is under way."""

E = TypeVar("E", bound=ev.Event)
Reaction = Callable[[Session, Any, Given], Outcome]


@dataclass(frozen=True, slots=True)
class Row:
    """One fact: in `state`, on `event`, go to `to` and do what `then` says."""

    state: State
    event: type[ev.Event]
    to: State
    then: Reaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What comes of an event: the session as it will be, what to log and send, what to do."""

    session: Session
    drafts: tuple[Draft, ...]
    sends: tuple[NewSend, ...]
    effects: tuple[Effect, ...]


def on(
    states: State | tuple[State, ...],
    event: type[E],
    then: Callable[[Session, E, Given], Outcome],
    to: State | None = None,
) -> tuple[Row, ...]:
    """A row for each of the states; without `to` the state stays."""
    several = states if isinstance(states, tuple) else (states,)
    return tuple(Row(state, event, to or state, then) for state in several)


S: Final = State
_AWAY = (S.OPENING, S.LOST, S.RENEWING)
_ATTACHING = (S.RESUMING, S.REATTACHING, S.RETRYING, S.JOINING)
_PEEK = (S.PEEKING, S.PEEKED)
_LINKED = (S.CATCHING_UP, S.VERIFYING, S.LIVE, S.OVERLAPPING)
_INTENDING = (S.RESTARTING, S.CLEARING, S.ENDING)
_RECOVERING = (S.LOST, S.REATTACHING, S.RETRYING, S.VERIFYING)
_READING = (S.READ_ONLY, S.READING)
_AT_REST = (S.CREATED, S.OPENING, S.DETACHED, S.LOST, S.RENEWING, S.READ_ONLY)
_UNOPENED = (S.CREATED, S.OPENING, S.REOPENING)
_OPENED = (
    S.DETACHED,
    S.DORMANT,
    *_PEEK,
    S.RESUMING,
    S.JOINING,
    *_LINKED,
    S.LOST,
    S.REATTACHING,
    S.RETRYING,
    *_READING,
)
_ALL_BUT_OVER = tuple(s for s in S if s not in {S.ENDED, S.FAILED, S.ERASED})
_NOT_DORMANT = tuple(s for s in _ALL_BUT_OVER if s is not S.DORMANT)
_OVER = (S.ENDED, S.FAILED, S.ERASED)
_FAILING = (
    S.OPENING,
    S.REOPENING,
    *_ATTACHING,
    *_PEEK,
    S.RENEWING,
    S.READING,
    S.RESTARTING,
    S.CLEARING,
)
_SIGNING = (S.OPENING, S.REOPENING, *_ATTACHING, S.PEEKING, S.RENEWING, S.READING, *_INTENDING)
"""Where an attach, or a logout, may be under way."""

# fmt: off
TABLE: Final[tuple[Row, ...]] = (
    # --- somebody comes ---------------------------------------------------------------------------
    *on(S.CREATED,                   ev.VisitBegan,              att.attach,              S.OPENING),
    *on(S.OPENING,                   ev.VisitBegan,              att.attach),
    *on(S.DETACHED,                  ev.VisitBegan,              att.attach,              S.RESUMING),
    *on(S.DETACHED,                  ev.HolderDied,              att.attach_after_death,  S.REATTACHING),
    *on(S.DETACHED,                  ev.HandOverBegan,           att.attach,              S.JOINING),
    *on(S.LOST,                      ev.VisitBegan,              att.attach,              S.REATTACHING),
    *on(S.RENEWING,                  ev.VisitBegan,              att.attach),
    *on(S.READ_ONLY,                 ev.VisitBegan,              att.attach,              S.READING),
    *on(S.READ_ONLY,                 ev.HolderDied,              att.attach,              S.READING),
    *on(_INTENDING,                  ev.VisitBegan,              att.attach),
    *on(_OVER,                       ev.VisitBegan,              att.give_up_visit),
    *on(S.DORMANT,                   ev.VisitBegan,              att.attach,              S.PEEKING),
    *on(S.DORMANT,                   ev.Roused,                  att.attach,              S.RESUMING),
    # --- the first attach -------------------------------------------------------------------------
    *on((S.OPENING, S.REOPENING),    ev.GuestSessionOpened,      att.opened,              S.LIVE),
    *on((S.OPENING, S.REOPENING),    ev.GuestSessionResumed,     att.opened_before,       S.CATCHING_UP),
    *on((S.OPENING, S.REOPENING),    ev.GuestSessionReadOnly,    fin.read_only,           S.READING),
    *on(S.OPENING,                   ev.GuestSessionGone,        att.retry_once,          S.REOPENING),
    *on(S.REOPENING,                 ev.GuestSessionGone,        att.renew,               S.RENEWING),
    *on((S.OPENING, S.REOPENING),    ev.ClientIdDead,            att.renew,               S.RENEWING),
    *on((S.OPENING, S.REOPENING),    ev.LinkFailed,              att.lost,                S.OPENING),
    *on((S.OPENING, S.REOPENING),    ev.Evicted,                 att.evicted,             S.OPENING),
    # --- attaching to what we know ----------------------------------------------------------------
    *on(S.RESUMING,                  ev.GuestSessionResumed,     att.catch_up,            S.CATCHING_UP),
    *on((S.REATTACHING, S.RETRYING), ev.GuestSessionResumed,     att.catch_up,            S.VERIFYING),
    *on(_ATTACHING,                  ev.GuestSessionOpened,      rep.replaced,            S.LIVE),
    *on(_ATTACHING,                  ev.GuestSessionReadOnly,    fin.read_only,           S.READING),
    *on((S.RESUMING, S.REATTACHING, S.JOINING), ev.GuestSessionGone, att.retry_once,      S.RETRYING),
    *on(S.RETRYING,                  ev.GuestSessionGone,        att.renew,               S.RENEWING),
    *on(_ATTACHING,                  ev.ClientIdDead,            att.renew,               S.RENEWING),
    *on(_ATTACHING,                  ev.LinkFailed,              att.lost,                S.LOST),
    *on(_ATTACHING,                  ev.Evicted,                 att.evicted,             S.LOST),
    # --- attached ---------------------------------------------------------------------------------
    *on(S.CATCHING_UP,               ev.HistoryAgrees,           att.caught_up,           S.LIVE),
    *on(S.VERIFYING,                 ev.HistoryAgrees,           att.recovered,           S.LIVE),
    *on((S.CATCHING_UP, S.VERIFYING), ev.HistoryStrange,         rep.replaced_then_read,  S.CATCHING_UP),
    *on((S.CATCHING_UP, S.LIVE, S.OVERLAPPING), ev.GuestSessionGone, att.retry_once,      S.RETRYING),
    *on(S.VERIFYING,                 ev.GuestSessionGone,        att.retry_later,         S.RETRYING),
    *on(S.LIVE,                      ev.AutoStartKnown,          att.join_late),
    *on(_LINKED,                     ev.ClientIdDead,            att.renew,               S.RENEWING),
    *on(_LINKED,                     ev.LinkFailed,              att.lost,                S.LOST),
    *on(_LINKED,                     ev.Evicted,                 att.evicted,             S.LOST),
    *on(_LINKED,                     ev.ChatClosed,              fin.chat_closed,         S.READING),
    *on((S.CATCHING_UP, S.VERIFYING, S.LIVE), ev.HoldBegan,      att.hold),
    *on(S.LIVE,                      ev.VisitEnded,              att.let_go,              S.DETACHED),
    *on(S.CATCHING_UP,               ev.VisitEnded,              att.leave_behind,        S.DETACHED),
    # --- nothing is said for long ------------------------------------------------------------------
    *on(S.LIVE,                      ev.FellQuiet,               att.let_go,              S.DORMANT),
    *on(S.PEEKING,                   ev.GuestSessionResumed,     att.catch_up,            S.PEEKED),
    *on(S.PEEKED,                    ev.FellQuiet,               att.look_away,           S.DORMANT),
    *on(S.PEEKED,                    ev.HistoryAgrees,           att.caught_up,           S.LIVE),
    *on(S.PEEKED,                    ev.HistoryStrange,          rep.replaced_then_read,  S.CATCHING_UP),
    *on(S.PEEKING,                   ev.GuestSessionOpened,      rep.replaced,            S.LIVE),
    *on(S.PEEKING,                   ev.GuestSessionReadOnly,    fin.read_only,           S.READING),
    *on(S.PEEKED,                    ev.ChatClosed,              fin.chat_closed,         S.READING),
    *on(_PEEK,                       ev.GuestSessionGone,        att.retry_once,          S.RETRYING),
    *on(_PEEK,                       ev.ClientIdDead,            att.renew,               S.RENEWING),
    *on(_PEEK,                       ev.LinkFailed,              att.look_away,           S.DORMANT),
    *on(_PEEK,                       ev.Evicted,                 att.look_away,           S.DORMANT),
    *on(_PEEK,                       ev.VisitEnded,              att.look_away,           S.DORMANT),
    *on(S.DORMANT,                   ev.ResumeRequested,         att.attach_at_once,      S.DETACHED),
    # --- a shard changes hands --------------------------------------------------------------------
    *on(S.JOINING,                   ev.GuestSessionResumed,     att.join_predecessor,    S.OVERLAPPING),
    *on(S.OVERLAPPING,               ev.HoldBegan,               att.hold_beside),
    *on(S.OVERLAPPING,               ev.PredecessorDrained,      att.taken_over,          S.LIVE),
    *on(S.OVERLAPPING,               ev.PredecessorSilent,       att.catch_up,            S.CATCHING_UP),
    *on((S.JOINING, S.OVERLAPPING),  ev.VisitEnded,              att.leave_unread,        S.DETACHED),
    # --- a new client id --------------------------------------------------------------------------
    *on(S.RENEWING,                  ev.GuestSessionOpened,      rep.replaced,            S.LIVE),
    *on(S.RENEWING,                  ev.GuestSessionResumed,     rep.replaced_then_read,  S.CATCHING_UP),
    *on(S.RENEWING,                  ev.GuestSessionReadOnly,    rep.replaced_then_read,  S.CATCHING_UP),
    *on(S.RENEWING,                  ev.GuestSessionGone,        att.lost_again),
    *on(S.RENEWING,                  ev.ClientIdDead,            att.lost_again),
    *on(S.RENEWING,                  ev.LinkFailed,              att.lost),
    *on(S.RENEWING,                  ev.Evicted,                 att.evicted),
    # --- read-only --------------------------------------------------------------------------------
    *on(S.READING,                   ev.GuestSessionReadOnly,    att.catch_up),
    *on(S.READING,                   ev.GuestSessionResumed,     att.catch_up,            S.VERIFYING),
    *on(S.READING,                   ev.GuestSessionOpened,      rep.restarted,           S.LIVE),
    *on(S.READING,                   ev.HistoryAgrees,           fin.read_history),
    *on(S.READING,                   ev.HistoryStrange,          fin.read_history_strange),
    *on(S.READING,                   ev.HoldBegan,               att.hold),
    *on(S.READING,                   ev.ChatClosed,              att.stay),
    *on(S.READING,                   ev.GuestSessionGone,        att.give_up_visit,       S.READ_ONLY),
    *on(S.READING,                   ev.ClientIdDead,            att.give_up_visit,       S.READ_ONLY),
    *on(S.READING,                   ev.LinkFailed,              att.give_up_visit,       S.READ_ONLY),
    *on(S.READING,                   ev.Evicted,                 att.give_up_visit,       S.READ_ONLY),
    *on(S.READING,                   ev.VisitEnded,              att.let_go,              S.READ_ONLY),
    *on(_READING,                    ev.StartNewWanted,          fin.intend_restart,      S.RESTARTING),
    *on(S.RESTARTING,                ev.GuestSessionReadOnly,    fin.start_new),
    *on(S.RESTARTING,                ev.GuestSessionOpened,      rep.restarted,           S.LIVE),
    *on(S.RESTARTING,                ev.GuestSessionResumed,     rep.restarted_then_read, S.CATCHING_UP),
    *on(S.RESTARTING,                ev.ClientIdDead,            att.renew,               S.RENEWING),
    *on(S.RESTARTING,                ev.GuestSessionGone,        att.lost_again),
    # --- clear and go on --------------------------------------------------------------------------
    *on((*_UNOPENED, S.RENEWING),    ev.ClearRequested,          att.stay),
    *on((S.CLEARING, S.ENDING),      ev.ClearRequested,          att.stay),
    *on((*_OPENED, S.RESTARTING),    ev.ClearRequested,          fin.intend,              S.CLEARING),
    *on(S.CLEARING,                  ev.GuestSessionResumed,     fin.found_open),
    *on(S.CLEARING,                  ev.GuestSessionReadOnly,    fin.found_closed),
    *on(S.CLEARING,                  ev.HistoryAgrees,           fin.send_clear),
    *on(S.CLEARING,                  ev.GuestSessionOpened,      rep.cleared_and_on,      S.LIVE),
    *on(S.CLEARING,                  ev.Cleared,                 att.attach_anew),
    *on(S.CLEARING,                  ev.GuestSessionGone,        att.lost_again),
    *on(S.CLEARING,                  ev.ClearRefused,            fin.clear_refused,       S.LIVE),
    *on(S.CLEARING,                  ev.ClearRefusedAsClosed,    fin.still_read_only,     S.READING),
    *on(S.CLEARING,                  ev.ClientIdDead,            att.renew,               S.RENEWING),
    # --- end --------------------------------------------------------------------------------------
    *on(_ALL_BUT_OVER,               ev.LeaveRequested,          fin.ended_left,          S.ENDED),
    *on(S.FAILED,                    ev.LeaveRequested,          fin.ended_left,          S.ENDED),
    *on(_UNOPENED,                   ev.ClearAndEndRequested,    fin.ended_left,          S.ENDED),
    *on((S.RENEWING, S.FAILED),      ev.ClearAndEndRequested,    fin.ended_left,          S.ENDED),
    *on((*_OPENED, *_INTENDING),     ev.ClearAndEndRequested,    fin.intend,              S.ENDING),
    *on(S.ENDING,                    ev.GuestSessionResumed,     att.catch_up),
    *on(S.ENDING,                    ev.GuestSessionReadOnly,    att.catch_up),
    *on(S.ENDING,                    ev.HistoryAgrees,           fin.send_clear),
    *on(S.ENDING,                    ev.GuestSessionOpened,      fin.ended_cleared,       S.ENDED),
    *on(S.ENDING,                    ev.Cleared,                 fin.ended_cleared,       S.ENDED),
    *on(S.ENDING,                    ev.GuestSessionGone,        fin.ended_unverified,    S.ENDED),
    *on(S.ENDING,                    ev.ClearRefused,            fin.ended_unverified,    S.ENDED),
    *on(S.ENDING,                    ev.ClearRefusedAsClosed,    fin.ended_unverified,    S.ENDED),
    *on(S.ENDING,                    ev.ClientIdDead,            fin.ended_unverified,    S.ENDED),
    *on(S.ENDING,                    ev.Denied,                  fin.ended_unverified,    S.ENDED),
    *on(_INTENDING,                  ev.LinkFailed,              att.lost),
    *on(_INTENDING,                  ev.Evicted,                 att.evicted),
    *on(_INTENDING,                  ev.ChatClosed,              att.stay),
    *on(_INTENDING,                  ev.VisitEnded,              att.let_go),
    *on((*_ATTACHING, *_PEEK, *_LINKED, S.READING), ev.Cleared,          fin.ended_by_clear,      S.ENDED),
    *on((S.OPENING, S.REOPENING, S.RENEWING, S.RESTARTING), ev.Cleared, att.stay),
    *on((*_ATTACHING, *_PEEK, *_LINKED), ev.GuestSessionLapsed,  fin.ended_expired,       S.ENDED),
    # --- a guest signs in, and out ----------------------------------------------------------------
    *on(_NOT_DORMANT,                ev.SignInWanted,            sig.sign_in),
    *on(S.DORMANT,                   ev.SignInWanted,            sig.sign_in,             S.DETACHED),
    *on(S.FAILED,                    ev.SignInWanted,            sig.sign_in_and_revive,  S.LOST),
    *on(S.FAILED,                    ev.SignInToReopen,          sig.sign_in_and_reopen,  S.OPENING),
    *on(_SIGNING,                    ev.LoginRefreshed,          sig.refreshed),
    *on(_SIGNING,                    ev.StepUpRefused,           sig.step_up_refused),
    *on((*_FAILING, *_LINKED),       ev.LoginRequired,           sig.login_required,      S.FAILED),
    *on((*_FAILING, *_LINKED),       ev.SignInEnded,             sig.sign_in_ended,       S.ENDED),
    *on((*_OPENED, *_INTENDING),     ev.LogoutRequested,         sig.log_out,             S.ENDING),
    *on((*_UNOPENED, S.RENEWING, S.FAILED), ev.LogoutRequested,  fin.ended_left,          S.ENDED),
    *on(S.ENDING,                    ev.LogoutDue,               sig.revoke),
    *on(S.ENDING,                    ev.LoggedOut,               sig.logged_out,          S.ENDED),
    *on(S.ENDING,                    ev.LoginRequired,           sig.logged_out_unsure,   S.ENDED),
    # --- fail, and try again ----------------------------------------------------------------------
    *on((S.OPENING, S.REOPENING, *_ATTACHING, *_PEEK, *_LINKED, S.RENEWING, S.READING, S.RESTARTING, S.CLEARING),
                                     ev.Denied,                  fin.failed,              S.FAILED),
    *on((S.OPENING, S.REOPENING, *_ATTACHING, *_PEEK, *_LINKED, S.RENEWING),
                                     ev.GuestSessionLostForGood, fin.failed_lost,         S.FAILED),
    *on(S.FAILED,                    ev.ResumeRequested,         fin.revive,              S.LOST),
    *on(S.FAILED,                    ev.ReopenRequested,         fin.reopen,              S.OPENING),
    *on(_NOT_DORMANT,                ev.ResumeRequested,         att.attach_at_once),
    # --- a visit that ends in between; what comes when a session is over ---------------------------
    *on((S.CREATED, S.OPENING, S.REOPENING), ev.VisitEnded,      att.give_up_visit,       S.OPENING),
    *on(S.RESUMING,                  ev.VisitEnded,              att.give_up_visit,       S.DETACHED),
    *on(_RECOVERING,                 ev.VisitEnded,              att.give_up_visit,       S.LOST),
    *on(S.RENEWING,                  ev.VisitEnded,              att.give_up_visit),
    *on((S.DETACHED, S.DORMANT, S.READ_ONLY, *_OVER), ev.VisitEnded, att.stay),
    # --- what the contact centre calls it, and when it will expire ---------------------------------
    *on(_OPENED,                     ev.ConversationFound,       att.identified),
    *on(_OPENED,                     ev.ExpiryNear,              att.expiring),
)
# fmt: on

_BY_KEY: Final[Mapping[tuple[State, type[ev.Event]], Row]] = {(r.state, r.event): r for r in TABLE}


def decide(session: Session, event: ev.Event, given: Given) -> Decision:
    """What follows from `event` in the session's state.

    Raises IllegalTransitionError, and changes nothing, when the table has no such row.
    """
    row = _BY_KEY.get((session.state, type(event)))
    if row is None:
        raise IllegalTransitionError(state=session.state.value, event=type(event).__name__)
    outcome = row.then(session, event, given)
    after, drafts = _traced(replace(outcome.session, state=row.to), outcome.drafts)
    return Decision(session=after, drafts=drafts, sends=outcome.sends, effects=outcome.effects)


def _traced(session: Session, drafts: tuple[Draft, ...]) -> tuple[Session, tuple[Draft, ...]]:
    """The first that tells how a wish ended carries the trace of the request that had it."""
    if session.trace is None:
        return session, drafts
    if not any(draft.type in _ENDS_OF_WISHES for draft in drafts):
        # A wish that was refused, or that needed nothing told, is over too: what happens to the
        # session days later is not to carry its trace.
        return (replace(session, trace=None) if session.state in _NO_WISH else session), drafts
    traced = (replace(each, trace=session.trace) for each in drafts)
    return replace(session, trace=None), tuple(traced)


def is_legal(state: State, event: type[ev.Event]) -> bool:
    """Whether the table has a row for that event in that state."""
    return (state, event) in _BY_KEY
