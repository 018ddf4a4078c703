"""The gate of an endpoint where couriers meet: down, paused, on its way back, at its limits.

Lanes wait without attempts, and wake; who loses a race looks again, or waits.
"""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, cast

from service.domain.endpoint import Endpoint, EndpointState
from service.domain.health import (
    PROBE_LONGEST,
    PROBE_TAKES,
    RAMP_DOUBLINGS,
    TROUBLE_FAILURES,
    Go,
    Health,
    Stamp,
    failed,
    leave,
    paused,
    probing,
)
from service.domain.ids import EndpointId, SessionId
from service.domain.log import EventType
from service.domain.notice import Notice
from service.domain.session import Session
from service.ports import HealthStore, WebhookAnswer
from service.usecases.endpoint_gate import KNOWN_MOST, PLACE_SECONDS, EndpointGate, Pass, Turned
from service.usecases.keep_lane import CLAIM_LEAST, OUTSIDE_SECONDS
from service.webhook.directive import Directive
from tests.support.lane_world import OK, CrashError, CrashPlan, Fields, LaneWorld
from tests.support.virtual_time import run_virtual

RECEIVED = EventType.MESSAGE_RECEIVED
DEAD = WebhookAnswer(status=None, error="refused")
BUSY = WebhookAnswer(status=503, retry_after="600")
MINUTE = 60.0


def play(story: Coroutine[Any, Any, None]) -> None:
    run_virtual(story)


async def chats(world: LaneWorld, count: int, *, events: int = 1) -> list[Session]:
    made = [await world.session(f"ses_{number}") for number in range(count)]
    for session in made:
        await world.append(session, *[RECEIVED] * events)
    return made


async def deliver(world: LaneWorld, endpoint: Endpoint, sessions: Sequence[Session]) -> None:
    for session in sessions:
        await world.courier()(endpoint.id, session.id)


async def down(
    world: LaneWorld, count: int = 8, **fields: Fields
) -> tuple[Endpoint, list[Session]]:
    """An endpoint that does not answer, as that many lanes found it."""
    endpoint = await world.endpoint(**fields)
    sessions = await chats(world, count)
    world.receiver.reply = DEAD
    await deliver(world, endpoint, sessions)
    return endpoint, sessions


async def sweep(world: LaneWorld) -> None:
    """As the sweeper does: a hint for whatever is due."""
    due = await world.table.lanes.due_lanes(before=world.clock.now() + 1, limit=1000)
    for endpoint_id, session_id in due.items:
        await world.courier()(endpoint_id, session_id)


def test_once_an_endpoint_is_down_lanes_wait_without_attempts() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, sessions = await down(world)

        assert len(world.receiver.posts) == TROUBLE_FAILURES
        lanes = [await world.lane(endpoint, session) for session in sessions]
        assert [lane.attempt for lane in lanes] == [1] * 5 + [0] * 3
        assert [lane.parked for lane in lanes] == [False] * 5 + [True] * 3
        assert all(lane.due_at is not None for lane in lanes)

    play(story())


def test_one_lane_at_a_time_probes_at_growing_intervals_and_uses_no_attempts() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, sessions = await down(world, 20)
        world.receiver.posts.clear()
        begun = world.clock.now()
        while world.clock.now() < begun + 90 * MINUTE:
            await world.follow_hints(most=1)
            await sweep(world)
            await world.clock.sleep(15)

        times = [post.at - begun for post in world.receiver.posts]
        gaps = [after - before for before, after in pairwise(times)]
        assert 8 <= len(times) <= 14
        assert gaps[0] >= 10
        assert max(gaps) <= PROBE_LONGEST * 1.2 + 61
        assert gaps[-1] >= PROBE_LONGEST
        lanes = [await world.lane(endpoint, session) for session in sessions]
        assert max(lane.attempt for lane in lanes) <= 2

    play(story())


