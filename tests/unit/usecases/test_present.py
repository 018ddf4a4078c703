"""The visits of this process: found while they last."""

from service.domain.ids import SessionId
from service.usecases.present import PresentVisits

ONE = SessionId("ses_1")


def test_a_visit_is_found_until_it_ends() -> None:
    present = PresentVisits()
    inbox = present.begin(ONE)
    found = present.of(ONE)
    present.end(ONE, inbox)

    assert found is inbox
    assert present.of(ONE) is None
    assert present.inboxes == {}


def test_the_end_of_an_earlier_visit_does_not_hide_the_present_one() -> None:
    present = PresentVisits()
    early, late = present.begin(ONE), present.begin(ONE)
    present.end(ONE, early)

    assert present.of(ONE) is late
