"""Stories on the way out: read-only, clear, end, expiry, failure, and the way back from it."""

from typing import Final

import pytest

from service.domain import events as ev
from service.domain.deployment import OnReadOnly, OnSessionLost
from service.domain.effects import (
    Attach,
    AttachAt,
    CatchUp,
    DropLink,
    Effect,
    Flush,
    Leave,
    SendClear,
    StartNew,
)
from service.domain.log import EventType
from service.domain.send import SendKind
from service.domain.session import Cause, Ended, EndedBy, EndMode, FailureReason, State
from tests.support.playbook import NOON, Playbook, pending, session_in

S = State
OPENED = ev.GuestSessionOpened()
RESUMED = ev.GuestSessionResumed()
READ_ONLY = ev.GuestSessionReadOnly()
AGREES = ev.HistoryAgrees(shows_join=True, complete=True)
GONE = ev.GuestSessionGone(cause=Cause.SESSION_NOT_FOUND, code="4007")
DENIED = ev.Denied(code="denied", detail="check the allowed domains")
OVER: Final[tuple[Effect, ...]] = (DropLink(), Leave())


def live(**policies: object) -> Playbook:
    """A live session, opened at noon."""
    return Playbook(session_in(S.LIVE, opened_at=NOON, joined=True), **policies)


def detached(**policies: object) -> Playbook:
    """A session that was let go of, opened at noon."""
    return Playbook(session_in(S.DETACHED, opened_at=NOON, joined=True), **policies)


def closed(**policies: object) -> Playbook:
    """A session whose chat the agent closed."""
    story = live(**policies)
    story.happen(ev.ChatClosed(by=EndedBy.AGENT))
    return story


@pytest.mark.parametrize(
    ("policy", "resumable"), [(OnReadOnly.START_NEW, True), (OnReadOnly.REFUSE, False)]
)
def test_a_chat_that_was_closed_while_nobody_listened_is_read_only(
    policy: OnReadOnly,
    resumable: bool,  # noqa: FBT001 - a column of the table above
) -> None:
    story = detached(on_read_only=policy)
    story.happen(ev.VisitBegan())

    story.play(READ_ONLY, to=S.READING, logs=[EventType.SESSION_READ_ONLY], does=[CatchUp()])
    story.play(AGREES, to=S.READING, does=[Flush()])
    story.play(ev.VisitEnded(), to=S.READ_ONLY, does=OVER)

    assert story.session.ended == Ended(by=EndedBy.UNKNOWN, resumable=resumable, at=NOON)


def test_a_chat_that_is_closed_while_we_listen_names_who_did_it() -> None:
    story = live()

    story.play(
        ev.ChatClosed(by=EndedBy.BOT),
        to=S.READING,
        logs=[EventType.SESSION_READ_ONLY],
        does=[CatchUp()],
    )

    assert story.session.ended is not None
    assert story.session.ended.by is EndedBy.BOT


def test_a_first_attach_may_find_a_closed_chat() -> None:
    story = Playbook()
    story.happen(ev.VisitBegan())

    story.play(READ_ONLY, to=S.READING, logs=[EventType.SESSION_READ_ONLY], does=[CatchUp()])

    assert story.session.opened_at == NOON


def test_a_closed_chat_is_read_again_at_each_visit_and_tells_nothing_twice() -> None:
    story = closed()
    story.happen(ev.VisitEnded())

    story.play(ev.VisitBegan(), to=S.READING, does=[Attach()])
    story.play(READ_ONLY, to=S.READING, does=[CatchUp()])
    story.play(ev.HistoryStrange(), to=S.READING, does=[Flush()])
    story.play(ev.ChatClosed(by=EndedBy.AGENT), to=S.READING)


