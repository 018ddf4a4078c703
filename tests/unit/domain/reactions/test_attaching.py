"""Stories of the link: the first attach, losses, and ways back."""

import pytest

from service.domain import events as ev
from service.domain.effects import (
    Attach,
    AttachAt,
    AwaitFarewell,
    CatchUp,
    DropLink,
    Flush,
    Leave,
)
from service.domain.log import EventType
from service.domain.reactions.facts import PAST_MOST
from service.domain.send import SendKind
from service.domain.session import Cause, EndedBy, State
from tests.support.playbook import CLIENT, NOON, Playbook, session_in

S = State
OPENED = ev.GuestSessionOpened(duration_seconds=600.0, expires_at=NOON + 600)
RESUMED = ev.GuestSessionResumed()
AGREES = ev.HistoryAgrees(shows_join=False, complete=True)
NOT_FOUND = ev.GuestSessionGone(cause=Cause.SESSION_NOT_FOUND, code="4007")
BROKEN = ev.LinkFailed(code="1006")


def live(**policies: object) -> Playbook:
    """A session that was opened at noon and is live."""
    story = Playbook(**policies)
    story.happen(ev.VisitBegan())
    story.happen(OPENED)
    return story


def test_the_first_attach_opens_joins_and_sends_what_waits() -> None:
    story = Playbook()

    story.play(ev.VisitBegan(), to=S.OPENING, does=[Attach()])
    story.play(
        OPENED,
        to=S.LIVE,
        logs=[EventType.SESSION_OPENED],
        sends=[SendKind.JOIN],
        does=[Flush()],
    )

    session = story.session
    assert (session.opened_at, session.last_good_at, session.joined) == (NOON, NOON, True)
    assert (session.duration_seconds, session.expires_at) == (600.0, NOON + 600)


def test_no_join_goes_out_where_the_deployment_does_not_start_by_itself() -> None:
    story = Playbook(auto_start=None)
    story.happen(ev.VisitBegan())

    story.play(OPENED, to=S.LIVE, logs=[EventType.SESSION_OPENED], does=[Flush()])


@pytest.mark.parametrize(("shown", "sends"), [(False, [SendKind.JOIN]), (True, [])])
def test_a_first_attach_that_died_is_found_and_joins_unless_history_shows_it(
    shown: bool,  # noqa: FBT001 - a column of the table above
    sends: list[SendKind],
) -> None:
    story = Playbook()
    story.play(ev.VisitBegan(), to=S.OPENING, does=[Attach()]).die()

    story.play(ev.VisitBegan(), to=S.OPENING, does=[Attach()])
    story.play(RESUMED, to=S.CATCHING_UP, logs=[EventType.SESSION_OPENED], does=[CatchUp()])
    assert (story.session.opened_at, story.session.last_good_at) == (NOON, NOON)
    story.play(
        ev.HistoryAgrees(shows_join=shown, complete=True), to=S.LIVE, sends=sends, does=[Flush()]
    )

    assert story.session.joined


def test_a_visit_lets_go_and_the_next_resumes_without_a_word() -> None:
    story = live()

    story.play(ev.VisitEnded(), to=S.DETACHED, does=[DropLink(), Leave()])
    story.play(ev.VisitBegan(), to=S.RESUMING, does=[Attach()])
    story.play(RESUMED, to=S.CATCHING_UP, does=[CatchUp()])
    story.play(AGREES, to=S.LIVE, does=[Flush()])


def test_a_visit_that_leaves_before_history_was_read_lets_the_next_read_as_far_back() -> None:
    story = Playbook(session_in(S.DETACHED, opened_at=NOON, last_good_at=NOON))
    story.happen(ev.VisitBegan())
    story.wait(5)
    story.play(RESUMED, to=S.CATCHING_UP, does=[CatchUp()])

    story.play(ev.VisitEnded(), to=S.DETACHED, does=[DropLink(), Leave()])
    assert story.session.last_good_at == NOON


def test_a_visit_that_cannot_wait_leaves_a_resuming_session_as_it_was() -> None:
    story = Playbook(session_in(S.DETACHED, opened_at=NOON))
    story.happen(ev.VisitBegan())

    story.play(ev.VisitEnded(), to=S.DETACHED, does=[DropLink(), Leave()])


