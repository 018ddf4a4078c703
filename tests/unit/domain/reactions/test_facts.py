"""What several reactions share."""

from service.domain import events as ev
from service.domain.message import SendBody
from service.domain.reactions.facts import (
    FORGOTTEN_AT_ONCE,
    PAST_MOST,
    join,
    latest,
    outage_of,
    with_expiry,
)
from service.domain.send import SendKind
from service.domain.session import Cause, Outage
from tests.support.playbook import NOON, Playbook, session_in


def test_a_join_takes_the_ids_made_for_it_and_says_nothing() -> None:
    given = Playbook().given()

    (send,) = join(given, of=0)

    assert (send.kind, send.of, send.ids, send.body) == (
        SendKind.JOIN,
        0,
        given.fresh.join,
        SendBody(),
    )


def test_an_outage_under_way_keeps_its_first_cause() -> None:
    begun = Outage(cause=Cause.EVICTED, code=None, last_good_at=NOON)

    assert outage_of(session_in(outage=begun), Cause.LINK_LOST, "1006") is begun


def test_an_outage_begins_when_the_link_was_last_known_to_be_good() -> None:
    never_opened = session_in()
    opened = session_in(opened_at=NOON + 1)
    good = session_in(opened_at=NOON + 1, last_good_at=NOON + 2)

    begun = [outage_of(s, Cause.LINK_LOST, "c") for s in (never_opened, opened, good)]

    assert [outage.last_good_at for outage in begun] == [NOON, NOON + 1, NOON + 2]
    assert {(outage.cause, outage.code) for outage in begun} == {(Cause.LINK_LOST, "c")}


def test_what_an_answer_does_not_tell_of_the_expiry_stays_known() -> None:
    session = session_in(expires_at=NOON, duration_seconds=60.0)

    told = with_expiry(session, ev.GuestSessionResumed(expires_at=NOON + 5))

    assert (told.expires_at, told.duration_seconds) == (NOON + 5, 60.0)
    assert with_expiry(session, ev.HistoryStrange()) is session


def test_a_limit_is_remembered_where_it_is_not_the_usual_one() -> None:
    told = with_expiry(session_in(), ev.GuestSessionResumed(max_custom_data_bytes=1024))

    assert (told.max_custom_data_bytes, told.attribute_limit) == (1024, 1024)
    assert with_expiry(told, ev.GuestSessionResumed()).attribute_limit == 1024
    usual = with_expiry(told, ev.GuestSessionResumed(max_custom_data_bytes=2048))
    assert (usual.max_custom_data_bytes, usual.attribute_limit) == (None, 2048)


def test_the_oldest_of_too_much_past_is_forgotten_little_by_little() -> None:
    full = tuple(range(PAST_MOST))
    far_too_much = tuple(range(PAST_MOST + 200))

    assert latest((), 0) == (0,)
    assert latest(full[1:], -1) == (*full[1:], -1)
    assert latest(full, -1) == (*full[1:], -1)
    assert latest(far_too_much, -1) == (*far_too_much[FORGOTTEN_AT_ONCE:], -1)