@pytest.mark.parametrize(
    "trouble",
    [GONE, ev.LinkFailed(code="1006"), ev.Evicted(), ev.ClientIdDead(code="4017")],
)
def test_a_closed_chat_that_cannot_be_read_is_left_alone(trouble: ev.Event) -> None:
    story = closed(on_session_lost=OnSessionLost.FAIL)

    story.play(trouble, to=S.READ_ONLY, does=OVER)


def test_a_message_to_a_closed_chat_starts_a_new_one_with_the_same_client_id() -> None:
    story = closed()
    before = story.session.client_id

    story.play(ev.StartNewWanted(), to=S.RESTARTING, does=[DropLink(), Attach()])
    story.play(READ_ONLY, to=S.RESTARTING, does=[StartNew()])
    story.play(
        OPENED,
        to=S.LIVE,
        logs=[EventType.SESSION_REPLACED],
        sends=[SendKind.JOIN],
        does=[Flush()],
    )

    assert story.receipt["cause"] == "read_only"
    assert (story.session.incarnation, story.session.client_id) == (2, before)
    assert story.session.ended is None


def test_a_start_that_succeeded_and_was_not_told_is_found_by_the_next_visit() -> None:
    story = closed()
    story.happen(ev.StartNewWanted())
    story.happen(READ_ONLY)

    story.die().play(ev.VisitBegan(), to=S.RESTARTING, does=[Attach()])
    story.play(RESUMED, to=S.CATCHING_UP, logs=[EventType.SESSION_REPLACED], does=[CatchUp()])

    assert story.receipt["cause"] == "read_only"


def test_a_start_whose_client_id_is_dead_goes_on_with_a_new_one() -> None:
    story = closed()
    story.happen(ev.StartNewWanted())

    story.play(ev.ClientIdDead(code="4017"), to=S.RENEWING, does=[DropLink(), Attach()])


def test_a_start_that_is_not_found_is_tried_again_later() -> None:
    story = closed()
    story.happen(ev.StartNewWanted())

    story.play(GONE, to=S.RESTARTING, does=[DropLink(), AttachAt(at=NOON + 0.25)])


@pytest.mark.parametrize("found", [RESUMED, READ_ONLY])
def test_clear_and_end_is_verified_by_the_cleared_event(found: ev.Event) -> None:
    story = detached()

    story.play(ev.end_requested(EndMode.CLEAR), to=S.ENDING)
    story.play(ev.VisitBegan(), to=S.ENDING, does=[Attach()])
    story.play(found, to=S.ENDING, does=[CatchUp()])
    story.play(AGREES, to=S.ENDING, does=[SendClear()])
    story.play(ev.Cleared(), to=S.ENDED, logs=[EventType.SESSION_ENDED], does=OVER)

    assert story.session.ended == Ended(
        by=EndedBy.CALLER, resumable=False, at=NOON, mode=EndMode.CLEAR, verified=True
    )


def test_a_clear_that_was_done_and_not_heard_of_is_verified_by_a_new_guest_session() -> None:
    story = detached()
    story.happen(ev.ClearAndEndRequested())
    story.happen(ev.VisitBegan())
    story.happen(RESUMED)

    story.die().play(ev.VisitBegan(), to=S.ENDING, does=[Attach()])
    story.play(OPENED, to=S.ENDED, logs=[EventType.SESSION_ENDED], does=OVER)

    assert story.session.ended is not None
    assert story.session.ended.verified is True


@pytest.mark.parametrize(
    "answer",
    [
        GONE,
        ev.ClearRefused(code="403"),
        ev.ClearRefusedAsClosed(code="409"),
        ev.ClientIdDead(code="4017"),
        DENIED,
    ],
)
def test_an_end_that_cannot_be_verified_says_so(answer: ev.Event) -> None:
    story = detached()
    story.happen(ev.ClearAndEndRequested())
    story.happen(ev.VisitBegan())

    story.play(answer, to=S.ENDED, logs=[EventType.SESSION_ENDED], does=OVER)

    assert story.session.ended is not None
    assert story.session.ended.verified is False


