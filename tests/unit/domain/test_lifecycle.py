"""The table as a whole, and what holds for every story it can tell."""

import inspect
from collections import Counter
from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain import events as ev
from service.domain.deployment import CarryOver, OnReadOnly, OnSessionLost
from service.domain.effects import Attach, DropLink
from service.domain.errors import IllegalTransitionError
from service.domain.judgement import judged
from service.domain.lifecycle import TABLE, is_legal
from service.domain.log import EventType
from service.domain.session import (
    FINAL_STATES,
    SETTLED_STATES,
    Cause,
    EndedBy,
    PublicState,
    State,
    at_rest,
    public_state,
)
from service.domain.sign_in import SignIn
from service.domain.trace import Trace
from tests.support.playbook import NOON, Playbook, pending, session_in

S: Final = State
EVENTS: Final = tuple(
    kind
    for name, kind in inspect.getmembers(ev, inspect.isclass)
    if issubclass(kind, ev.Event) and kind is not ev.Event and not name.startswith("_")
)

# Groups of states in which the same things cannot happen.
UNTOUCHED: Final = {S.CREATED}
OVER: Final = {S.ENDED, S.FAILED, S.ERASED}
UNLINKED: Final = {S.CREATED, S.DETACHED, S.DORMANT, S.LOST, S.READ_ONLY, *OVER}
CONFIGURED: Final = {S.CATCHING_UP, S.VERIFYING, S.LIVE, S.OVERLAPPING, S.PEEKED}
UNOPENED: Final = {S.CREATED, S.OPENING, S.REOPENING}
ATTACHING: Final = {S.RESUMING, S.REATTACHING, S.RETRYING, S.JOINING, S.PEEKING}
INTENDING: Final = {S.RESTARTING, S.CLEARING, S.ENDING}
BETWEEN: Final = {S.RENEWING, *INTENDING}
UNREAD: Final = {S.LIVE, S.OVERLAPPING, *UNLINKED, *UNOPENED, *ATTACHING, *BETWEEN}

ILLEGAL: Final[dict[type[ev.Event], set[State]]] = {
    # A visit begins in a state that needs no link, for no other is ever kept.
    ev.VisitBegan: {S.REOPENING, S.READING, *ATTACHING, *CONFIGURED},
    ev.HolderDied: set(S) - {S.DETACHED, S.READ_ONLY},
    # A shard changes hands between visits; the last word is waited for beside the old link.
    ev.HandOverBegan: set(S) - {S.DETACHED},
    ev.PredecessorDrained: set(S) - {S.OVERLAPPING},
    ev.PredecessorSilent: set(S) - {S.OVERLAPPING},
    ev.Roused: set(S) - {S.DORMANT},
    ev.VisitEnded: set(),
    # Nobody holds what is only looked at.
    ev.HoldBegan: set(S) - {S.READING, *CONFIGURED} | {S.PEEKED},
    ev.FellQuiet: set(S) - {S.LIVE, S.PEEKED},
    # Nothing is heard where there is no link.
    ev.LinkFailed: UNLINKED,
    ev.Evicted: UNLINKED,
    ev.Denied: UNLINKED,
    ev.ClientIdDead: UNLINKED,
    ev.GuestSessionGone: UNLINKED,
    ev.Cleared: UNLINKED,
    # Configure is answered once for each link.
    ev.GuestSessionOpened: UNLINKED | CONFIGURED,
    ev.GuestSessionResumed: UNLINKED | CONFIGURED,
    ev.GuestSessionReadOnly: UNLINKED | CONFIGURED,
    # History is judged by whoever has just attached to something old, and read before a clear.
    ev.HistoryAgrees: UNREAD - {S.CLEARING, S.ENDING},
    ev.HistoryStrange: UNREAD,
    # The contact centre closes what is open and heard.
    ev.ChatClosed: UNLINKED | UNOPENED | ATTACHING | {S.RENEWING},
    # Verdicts that the judgement gives only where something can still be lost.
    ev.GuestSessionLapsed: UNLINKED | UNOPENED | BETWEEN | {S.READING},
    ev.GuestSessionLostForGood: UNLINKED | INTENDING | {S.READING},
    # What is known of a guest session belongs to one that was opened and is not being replaced.
    # Whether to join is asked where all that was said is known.
    ev.AutoStartKnown: set(S) - {S.LIVE},
    ev.ConversationFound: UNOPENED | BETWEEN | OVER,
    ev.ExpiryNear: UNOPENED | BETWEEN | OVER,
    # Wishes of the caller.
    ev.StartNewWanted: set(S) - {S.READ_ONLY, S.READING},
    ev.ClearRefused: set(S) - {S.CLEARING, S.ENDING},
    ev.ClearRefusedAsClosed: set(S) - {S.CLEARING, S.ENDING},
    ev.ClearRequested: OVER,
    ev.LeaveRequested: set(FINAL_STATES),
    ev.ClearAndEndRequested: set(FINAL_STATES),
    ev.ResumeRequested: set(FINAL_STATES),
    ev.ReopenRequested: set(S) - {S.FAILED},
    ev.SignInWanted: set(FINAL_STATES),
    ev.SignInToReopen: set(S) - {S.FAILED},
    ev.LogoutRequested: set(FINAL_STATES),
    # What is asked about a login while a link is attached, or instead of that.
    ev.LoginRefreshed: UNLINKED | CONFIGURED,
    ev.StepUpRefused: UNLINKED | CONFIGURED,
    ev.LoginRequired: UNLINKED,
    ev.SignInEnded: UNLINKED | {S.ENDING},
    ev.LogoutDue: set(S) - {S.ENDING},
    ev.LoggedOut: set(S) - {S.ENDING},
}
LOGIN: Final = SignIn(jwt="jwt", refresh_token="refresh", issued_at=NOON)

