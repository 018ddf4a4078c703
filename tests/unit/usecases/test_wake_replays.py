"""Hints for what waits for an endpoint, and for nothing else."""

from dataclasses import replace

from service.domain.health import RAMP_DOUBLINGS, RAMP_STEP
from service.domain.ids import EndpointId
from service.domain.replay import ReplayState
from service.usecases.wake_replays import WakeReplays
from tests.support.lane_world import LaneWorld
from tests.support.virtual_time import run_virtual


def test_every_strand_of_what_is_not_over_is_hinted() -> None:
    async def story() -> None:
        world = LaneWorld()
        wake = WakeReplays(replays=world.table.replays, hints=world.hints)
        endpoint = await world.endpoint()
        job = await world.replay(endpoint, strands=3)
        over = await world.replay(endpoint)
        await world.table.replays.change(over, over.over(ReplayState.CANCELLED, at=0))
        await world.replay(replace(endpoint, id=EndpointId("whk_other")))
        now = world.clock.now()

        await wake(endpoint.id, delay=2)
        await wake.after_ramp(endpoint.id)

        hinted = [(hint.replay_id, hint.strand, hint.due - now) for hint in world.hints.replays]
        late = RAMP_STEP * RAMP_DOUBLINGS
        assert hinted == [(job.id, n, wait) for wait in (2, late) for n in range(3)]

    run_virtual(story())


def test_who_is_back_from_an_outage_wakes_replays_after_the_lanes() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint = await world.endpoint()
        job = await world.replay(endpoint)
        gate = world.courier().gate
        health = await world.table.healths.health(endpoint.id)
        for name in ("ses_1", "ses_2") * 3:
            health = await gate.tell_failure(endpoint.id, name, health, probed=False)  # type: ignore[arg-type]

        await gate.tell_success(endpoint.id, health)

        assert [hint.replay_id for hint in world.hints.replays] == [job.id] * 2

    run_virtual(story())