@pytest.mark.parametrize("state", [S.CREATED, S.OPENING, S.LIVE, S.LOST, S.READ_ONLY, S.FAILED])
def test_leaving_ends_at_once(state: State) -> None:
    story = Playbook(session_in(state))

    story.play(
        ev.end_requested(EndMode.LEAVE), to=S.ENDED, logs=[EventType.SESSION_ENDED], does=OVER
    )

    assert story.session.ended == Ended(
        by=EndedBy.CALLER, resumable=False, at=NOON, mode=EndMode.LEAVE, verified=False
    )


@pytest.mark.parametrize("state", [S.CREATED, S.OPENING, S.RENEWING, S.FAILED])
def test_where_there_is_nothing_to_clear_clear_and_end_is_leaving(state: State) -> None:
    story = Playbook(session_in(state))

    story.play(ev.ClearAndEndRequested(), to=S.ENDED, logs=[EventType.SESSION_ENDED], does=OVER)

    assert story.session.ended is not None
    assert story.session.ended.mode is EndMode.LEAVE


@pytest.mark.parametrize("state", [S.CREATED, S.OPENING, S.RENEWING, S.CLEARING, S.ENDING])
def test_a_clear_where_nothing_is_to_be_cleared_changes_nothing(state: State) -> None:
    Playbook(session_in(state)).play(ev.ClearRequested(), to=state)


def test_a_clear_that_is_refused_goes_on_as_before() -> None:
    story = live()
    story.happen(ev.ClearRequested())
    story.happen(ev.LinkFailed(code="1006"))
    story.happen(RESUMED)

    story.play(ev.ClearRefused(code="403"), to=S.LIVE, does=[Flush()])

    assert (story.session.ended, story.session.outage) == (None, None)


@pytest.mark.parametrize(
    ("was_closed", "answer", "by"),
    [
        (True, ev.ClearRefused(code="403"), EndedBy.AGENT),
        (False, ev.ClearRefused(code="403"), EndedBy.UNKNOWN),
        (False, ev.ClearRefusedAsClosed(code="409"), EndedBy.UNKNOWN),
    ],
    ids=["closed before", "found closed", "found closed and told so"],
)
def test_a_closed_chat_that_is_not_cleared_is_as_closed_as_before(
    was_closed: bool,  # noqa: FBT001 - a column of the table above
    answer: ev.Event,
    by: EndedBy,
) -> None:
    story = closed() if was_closed else live()
    story.happen(ev.ClearRequested())
    story.play(READ_ONLY, to=S.CLEARING, does=[CatchUp()])

    story.play(answer, to=S.READING, logs=[EventType.SESSION_READ_ONLY], does=[Flush()])

    assert story.session.ended is not None
    assert story.session.ended.by is by


def test_a_chat_whose_refusal_alone_says_that_it_is_closed_is_read_only() -> None:
    story = live()
    story.happen(ev.ClearRequested())

    story.play(
        ev.ClearRefusedAsClosed(code="409"),
        to=S.READING,
        logs=[EventType.SESSION_READ_ONLY],
        does=[Flush()],
    )


def test_a_chat_that_was_open_again_when_its_clear_was_refused_goes_on() -> None:
    story = closed()
    story.happen(ev.ClearRequested())
    story.play(RESUMED, to=S.CLEARING, does=[CatchUp()])

    story.play(ev.ClearRefused(code="403"), to=S.LIVE, does=[Flush()])

    assert story.session.ended is None


def test_a_visit_that_ends_with_an_intent_open_keeps_the_intent() -> None:
    story = live()
    story.happen(ev.ClearRequested())

    story.play(ev.VisitEnded(), to=S.CLEARING, does=OVER)
    story.play(ev.VisitBegan(), to=S.CLEARING, does=[Attach()])


