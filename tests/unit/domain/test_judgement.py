"""Which event it was, under a policy and at a time."""

from dataclasses import replace
from typing import Final

import pytest

from service.domain import events as ev
from service.domain.deployment import OnSessionLost
from service.domain.judgement import judged
from service.domain.session import Cause, EndedBy, Outage, State
from service.domain.sign_in import SignIn
from tests.support.playbook import NOON, Playbook, pending, session_in

S: Final = State
OPENED: Final = ev.GuestSessionOpened()
GONE: Final = ev.GuestSessionGone(cause=Cause.SESSION_EXPIRED, code="4006")
DEAD: Final = ev.ClientIdDead(code="4017")
FAIL: Final = OnSessionLost.FAIL
REPLACE: Final = OnSessionLost.REPLACE
BY_INTENT: Final = (S.READING, S.RESTARTING, S.CLEARING, S.ENDING)


def judge(
    state: State, event: ev.Event, policy: OnSessionLost = REPLACE, **facts: object
) -> ev.Event:
    story = Playbook(session_in(state, **facts), on_session_lost=policy)
    return judged(story.session, event, story.given())


@pytest.mark.parametrize("state", [S.DETACHED, S.READ_ONLY])
def test_a_visit_that_finds_a_holder_named_knows_that_it_died(state: State) -> None:
    assert judge(state, ev.VisitBegan(), held_by="listener-1") == ev.HolderDied()
    assert judge(state, ev.VisitBegan()) == ev.VisitBegan()
    assert judge(S.LOST, ev.VisitBegan(), held_by="listener-1") == ev.VisitBegan()


def test_a_holder_that_gave_the_shard_away_is_not_dead() -> None:
    def judge_beside(state: State, holder: str | None) -> ev.Event:
        story = Playbook(session_in(state, held_by=holder))
        story.predecessor = "listener-1"
        return judged(story.session, ev.VisitBegan(), story.given())

    assert judge_beside(S.DETACHED, "listener-1") == ev.HandOverBegan()
    assert judge_beside(S.DETACHED, "listener-0") == ev.HolderDied()
    assert judge_beside(S.DETACHED, None) == ev.VisitBegan()
    assert judge_beside(S.READ_ONLY, "listener-1") == ev.HolderDied()
    assert judge_beside(S.LOST, "listener-1") == ev.VisitBegan()


@pytest.mark.parametrize("quiet", [True, False])
def test_a_dormant_session_wakes_unless_all_is_quiet(*, quiet: bool) -> None:
    given = replace(Playbook(session_in(S.DORMANT)).given(), quiet=quiet)
    read = ev.HistoryAgrees(shows_join=False, complete=False)

    begun = judged(session_in(S.DORMANT), ev.VisitBegan(), given)
    assert begun == (ev.VisitBegan() if quiet else ev.Roused())
    assert judged(session_in(S.PEEKED), read, given) == (ev.FellQuiet() if quiet else read)
    assert judged(session_in(S.CATCHING_UP), read, given) == read


def test_a_request_to_resume_reopens_only_what_failed_unopened() -> None:
    asked = ev.ResumeRequested()

    assert judge(S.FAILED, asked) == ev.ReopenRequested()
    assert judge(S.FAILED, asked, opened_at=NOON) == asked
    assert judge(S.OPENING, asked) == asked


@pytest.mark.parametrize("state", [S.OPENING, S.REOPENING, S.RENEWING, *BY_INTENT])
def test_a_new_guest_session_that_was_wanted_is_never_a_loss(state: State) -> None:
    assert judge(state, OPENED, FAIL, expires_at=NOON - 1) == OPENED


def test_a_new_guest_session_that_nobody_wanted_is_a_loss_by_policy() -> None:
    outage = Outage(cause=Cause.LINK_LOST, code=None, last_good_at=NOON)

    assert judge(S.RESUMING, OPENED, REPLACE) == OPENED
    assert judge(S.RESUMING, OPENED, FAIL) == ev.GuestSessionLostForGood(cause=Cause.NEW_SESSION)
    assert judge(S.REATTACHING, OPENED, FAIL, outage=outage) == ev.GuestSessionLostForGood(
        cause=Cause.LINK_LOST
    )


def test_a_wish_to_try_again_is_not_why_a_guest_session_is_gone() -> None:
    wish = Outage(cause=Cause.REQUESTED, code=None, last_good_at=NOON)

    assert judge(S.REATTACHING, OPENED, FAIL, outage=wish) == ev.GuestSessionLostForGood(
        cause=Cause.NEW_SESSION
    )


@pytest.mark.parametrize("event", [OPENED, GONE])
def test_only_a_known_expiry_that_passed_with_nothing_waiting_lapses(event: ev.Event) -> None:
    waiting = Playbook(session_in(S.RESUMING, expires_at=NOON))
    waiting.sends = (pending(),)

    assert judge(S.RESUMING, event, expires_at=NOON) == ev.GuestSessionLapsed()
    assert judge(S.RESUMING, event, expires_at=NOON + 1) == event
    assert judge(S.RESUMING, event) == event
    assert judged(waiting.session, event, waiting.given()) == event


@pytest.mark.parametrize("state", [S.OPENING, S.RENEWING, *BY_INTENT])
def test_what_is_gone_where_something_new_is_under_way_has_not_lapsed(state: State) -> None:
    assert judge(state, GONE, FAIL, expires_at=NOON - 1) == GONE


