"""Events that are picked by a wish."""

from service.domain.events import ClearAndEndRequested, LeaveRequested, end_requested
from service.domain.session import EndMode


def test_each_mode_of_ending_is_an_event_of_its_own() -> None:
    assert end_requested(EndMode.LEAVE) == LeaveRequested()
    assert end_requested(EndMode.CLEAR) == ClearAndEndRequested()
