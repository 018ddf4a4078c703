"""Which deaths are worth telling: none is left out that leaves something else behind."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.support.death_points import EVERY, PeacePlan
from tests.support.virtual_time import run_virtual

pytestmark = pytest.mark.skipif(EVERY, reason="all of them are told")

Act = Callable[[PeacePlan], Awaitable[object]]


async def _done() -> None:
    await asyncio.sleep(0)


async def _slowly() -> None:
    await asyncio.sleep(1)


def _deaths(act: Act) -> tuple[list[int | None], list[int | None]]:
    """Before the effects of which calls, and after those of which."""
    plan = PeacePlan()

    async def story() -> None:
        await act(plan)

    run_virtual(story())
    before, after = (plan.deaths(after_effect=each) for each in (False, True))
    return [each.at for each in before], [each.at for each in after]


def test_a_death_at_a_read_is_that_before_the_next_call() -> None:
    async def act(plan: PeacePlan) -> None:
        for name in ("load", "look", "save", "save"):
            await plan.call(name, _done)

    assert _deaths(act) == ([3, 4], [4])


def test_time_that_passes_makes_another_death_of_it() -> None:
    async def act(plan: PeacePlan) -> None:
        await plan.call("load", _done)
        await asyncio.sleep(1)
        await plan.call("save", _slowly)
        await asyncio.sleep(1)
        await plan.call("load", _done)
        await plan.call("save", _done)

    assert _deaths(act) == ([1, 2, 4], [2, 4])


def test_a_read_that_takes_time_is_a_death_of_its_own() -> None:
    async def act(plan: PeacePlan) -> None:
        await plan.call("load", _slowly)
        await plan.call("save", _done)

    assert _deaths(act) == ([1, 2], [2])


def test_what_is_under_way_may_still_have_its_effect() -> None:
    async def act(plan: PeacePlan) -> None:
        recording = asyncio.create_task(plan.call("record", _slowly))
        await asyncio.sleep(0)
        await plan.call("save", _done)
        await plan.call("save", _done)
        await recording

    assert _deaths(act) == ([1, 2, 3], [1, 2, 3])