@pytest.mark.parametrize("state", [S.RESTARTING, S.CLEARING])
def test_gone_a_second_time_where_a_chat_begins_anew_means_another_client_id(state: State) -> None:
    outage = Outage(cause=Cause.SESSION_EXPIRED, code="4006", last_good_at=NOON)

    assert judge(state, GONE, outage=outage) == ev.ClientIdDead(code="4006")


@pytest.mark.parametrize("state", [S.REOPENING, S.RETRYING])
def test_gone_a_second_time_is_a_loss_by_policy(state: State) -> None:
    lost = ev.GuestSessionLostForGood(cause=Cause.SESSION_EXPIRED, code="4006")

    assert judge(state, GONE, FAIL, expires_at=NOON - 1) == lost
    assert judge(state, GONE, REPLACE, expires_at=NOON - 1) == GONE


def test_gone_once_is_asked_again_under_either_policy() -> None:
    assert judge(S.LIVE, GONE, FAIL) == GONE
    assert judge(S.LIVE, GONE, REPLACE) == GONE


@pytest.mark.parametrize("state", [S.OPENING, S.LIVE, S.RETRYING, S.RENEWING])
def test_a_dead_client_id_is_a_loss_by_policy(state: State) -> None:
    lost = ev.GuestSessionLostForGood(cause=Cause.CLIENT_ID_DEAD, code="4017")

    assert judge(state, DEAD, FAIL) == lost
    assert judge(state, DEAD, REPLACE) == DEAD


@pytest.mark.parametrize("state", BY_INTENT)
def test_a_dead_client_id_is_no_loss_where_the_chat_is_over_anyway(state: State) -> None:
    assert judge(state, DEAD, FAIL) == DEAD


@pytest.mark.parametrize("state", [S.CATCHING_UP, S.VERIFYING])
def test_a_replacement_that_only_history_shows_is_a_loss_by_policy_too(state: State) -> None:
    strange = ev.HistoryStrange()

    assert judge(state, strange, REPLACE) == strange
    assert judge(state, strange, FAIL) == ev.GuestSessionLostForGood(cause=Cause.NEW_SESSION)


LOGIN: Final = SignIn(jwt="jwt", refresh_token="refresh", issued_at=NOON)
NOT_FOUND: Final = ev.GuestSessionGone(cause=Cause.SESSION_NOT_FOUND, code="4007")


def test_a_dead_client_id_of_a_signed_in_guest_is_no_reason_for_an_anonymous_one() -> None:
    elsewhere = judge(S.LIVE, ev.ClientIdDead(code="signedIn"), sign_in=LOGIN)

    assert elsewhere == ev.SignInEnded(by=EndedBy.EVICTED)
    assert isinstance(judge(S.LIVE, DEAD, sign_in=LOGIN), ev.LoginRequired)
    assert judge(S.ENDING, DEAD, sign_in=LOGIN) == DEAD
    assert judge(S.LIVE, DEAD, sign_in=replace(LOGIN, stepping_up=True)) == DEAD


def test_a_signed_in_guest_session_that_is_gone_is_not_taken_back_by_a_mere_look() -> None:
    requested = Outage(cause=Cause.REQUESTED, code=None, last_good_at=NOON)
    lost = Outage(cause=Cause.SESSION_NOT_FOUND, code="4007", last_good_at=NOON)

    assert isinstance(judge(S.RETRYING, NOT_FOUND, sign_in=LOGIN), ev.LoginRequired)
    assert isinstance(judge(S.RETRYING, NOT_FOUND, sign_in=LOGIN, outage=lost), ev.LoginRequired)
    assert judge(S.RETRYING, NOT_FOUND, sign_in=LOGIN, outage=requested) == NOT_FOUND
    assert judge(S.REOPENING, NOT_FOUND, sign_in=LOGIN) == NOT_FOUND
    assert judge(S.RETRYING, NOT_FOUND) == NOT_FOUND

    story = Playbook(session_in(S.RETRYING, sign_in=LOGIN))
    story.sends = (pending(),)
    assert judged(story.session, NOT_FOUND, story.given()) == NOT_FOUND


def test_a_logout_that_waits_is_told_from_a_clearing() -> None:
    leaving = replace(LOGIN, leaving=True)

    assert judge(S.ENDING, ev.VisitBegan(), sign_in=leaving) == ev.LogoutDue()
    assert judge(S.ENDING, ev.VisitBegan(), sign_in=LOGIN) == ev.VisitBegan()
    assert judge(S.ENDING, ev.VisitBegan()) == ev.VisitBegan()


def test_nobody_who_is_anonymous_is_signed_out() -> None:
    assert judge(S.DETACHED, ev.LogoutRequested()) == ev.LeaveRequested()
    assert judge(S.DETACHED, ev.LogoutRequested(), sign_in=LOGIN) == ev.LogoutRequested()


def test_what_was_never_opened_is_opened() -> None:
    wanted = ev.SignInWanted(sign_in=LOGIN)

    assert judge(S.FAILED, wanted, opened_at=None) == ev.SignInToReopen(sign_in=LOGIN)
    assert judge(S.FAILED, wanted, opened_at=NOON) == wanted
    assert judge(S.CREATED, wanted, opened_at=None) == wanted
