"""What an endpoint answered before it was changed is not held against it in a replay."""

from service.domain.endpoint import Endpoint, EndpointState
from service.domain.log import EventType
from service.domain.replay import Replay, Strand
from service.ports import WebhookAnswer
from tests.support.lane_world import LaneWorld
from tests.support.virtual_time import run_virtual

GONE = WebhookAnswer(status=410)
WRONG = WebhookAnswer(status=500)
HOUR = 3600.0


async def begun(*answers: WebhookAnswer) -> tuple[LaneWorld, Endpoint, Replay]:
    """A replay of three events that has made one attempt."""
    world = LaneWorld()
    session = await world.session()
    await world.append(session, *[EventType.MESSAGE_RECEIVED] * 3)
    endpoint = await world.endpoint(schedule=(HOUR,) * 9)
    world.receiver.script.extend(answers)
    job = await world.replay(endpoint, session_id=session.id)
    await world.replayer()(job.id, 0)
    return world, endpoint, job


async def the_strand(world: LaneWorld, job: Replay) -> Strand:
    found = await world.table.replays.strand(job.id, 0)
    assert found is not None
    return found


async def state_of(world: LaneWorld, endpoint: Endpoint) -> EndpointState:
    return (await world.table.tenants.endpoint(endpoint.id)).state


def test_a_410_of_another_url_or_description_settles_nothing() -> None:
    async def story() -> None:
        for moved in (True, False):
            world, endpoint, job = await begun(GONE, GONE)
            await world.clock.sleep(5)
            if moved:
                other = "https://other.example/hook"
                await world.change(endpoint.id, url=other, openings=1)
            else:
                await world.change(endpoint.id, description="the same one")
            await world.clock.sleep(15)

            await world.replayer()(job.id, 0)

            assert len(world.receiver.posts) == 2
            assert await state_of(world, endpoint) is EndpointState.ACTIVE
            [part] = (await the_strand(world, job)).parts
            assert part.gone_at == world.clock.now()
            await world.follow_strands(job)
            assert world.receiver.taken == [1, 2, 3]

    run_virtual(story())


def test_a_410_of_long_ago_settles_nothing() -> None:
    async def story() -> None:
        world, endpoint, job = await begun(GONE, GONE, GONE)
        await world.clock.sleep(HOUR)

        await world.replayer()(job.id, 0)
        assert await state_of(world, endpoint) is EndpointState.ACTIVE
        await world.clock.sleep(15)
        await world.replayer()(job.id, 0)

        assert await state_of(world, endpoint) is EndpointState.DISABLED
        assert [event.type for event in await world.notices()] == [EventType.WEBHOOK_DISABLED]

    run_virtual(story())


def test_what_failed_at_the_old_url_is_tried_at_once_and_anew() -> None:
    async def story() -> None:
        world, endpoint, job = await begun(WRONG, WRONG)
        await world.clock.sleep(60)
        await world.replayer()(job.id, 0)
        assert len(world.receiver.posts) == 1, "its time has not come"
        await world.change(endpoint.id, url="https://other.example/hook", openings=1)

        await world.replayer()(job.id, 0)

        assert len(world.receiver.posts) == 2
        strand = await the_strand(world, job)
        assert (strand.parts[0].attempt, strand.openings) == (1, 1)
        await world.follow_strands(job)
        assert world.receiver.taken == [1, 2, 3]

    run_virtual(story())
