"""Stories of a guest's login: sign in, step up, keep it, lose it, sign out."""

from typing import Final

import pytest

from service.domain import events as ev
from service.domain.effects import Attach, AttachAt, DropLink, Effect, Leave, Revoke
from service.domain.log import EventType
from service.domain.session import Cause, EndedBy, EndMode, FailureReason, Outage, State
from service.domain.sign_in import SignIn
from tests.support.playbook import NOON, Playbook, session_in

S = State
LOGIN: Final = SignIn(jwt="jwt-1", refresh_token="refresh-1", issued_at=NOON, name="Ann")
OTHER: Final = SignIn(jwt="jwt-2", refresh_token="refresh-2", issued_at=NOON)
WANTED: Final = ev.SignInWanted(sign_in=OTHER)
OVER: Final[tuple[Effect, ...]] = (DropLink(), Leave())


def story_in(state: State, *, sign_in: SignIn | None = LOGIN, **facts: object) -> Playbook:
    fields: dict[str, object] = {"opened_at": NOON, "joined": True} | facts
    return Playbook(session_in(state, sign_in=sign_in, **fields))


def the_login(story: Playbook) -> SignIn:
    assert story.session.sign_in is not None
    return story.session.sign_in


def test_an_anonymous_session_steps_up() -> None:
    story = story_in(S.DETACHED, sign_in=None, held_by="own_1")
    story.play(WANTED, to=S.DETACHED)

    assert the_login(story).stepping_up
    assert not story.session.authenticated
    assert story.session.held_by is None


def test_whoever_steps_up_may_bring_another_login() -> None:
    story = story_in(S.DETACHED, sign_in=None)
    story.play(WANTED, to=S.DETACHED).play(WANTED, to=S.DETACHED)

    assert the_login(story).stepping_up


def test_a_signed_in_session_takes_another_login_and_keeps_its_name() -> None:
    story = story_in(S.DORMANT)
    story.play(WANTED, to=S.DETACHED)

    assert (the_login(story).jwt, the_login(story).name) == ("jwt-2", "Ann")
    assert story.session.authenticated


def test_a_refused_step_up_goes_on_anonymous() -> None:
    story = story_in(S.DETACHED, sign_in=None)
    story.play(WANTED, to=S.DETACHED).play(ev.VisitBegan(), to=S.RESUMING, does=[Attach()])
    story.play(ev.StepUpRefused(), to=S.RESUMING, does=[Attach()])

    assert story.session.sign_in is None


def test_a_refreshed_login_is_kept() -> None:
    story = story_in(S.RESUMING)
    story.play(ev.LoginRefreshed(sign_in=OTHER), to=S.RESUMING)

    assert story.session.sign_in == OTHER


def test_a_session_that_needs_a_login_waits_for_it_without_secrets() -> None:
    story = story_in(S.RESUMING, outage=None)
    needed = ev.LoginRequired(detail="sign in again")
    story.play(needed, to=S.FAILED, logs=[EventType.SESSION_FAILED], does=OVER)

    reason = FailureReason(code="authentication_required", detail="sign in again")
    assert story.session.failure == reason
    assert (the_login(story).jwt, the_login(story).refresh_token) == ("", None)
    assert story.session.authenticated

    back = story.happen(WANTED).session
    assert (back.state, back.failure) == (S.LOST, None)
    assert the_login(story).jwt == "jwt-2"


def test_a_session_that_was_never_opened_opens_with_the_new_login() -> None:
    story = story_in(S.FAILED, opened_at=None)
    story.play(WANTED, to=S.OPENING)

    assert the_login(story).jwt == "jwt-2"
    assert not the_login(story).stepping_up


@pytest.mark.parametrize("verified", [True, False])
def test_a_logout_is_committed_then_done_and_ends_the_session(*, verified: bool) -> None:
    story = story_in(S.DETACHED, held_by="own_1")
    story.play(ev.LogoutRequested(), to=S.ENDING)
    assert the_login(story).leaving
    story.play(ev.VisitBegan(), to=S.ENDING, does=[DropLink(), Revoke()])
    done = ev.LoggedOut(verified=verified)
    story.play(done, to=S.ENDED, logs=[EventType.SESSION_ENDED], does=OVER)

    ended = story.session.ended
    assert ended is not None
    assert (ended.by, ended.verified, ended.mode) == (EndedBy.CALLER, verified, None)
    assert (the_login(story).jwt, the_login(story).leaving) == ("", False)


