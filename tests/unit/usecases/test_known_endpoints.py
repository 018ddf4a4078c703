"""Endpoints as known a moment ago."""

from service.domain.ids import TenantName
from service.usecases.known_endpoints import TENANTS_MAX, KnownEndpoints
from tests.support.lane_world import TENANT, LaneWorld
from tests.support.virtual_time import run_virtual


def test_a_change_is_seen_after_a_second_or_at_once_where_it_was_made() -> None:
    async def story() -> None:
        world = LaneWorld()
        known = KnownEndpoints(clock=world.clock, tenants=world.table.tenants)
        assert list(await known(TENANT)) == []

        await world.endpoint("whk_1")
        assert list(await known(TENANT)) == []
        await world.clock.sleep(1.1)
        assert [each.id for each in await known(TENANT)] == ["whk_1"]

        await world.endpoint("whk_2")
        known.forget(TENANT)
        assert len(await known(TENANT)) == 2

    run_virtual(story())


def test_memory_does_not_grow_with_the_number_of_tenants() -> None:
    async def story() -> None:
        world = LaneWorld()
        known = KnownEndpoints(clock=world.clock, tenants=world.table.tenants)

        for number in range(TENANTS_MAX + 5):
            await known(TenantName(f"tenant-{number}"))

        assert len(known.known) == 5

    run_virtual(story())
