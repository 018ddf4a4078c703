"""Whether a lane has work is told by reading alone."""

from dataclasses import replace

import pytest

from service.domain.endpoint import Endpoint, EndpointState
from service.domain.errors import NotFoundError
from service.domain.ids import SessionId
from service.domain.log import EventType
from service.domain.session import Session
from service.ports import WebhookAnswer
from service.usecases.logs import Logs
from service.usecases.moot_hints import MootHints
from service.usecases.read_lane import ReadLane, Run
from tests.support.lane_world import LaneWorld
from tests.support.virtual_time import run_virtual


def test_finding_writes_nothing_and_shows_what_lies_ahead() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint = await world.endpoint()
        session = await world.session()
        await world.append(session, EventType.MESSAGE_RECEIVED, EventType.MESSAGE_FAILED)
        table = world.table
        reader = ReadLane(
            clock=world.clock,
            logs=Logs(sessions=table.sessions, tenant_log=table.tenant_log),
            lanes=table.lanes,
            moot=MootHints(clock=world.clock),
        )
        run = Run(endpoint_id=endpoint.id, session_id=session.id, hops=0, until=99.0)

        hold = await reader.find(run)

        assert hold is not None
        assert [event.sequence for event in hold.ahead] == [1, 2]
        assert (hold.passed, hold.end) == (0, 2)
        assert await table.lanes.lane(endpoint.id, session.id) is None

    run_virtual(story())


@pytest.mark.parametrize(("failures", "read"), [(4, 3), (5, 2)])
def test_of_a_lane_that_will_wait_no_more_is_read_than_whether_there_is_any(
    failures: int, read: int
) -> None:
    async def story() -> None:
        world = LaneWorld()
        world.receiver.reply = WebhookAnswer(status=None, error="refused")
        endpoint = await world.endpoint()
        for number in range(failures):
            failing = await world.session(f"ses_{number}")
            await world.append(failing, EventType.MESSAGE_RECEIVED)
            await world.courier()(endpoint.id, failing.id)
        session = await world.session("ses_late")
        await world.append(session, *[EventType.MESSAGE_RECEIVED] * 3)
        run = Run(endpoint_id=endpoint.id, session_id=session.id, hops=0, until=99.0)

        hold = await world.courier().reader.find(run)

        assert hold is not None
        assert (len(hold.ahead), hold.end) == (read, 3)

    run_virtual(story())


HALF_A_DAY = 12 * 3600.0


async def waiting(world: LaneWorld) -> tuple[Endpoint, Session]:
    """A lane whose head failed so often that its next attempt is half a day away."""
    world.receiver.reply = WebhookAnswer(status=500)
    endpoint, session = await world.endpoint(), await world.session()
    await world.append(session, EventType.MESSAGE_RECEIVED)
    await world.courier()(endpoint.id, session.id)
    lane = await world.lane(endpoint, session)
    held = await world.table.lanes.claim(lane, token="t", now=world.clock.now(), until=9e9)
    assert held is not None
    later = world.clock.now() + HALF_A_DAY
    waits = replace(held, claim=None, attempt=12, due_at=later, failing_since=1.0)
    await world.table.lanes.save(held, waits)
    world.receiver.posts.clear()
    return endpoint, session


@pytest.mark.parametrize(("openings", "attempt", "posts"), [(0, 12, 0), (1, 1, 1)])
def test_what_waits_for_half_a_day_is_resumed_once_its_endpoint_was_opened(
    openings: int, attempt: int, posts: int
) -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, session = await waiting(world)
        await world.change(endpoint.id, openings=openings)

        await world.courier()(endpoint.id, session.id)

        lane = await world.lane(endpoint, session)
        assert (lane.attempt, lane.openings, len(world.receiver.posts)) == (
            attempt,
            openings,
            posts,
        )
        assert lane.due_at is not None
        assert (lane.due_at - world.clock.now() < HALF_A_DAY) is bool(posts)

    run_virtual(story())


def test_what_waits_is_parked_once_where_its_endpoint_was_opened_and_closed_again() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, session = await waiting(world)
        await world.change(endpoint.id, openings=1, state=EndpointState.DISABLED)

        await world.courier()(endpoint.id, session.id)
        lane = await world.lane(endpoint, session)
        await world.courier()(endpoint.id, session.id)

        assert (lane.parked, lane.attempt, lane.openings) == (True, 0, 1)
        assert await world.lane(endpoint, session) == lane
        assert world.receiver.posts == []

    run_virtual(story())


def test_an_empty_log_and_a_missing_session_are_no_work_and_a_missing_endpoint_is_told() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint = await world.endpoint()
        session = await world.session()
        table = world.table
        reader = ReadLane(
            clock=world.clock,
            logs=Logs(sessions=table.sessions, tenant_log=table.tenant_log),
            lanes=table.lanes,
            moot=MootHints(clock=world.clock),
        )
        run = Run(endpoint_id=endpoint.id, session_id=session.id, hops=0, until=99.0)

        assert await reader.find(run) is None
        assert await reader.find(replace(run, session_id=SessionId("ses_gone"))) is None
        await table.tenants.delete_endpoint(endpoint.tenant, endpoint.id)
        with pytest.raises(NotFoundError):
            await reader.find(run)

    run_virtual(story())
