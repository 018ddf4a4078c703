"""Sliding windows."""

from service.simulator.rates import Window


def test_a_window_admits_up_to_its_limit_and_then_says_how_long_to_wait() -> None:
    window = Window(10.0)

    assert [window.admit(now, 2) for now in (0, 4, 5, 10, 11, 14)] == [0, 0, 5, 0, 3, 0]


def test_what_was_refused_does_not_count() -> None:
    window = Window(1.0)
    window.admit(0, 1)
    for _ in range(5):
        window.admit(0.5, 1)

    assert window.admit(1.0, 1) == 0


def test_no_limit_admits_everything() -> None:
    window = Window(1.0)

    assert [window.admit(0, 0) for _ in range(100)] == [0] * 100