def test_somebody_else_who_clears_the_chat_ends_the_session() -> None:
    story = live()

    story.play(ev.Cleared(), to=S.ENDED, logs=[EventType.SESSION_ENDED], does=OVER)

    assert story.session.ended == Ended(by=EndedBy.CLEARED, resumable=False, at=NOON)


@pytest.mark.parametrize("found", [GONE, OPENED])
def test_an_expiry_that_passed_with_nothing_to_say_ends_the_session(found: ev.Event) -> None:
    story = detached()
    story.happen(ev.ExpiryNear(expires_at=NOON + 60))
    story.wait(60).happen(ev.VisitBegan())

    story.play(found, to=S.ENDED, logs=[EventType.SESSION_ENDED], does=OVER)

    assert story.session.ended == Ended(by=EndedBy.EXPIRED, resumable=False, at=NOON + 60)


def test_an_expiry_that_passed_with_something_to_say_is_replaced() -> None:
    story = detached()
    story.happen(ev.ExpiryNear(expires_at=NOON + 60))
    story.sends = (pending(),)
    story.wait(60).happen(ev.VisitBegan())

    story.play(
        OPENED,
        to=S.LIVE,
        logs=[EventType.SESSION_REPLACED],
        sends=[SendKind.JOIN],
        does=[Flush()],
    )


def test_a_refusal_by_configuration_fails_and_no_visit_attaches_again() -> None:
    story = Playbook()
    story.happen(ev.VisitBegan())

    story.play(DENIED, to=S.FAILED, logs=[EventType.SESSION_FAILED], does=OVER)
    story.play(ev.VisitBegan(), to=S.FAILED, does=OVER)

    assert story.session.failure == FailureReason(code="denied", detail="check the allowed domains")


def test_a_session_that_failed_before_it_was_opened_is_opened_on_request() -> None:
    story = Playbook()
    story.happen(ev.VisitBegan())
    story.happen(DENIED)

    story.play(ev.ResumeRequested(), to=S.OPENING)
    story.play(ev.VisitBegan(), to=S.OPENING, does=[Attach()])
    story.play(
        OPENED,
        to=S.LIVE,
        logs=[EventType.SESSION_OPENED],
        sends=[SendKind.JOIN],
        does=[Flush()],
    )

    assert story.session.failure is None


def test_a_session_that_failed_later_is_recovered_on_request() -> None:
    story = live()
    story.happen(DENIED)

    story.play(ev.ResumeRequested(), to=S.LOST)
    story.play(ev.VisitBegan(), to=S.REATTACHING, does=[Attach()])
    story.play(RESUMED, to=S.VERIFYING, does=[CatchUp()])
    story.play(AGREES, to=S.LIVE, logs=[EventType.SESSION_RECOVERED], does=[Flush()])

    assert story.session.failure is None
    assert story.receipt["cause"] == "requested"


@pytest.mark.parametrize(
    ("happened", "cause"),
    [
        ([GONE, GONE], "session_not_found"),
        ([GONE, OPENED], "session_not_found"),
        ([ev.ClientIdDead(code="signedIn")], "client_id_dead"),
    ],
)
def test_where_the_owner_wants_to_know_a_lost_guest_session_fails(
    happened: list[ev.Event], cause: str
) -> None:
    story = live(on_session_lost=OnSessionLost.FAIL)
    for event in happened[:-1]:
        story.happen(event)

    story.play(happened[-1], to=S.FAILED, logs=[EventType.SESSION_FAILED], does=OVER)

    assert story.session.failure is not None
    assert story.session.failure.code == cause
    assert story.session.next_client_id is None


def test_a_guest_session_that_vanished_unseen_fails_as_well_by_that_policy() -> None:
    story = detached(on_session_lost=OnSessionLost.FAIL)
    story.happen(ev.VisitBegan())

    story.play(OPENED, to=S.FAILED, logs=[EventType.SESSION_FAILED], does=OVER)

    assert story.session.failure is not None
    assert story.session.failure.code == "new_session"
