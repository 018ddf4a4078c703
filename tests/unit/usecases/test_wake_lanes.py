"""Hints for what moved: cheap where nobody listens, complete where an endpoint opens."""

from dataclasses import replace

from service.domain.endpoint import EndpointState, Lane
from service.domain.health import Health
from service.domain.ids import EndpointId, SessionId, log_of
from service.usecases.known_endpoints import KnownEndpoints
from service.usecases.moot_hints import MootHints
from service.usecases.wake_lanes import WakeEndpoint, WakeLanes
from tests.support.lane_world import TENANT, LaneWorld
from tests.support.virtual_time import run_virtual


def waker(world: LaneWorld) -> WakeLanes:
    known = KnownEndpoints(clock=world.clock, tenants=world.table.tenants)
    moot = MootHints(clock=world.clock)
    return WakeLanes(endpoints=known, hints=world.hints, moot=moot)


def test_every_active_endpoint_of_the_tenant_gets_one_hint() -> None:
    async def story() -> None:
        world = LaneWorld()
        await world.endpoint("whk_1")
        await world.endpoint("whk_2", state=EndpointState.PAUSED)
        await world.endpoint("whk_3", tenant="other")
        await world.endpoint("whk_4")

        await waker(world)(TENANT, SessionId("ses_1"))

        assert sorted(hint.endpoint_id for hint in world.hints.lanes) == ["whk_1", "whk_4"]

    run_virtual(story())


def test_a_lane_that_is_known_to_wait_at_a_shut_endpoint_gets_none() -> None:
    async def story() -> None:
        world = LaneWorld()
        await world.endpoint("whk_1")
        await world.endpoint("whk_2")
        wake, session_id, now = waker(world), SessionId("ses_1"), world.clock.now()
        down = Health(version=1, failed=5, probe_at=now + 900)
        wake.moot.saw(EndpointId("whk_1"), down, read_at=world.clock.monotonic())
        waits = Lane(
            endpoint_id=EndpointId("whk_1"), session_id=session_id, cursor=0, due_at=now + 900
        )
        wake.moot.found_waiting(waits)

        await wake(TENANT, session_id)

        assert [hint.endpoint_id for hint in world.hints.lanes] == ["whk_2"]

    run_virtual(story())


def test_an_endpoint_that_opens_wakes_a_lane_for_each_session() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint = await world.endpoint()
        for number in range(130):
            await world.session(f"ses_{number:03}")
        known = KnownEndpoints(clock=world.clock, tenants=world.table.tenants)
        wake = WakeEndpoint(
            endpoints=known,
            sessions=world.table.sessions,
            lanes=world.table.lanes,
            hints=world.hints,
        )

        count = await wake(endpoint, delay=2.0)

        assert count == 130
        assert len({hint.session_id for hint in world.hints.lanes}) == 130
        assert {hint.delay for hint in world.hints.lanes} == {2.0}

    run_virtual(story())


def test_an_endpoint_that_opens_wakes_what_waits_for_it_however_old() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint = await world.endpoint()
        await world.session("ses_new")
        for log_id in (SessionId("ses_of_long_ago"), SessionId("ses_new"), log_of(TENANT)):
            lane = Lane(endpoint_id=endpoint.id, session_id=log_id, cursor=0)
            held = await world.table.lanes.claim(lane, token="t", now=0, until=9)
            assert held is not None
            await world.table.lanes.save(held, replace(held, claim=None, due_at=9e9))
        known = KnownEndpoints(clock=world.clock, tenants=world.table.tenants)
        wake = WakeEndpoint(
            endpoints=known,
            sessions=world.table.sessions,
            lanes=world.table.lanes,
            hints=world.hints,
        )

        count = await wake(endpoint)

        assert count == 1
        hinted = sorted(hint.session_id for hint in world.hints.lanes)
        assert hinted == ["ses_new", "ses_of_long_ago", log_of(TENANT)]

    run_virtual(story())


def test_an_endpoint_that_opens_wakes_no_more_than_a_request_has_time_for() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint = await world.endpoint()
        for number in range(130):
            await world.session(f"ses_{number:03}")
        known = KnownEndpoints(clock=world.clock, tenants=world.table.tenants)
        wake = WakeEndpoint(
            endpoints=known,
            sessions=world.table.sessions,
            lanes=world.table.lanes,
            hints=world.hints,
            most=100,
        )

        count = await wake(endpoint)

        assert count == 100

    run_virtual(story())