HAPPENED: Final = {
    ev.HoldBegan: ev.HoldBegan(holder="listener-1"),
    ev.GuestSessionOpened: ev.GuestSessionOpened(expires_at=NOON + 600, duration_seconds=600),
    ev.GuestSessionGone: ev.GuestSessionGone(cause=Cause.SESSION_EXPIRED, code="4006"),
    ev.GuestSessionLostForGood: ev.GuestSessionLostForGood(cause=Cause.NEW_SESSION),
    ev.ClientIdDead: ev.ClientIdDead(code="4017"),
    ev.Denied: ev.Denied(code="denied", detail="no"),
    ev.LinkFailed: ev.LinkFailed(code="1006"),
    ev.ClearRefused: ev.ClearRefused(code="403"),
    ev.ClearRefusedAsClosed: ev.ClearRefusedAsClosed(code="409"),
    ev.ChatClosed: ev.ChatClosed(by=EndedBy.AGENT),
    ev.HistoryAgrees: ev.HistoryAgrees(shows_join=False, complete=True),
    ev.ConversationFound: ev.ConversationFound(conversation_id="c", participant_id=None),
    ev.ExpiryNear: ev.ExpiryNear(expires_at=NOON + 600),
    ev.SignInWanted: ev.SignInWanted(sign_in=LOGIN),
    ev.SignInToReopen: ev.SignInToReopen(sign_in=LOGIN),
    ev.LoginRefreshed: ev.LoginRefreshed(sign_in=LOGIN),
    ev.LoginRequired: ev.LoginRequired(detail="no"),
    ev.LoggedOut: ev.LoggedOut(verified=True),
    ev.SignInEnded: ev.SignInEnded(by=EndedBy.EVICTED),
}
SAMPLES: Final = tuple(HAPPENED.get(kind) or kind() for kind in EVENTS)
PLAYBOOKS: Final = st.builds(
    Playbook,
    on_session_lost=st.sampled_from(OnSessionLost),
    on_read_only=st.sampled_from(OnReadOnly),
    carry_over=st.sampled_from(CarryOver),
    auto_start=st.booleans(),
)
STEPS: Final = st.tuples(
    st.integers(0, 10_000), st.sampled_from((0.0, 1.0, 400.0)), st.sampled_from(".....dsr")
)


def test_no_row_stands_there_twice() -> None:
    keys = Counter((row.state, row.event) for row in TABLE)

    assert [key for key, times in keys.items() if times > 1] == []


def test_every_pair_is_in_the_table_or_known_to_be_illegal() -> None:
    for kind in EVENTS:
        illegal = {state for state in State if not is_legal(state, kind)}

        assert illegal == ILLEGAL[kind], kind.__name__


def test_every_state_is_reached_but_erased_which_only_erasing_sets() -> None:
    reached = {State.CREATED}
    while more := {row.to for row in TABLE if row.state in reached} - reached:
        reached |= more

    assert set(State) - reached == {State.ERASED}


def test_final_states_have_no_way_out() -> None:
    leaving = [row for row in TABLE if row.state in FINAL_STATES and row.to is not row.state]

    assert leaving == []


@pytest.mark.parametrize("state", State)
def test_a_state_that_is_kept_lets_a_visit_begin(state: State) -> None:
    assert is_legal(at_rest(state), ev.VisitBegan)
    assert at_rest(at_rest(state)) is at_rest(state)


@pytest.mark.parametrize("state", State)
def test_dying_tells_callers_nothing(state: State) -> None:
    """What is kept shows callers the same state as what it stands for."""
    assert public_state(at_rest(state)) is public_state(state)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", SAMPLES, ids=lambda event: type(event).__name__)
def test_an_event_is_refused_exactly_where_it_is_known_to_be_illegal(
    state: State, event: ev.Event
) -> None:
    story = Playbook(session_in(state))
    before = story.session
    if state not in ILLEGAL[type(event)]:
        story.happen(event)
        return

    with pytest.raises(IllegalTransitionError) as refused:
        story.happen(event)

    assert (refused.value.state, refused.value.event) == (state.value, type(event).__name__)
    assert story.session is before


