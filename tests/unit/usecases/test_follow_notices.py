"""The sweeper finds what was told and is not on its way."""

import logging
from collections.abc import Sequence
from dataclasses import replace

import pytest

from service.domain.endpoint import Endpoint, EndpointState
from service.domain.errors import UnavailableError
from service.domain.ids import TenantName, log_of
from service.ports import WebhookAnswer
from service.usecases.follow_notices import AGAIN_SECONDS, FollowNotices
from tests.support.lane_world import TENANT, CrashError, CrashPlan, LaneWorld
from tests.support.virtual_time import run_virtual

LOG = log_of(TENANT)


def follow(world: LaneWorld) -> FollowNotices:
    return FollowNotices(
        tenant_log=world.table.tenant_log,
        tenants=world.table.tenants,
        lanes=world.table.lanes,
        hints=world.hints,
    )


async def sweep(world: LaneWorld) -> tuple[int, list[str]]:
    """How many logs were due, and whom it hinted."""
    world.hints.lanes.clear()
    due = await follow(world)(before=world.clock.now())
    assert {hint.session_id for hint in world.hints.lanes} <= {LOG}
    return due, [hint.endpoint_id for hint in world.hints.lanes]


def test_whoever_asked_is_hinted_until_he_is_at_the_end_and_then_nobody_looks() -> None:
    async def story() -> None:
        world = LaneWorld()
        ill = await world.endpoint("whk_1")
        await world.endpoint("whk_2", event_types=("webhook.disabled",))
        await world.endpoint("whk_3", event_types=("webhook.test", "message.*"))
        await world.tell(ill)

        at_once = await sweep(world)
        await world.clock.sleep(31)
        first, again = await sweep(world), await sweep(world)
        await world.follow_hints()
        after, quiet = await sweep(world), await sweep(world)

        assert at_once == (0, [])
        assert first == again == (1, ["whk_2"])
        assert (after, quiet) == ((1, []), (0, []))
        assert len(world.receiver.posts) == 1

    run_virtual(story())


def test_a_lane_with_a_time_of_its_own_is_found_by_that_and_looked_at_later() -> None:
    async def story() -> None:
        world = LaneWorld()
        ill = await world.endpoint("whk_1")
        other = await world.endpoint(
            "whk_2", event_types=("webhook.*",), state=EndpointState.PAUSED
        )
        await world.tell(ill)
        await world.clock.sleep(31)

        first = await sweep(world)
        await world.follow_hints()
        lane = await world.table.lanes.lane(other.id, LOG)
        after, quiet = await sweep(world), await sweep(world)

        assert first == (1, ["whk_2"])
        assert lane is not None
        assert (lane.cursor, lane.parked) == (0, True)
        assert (after, quiet) == ((1, []), (0, []))
        await world.clock.sleep(AGAIN_SECONDS)
        assert (await sweep(world), await sweep(world)) == ((1, []), (0, []))

    run_virtual(story())


async def dies_after_the_commit(world: LaneWorld, endpoint: Endpoint) -> None:
    """A courier of the tenant's log."""
    died = CrashPlan()

    async def soon() -> None:
        died.at = len(died.names) + 2

    world.receiver.on_post = soon
    with pytest.raises(CrashError):
        await world.courier(died)(endpoint.id, LOG)
    world.receiver.on_post = None


def test_a_lane_that_waited_and_died_before_its_end_is_found_again() -> None:
    async def story() -> None:
        world = LaneWorld()
        ill = await world.endpoint("whk_1")
        other = await world.endpoint("whk_2", event_types=("webhook.*",))
        world.receiver.script.append(WebhookAnswer(status=500))
        for _ in range(2):
            await world.tell(ill)
        await world.courier()(other.id, LOG)
        await world.clock.sleep(31)
        waits = await sweep(world)

        await dies_after_the_commit(world, other)
        lane = await world.table.lanes.lane(other.id, LOG)
        await world.clock.sleep(AGAIN_SECONDS)
        found = await sweep(world)
        await world.follow_hints()

        assert waits == (1, [])
        assert lane is not None
        assert (lane.cursor, lane.due_at) == (1, None)
        assert found == (1, ["whk_2"])
        assert len(world.receiver.posts) == 3

    run_virtual(story())


def test_a_log_that_cannot_be_looked_after_keeps_no_other_from_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story() -> None:
        world = LaneWorld()
        for number, tenant in enumerate(("bad", "good")):
            ill = await world.endpoint(f"whk_ill{number}", tenant=tenant)
            await world.endpoint(f"whk_{tenant}", tenant=tenant, event_types=("webhook.*",))
            await world.tell(ill)
        await world.clock.sleep(31)

        class Sick:
            async def endpoints_of(self, tenant: TenantName) -> Sequence[Endpoint]:
                if tenant == "bad":
                    raise UnavailableError(what="the table")
                return await world.table.tenants.endpoints_of(tenant)

        sick = replace(follow(world), tenants=Sick())  # type: ignore[arg-type]  # what is used of it
        with caplog.at_level(logging.WARNING):
            assert await sick(before=world.clock.now()) == 2

        assert [hint.endpoint_id for hint in world.hints.lanes] == ["whk_good"]
        failed = [each for each in caplog.records if each.message == "sweep.notices_failed"]
        assert [each.__dict__["tenant"] for each in failed] == ["bad"]

    run_virtual(story())


def test_what_is_told_meanwhile_keeps_the_log_due() -> None:
    async def story() -> None:
        world = LaneWorld()
        ill = await world.endpoint("whk_1")
        await world.tell(ill)
        await world.clock.sleep(31)

        class Late:
            async def endpoints_of(self, tenant: str) -> list[object]:
                await world.tell(ill)
                return []

        late = replace(follow(world), tenants=Late())  # type: ignore[arg-type]  # what is used of it
        await late(before=world.clock.now())

        assert (await sweep(world))[0] == 1

    run_virtual(story())