def test_the_time_it_takes_to_read_what_was_missed_is_no_outage() -> None:
    story = live()
    story.wait(10)
    story.play(BROKEN, to=S.LOST, does=[DropLink(), AttachAt(at=NOON + 10.25)])
    story.wait(1)
    story.play(ev.VisitBegan(), to=S.REATTACHING, does=[Attach()])
    story.play(RESUMED, to=S.VERIFYING, does=[CatchUp()])
    story.back_at = story.now
    story.wait(5)

    story.play(AGREES, to=S.LIVE, logs=[EventType.SESSION_RECOVERED], does=[Flush()])

    assert story.receipt["outageSeconds"] == 11.0


def test_a_lost_link_is_attached_again_and_gives_a_receipt() -> None:
    story = live()
    story.wait(10)

    story.play(BROKEN, to=S.LOST, does=[DropLink(), AttachAt(at=NOON + 10.25)])
    story.play(ev.VisitBegan(), to=S.REATTACHING, does=[AttachAt(at=NOON + 10.25)])
    story.wait(0.25)
    story.play(RESUMED, to=S.VERIFYING, does=[CatchUp()])
    story.play(AGREES, to=S.LIVE, logs=[EventType.SESSION_RECOVERED], does=[Flush()])

    assert story.receipt["cause"] == "link_lost"
    assert story.receipt["outageSeconds"] == 10.25
    assert story.receipt["historyComplete"] is True
    assert story.session.outage is None


def test_attaches_that_fail_wait_twice_as_long_up_to_half_a_minute() -> None:
    story = live()
    waits = []

    for _ in range(9):
        decision = story.happen(BROKEN)
        effect = decision.effects[-1]
        assert isinstance(effect, AttachAt)
        waits.append((effect.at - story.now) / story.jitter)
        story.now = effect.at
        story.happen(ev.VisitBegan())

    assert waits == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]


def test_a_visit_that_comes_when_the_wait_is_over_attaches_at_once() -> None:
    story = live()
    story.happen(BROKEN)
    story.wait(0.25)

    story.play(ev.VisitBegan(), to=S.REATTACHING, does=[Attach()])


def test_a_server_that_says_how_long_to_wait_is_obeyed() -> None:
    story = live()

    story.play(
        ev.LinkFailed(code="429", retry_after_seconds=17.0),
        to=S.LOST,
        does=[DropLink(), AttachAt(at=NOON + 17)],
    )


def test_evictions_wait_five_seconds_doubling_to_five_minutes() -> None:
    story = live()
    waits = []

    for _ in range(8):
        effect = story.happen(ev.Evicted()).effects[-1]
        assert isinstance(effect, AttachAt)
        waits.append(effect.at - story.now)
        story.now = effect.at
        story.happen(ev.VisitBegan())
        story.happen(RESUMED)
        story.happen(AGREES)

    assert waits == [5, 10, 20, 40, 80, 160, 300, 300]
    assert story.receipt["cause"] == "evicted"


@pytest.mark.parametrize(("held", "wait"), [(299.0, 10.0), (300.0, 5.0)])
def test_a_link_that_was_left_alone_for_long_forgets_evictions(held: float, wait: float) -> None:
    story = live()
    story.happen(ev.Evicted())
    story.wait(5).happen(ev.VisitBegan())
    story.happen(RESUMED)
    story.happen(AGREES)
    story.back_at = story.now
    story.wait(held)

    story.play(ev.Evicted(), to=S.LOST, does=[DropLink(), AttachAt(at=story.now + wait)])


def test_letting_go_on_purpose_forgets_evictions() -> None:
    story = live()
    story.happen(ev.Evicted())
    story.wait(5).happen(ev.VisitBegan())
    story.happen(RESUMED)
    story.happen(AGREES)
    story.happen(ev.VisitEnded())
    story.happen(ev.VisitBegan())
    story.happen(RESUMED)

    story.play(ev.Evicted(), to=S.LOST, does=[DropLink(), AttachAt(at=story.now + 5)])


@pytest.mark.parametrize("code", ["4007", "session_not_found"])
def test_a_guest_session_that_is_gone_is_asked_for_once_more_with_the_same_client_id(
    code: str,
) -> None:
    story = live()

    story.play(
        ev.GuestSessionGone(cause=Cause.SESSION_NOT_FOUND, code=code),
        to=S.RETRYING,
        does=[DropLink(), Attach()],
    )
    story.play(RESUMED, to=S.VERIFYING, does=[CatchUp()])
    story.play(AGREES, to=S.LIVE, logs=[EventType.SESSION_RECOVERED], does=[Flush()])

    assert story.session.client_id == CLIENT
    assert (story.receipt["cause"], story.receipt["code"]) == ("session_not_found", code)


