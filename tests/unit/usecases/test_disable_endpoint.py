"""An endpoint is closed for what its receiver answered, unless it is another one by now."""

import pytest

from service.domain.endpoint import EndpointState
from service.domain.errors import NotFoundError
from service.domain.ids import log_of
from service.domain.log import EventType
from service.usecases.disable_endpoint import DisableEndpoint
from tests.support.lane_world import TENANT, LaneWorld
from tests.support.virtual_time import run_virtual


def test_it_is_closed_with_its_reason_and_what_changed_meanwhile_is_not_judged() -> None:
    async def story() -> None:
        world = LaneWorld()
        tells = world.tell_owner()
        disable = DisableEndpoint(clock=world.clock, tenants=world.table.tenants, tell_owner=tells)
        await world.endpoint("whk_2", event_types=("webhook.*",))
        seen = await world.endpoint()
        changed = await world.change(seen.id, url="https://other.example/hook")

        assert await disable(seen, "gone") == changed
        closed = await disable(changed, "gone")

        assert (closed.state, closed.disabled_reason) == (EndpointState.DISABLED, "gone")
        assert await world.table.tenants.endpoint(seen.id) == closed
        [told] = await world.notices()
        assert (told.type, told.data["reason"]) == (EventType.WEBHOOK_DISABLED, "gone")
        assert [(hint.endpoint_id, hint.session_id) for hint in world.hints.lanes] == [
            ("whk_2", log_of(TENANT))
        ]
        await world.table.tenants.delete_endpoint(seen.tenant, seen.id)
        with pytest.raises(NotFoundError):
            await disable(closed, "gone")

    run_virtual(story())
