"""An endpoint is found by its own tenant only."""

import pytest

from service.domain.errors import NotFoundError
from service.domain.ids import EndpointId, TenantName
from service.usecases.owned_endpoint import owned_endpoint
from tests.support.lane_world import TENANT, LaneWorld
from tests.support.virtual_time import run_virtual


def test_the_owner_finds_it() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint = await world.endpoint()

        assert await owned_endpoint(world.table.tenants, TENANT, endpoint.id) == endpoint

    run_virtual(story())


@pytest.mark.parametrize(
    ("tenant", "name"),
    [
        ("other", "whk_1"),
        (TENANT, "whk_2"),
        (TENANT, "whk#1"),
        (TENANT, "whk_\n"),
        (TENANT, "w" * 2000),
    ],
)
def test_nobody_else_and_nothing_else_does(tenant: str, name: str) -> None:
    async def story() -> None:
        world = LaneWorld()
        await world.endpoint()

        with pytest.raises(NotFoundError) as refused:
            await owned_endpoint(world.table.tenants, TenantName(tenant), EndpointId(name))
        assert len(refused.value.name) <= 64

    run_virtual(story())
