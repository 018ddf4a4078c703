"""The inbox: in order, in time, and what is left in it when its visit is over."""

from asyncio import Queue

import pytest

from service.usecases.visit import Inbox, LeaveAsked, Nudged, TypingWanted
from tests.support.virtual_time import VirtualClock
from tests.support.visit_stage import on_virtual_time


@on_virtual_time
async def test_things_come_out_as_they_went_in() -> None:
    inbox, clock = Inbox(), VirtualClock()
    inbox.put(Nudged())
    inbox.put(LeaveAsked())

    assert [await inbox.next(clock, 0), await inbox.next(clock, None)] == [Nudged(), LeaveAsked()]


@on_virtual_time
async def test_nothing_comes_out_when_the_time_is_up() -> None:
    inbox, clock = Inbox(), VirtualClock()

    assert await inbox.next(clock, 5) is None
    assert clock.monotonic() == pytest.approx(5)


@on_virtual_time
async def test_what_a_visit_did_not_hear_is_told_when_its_inbox_is_closed() -> None:
    inbox, quiet = Inbox(), Inbox()
    answer: Queue[bool] = Queue()
    inbox.put(TypingWanted(answer))
    inbox.put(Nudged())
    quiet.put(LeaveAsked())

    assert (inbox.closed(), quiet.closed(), inbox.closed()) == (True, False, False)
    assert answer.get_nowait() is False
