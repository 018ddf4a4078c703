"""Hints are dropped where a look would find that the lane waits, and nowhere else."""

from collections.abc import Callable, Coroutine
from dataclasses import replace

import pytest

from service.domain.endpoint import Lane
from service.domain.health import Health
from service.domain.ids import EndpointId, SessionId
from service.domain.log import EventType
from service.ports import WebhookAnswer
from service.usecases.moot_hints import KNOWN_SECONDS, SOON_SECONDS, MootHints
from tests.support.lane_world import CrashPlan, LaneWorld
from tests.support.virtual_time import VirtualClock, run_virtual

Story = Callable[[], Coroutine[None, None, None]]
HOOK, SESSION = EndpointId("whk_1"), SessionId("ses_1")


def waiting(clock: VirtualClock, seconds: float = 900.0, **names: str) -> Lane:
    lane = Lane(endpoint_id=HOOK, session_id=SESSION, cursor=1, due_at=clock.now() + seconds)
    return replace(lane, **names)  # type: ignore[arg-type]  # ids are text


def down(clock: VirtualClock, seconds: float = 900.0) -> Health:
    return Health(version=1, failed=5, probe_at=clock.now() + seconds)


def known(clock: VirtualClock) -> MootHints:
    moot = MootHints(clock=clock)
    moot.saw(HOOK, down(clock), read_at=clock.monotonic())
    moot.found_waiting(waiting(clock))
    return moot


async def _a_lane_that_waits_at_a_shut_endpoint() -> None:
    clock = VirtualClock()
    moot = known(clock)
    assert moot.is_moot(HOOK, SESSION)
    assert not moot.is_moot(HOOK, SessionId("ses_2"))
    assert not moot.is_moot(EndpointId("whk_2"), SESSION)
    await clock.sleep(KNOWN_SECONDS)
    assert not moot.is_moot(HOOK, SESSION), "what is known grows old"
    assert moot.is_shut(HOOK), "as far as anybody knows"


async def _an_endpoint_that_came_back() -> None:
    clock = VirtualClock()
    moot = known(clock)
    moot.saw(HOOK, Health(version=2, back_at=clock.now()), read_at=clock.monotonic())
    assert not moot.is_moot(HOOK, SESSION)
    assert not moot.is_shut(HOOK)


async def _knowledge_counts_from_when_it_was_read() -> None:
    clock = VirtualClock()
    moot = MootHints(clock=clock)
    moot.found_waiting(waiting(clock))
    moot.saw(HOOK, down(clock), read_at=clock.monotonic() - 0.75 * KNOWN_SECONDS)
    assert moot.is_moot(HOOK, SESSION)
    await clock.sleep(0.5 * KNOWN_SECONDS)
    assert not moot.is_moot(HOOK, SESSION)


async def _the_time_of_the_next_probe_ends_it() -> None:
    clock = VirtualClock()
    moot = MootHints(clock=clock)
    moot.found_waiting(waiting(clock))
    moot.saw(HOOK, down(clock, 0.25 * KNOWN_SECONDS), read_at=clock.monotonic())
    await clock.sleep(0.5 * KNOWN_SECONDS)
    assert not moot.is_moot(HOOK, SESSION)


async def _a_lane_whose_time_is_near() -> None:
    clock = VirtualClock()
    moot = known(clock)
    moot.found_waiting(waiting(clock, SOON_SECONDS))
    assert not moot.is_moot(HOOK, SESSION)


async def _a_lane_without_a_time_is_not_remembered() -> None:
    clock = VirtualClock()
    moot = MootHints(clock=clock)
    moot.saw(HOOK, down(clock), read_at=clock.monotonic())
    moot.found_waiting(replace(waiting(clock), due_at=None))
    assert not moot.is_moot(HOOK, SESSION)


async def _those_seen_first_are_forgotten_first() -> None:
    clock = VirtualClock()
    moot = MootHints(clock=clock, most=2)
    moot.saw(HOOK, down(clock), read_at=clock.monotonic())
    for name in ("ses_1", "ses_2", "ses_1", "ses_3"):
        moot.found_waiting(waiting(clock, session_id=name))
    remembered = [moot.is_moot(HOOK, SessionId(f"ses_{n}")) for n in (1, 2, 3)]
    assert remembered == [True, False, True]


@pytest.mark.parametrize(
    "story",
    [
        _a_lane_that_waits_at_a_shut_endpoint,
        _an_endpoint_that_came_back,
        _knowledge_counts_from_when_it_was_read,
        _the_time_of_the_next_probe_ends_it,
        _a_lane_whose_time_is_near,
        _a_lane_without_a_time_is_not_remembered,
        _those_seen_first_are_forgotten_first,
    ],
    ids=lambda story: story.__name__.strip("_"),
)
def test_a_hint_is_moot_where_its_lane_waits_at_a_shut_endpoint(story: Story) -> None:
    run_virtual(story())


def test_beside_a_dead_endpoint_a_second_hint_costs_nothing_and_its_return_is_not_missed() -> None:
    async def story() -> tuple[list[int], list[int]]:
        world = LaneWorld()
        endpoint = await world.endpoint()
        sessions = [await world.session(f"ses_{number}") for number in range(3)]
        for session in sessions:
            await world.append(session, *[EventType.MESSAGE_RECEIVED] * 3)
        world.receiver.reply = WebhookAnswer(status=None, error="refused")
        plan = CrashPlan()
        courier = world.courier(plan)
        for session in [*sessions[:2]] * 3:
            await courier(endpoint.id, session.id)
            await world.clock.sleep(6.0)
        costs: list[int] = []
        for _ in range(4):
            before = len(plan.names)
            await courier(endpoint.id, sessions[2].id)
            costs.append(len(plan.names) - before)
        world.receiver.reply = WebhookAnswer(status=200)
        world.receiver.taken.clear()
        await world.follow_hints()
        return costs, world.receiver.taken

    costs, taken = run_virtual(story())

    assert costs[1:] == [1, 0, 0]
    assert sorted(taken) == [1, 1, 1, 2, 2, 2, 3, 3, 3]