def test_the_first_success_wakes_all_lanes_more_and_more_at_a_time() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, sessions = await down(world, 40)
        world.receiver.reply = OK
        world.receiver.takes = 0.2
        world.receiver.posts.clear()
        begun = world.clock.now()
        await world.follow_hints(most=1_000)

        assert len(world.receiver.taken) == len(sessions)
        assert world.clock.now() - begun < MINUTE
        seconds = Counter(int(post.at - begun) for post in world.receiver.posts)
        assert max(seconds.values()) <= 40
        health = await world.table.healths.health(endpoint.id)
        assert (health.failed, health.probe_at) == (0, None)

    play(story())


def test_lanes_on_the_way_up_are_no_more_than_there_are_places() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, sessions = await down(world, 30)
        world.receiver.reply = OK
        await world.follow_hints(most=1)  # the probe
        world.receiver.takes = 5.0
        at_once = 0
        busy = 0

        async def seen() -> None:
            nonlocal at_once, busy
            busy += 1
            at_once = max(at_once, busy)
            await world.clock.sleep(0.9)
            busy -= 1

        world.receiver.on_post = seen
        await asyncio.gather(*(world.courier()(endpoint.id, each.id) for each in sessions))

        assert at_once == 1

    play(story())


def test_an_endpoint_that_goes_down_on_its_way_up_is_left_alone_for_longer() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, sessions = await down(world)
        world.receiver.script.append(OK)
        health = Health()
        while health.back_at is None:
            await world.follow_hints(most=1)
            health = await world.table.healths.health(endpoint.id)
        while health.probe_at is None:
            await world.follow_hints(most=1)
            health = await world.table.healths.health(endpoint.id)

        assert health.probe_at >= world.clock.now() + 9
        before = len(world.receiver.posts)
        await deliver(world, endpoint, sessions)
        assert len(world.receiver.posts) == before

    play(story())


def test_an_endpoint_that_is_busy_is_left_alone_by_all_its_lanes_and_by_no_others() -> None:
    async def story() -> None:
        world = LaneWorld()
        busy, other = await world.endpoint("whk_1"), await world.endpoint("whk_2")
        sessions = await chats(world, 3)
        world.receiver.script.append(BUSY)
        await deliver(world, busy, sessions)
        assert len(world.receiver.posts) == 1
        await deliver(world, other, sessions)
        assert len(world.receiver.posts) == 4

        begun = world.clock.now()
        while len(world.receiver.posts) < 7:
            await sweep(world)
            await world.clock.sleep(1)

        again = [post.at - begun for post in world.receiver.posts[4:]]
        assert min(again) >= 600
        assert max(again) <= 600 * 1.2 + 5
        lane = await world.lane(busy, sessions[0])
        assert (lane.attempt, lane.delivered) == (0, 1)

    play(story())


def test_a_receiver_that_fails_now_and_then_is_not_down() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint = await world.endpoint()
        sessions = await chats(world, 20, events=30)
        world.receiver.takes = 0.05
        number = 0

        async def now_and_then() -> None:
            nonlocal number
            number += 1
            if number % 12 == 0:
                world.receiver.script.append(WebhookAnswer(status=500))

        world.receiver.on_post = now_and_then
        courier = world.courier()
        await asyncio.gather(*(courier(endpoint.id, each.id) for each in sessions))

        health = await world.table.healths.health(endpoint.id)
        assert number > 100
        assert (health.probe_at, health.back_at) == (None, None)

    play(story())


def test_one_session_whose_event_is_disliked_leaves_the_others_alone() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint = await world.endpoint()
        poison, *rest = await chats(world, 4)
        world.receiver.reply = WebhookAnswer(status=400)
        for _ in range(3 * TROUBLE_FAILURES):
            await world.courier()(endpoint.id, poison.id)
            await world.clock.sleep(43_200 * 1.2)
        world.receiver.reply = OK
        await deliver(world, endpoint, rest)

        assert len(world.receiver.taken) == len(rest)

    play(story())


def test_no_more_requests_at_a_time_than_the_endpoint_takes() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint = await world.endpoint(max_concurrency=3)
        sessions = await chats(world, 10)
        busy, most = 0, 0

        async def seen() -> None:
            nonlocal busy, most
            busy += 1
            most = max(most, busy)
            await world.clock.sleep(1)
            busy -= 1

        world.receiver.on_post = seen
        await asyncio.gather(*(world.courier()(endpoint.id, each.id) for each in sessions))
        await world.follow_hints(most=1_000)

        assert most <= 3
        assert len(world.receiver.taken) == 10

    play(story())


