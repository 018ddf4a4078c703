"""What cannot be told, or not hinted, keeps no delivery from its commit."""

from dataclasses import replace

import pytest

from service.domain.errors import UnavailableError
from service.domain.ids import EndpointId, SessionId
from service.domain.log import EventType
from service.ports import WebhookAnswer
from service.usecases.deliver_lane import DeliverLane
from tests.support.lane_world import OK, LaneWorld
from tests.support.losing import losing
from tests.support.virtual_time import run_virtual

HOOK = EndpointId("whk_1")
CHAT = SessionId("ses_1")
WRONG = WebhookAnswer(status=500)


async def failed(times: int) -> LaneWorld:
    """An endpoint to which one event was sent so often, in vain; the next try is due."""
    world = LaneWorld()
    world.receiver.reply = WRONG
    await world.endpoint(HOOK, schedule=(60.0,) * 20)
    await world.append(await world.session(CHAT), EventType.MESSAGE_RECEIVED)
    for _ in range(times):
        await world.courier()(HOOK, CHAT)
        await world.clock.sleep(80)
    return world


DOWN = UnavailableError(what="the tenant's log")


def unable(courier: DeliverLane, times: int) -> DeliverLane:
    """It can tell nobody anything, so many times."""
    tell = courier.tell_owner
    tell = replace(tell, healths=losing(tell.healths, change_health=[DOWN] * times))
    return replace(
        courier, tell_owner=tell, weigh_failure=replace(courier.weigh_failure, tell_owner=tell)
    )


def test_a_failure_that_cannot_be_told_is_committed_and_told_with_the_next() -> None:
    async def story() -> None:
        world = await failed(3)

        await unable(world.courier(), 1)(HOOK, CHAT)
        lane = await world.table.lanes.lane(HOOK, CHAT)
        before = await world.notices()
        await world.clock.sleep(80)
        await world.courier()(HOOK, CHAT)

        assert lane is not None
        assert (lane.attempt, lane.claim) == (4, None)
        assert before == []
        assert [event.data["stage"] for event in await world.notices()] == ["retrying"]
        made = await world.table.attempts.attempts_of(HOOK, CHAT, cursor=None, limit=9)
        assert [each.number for each in made.items] == [5, 4, 3, 2, 1]

    run_virtual(story())


@pytest.mark.parametrize(("times", "after"), [(1, 1), (2, 2)])
def test_a_recovery_that_cannot_be_told_is_told_after_the_commit_or_with_the_next_success(
    times: int, after: int
) -> None:
    async def story() -> None:
        world = await failed(4)
        world.receiver.reply = OK
        session = await world.table.sessions.load(CHAT)
        told_after = []
        for sequence in (1, 2):
            courier = unable(world.courier(), times if sequence == 1 else 0)
            await courier(HOOK, session.id)
            if [event.type.value for event in await world.notices()][1:] == ["webhook.recovered"]:
                told_after.append(sequence)
            await world.append(session, EventType.MESSAGE_RECEIVED, first=sequence + 1)

        assert world.receiver.taken == [1, 2]
        assert told_after[0] == after

    run_virtual(story())


def test_listeners_are_hinted_side_by_side_when_the_lane_is_committed() -> None:
    async def story() -> None:
        world = await failed(3)
        for name in ("whk_2", "whk_3", "whk_4"):
            await world.endpoint(name, event_types=("webhook.*",))
        found: list[int] = []

        class Slow:
            async def lane(self, *_: object, **more: object) -> None:
                lane = await world.table.lanes.lane(HOOK, CHAT)
                assert lane is not None
                if not more:
                    found.append(lane.attempt)
                    await world.clock.sleep(2)

        courier = world.courier()
        tell = replace(courier.tell_owner, hints=Slow())  # type: ignore[arg-type]  # what is used of it
        weigh = replace(courier.weigh_failure, tell_owner=tell)
        begun = world.clock.now()
        await replace(courier, tell_owner=tell, weigh_failure=weigh)(HOOK, CHAT)

        assert found == [4, 4, 4]
        assert world.clock.now() - begun < 3

    run_virtual(story())


def test_a_table_that_does_not_name_the_listeners_costs_no_second_delivery() -> None:
    async def story() -> None:
        world = await failed(4)
        world.receiver.reply = OK
        courier = world.courier()
        tenants = losing(world.table.tenants, endpoints_of=[UnavailableError(what="the table")])
        deaf = replace(courier.tell_owner.endpoints, tenants=tenants, known={})
        tell = replace(courier.tell_owner, endpoints=deaf)

        await replace(courier, tell_owner=tell)(HOOK, CHAT)

        kinds = [event.type.value for event in await world.notices()]
        assert kinds == ["webhook.failing", "webhook.recovered"]
        assert world.receiver.taken == [1]
        lane = await world.table.lanes.lane(HOOK, CHAT)
        assert lane is not None
        assert (lane.cursor, lane.claim) == (1, None)

    run_virtual(story())
