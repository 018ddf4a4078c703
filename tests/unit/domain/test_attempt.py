"""Whatever is not a delivery has failed."""

import pytest

from service.domain.attempt import AttemptFilter, Decision, Outcome, Phases
from service.domain.log import EventType
from tests.support.store_builders import NOW, an_attempt


@pytest.mark.parametrize("decision", Decision)
def test_all_but_a_delivery_has_failed(decision: Decision) -> None:
    assert an_attempt(decision=decision).failed is (decision is not Decision.DELIVERED)


def test_phases_are_kept_as_exactly_as_they_were_measured() -> None:
    measured = Phases(dns=0.00123456, tls=0.0, first_byte=1.99996)

    assert measured.rounded() == Phases(dns=0.0012, tls=0.0, first_byte=2.0)


OK = an_attempt()
LATE = an_attempt(status=None, error="timeout", decision=Decision.RETRY)
MOVED = an_attempt(status=301, error="status", decision=Decision.RETRY)
WRONG = an_attempt(status=404, error="status", decision=Decision.SKIP)
BUSY = an_attempt(status=503, error="status", decision=Decision.NONE)


@pytest.mark.parametrize(
    ("outcome", "taken"),
    [
        (None, [OK, LATE, MOVED, WRONG, BUSY]),
        (Outcome.DELIVERED, [OK]),
        (Outcome.FAILED, [LATE, MOVED, WRONG, BUSY]),
        (Outcome.NO_ANSWER, [LATE]),
        (Outcome.REDIRECTED, [MOVED]),
        (Outcome.REFUSED, [WRONG]),
        (Outcome.BROKEN, [BUSY]),
    ],
)
def test_attempts_are_looked_for_by_what_they_came_to(
    outcome: Outcome | None, taken: list[object]
) -> None:
    wanted = AttemptFilter(outcome=outcome)

    assert [each for each in (OK, LATE, MOVED, WRONG, BUSY) if wanted.takes(each)] == taken


@pytest.mark.parametrize(
    ("types", "taken"),
    [
        ((), True),
        (("message.received",), True),
        (("session.*", "message.*"), True),
        (("message.failed", "session.*"), False),
        (("message",), False),
    ],
)
def test_attempts_are_looked_for_by_type_and_family(
    types: tuple[str, ...],
    *,
    taken: bool,
) -> None:
    made = an_attempt(event_type=EventType.MESSAGE_RECEIVED)

    assert AttemptFilter(types=types).takes(made) is taken


def test_attempts_are_looked_for_by_when_they_began() -> None:
    made = an_attempt(at=NOW)

    assert AttemptFilter(since=NOW, until=NOW + 1).takes(made)
    assert not AttemptFilter(since=NOW + 1).takes(made)
    assert not AttemptFilter(until=NOW).takes(made)