def test_a_place_of_a_courier_that_died_is_free_again_after_its_time() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint = await world.endpoint(max_concurrency=1)
        first, second = await chats(world, 2)

        async def die() -> None:
            raise CrashError

        world.receiver.on_post = die
        plan = CrashPlan()
        courier = world.courier(plan)
        # The process is gone: nothing is given back.
        gate = replace(courier.gate, healths=_Unreturned(world.table.healths))
        try:
            await replace(courier, gate=gate)(endpoint.id, first.id)
        except CrashError:
            world.receiver.on_post = None
        await world.courier()(endpoint.id, second.id)
        assert world.receiver.taken == []
        await world.clock.sleep(PLACE_SECONDS)
        await world.courier()(endpoint.id, second.id)

        assert world.receiver.taken == [1]

    play(story())


class _Unreturned:
    """A store to which nobody lives to give a place back."""

    def __init__(self, healths: Any) -> None:  # noqa: ANN401 - stands for the port
        self._healths = healths

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any of its methods
        return getattr(self._healths, name)

    async def leave_place(self, endpoint_id: EndpointId, place: int, *, token: str) -> None:
        pass


def test_no_more_requests_a_second_than_the_endpoint_takes_by_all_couriers_together() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint = await world.endpoint(rate_limit=5)
        sessions = await chats(world, 4, events=10)
        await asyncio.gather(*(world.courier()(endpoint.id, each.id) for each in sessions))
        await world.follow_hints(most=1_000)

        seconds = Counter(int(post.at) for post in world.receiver.posts)
        assert len(world.receiver.taken) == 40
        assert max(seconds.values()) <= 5
        assert len(seconds) <= 14

    play(story())


def test_a_rate_that_leaves_no_time_lets_the_lane_go_and_come_back() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint = await world.endpoint(rate_limit=1)
        sessions = await chats(world, 4, events=40)
        await asyncio.gather(*(world.courier()(endpoint.id, each.id) for each in sessions))
        await world.follow_hints(most=1_000)

        assert len(world.receiver.taken) == 160

    play(story())


def test_lanes_outside_are_looked_at_in_the_end_though_nobody_wakes_them() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, sessions = await down(world)
        world.hints.lanes.clear()  # all hints are lost, and whoever was to probe with them
        world.receiver.reply = OK
        begun = world.clock.now()
        while len(world.receiver.taken) < len(sessions):
            await sweep(world)
            await world.clock.sleep(30)
            world.hints.lanes.clear()

        assert world.clock.now() - begun <= OUTSIDE_SECONDS * 1.2 + 2 * RAMP_DOUBLINGS + MINUTE
        assert (await world.table.healths.health(endpoint.id)).probe_at is None

    play(story())


def test_a_lane_that_is_under_way_leaves_when_others_find_the_endpoint_busy() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint = await world.endpoint()
        (session,) = await chats(world, 1, events=20)
        world.receiver.takes = 0.6
        run = asyncio.create_task(world.courier()(endpoint.id, session.id))
        await world.clock.sleep(2)
        stamp = Stamp(by="other", at=world.clock.now())
        until = world.clock.now() + 300
        shut = paused(Health(), stamp, until=until)
        assert shut is not None
        await world.table.healths.change_health(endpoint.id, Health(), shut)
        await run

        lane = await world.lane(endpoint, session)
        assert 3 <= lane.delivered == lane.cursor <= 6
        assert (lane.attempt, lane.parked, lane.claim) == (0, True, None)
        assert lane.due_at is not None
        assert lane.due_at >= until

    play(story())


def test_two_who_come_for_the_same_probe_send_one() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, sessions = await down(world)
        world.receiver.posts.clear()
        world.receiver.takes = 1.0
        await world.clock.sleep(OUTSIDE_SECONDS * 1.2)
        await asyncio.gather(*(world.courier()(endpoint.id, each.id) for each in sessions))

        assert len(world.receiver.posts) == 1

    play(story())