def test_the_first_attach_is_tried_once_more_too() -> None:
    story = Playbook()
    story.happen(ev.VisitBegan())

    story.play(NOT_FOUND, to=S.REOPENING, does=[DropLink(), Attach()])
    story.play(
        OPENED,
        to=S.LIVE,
        logs=[EventType.SESSION_OPENED],
        sends=[SendKind.JOIN],
        does=[Flush()],
    )


def test_gone_twice_commits_to_a_new_client_id_before_the_wire_sees_it() -> None:
    story = live()
    story.happen(NOT_FOUND)

    story.play(NOT_FOUND, to=S.RENEWING, does=[DropLink(), Attach()])

    assert story.session.client_id == CLIENT
    assert story.session.next_client_id not in {None, CLIENT}


def test_a_visit_that_died_while_renewing_is_followed_with_the_same_new_client_id() -> None:
    story = live()
    story.happen(NOT_FOUND)
    story.happen(NOT_FOUND)
    promised = story.session.next_client_id

    story.die().play(ev.VisitBegan(), to=S.RENEWING, does=[Attach()])
    story.play(RESUMED, to=S.CATCHING_UP, logs=[EventType.SESSION_REPLACED], does=[CatchUp()])

    assert story.session.client_id == promised


def test_a_new_client_id_that_is_refused_as_well_only_slows_down() -> None:
    story = live()
    story.happen(NOT_FOUND)
    story.happen(NOT_FOUND)
    promised = story.session.next_client_id

    story.play(NOT_FOUND, to=S.RENEWING, does=[DropLink(), AttachAt(at=NOON + 0.25)])
    story.play(
        ev.ClientIdDead(code="4017"), to=S.RENEWING, does=[DropLink(), AttachAt(at=NOON + 0.5)]
    )

    assert story.session.next_client_id == promised


@pytest.mark.parametrize("code", ["4017", "LogoutEvent", "signedIn"])
def test_a_client_id_that_is_dead_for_guests_is_renewed(code: str) -> None:
    story = live()

    story.play(ev.ClientIdDead(code=code), to=S.RENEWING, does=[DropLink(), Attach()])
    story.play(
        OPENED,
        to=S.LIVE,
        logs=[EventType.SESSION_REPLACED],
        sends=[SendKind.JOIN],
        does=[Flush()],
    )

    assert (story.receipt["cause"], story.receipt["code"]) == ("client_id_dead", code)


def test_the_holder_of_a_link_is_remembered_and_its_death_is_an_outage() -> None:
    story = live()
    story.play(ev.HoldBegan(holder="listener-1"), to=S.LIVE).die()
    story.wait(20)

    story.play(ev.VisitBegan(), to=S.REATTACHING, does=[Attach()])
    story.play(RESUMED, to=S.VERIFYING, does=[CatchUp()])
    story.play(AGREES, to=S.LIVE, logs=[EventType.SESSION_RECOVERED], does=[Flush()])

    assert story.receipt["cause"] == "link_lost"
    assert story.receipt["outageSeconds"] == 20.0


def given_away() -> Playbook:
    """A live session whose holder gave its shard away a minute later and still listens."""
    story = live()
    story.play(ev.HoldBegan(holder="listener-1"), to=S.LIVE).die()
    story.wait(60).predecessor = "listener-1"
    return story


def test_a_successor_attaches_beside_its_predecessor_and_takes_over_without_a_word() -> None:
    story = given_away()

    story.play(ev.VisitBegan(), to=S.JOINING, does=[Attach()])
    resumed = ev.GuestSessionResumed(duration_seconds=600.0, expires_at=NOON + 660)
    story.play(resumed, to=S.OVERLAPPING, does=[AwaitFarewell()])
    story.play(ev.HoldBegan(holder="listener-2"), to=S.OVERLAPPING)
    beside = story.session
    story.wait(3).play(ev.PredecessorDrained(), to=S.LIVE, does=[Flush()])

    assert (beside.held_by, beside.expires_at, beside.last_good_at) == (
        "listener-2",
        NOON + 660,
        NOON,
    )
    assert (story.session.last_good_at, story.session.outage) == (NOON + 63, None)


def test_a_predecessor_that_says_nothing_is_read_after_without_an_outage() -> None:
    story = given_away()
    story.happen(ev.VisitBegan())
    story.happen(RESUMED)

    story.play(ev.PredecessorSilent(), to=S.CATCHING_UP, does=[CatchUp()])
    story.play(AGREES, to=S.LIVE, does=[Flush()])


