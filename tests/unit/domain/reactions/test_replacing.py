"""Stories of guest sessions that take the old one's place."""

import pytest

from service.domain import events as ev
from service.domain.deployment import CarryOver
from service.domain.effects import Attach, CatchUp, DropLink, Flush
from service.domain.log import EventType
from service.domain.message import AuthorKind
from service.domain.reactions.facts import PAST_MOST
from service.domain.receipt import Tally, client_id_hash
from service.domain.send import SendKind
from service.domain.sends import marked
from service.domain.session import Cause, Segment, State
from tests.support.playbook import CLIENT, NOON, Playbook, pending, session_in

S = State
REPLACED = [EventType.SESSION_REPLACED]
OPENED = ev.GuestSessionOpened()
RESUMED = ev.GuestSessionResumed()
EXPIRED = ev.GuestSessionGone(cause=Cause.SESSION_EXPIRED, code="4006")


def talking(**policies: object) -> Playbook:
    """A live session whose conversation is known, and whose client id is the first."""
    session = session_in(
        S.LIVE,
        opened_at=NOON,
        last_good_at=NOON,
        joined=True,
        conversation_id="con-1",
        participant_id="par-1",
    )
    return Playbook(session, **policies)


def test_a_known_client_id_with_a_new_guest_session_is_replaced_with_the_same_client_id() -> None:
    story = Playbook(session_in(S.DETACHED, opened_at=NOON))
    story.happen(ev.VisitBegan())

    story.play(OPENED, to=S.LIVE, logs=REPLACED, sends=[SendKind.JOIN], does=[Flush()])

    assert (story.session.incarnation, story.session.client_id) == (2, CLIENT)
    assert story.receipt["cause"] == "new_session"


def test_the_receipt_says_exactly_what_happened() -> None:
    story = talking()
    story.wait(30)
    story.happen(EXPIRED)
    story.happen(EXPIRED)
    story.wait(2.5)
    story.tally = Tally(caught_up=3, proven=1, resent=2, unproven=4)

    story.happen(OPENED)

    renewed = story.session.client_id
    assert renewed != CLIENT
    assert story.receipt == {
        "cause": "session_expired",
        "code": "4006",
        "lastGoodAt": "2030-03-17T17:46:40.000Z",
        "outageSeconds": 32.5,
        "caughtUp": 3,
        "sends": {"proven": 1, "resent": 2, "unproven": 4},
        "historyComplete": False,
        "previous": {
            "incarnation": 1,
            "clientIdHash": client_id_hash(CLIENT),
            "conversationId": "con-1",
            "participantId": "par-1",
        },
        "current": {
            "incarnation": 2,
            "clientIdHash": client_id_hash(renewed),
            "conversationId": None,
            "participantId": None,
        },
    }


def test_what_was_before_is_kept_as_a_segment() -> None:
    story = talking()
    story.happen(EXPIRED)
    story.wait(1)

    story.happen(OPENED)

    assert list(story.session.segments) == [
        Segment(
            incarnation=1,
            client_id_hash=client_id_hash(CLIENT),
            conversation_id="con-1",
            participant_id="par-1",
            replaced_at=NOON + 1,
            cause=Cause.SESSION_EXPIRED,
        )
    ]


def test_only_so_many_guest_sessions_are_remembered() -> None:
    story = talking()
    for _ in range(PAST_MOST + 2):
        story.happen(EXPIRED)
        story.happen(OPENED)

    assert [segment.incarnation for segment in story.session.segments] == [*range(3, PAST_MOST + 3)]


def test_the_first_cause_of_an_outage_is_the_cause_of_the_replacement() -> None:
    story = talking()
    story.happen(ev.LinkFailed(code="1006"))
    story.wait(60).happen(ev.VisitBegan())
    story.happen(EXPIRED)
    story.happen(EXPIRED)

    story.happen(OPENED)

    assert story.receipt["cause"] == "link_lost"


def test_an_expiry_of_the_old_guest_session_is_not_taken_for_that_of_the_new() -> None:
    story = talking()
    story.happen(ev.ExpiryNear(expires_at=NOON + 100))
    story.wait(1).happen(EXPIRED)

    story.happen(OPENED)

    assert story.session.last_good_at == story.now
    assert story.session.expires_at is None
    assert story.session.warned_expiry_at is None