HOOK = EndpointId("whk_1")
ONE, TWO = SessionId("ses_1"), SessionId("ses_2")


@dataclass
class Crowded:
    """A store in which somebody else is faster, so many times."""

    others: list[Health]
    now: Health = field(default_factory=Health)
    written: list[Health] = field(default_factory=list)
    free: bool = False
    taken: int = 0

    async def health(self, endpoint_id: EndpointId) -> Health:
        return self.now

    async def change_health(
        self,
        endpoint_id: EndpointId,
        before: Health,
        after: Health,
        *,
        notice: Notice | None = None,
    ) -> Health:
        if self.others:
            self.now = self.others.pop(0)
            return self.now
        self.now = after
        self.written.append(after)
        return after

    async def take_place(
        self, endpoint_id: EndpointId, place: int, *, token: str, now: float, until: float
    ) -> bool:
        self.taken += self.free
        return self.free

    async def leave_place(self, endpoint_id: EndpointId, place: int, *, token: str) -> None:
        assert self.taken
        self.taken -= 1

    async def take_turn(self, endpoint_id: EndpointId, second: int, *, most: int) -> bool:
        return False


def gate(world: LaneWorld, store: Crowded) -> EndpointGate:
    return replace(world.courier().gate, healths=store)


def found_down(world: LaneWorld) -> Health:
    health = Health()
    for number in range(5):
        stamp = Stamp(by=f"b{number}", at=world.clock.now() - 60)
        health = failed(health, (ONE, TWO)[number % 2], stamp, probed=False) or health
    return health


async def hook(world: LaneWorld) -> Endpoint:
    return await world.endpoint(max_concurrency=4)


def test_who_loses_the_probe_waits_for_what_comes_of_it() -> None:
    async def story() -> None:
        world = LaneWorld()
        shut = found_down(world)
        theirs = probing(shut, Stamp(by="them", at=world.clock.now()))

        store = Crowded([theirs], free=True)

        entry = await gate(world, store).enter(await hook(world), shut)

        assert store.taken == 0
        assert theirs.probe_at is not None
        assert entry == Turned(theirs.probe_at, down=True)

    run_virtual(story())


def test_who_loses_the_probe_to_one_whose_time_is_over_comes_again_soon() -> None:
    async def story() -> None:
        world = LaneWorld()
        shut = found_down(world)
        stale = replace(shut, version=9, by="them")

        store = Crowded([stale], free=True)

        entry = await gate(world, store).enter(await hook(world), shut)

        assert store.taken == 0

        assert isinstance(entry, Turned)
        assert not entry.down
        assert 0 < entry.until - world.clock.now() <= 1

    run_virtual(story())


def test_a_probe_takes_one_of_the_endpoints_places_or_is_not_sent() -> None:
    async def story() -> None:
        world = LaneWorld()
        full, free = Crowded([]), Crowded([], free=True)

        outside = await gate(world, full).enter(await hook(world), found_down(world))
        inside = await gate(world, free).enter(await hook(world), found_down(world))

        assert isinstance(outside, Turned)
        assert not outside.down
        assert full.written == []
        assert isinstance(inside, Pass)
        assert inside.probes
        assert inside.place is not None

    run_virtual(story())


def test_an_endpoint_without_a_free_place_is_asked_again_soon() -> None:
    async def story() -> None:
        world = LaneWorld()

        entry = await gate(world, Crowded([])).enter(await hook(world), Health())

        assert isinstance(entry, Turned)
        assert 1 <= entry.until - world.clock.now() <= 2

    run_virtual(story())


def test_a_run_without_a_place_gives_none_back() -> None:
    async def story() -> None:
        await gate(LaneWorld(), Crowded([])).go_out(HOOK, Pass(health=Health()))

    run_virtual(story())