@pytest.mark.parametrize("attached", [False, True])
def test_who_leaves_before_the_last_word_leaves_it_to_be_read_as_after_a_death(
    attached: bool,  # noqa: FBT001 - a column of the table above
) -> None:
    story = given_away()
    story.happen(ev.VisitBegan())
    if attached:
        story.happen(RESUMED)
        story.happen(ev.HoldBegan(holder="listener-2"))

    story.play(ev.VisitEnded(), to=S.DETACHED, does=[DropLink(), Leave()])
    story.predecessor = None
    story.play(ev.VisitBegan(), to=S.REATTACHING, does=[Attach()])


def test_a_link_that_breaks_beside_the_predecessor_is_an_outage_since_it_was_last_heard() -> None:
    story = given_away()
    story.happen(ev.VisitBegan())
    story.happen(RESUMED)

    story.play(BROKEN, to=S.LOST, does=[DropLink(), AttachAt(at=story.now + 0.25)])
    story.play(ev.VisitBegan(), to=S.REATTACHING, does=[AttachAt(at=story.now + 0.25)])
    story.play(RESUMED, to=S.VERIFYING, does=[CatchUp()])
    story.play(AGREES, to=S.LIVE, logs=[EventType.SESSION_RECOVERED], does=[Flush()])

    assert story.receipt["outageSeconds"] == 60.0


def test_a_guest_session_that_is_gone_when_the_successor_comes_is_replaced() -> None:
    story = given_away()
    story.happen(ev.VisitBegan())

    story.play(
        OPENED,
        to=S.LIVE,
        logs=[EventType.SESSION_REPLACED],
        sends=[SendKind.JOIN],
        does=[Flush()],
    )


def test_asking_for_a_visit_now_ends_the_wait() -> None:
    story = live()
    story.happen(ev.LinkFailed(code="429", retry_after_seconds=600.0))

    story.play(ev.ResumeRequested(), to=S.LOST)
    story.play(ev.VisitBegan(), to=S.REATTACHING, does=[Attach()])


def test_asking_for_a_visit_of_a_healthy_session_changes_nothing() -> None:
    story = live()

    story.play(ev.ResumeRequested(), to=S.LIVE)

    assert story.session.outage is None


def test_a_first_attach_that_fails_is_tried_again_in_the_same_state() -> None:
    story = Playbook()
    story.happen(ev.VisitBegan())

    story.play(BROKEN, to=S.OPENING, does=[DropLink(), AttachAt(at=NOON + 0.25)])
    story.play(ev.VisitEnded(), to=S.OPENING, does=[DropLink(), Leave()])


def test_a_closed_chat_that_is_open_again_is_recovered_and_no_longer_ended() -> None:
    story = live()
    story.happen(ev.ChatClosed(by=EndedBy.AGENT))
    story.happen(ev.VisitEnded())
    story.happen(ev.VisitBegan())

    story.play(RESUMED, to=S.VERIFYING, does=[CatchUp()])
    story.play(AGREES, to=S.LIVE, logs=[EventType.SESSION_RECOVERED], does=[Flush()])

    assert story.session.ended is None
    assert story.receipt["cause"] == "requested"


def test_the_conversation_is_named_once_it_is_known() -> None:
    story = live()

    story.play(
        ev.ConversationFound(conversation_id="con-1", participant_id="par-1"),
        to=S.LIVE,
        logs=[EventType.CONVERSATION_IDENTIFIED],
    )

    assert story.drafts[-1].extra == {"conversationId": "con-1", "participantId": "par-1"}
    assert (story.session.conversation_id, story.session.participant_id) == ("con-1", "par-1")


def test_only_so_many_conversations_that_ended_are_remembered() -> None:
    story = live()
    for number in range(PAST_MOST + 5):
        story.happen(ev.ConversationFound(conversation_id=f"con-{number}", participant_id=None))

    former = story.session.former_conversations
    assert len(former) == PAST_MOST
    assert former[-1] == f"con-{PAST_MOST + 3}"
    assert "con-0" not in story.session.conversations


def test_a_coming_expiry_is_told_and_remembered() -> None:
    story = live()

    story.play(ev.ExpiryNear(expires_at=NOON + 700), to=S.LIVE, logs=[EventType.SESSION_EXPIRING])

    assert (story.session.expires_at, story.session.warned_expiry_at) == (NOON + 700, NOON + 700)


@pytest.mark.parametrize("state", [S.ENDED, S.FAILED, S.ERASED])
def test_a_visit_of_a_session_that_is_over_leaves_at_once(state: State) -> None:
    story = Playbook(session_in(state))

    story.play(ev.VisitBegan(), to=state, does=[DropLink(), Leave()])
    story.play(ev.VisitEnded(), to=state)
