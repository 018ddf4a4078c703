"""Typing that another process asked for."""

import pytest

from service.domain.ids import SessionId
from service.ports import TypingHint
from service.usecases.pass_typing import PassTyping
from service.usecases.present import PresentVisits
from service.usecases.visit import TypingWanted
from tests.support.virtual_time import VirtualClock, run_virtual

A, B = SessionId("ses_a"), SessionId("ses_b")


@pytest.mark.parametrize(("age", "told"), [(0.0, 1), (4.9, 1), (-4.9, 1), (5.0, 0), (-5.0, 0)])
def test_the_visit_under_way_is_told_while_it_is_fresh(age: float, told: int) -> None:
    async def story() -> list[object]:
        clock, present = VirtualClock(), PresentVisits()
        inbox = present.begin(A)
        PassTyping(clock, present)(TypingHint(A, clock.now() - age))
        return [type(thing) for thing in inbox.things]

    assert run_virtual(story()) == [TypingWanted] * told


def test_where_nobody_is_nobody_is_told() -> None:
    async def story() -> int:
        clock, present = VirtualClock(), PresentVisits()
        inbox = present.begin(A)
        PassTyping(clock, present)(TypingHint(B, clock.now()))
        return len(inbox.things)

    assert run_virtual(story()) == 0