def test_a_failure_is_added_to_what_others_wrote_meanwhile() -> None:
    async def story() -> None:
        world, theirs = LaneWorld(), Health(version=3, by="them", failed=4, row=4, lanes=(ONE, TWO))
        store = Crowded([theirs])

        told = await gate(world, store).tell_failure(HOOK, ONE, Health(), probed=False)

        assert (told.failed, told.version) == (5, 4)
        assert told.probe_at is not None

    run_virtual(story())


def test_who_finds_it_down_already_adds_nothing() -> None:
    async def story() -> None:
        world = LaneWorld()
        store = Crowded([found_down(world)])

        told = await gate(world, store).tell_failure(HOOK, ONE, Health(), probed=False)

        assert told == found_down(world)
        assert store.written == []

    run_virtual(story())


def test_in_a_crowd_that_does_not_end_the_table_is_left_as_it_is() -> None:
    async def story() -> None:
        world = LaneWorld()
        crowd = [Health(version=n, by="them", failed=1) for n in range(2, 20)]

        failure = Crowded(list(crowd))
        await gate(world, failure).tell_failure(HOOK, ONE, Health(), probed=False)
        success = Crowded(list(crowd))
        await gate(world, success).tell_success(HOOK, Health(version=1, failed=1))
        pause = Crowded(list(crowd))
        await gate(world, pause).tell_pause(HOOK, Health(), until=world.clock.now() + 60)

        assert failure.written == success.written == pause.written == []

    run_virtual(story())


def test_a_pause_is_written_into_what_others_wrote_and_the_longer_one_stays() -> None:
    async def story() -> None:
        world, until = LaneWorld(), 0.0
        until = world.clock.now() + 60
        store = Crowded([Health(version=3, by="them", failed=2)])
        told = await gate(world, store).tell_pause(HOOK, Health(), until=until)
        assert (told.failed, told.paused_until) == (2, until)

        longer = Crowded([Health(version=3, by="them", paused_until=until + 60)])
        told = await gate(world, longer).tell_pause(HOOK, Health(), until=until)
        assert told.paused_until == until + 60
        assert longer.written == []

    run_virtual(story())


def test_a_success_that_others_told_already_is_no_news() -> None:
    async def story() -> None:
        world = LaneWorld()
        store = Crowded([Health(version=3, by="them")])

        told = await gate(world, store).tell_success(HOOK, Health(version=2, failed=1))

        assert leave(told, now=world.clock.now()) == Go()
        assert store.written == []

    run_virtual(story())


def test_whether_the_last_attempt_came_through_is_known_of_each_endpoint() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint = await world.endpoint()
        [session] = await chats(world, 1, events=2)
        courier = world.courier()
        standing = courier.gate.standing

        unseen = standing.is_good(endpoint.id)
        await courier(endpoint.id, session.id)
        seen = standing.is_good(endpoint.id)
        world.receiver.reply = DEAD
        await world.append(session, RECEIVED, first=3)
        await courier(endpoint.id, session.id)

        assert (unseen, seen, standing.is_good(endpoint.id)) == (False, True, False)

    play(story())


def test_the_successes_of_so_many_endpoints_are_remembered_and_the_longest_ago_forgotten() -> None:
    async def story() -> None:
        asked = gate(LaneWorld(), Crowded([]))
        for number in range(KNOWN_MOST + 1):
            await asked.tell_success(EndpointId(f"whk_{number}"), Health())
        await asked.tell_success(EndpointId("whk_1"), Health())
        await asked.tell_success(EndpointId("whk_new"), Health())

        assert len(asked.successes) == KNOWN_MOST
        assert "whk_0" not in asked.successes
        assert "whk_1" in asked.successes
        assert "whk_2" not in asked.successes

    run_virtual(story())


def test_a_second_that_has_no_turn_left_is_waited_out() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint = await world.endpoint(rate_limit=1)

        wait = await gate(world, Crowded([])).take_turn(endpoint)
        taken = await world.courier().gate.take_turn(endpoint)

        assert 1 <= wait <= 1.2
        assert taken == 0
        assert await gate(world, Crowded([])).take_turn(await world.endpoint("whk_2")) == 0

    run_virtual(story())