def test_a_logout_without_a_login_that_is_good_ends_unverified() -> None:
    story = story_in(S.DETACHED)
    story.play(ev.LogoutRequested(), to=S.ENDING)
    needed = ev.LoginRequired(detail="no")
    story.play(needed, to=S.ENDED, logs=[EventType.SESSION_ENDED], does=OVER)

    assert story.session.ended is not None
    assert story.session.ended.verified is False


def test_a_logout_of_an_anonymous_session_leaves_and_clears_nothing() -> None:
    # A step-up may be refused between the look at the session and the wish.
    story = story_in(S.DETACHED, sign_in=None)
    story.play(ev.LogoutRequested(), to=S.ENDED, logs=[EventType.SESSION_ENDED], does=OVER)

    assert story.session.ended is not None
    assert story.session.ended.mode is EndMode.LEAVE


def test_a_login_that_comes_during_a_logout_does_not_make_it_a_clearing() -> None:
    story = story_in(S.DETACHED)
    story.play(ev.LogoutRequested(), to=S.ENDING).play(WANTED, to=S.ENDING)
    story.play(ev.VisitBegan(), to=S.ENDING, does=[DropLink(), Revoke()])

    assert the_login(story).jwt == "jwt-2"


def test_a_logout_waits_as_long_as_genesys_asked_for_and_not_for_a_link() -> None:
    outage = Outage(cause=Cause.LINK_LOST, code=None, last_good_at=NOON, retry_at=NOON + 60)
    story = story_in(S.LOST, outage=outage)
    story.play(ev.LogoutRequested(), to=S.ENDING)
    story.play(ev.VisitBegan(), to=S.ENDING, does=[DropLink(), Revoke()])
    busy = ev.LinkFailed(code="login", retry_after_seconds=60)
    later = AttachAt(at=NOON + 60)
    story.play(busy, to=S.ENDING, does=[DropLink(), later])
    story.play(ev.LogoutRequested(), to=S.ENDING)
    story.play(ev.VisitBegan(), to=S.ENDING, does=[later])


def test_a_clearing_whose_login_lapsed_ends_unverified_as_a_clearing() -> None:
    story = story_in(S.DETACHED)
    story.play(ev.ClearAndEndRequested(), to=S.ENDING)
    needed = ev.LoginRequired(detail="no")
    story.play(needed, to=S.ENDED, logs=[EventType.SESSION_ENDED], does=OVER)

    assert story.session.ended is not None
    assert (story.session.ended.mode, story.session.ended.verified) == (EndMode.CLEAR, False)


def test_a_failed_session_ends_at_once() -> None:
    story = story_in(S.FAILED)
    story.play(ev.LogoutRequested(), to=S.ENDED, logs=[EventType.SESSION_ENDED], does=OVER)


def test_a_session_that_was_never_opened_is_left() -> None:
    story = story_in(S.CREATED, opened_at=None)
    story.play(ev.LogoutRequested(), to=S.ENDED, logs=[EventType.SESSION_ENDED], does=OVER)


@pytest.mark.parametrize(
    ("code", "by"), [("LogoutEvent", EndedBy.GUEST), ("signedIn", EndedBy.EVICTED)]
)
@pytest.mark.parametrize("state", [S.LIVE, S.RESUMING, S.READING, S.RESTARTING, S.CLEARING])
def test_whoever_signed_out_or_in_elsewhere_is_let_go(state: State, code: str, by: EndedBy) -> None:
    story = story_in(state)
    dead = ev.ClientIdDead(code=code)
    story.play(dead, to=S.ENDED, logs=[EventType.SESSION_ENDED], does=OVER)

    assert story.session.ended is not None
    assert (story.session.ended.by, story.session.ended.resumable) == (by, False)


def test_an_anonymous_session_whose_client_id_is_dead_is_renewed_as_ever() -> None:
    story = story_in(S.LIVE, sign_in=None)
    story.play(ev.ClientIdDead(code="4017"), to=S.RENEWING, does=[DropLink(), Attach()])
