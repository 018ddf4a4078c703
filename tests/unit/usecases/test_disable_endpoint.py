"""An endpoint is closed for what its receiver answered, unless it is another one by now."""

import pytest

from service.domain.endpoint import EndpointState
from service.domain.errors import NotFoundError
from service.usecases.disable_endpoint import DisableEndpoint
from tests.support.lane_world import LaneWorld
from tests.support.virtual_time import run_virtual


def test_it_is_closed_with_its_reason_and_what_changed_meanwhile_is_not_judged() -> None:
    async def story() -> None:
        world = LaneWorld()
        disable = DisableEndpoint(clock=world.clock, tenants=world.table.tenants)
        seen = await world.endpoint()
        changed = await world.change(seen.id, url="https://other.example/hook")

        assert await disable(seen, "gone") == changed
        closed = await disable(changed, "gone")

        assert (closed.state, closed.disabled_reason) == (EndpointState.DISABLED, "gone")
        assert await world.table.tenants.endpoint(seen.id) == closed
        await world.table.tenants.delete_endpoint(seen.tenant, seen.id)
        with pytest.raises(NotFoundError):
            await disable(closed, "gone")

    run_virtual(story())
