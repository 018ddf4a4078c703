"""The log folded into messages."""

from service.domain.log import EventType, LogEvent
from service.domain.transcript import fold, is_start, unsettled
from tests.support.playbook import logged


def told(place: int, kind: EventType, status: str, *, of: int | None = None) -> LogEvent:
    return logged(place, kind, data={"message": {"sequence": of or place, "status": status}})


ACCEPTED = told(1, EventType.MESSAGE_ACCEPTED, "accepted")
RECEIVED = told(2, EventType.MESSAGE_RECEIVED, "confirmed")
ALSO_ACCEPTED = told(3, EventType.MESSAGE_ACCEPTED, "accepted")
FAILED = told(4, EventType.MESSAGE_FAILED, "failed", of=3)
CONFIRMED = told(5, EventType.MESSAGE_CONFIRMED, "confirmed", of=1)
OPENED = logged(6, EventType.SESSION_OPENED)


def test_each_message_is_as_its_last_event_tells_it_and_where_it_began() -> None:
    messages = fold([OPENED, ACCEPTED, RECEIVED, ALSO_ACCEPTED, FAILED, CONFIRMED])

    assert messages == [
        {"sequence": 1, "status": "confirmed"},
        {"sequence": 2, "status": "confirmed"},
        {"sequence": 3, "status": "failed"},
    ]


def test_an_end_without_its_beginning_is_no_message() -> None:
    assert fold([FAILED, CONFIRMED]) == []


def test_a_message_whose_end_is_not_told_is_unsettled() -> None:
    assert unsettled(fold([ACCEPTED, RECEIVED, ALSO_ACCEPTED, FAILED])) == {1}


def test_messages_begin_accepted_or_received() -> None:
    assert [is_start(event) for event in (ACCEPTED, RECEIVED, FAILED, OPENED)] == [
        True,
        True,
        False,
        False,
    ]