def test_a_guest_session_replaced_unseen_is_read_before_anything_is_said_in_it() -> None:
    story = Playbook(session_in(S.DETACHED, opened_at=NOON, joined=True))
    story.happen(ev.VisitBegan())
    story.happen(RESUMED)

    story.play(ev.HistoryStrange(), to=S.CATCHING_UP, logs=REPLACED, does=[CatchUp()])
    story.play(
        ev.HistoryAgrees(shows_join=False, complete=True),
        to=S.LIVE,
        sends=[SendKind.JOIN],
        does=[Flush()],
    )

    assert story.receipt["cause"] == "new_session"
    assert story.session.incarnation == 2


def test_a_new_guest_session_that_is_read_only_at_once_is_read_as_well() -> None:
    story = Playbook(session_in(S.RENEWING, opened_at=NOON, next_client_id="client-9"))

    story.play(ev.GuestSessionReadOnly(), to=S.CATCHING_UP, logs=REPLACED, does=[CatchUp()])

    assert (story.session.client_id, story.session.next_client_id) == ("client-9", None)


def test_context_travels_as_attributes_of_the_first_send() -> None:
    story = talking(carry_over=CarryOver.ATTRIBUTES)
    story.recap = "agent: hello"
    story.happen(EXPIRED)

    story.play(OPENED, to=S.LIVE, logs=REPLACED, sends=[SendKind.JOIN], does=[Flush()])

    assert story.session.carry == {
        "previousIncarnation": "1",
        "previousConversationId": "con-1",
        "recap": "agent: hello",
    }


def test_context_travels_as_one_visible_message_after_the_join() -> None:
    story = talking(carry_over=CarryOver.RECAP)
    story.recap = "agent: hello"
    story.happen(EXPIRED)

    decision = story.happen(OPENED)

    replaced, recap = decision.drafts
    assert replaced.type is EventType.SESSION_REPLACED
    assert recap.type is EventType.MESSAGE_ACCEPTED
    assert recap.message is not None
    assert recap.message.author.kind is AuthorKind.SYSTEM
    assert recap.message.incarnation == 2
    assert recap.message.text is not None
    assert recap.message.text.endswith("agent: hello")
    assert [(send.kind, send.of) for send in decision.sends] == [
        (SendKind.JOIN, 0),
        (SendKind.RECAP, 1),
    ]
    assert decision.sends[1].ids.message_id == recap.message.id
    assert story.session.carry == {}


@pytest.mark.parametrize("is_on_its_way", [False, True])
def test_a_recap_that_still_waits_is_not_told_twice(*, is_on_its_way: bool) -> None:
    story = talking(carry_over=CarryOver.RECAP)
    story.recap = "agent: hello"
    earlier = pending(2, kind=SendKind.RECAP)
    mark = marked(earlier, now=NOON, incarnation=1, writer="w", link="l")
    story.sends = (mark if is_on_its_way else earlier,)
    story.happen(EXPIRED)

    made = [send.kind for send in story.happen(OPENED).sends]

    assert made == [SendKind.JOIN, *([SendKind.RECAP] if is_on_its_way else [])]


@pytest.mark.parametrize(
    ("policy", "recap"), [(CarryOver.NONE, "agent: hello"), (CarryOver.RECAP, "")]
)
def test_nothing_is_carried_where_none_is_wanted_or_known(policy: CarryOver, recap: str) -> None:
    story = talking(carry_over=policy)
    story.recap = recap
    story.happen(EXPIRED)

    story.play(OPENED, to=S.LIVE, logs=REPLACED, sends=[SendKind.JOIN], does=[Flush()])

    assert story.session.carry == {}


def test_a_replacement_forgets_evictions_and_the_holder_is_kept() -> None:
    story = talking()
    story.happen(ev.HoldBegan(holder="listener-1"))
    story.happen(ev.Evicted())
    story.wait(5).happen(ev.VisitBegan())

    story.happen(OPENED)

    assert (story.session.evictions, story.session.held_by) == (0, "listener-1")
    assert story.receipt["cause"] == "evicted"


def test_clearing_and_going_on_is_a_replacement() -> None:
    story = talking()

    story.play(ev.ClearRequested(), to=S.CLEARING)
    story.die().happen(ev.VisitBegan())
    story.happen(RESUMED)
    story.play(ev.Cleared(), to=S.CLEARING, does=[DropLink(), Attach()])
    story.play(OPENED, to=S.LIVE, logs=REPLACED, sends=[SendKind.JOIN], does=[Flush()])

    assert story.receipt["cause"] == "cleared"
    assert story.receipt["historyComplete"] is True
    assert story.session.incarnation == 2


def test_the_cause_of_a_clear_is_not_hidden_by_an_outage_on_the_way() -> None:
    story = talking()
    story.happen(ev.ClearRequested())
    story.happen(ev.LinkFailed(code="1006"))

    story.happen(OPENED)

    assert story.receipt["cause"] == "cleared"
