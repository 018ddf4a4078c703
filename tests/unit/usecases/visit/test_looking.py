"""The sweeper's visit takes in what callers of other processes accept."""

import asyncio

import pytest

from service.usecases.visit.desk import Phase
from service.usecases.visit.looking import LOOK_SECONDS, look_due, look_for_sends
from service.usecases.visit.stay import Stay
from tests.support.visit_stage import LISTENER, on_virtual_time, staged

SWEEPS = Stay(writer="lck_1", listener=False, reconcile=True)
ON_DEMAND = Stay(writer="lck_1", listener=False)
TOUCHES = Stay(writer=LISTENER, listener=True, reconcile=True)


@on_virtual_time
async def test_a_message_of_another_process_goes_out_while_the_sweeper_waits() -> None:
    async with staged(history_lag_seconds=5) as stage:
        session = await stage.chatted()
        await stage.clock.sleep(60)
        sweeping = asyncio.create_task(stage.reconcile(session))
        await stage.clock.sleep(2.2)
        begun = stage.now
        await stage.accept(session, "more")
        await sweeping

        [sent] = stage.times("onMessage")
        assert sent - begun <= LOOK_SECONDS
        assert (stage.arrived()[-1], stage.wires.opened) == ("more", 2)


@on_virtual_time
@pytest.mark.parametrize(
    ("stay", "phase", "looks"),
    [
        (SWEEPS, Phase.READY, True),
        (SWEEPS, Phase.CONFIGURING, False),
        (ON_DEMAND, Phase.READY, False),
        (TOUCHES, Phase.READY, False),
    ],
)
async def test_only_whom_nobody_tells_looks(stay: Stay, phase: Phase, *, looks: bool) -> None:
    async with staged() as stage:
        session = await stage.chatted()
        desk = await stage.desk(session)
        desk.stay, desk.phase, desk.sends_at = stay, phase, stage.now
        assert look_due(desk) == (stage.now + LOOK_SECONDS if looks else None)

        await stage.accept(session, "more")
        await look_for_sends(desk)
        early = len(desk.sends)
        await stage.clock.sleep(LOOK_SECONDS)
        await look_for_sends(desk)

        assert (early, len(desk.sends)) == (0, 1 if looks else 0)
        assert look_due(desk) is None or not desk.sends