@given(PLAYBOOKS, st.sampled_from(State), st.sampled_from(SAMPLES), st.sampled_from((0, 1)))
def test_judging_never_makes_a_legal_event_illegal(
    story: Playbook, state: State, event: ev.Event, waiting: int
) -> None:
    story.session = session_in(state, expires_at=NOON - 1, opened_at=NOON - 600, held_by="l")
    story.sends = (pending(),) * waiting

    meant = judged(story.session, event, story.given())

    assert is_legal(state, type(meant)) or not is_legal(state, type(event))


@settings(max_examples=75)
@given(PLAYBOOKS, st.lists(STEPS, max_size=40))
def test_no_story_breaks_what_must_hold(
    story: Playbook, steps: list[tuple[int, float, str]]
) -> None:
    for choice, seconds, twist in steps:
        story.wait(seconds)
        story.sends = (pending(),) if twist == "s" else ()
        story.recap = "agent: hello" if twist == "r" else ""
        if twist == "d":
            story.die()
        legal = [event for event in SAMPLES if is_legal(story.session.state, type(event))]
        _step(story, legal[choice % len(legal)])

    _check_log([draft.type for draft in story.drafts])


def _step(story: Playbook, event: ev.Event) -> None:
    before = story.session
    decision = story.happen(event)
    after = decision.session
    types = [draft.type for draft in decision.drafts]
    replaced = types.count(EventType.SESSION_REPLACED)

    assert after.incarnation == before.incarnation + replaced
    assert (before.next_client_id or before.client_id) == after.client_id or not replaced
    assert after.client_id == before.client_id or replaced
    if after.state in SETTLED_STATES and before.state not in SETTLED_STATES:
        assert DropLink() in decision.effects
        assert after.held_by is None
    if after.state is S.RENEWING:
        assert after.next_client_id is not None
    if after.next_client_id != before.next_client_id and after.next_client_id is not None:
        assert after.state is S.RENEWING
        assert Attach() in decision.effects
    if after.public is PublicState.ACTIVE:
        assert after.opened_at is not None
    for send in decision.sends:
        assert send.of is None or send.of < len(decision.drafts)


def _check_log(types: list[EventType]) -> None:
    """The first incarnation is opened at most once; a replacement starts each of the others."""
    first = types.index(EventType.SESSION_REPLACED) if EventType.SESSION_REPLACED in types else None
    assert types.count(EventType.SESSION_OPENED) <= 1
    assert EventType.SESSION_OPENED not in types[first or len(types) :]
    if EventType.SESSION_ENDED in types:
        assert types[-1] is EventType.SESSION_ENDED
    if EventType.SESSION_RECOVERED in types:
        known = {EventType.SESSION_OPENED, EventType.SESSION_REPLACED, EventType.SESSION_READ_ONLY}
        assert known & set(types[: types.index(EventType.SESSION_RECOVERED)])


def test_the_end_of_a_wish_carries_the_trace_of_its_request_and_nothing_after_it() -> None:
    asked = Trace("4bf92f3577b34da6a3ce929d0e0e4736-01")
    book = Playbook(replace(session_in(S.OPENING), trace=asked))

    on_its_way = book.happen(ev.LinkFailed(code="1006"))
    assert (on_its_way.drafts, on_its_way.session.trace) == ((), asked)

    book.happen(ev.VisitBegan())
    opened = book.happen(ev.GuestSessionOpened())
    assert [(draft.type, draft.trace) for draft in opened.drafts] == [
        (EventType.SESSION_OPENED, asked)
    ]
    assert opened.session.trace is None


def test_a_wish_that_was_refused_leaves_no_trace_for_what_comes_days_later() -> None:
    asked = Trace("4bf92f3577b34da6a3ce929d0e0e4736-01")
    book = Playbook(replace(session_in(S.CLEARING, opened_at=NOON), trace=asked))

    refused = book.happen(ev.ClearRefused(code="403"))

    assert (refused.session.state, refused.session.trace) == (S.LIVE, None)


def test_a_wish_whose_end_is_told_to_nobody_is_over_once_the_session_is_live() -> None:
    """A dormant session that is woken: no event tells of it."""
    asked = Trace("4bf92f3577b34da6a3ce929d0e0e4736-01")
    book = Playbook(replace(session_in(S.DORMANT, opened_at=NOON), trace=asked))

    assert book.happen(ev.ResumeRequested()).session.trace == asked
    book.happen(ev.VisitBegan())
    book.happen(ev.GuestSessionResumed())
    live = book.happen(ev.HistoryAgrees(shows_join=False, complete=True))

    assert (live.drafts, live.session.state, live.session.trace) == ((), S.LIVE, None)
