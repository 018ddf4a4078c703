"""A big replay beside the lanes: many at a time, within the limits, and no lane waits for it."""

from collections import Counter
from typing import Final

from service.domain.ids import EndpointId
from service.domain.replay import STRANDS, ReplayState
from tests.support.delivery_yard import Reply, Yard, scripted, yard
from tests.support.virtual_time import run_virtual

HOOK: Final = EndpointId("whk_1")
CHATS: Final = 48
EVENTS: Final = 5
TAKES: Final = 0.1


async def begun(stage: Yard) -> None:
    """A replay of many chats, which lanes delivered before."""
    for number in range(CHATS):
        await stage.session(f"ses_{number}", events=EVENTS)
    await stage.finish(within=600)
    stage.attempts.clear()
    job = await stage.world.replay(stage.endpoints[HOOK], strands=STRANDS)
    for number in range(STRANDS):
        await stage.line.replay(job.id, number)


async def ended(stage: Yard) -> float:
    """How long it took."""
    since = stage.world.clock.now()
    (job,) = (await stage.world.table.replays.list_replays(HOOK, cursor=None, limit=9)).items
    while (await stage.world.replay_now(job)).state is ReplayState.OPEN:
        await stage.world.clock.sleep(0.05)
    return stage.world.clock.now() - since


def test_a_range_goes_many_times_as_fast_as_one_after_the_other() -> None:
    async def story() -> float:
        stage = yard(couriers=STRANDS, replayers=STRANDS)
        await stage.endpoint(HOOK, scripted(then=Reply(takes=TAKES)))
        async with stage.at_work():
            await begun(stage)
            took = await ended(stage)
        assert len(stage.replayed) == CHATS * EVENTS
        return took

    assert run_virtual(story()) < CHATS * EVENTS * TAKES / 5


def test_limits_hold_for_both_together_and_a_lane_has_its_half() -> None:
    async def story() -> None:
        stage = yard(couriers=4, replayers=STRANDS)
        mind = scripted(then=Reply(takes=TAKES))
        await stage.endpoint(HOOK, mind, rate_limit=10, max_concurrency=2)
        async with stage.at_work():
            await begun(stage)
            for _ in range(20):
                await stage.world.clock.sleep(1.7)
                await stage.say("ses_0")
            running = len(stage.replayed)
            await ended(stage)

        assert 50 < running < CHATS * EVENTS
        said = {str(event.id): event.at for event in stage.logs["ses_0"][EVENTS:]}
        waits = [each.at - said[each.headers["webhook-id"]] for each in stage.attempts]
        assert len(waits) == len(said)
        assert max(waits) < 5
        assert sorted(waits)[len(waits) // 2] < 1
        every = [*stage.attempts, *stage.replayed]
        assert max(Counter(int(each.at) for each in every).values()) <= 10
        assert max(sum(o.at <= each.at < o.ended for o in every) for each in every) <= 2

    run_virtual(story())