def test_who_waits_for_the_rate_asks_again_whether_the_endpoint_is_open() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint = await world.endpoint(rate_limit=1)
        sessions = await chats(world, 20, events=2)
        runs = [asyncio.create_task(world.courier()(endpoint.id, each.id)) for each in sessions]
        await world.clock.sleep(3.5)
        await world.change(endpoint.id, state=EndpointState.PAUSED)
        await asyncio.gather(*runs)

        assert len(world.receiver.posts) <= 6
        lanes = [await world.lane(endpoint, each) for each in sessions]
        assert all(lane.parked for lane in lanes)

    play(story())


def test_a_probe_that_dies_is_followed_by_the_next_one() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, sessions = await down(world)
        await world.clock.sleep(PROBE_LONGEST)
        world.receiver.posts.clear()

        async def die() -> None:
            raise CrashError

        world.receiver.on_post = die
        with suppress(CrashError):
            await world.courier()(endpoint.id, sessions[-1].id)
        world.receiver.on_post = None
        world.receiver.reply = OK
        world.hints.lanes.clear()
        begun = world.clock.now()
        while not world.receiver.taken:
            await world.clock.sleep(5)
            await sweep(world)

        assert world.clock.now() - begun <= PROBE_TAKES + 10

    play(story())


class _Dying:
    """A store whose caller dies once it has taken the probe."""

    def __init__(self, healths: Any) -> None:  # noqa: ANN401 - stands for the port
        self._healths = healths

    async def change_health(self, *names: Any) -> None:  # noqa: ANN401 - as the port's
        await self._healths.change_health(*names)
        raise CrashError


def test_a_courier_that_dies_before_it_marked_its_probe_is_followed_by_the_same_lane() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, sessions = await down(world)
        await world.clock.sleep(PROBE_LONGEST)
        begun, courier = world.clock.now(), world.courier()
        gate = replace(courier.gate, healths=cast("HealthStore", _Dying(world.table.healths)))
        with suppress(CrashError):
            await replace(courier, gate=gate)(endpoint.id, sessions[0].id)
        await world.clock.sleep(CLAIM_LEAST + 1)
        await world.courier()(endpoint.id, sessions[0].id)

        lane = await world.lane(endpoint, sessions[0])
        assert lane.attempt == 1
        assert lane.due_at is not None
        assert PROBE_TAKES <= lane.due_at - begun <= PROBE_TAKES * 1.2
        await world.clock.sleep(lane.due_at - world.clock.now())
        world.receiver.posts.clear()
        await world.courier()(endpoint.id, sessions[0].id)
        assert len(world.receiver.posts) == 1

    play(story())


def test_a_probe_whose_receiver_wants_the_event_no_more_opens_the_endpoint() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, sessions = await down(world)
        await world.clock.sleep(PROBE_LONGEST)
        unwanted = WebhookAnswer(status=400, directive=Directive.ABORT_MESSAGE)
        world.receiver.script.append(unwanted)
        await world.courier()(endpoint.id, sessions[-1].id)

        health = await world.table.healths.health(endpoint.id)
        assert (health.probe_at, health.back_at) == (None, world.clock.now())
        assert (await world.lane(endpoint, sessions[-1])).gap == (1, 1)

    play(story())


def test_what_follows_a_probe_is_no_probe() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, sessions = await down(world)
        await world.append(sessions[-1], *[RECEIVED] * 20, first=2)
        await world.clock.sleep(PROBE_LONGEST)
        world.receiver.reply = OK
        world.receiver.takes = 0.6
        world.receiver.posts.clear()
        run = asyncio.create_task(world.courier()(endpoint.id, sessions[-1].id))
        await world.clock.sleep(1)
        health = await world.table.healths.health(endpoint.id)
        until = world.clock.now() + 300
        shut = paused(health, Stamp(by="other", at=world.clock.now()), until=until)
        assert shut is not None
        await world.table.healths.change_health(endpoint.id, health, shut)
        await run

        assert len(world.receiver.posts) <= 4
        assert (await world.lane(endpoint, sessions[-1])).parked

    play(story())
