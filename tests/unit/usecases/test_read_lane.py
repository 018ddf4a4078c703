"""Whether a lane has work is told by reading alone."""

from dataclasses import replace

import pytest

from service.domain.errors import NotFoundError
from service.domain.ids import SessionId
from service.domain.log import EventType
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
            sessions=table.sessions,
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


def test_an_empty_log_and_a_missing_session_are_no_work_and_a_missing_endpoint_is_told() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint = await world.endpoint()
        session = await world.session()
        table = world.table
        reader = ReadLane(
            clock=world.clock,
            sessions=table.sessions,
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
