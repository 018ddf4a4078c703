"""The fault book: what strikes, for whom, how often."""

from service.simulator.faults import DropWhen, Fault, FaultBook, FaultKind, Moment
from service.simulator.system import seeded

HERE = Moment(deployment="d", token="t", connection=1, action="onMessage")


def book(*orders: Fault) -> FaultBook:
    fresh = FaultBook(seeded(1))
    for order in orders:
        fresh.order(order)
    return fresh


def strikes(faults: FaultBook, times: int, moment: Moment = HERE) -> list[bool]:
    return [faults.strike(FaultKind.DELAY, moment) is not None for _ in range(times)]


def test_a_fault_strikes_as_often_as_ordered() -> None:
    assert strikes(book(Fault(kind=FaultKind.DELAY, count=2)), 4) == [True, True, False, False]


def test_a_fault_without_count_strikes_until_it_is_cleared() -> None:
    faults = book(Fault(kind=FaultKind.DELAY, count=0))

    assert strikes(faults, 3) == [True, True, True]
    faults.clear(1)
    assert strikes(faults, 1) == [False]
    assert faults.struck == {"delay": 3}


def test_clearing_one_leaves_the_others() -> None:
    faults = book(Fault(kind=FaultKind.DELAY), Fault(kind=FaultKind.DELAY, seconds=9))

    faults.clear(1)

    struck = faults.strike(FaultKind.DELAY, HERE)
    assert struck is not None
    assert struck.seconds == 9


def test_every_filter_must_match() -> None:
    for wrong in (
        Fault(kind=FaultKind.DELAY, token="other"),
        Fault(kind=FaultKind.DELAY, deployment="other"),
        Fault(kind=FaultKind.DELAY, connection=2),
        Fault(kind=FaultKind.DELAY, action="echo"),
        Fault(kind=FaultKind.DELAY, frame_class="X"),
        Fault(kind=FaultKind.DELAY, direction="Inbound"),
        Fault(kind=FaultKind.DROP),
    ):
        assert strikes(book(wrong), 1) == [False]
    exact = Fault(kind=FaultKind.DELAY, token="t", deployment="d", connection=1, action="onMessage")
    assert strikes(book(exact), 1) == [True]


def test_a_drop_strikes_only_at_its_moment() -> None:
    faults = book(Fault(kind=FaultKind.DROP, when=DropWhen.BEFORE))

    assert faults.strike(FaultKind.DROP, Moment(when=DropWhen.AFTER)) is None
    assert faults.strike(FaultKind.DROP, Moment(when=DropWhen.BEFORE)) is not None


def test_probability_is_drawn_from_the_seed() -> None:
    order = Fault(kind=FaultKind.DELAY, count=0, probability=0.5)

    first, second = strikes(book(order), 100), strikes(book(order), 100)

    assert first == second
    assert 30 < sum(first) < 70
