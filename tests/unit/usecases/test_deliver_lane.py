"""The courier's routine: order, retries, pauses, and a crash at every step."""

import logging
from asyncio import gather
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from typing import Any, cast

import pytest

from service.adapters.ed25519 import Ed25519Signer
from service.domain.endpoint import Endpoint, EndpointState, Lane
from service.domain.ids import EndpointId, EventId, SessionId
from service.domain.log import EventType
from service.domain.session import Session, State
from service.ports import AttemptStore, LaneStore, WebhookAnswer
from service.usecases.deliver_lane import DROP_PAGES
from service.usecases.keep_lane import CLAIM_LEAST, HOPS_MAX, PARKED_SECONDS
from service.usecases.read_lane import ENDPOINT_FRESH_SECONDS, PAGE
from service.webhook.directive import Directive
from service.webhook.envelope import event_bytes
from service.webhook.retry import GONE_CONFIRM, SCHEDULE
from service.webhook.signing import signature
from tests.support.lane_world import OK, SECRET, CrashError, CrashPlan, Fields, LaneWorld
from tests.support.virtual_time import run_virtual

RECEIVED = EventType.MESSAGE_RECEIVED
OPENED = EventType.SESSION_OPENED
CONFIRMED = EventType.MESSAGE_CONFIRMED


def failing(status: int = 500, *, retry_after: str | None = None) -> WebhookAnswer:
    return WebhookAnswer(status=status, retry_after=retry_after)


async def ready(world: LaneWorld, *kinds: EventType, **fields: Fields) -> tuple[Endpoint, Session]:
    endpoint = await world.endpoint(**fields)
    session = await world.session()
    await world.append(session, *kinds)
    return endpoint, session


class Before:
    """A port with something that happens before each call of one of its methods."""

    def __init__(self, port: object, name: str, action: Callable[[], Awaitable[None]]) -> None:
        self._port, self._name, self._action = port, name, action

    def __getattr__(self, name: str) -> object:
        method = getattr(self._port, name)
        if name != self._name:
            return method

        async def later(*args: object, **kwargs: object) -> object:
            await self._action()
            return await method(*args, **kwargs)

        return later


def play(story: Coroutine[Any, Any, None]) -> None:
    run_virtual(story)


def test_events_go_out_in_order_once_each_and_signed() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint = await world.endpoint(headers={"x-own": "1", "Webhook-Id": "mine"})
        session = await world.session()
        events = await world.append(session, OPENED, RECEIVED, RECEIVED)

        await world.courier()(endpoint.id, session.id)

        assert [post.body for post in world.receiver.posts] == [event_bytes(e) for e in events]
        for number, (post, event) in enumerate(
            zip(world.receiver.posts, events, strict=True), start=1
        ):
            assert post.headers["webhook-id"] == event.id
            assert post.headers["broker-lane-sequence"] == str(number)
            assert post.headers["content-type"] == "application/json"
            assert post.headers["user-agent"].startswith("guest-session-broker/")
            assert post.headers["x-own"] == "1"
        lane = await world.lane(endpoint, session)
        assert (lane.cursor, lane.delivered, lane.claim, lane.due_at) == (3, 3, None, None)
        assert lane.version == 4, "one write for the claim and one for each event"

    play(story())


def test_each_attempt_is_signed_anew_over_the_same_bytes() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, session = await ready(world, RECEIVED)
        world.receiver.script.extend([failing(), failing()])

        await world.courier()(endpoint.id, session.id)
        await world.follow_hints()

        posts = world.receiver.posts
        assert len(posts) == 3
        assert len({post.body for post in posts}) == 1
        assert len({post.headers["webhook-id"] for post in posts}) == 1
        for post in posts:
            timestamp = int(post.headers["webhook-timestamp"])
            assert timestamp == int(post.at)
            assert post.headers["webhook-signature"] == signature(
                EventId(post.headers["webhook-id"]),
                timestamp=timestamp,
                body=post.body,
                secret=SECRET,
                sign_pair=Ed25519Signer().sign,
            )

    play(story())


def test_an_event_that_its_receiver_wants_no_more_is_left_behind_and_told() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, session = await ready(world, OPENED, RECEIVED, RECEIVED)
        unwanted = WebhookAnswer(status=500, directive=Directive.ABORT_MESSAGE)
        world.receiver.script.extend([OK, unwanted])

        await world.courier()(endpoint.id, session.id)

        assert [post.sequence for post in world.receiver.posts] == [1, 2, 3]
        assert world.receiver.posts[2].headers["broker-gap"] == "2-2"
        lane = await world.lane(endpoint, session)
        assert (lane.cursor, lane.gap, lane.attempt) == (3, None, 0)
        page = await world.table.attempts.attempts_of(
            endpoint.id, session.id, cursor=None, limit=10
        )
        assert {each.sequence: each.decision.value for each in page.items} == {
            1: "delivered",
            2: "skip",
            3: "delivered",
        }

    play(story())


def test_what_a_receiver_took_before_it_asks_to_be_disabled_is_delivered() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, session = await ready(world, OPENED, RECEIVED, RECEIVED)
        world.receiver.script.append(WebhookAnswer(status=200, directive=Directive.DISABLE))

        await world.courier()(endpoint.id, session.id)

        assert world.receiver.taken == [1]
        closed = await world.table.tenants.endpoint(endpoint.id)
        assert closed.state is EndpointState.DISABLED
        assert "webhook-delivery" in (closed.disabled_reason or "")
        lane = await world.lane(endpoint, session)
        assert (lane.cursor, lane.parked, lane.claim) == (1, True, None)
        await world.change(endpoint.id, state=EndpointState.ACTIVE)
        await world.courier()(endpoint.id, session.id)
        assert world.receiver.taken == [1, 2, 3]

    play(story())


def test_the_next_post_does_not_wait_for_the_record_of_the_one_before() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, session = await ready(world, OPENED, RECEIVED, RECEIVED)

        async def slow() -> None:
            await world.clock.sleep(0.5)

        courier = world.courier()
        attempts = Before(courier.record.attempts, "record", slow)
        record = replace(courier.record, attempts=cast("AttemptStore", attempts))
        world.receiver.takes = 1.0
        begun = world.clock.now()
        await replace(courier, record=record)(endpoint.id, session.id)

        assert [post.at - begun for post in world.receiver.posts] == [0, 1, 2]
        assert world.clock.now() - begun == pytest.approx(3.5)

    play(story())


def test_the_next_event_waits_for_the_one_before() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, session = await ready(world, OPENED, RECEIVED)
        world.receiver.script.extend([failing()] * 4)

        await world.courier()(endpoint.id, session.id)
        for _ in range(4):
            await world.clock.sleep(600)
            await world.courier()(endpoint.id, session.id)

        assert [post.sequence for post in world.receiver.posts] == [1, 1, 1, 1, 1, 2]
        assert [post.headers["broker-lane-sequence"] for post in world.receiver.posts] == [
            *["1"] * 5,
            "2",
        ]

    play(story())


def test_retries_keep_to_the_schedule() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, session = await ready(world, RECEIVED)
        world.receiver.reply = failing()

        for _ in range(len(SCHEDULE) + 4):
            await world.courier()(endpoint.id, session.id)
            lane = await world.lane(endpoint, session)
            assert lane.due_at is not None
            await world.clock.sleep(lane.due_at - world.clock.now())

        times = [post.at for post in world.receiver.posts]
        waits = [after - before for before, after in pairwise(times)]
        for wait, base in zip(waits, [*SCHEDULE, *[43200.0] * 3], strict=True):
            assert base <= wait <= base * 1.2 + 0.001

    play(story())


def test_a_retry_within_ninety_seconds_is_hinted_and_a_later_one_is_left_to_the_sweeper() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, session = await ready(world, RECEIVED)
        world.receiver.reply = failing()

        await world.courier()(endpoint.id, session.id)
        await world.follow_hints()

        lane = await world.lane(endpoint, session)
        assert lane.attempt == 3
        assert lane.due_at is not None
        due = (await world.table.lanes.due_lanes(before=lane.due_at + 1, limit=10)).items
        assert due == [(endpoint.id, session.id)]

    play(story())


def test_the_chain_of_hints_ends_before_loop_detection_does_it() -> None:
    async def story() -> None:
        world = LaneWorld(retry_scale=0.001)
        endpoint, session = await ready(world, RECEIVED)
        world.receiver.reply = failing()

        await world.courier()(endpoint.id, session.id)
        await world.follow_hints()

        assert len(world.receiver.posts) == 1 + HOPS_MAX

    play(story())


def test_retry_after_is_honoured_and_not_scaled() -> None:
    async def story() -> None:
        world = LaneWorld(retry_scale=0.001)
        endpoint, session = await ready(world, RECEIVED)
        world.receiver.script.append(failing(429, retry_after="60"))

        await world.courier()(endpoint.id, session.id)
        await world.follow_hints()

        first, second = world.receiver.posts
        assert second.at - first.at >= 60

    play(story())


def test_a_hint_that_comes_a_moment_early_waits_for_its_time() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, session = await ready(world, RECEIVED)
        world.receiver.script.append(failing())
        await world.courier()(endpoint.id, session.id)
        due = (await world.lane(endpoint, session)).due_at
        assert due is not None
        await world.clock.sleep(due - world.clock.now() - 1.0)

        await world.courier()(endpoint.id, session.id)

        assert world.receiver.posts[1].at == pytest.approx(due)

    play(story())


def test_a_hint_that_comes_much_too_early_is_dropped() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, session = await ready(world, RECEIVED)
        world.receiver.script.append(failing())
        await world.courier()(endpoint.id, session.id)

        await world.courier()(endpoint.id, session.id)

        assert len(world.receiver.posts) == 1

    play(story())


def test_filtered_events_are_passed_and_numbers_have_no_holes() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, session = await ready(
            world,
            *[OPENED, RECEIVED, CONFIRMED, RECEIVED, CONFIRMED],
            event_types=(RECEIVED.value,),
        )

        await world.courier()(endpoint.id, session.id)

        assert [post.sequence for post in world.receiver.posts] == [2, 4]
        assert [p.headers["broker-lane-sequence"] for p in world.receiver.posts] == ["1", "2"]
        assert (await world.lane(endpoint, session)).cursor == 5

    play(story())


def test_a_log_longer_than_a_page_is_delivered_whole() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, session = await ready(world, *[RECEIVED] * 230)

        await world.courier()(endpoint.id, session.id)

        assert world.receiver.taken == list(range(1, 231))

    play(story())


def test_a_session_that_is_erased_in_the_middle_ends_at_its_tombstone() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, session = await ready(world, *[RECEIVED] * (PAGE + 50))
        courier = world.courier()

        async def erase() -> None:
            if len(world.receiver.posts) == PAGE:
                erased = replace(session, state=State.ERASED)
                grave = world.event(session, PAGE + 51, EventType.ERASED)
                await world.table.sessions.erase(session, erased, grave)
                while not await world.table.sessions.purge(replace(erased, version=2)):
                    continue

        erasing = Before(world.table.sessions, "read_log", erase)
        logs = replace(courier.reader.logs, sessions=erasing)  # type: ignore[arg-type]  # stands for any port

        reader = replace(courier.reader, logs=logs)
        await replace(courier, reader=reader)(endpoint.id, session.id)

        assert world.receiver.taken == list(range(1, PAGE + 1))
        assert await world.table.lanes.lanes_of(session.id) == []

    play(story())


def test_a_long_stretch_that_nobody_wants_is_passed_in_one_commit() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, session = await ready(world, *[CONFIRMED] * 210, event_types=("session.*",))

        await world.courier()(endpoint.id, session.id)

        lane = await world.lane(endpoint, session)
        assert (lane.cursor, lane.version) == (210, 2)

    play(story())


def test_a_new_endpoint_begins_with_what_came_after_it() -> None:
    async def story() -> None:
        world = LaneWorld()
        session = await world.session()
        await world.append(session, *[RECEIVED] * 150)
        await world.clock.sleep(10)
        endpoint = await world.endpoint()
        await world.append(session, RECEIVED, RECEIVED, first=151)

        await world.courier()(endpoint.id, session.id)

        assert world.receiver.taken == [151, 152]

    play(story())


def test_an_endpoint_newer_than_the_whole_log_stands_at_its_end() -> None:
    async def story() -> None:
        world = LaneWorld()
        session = await world.session()
        await world.append(session, RECEIVED, RECEIVED)
        await world.clock.sleep(10)
        endpoint = await world.endpoint()

        await world.courier()(endpoint.id, session.id)

        assert world.receiver.posts == []
        assert (await world.lane(endpoint, session)).cursor == 2

    play(story())


def test_an_event_appended_while_we_let_go_is_delivered_by_us() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, session = await ready(world, RECEIVED)

        async def once() -> None:
            if len(world.receiver.posts) == 1:
                await world.append(session, RECEIVED, first=2)
                # Its hint finds the lane busy and is dropped.
                await world.courier()(endpoint.id, session.id)

        world.receiver.on_post = once

        await world.courier()(endpoint.id, session.id)

        assert world.receiver.taken == [1, 2]

    play(story())


@pytest.mark.parametrize("state", [EndpointState.PAUSED, EndpointState.DISABLED])
def test_a_closed_endpoint_keeps_its_backlog_and_gets_it_in_order(state: EndpointState) -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, session = await ready(world, RECEIVED, RECEIVED, state=state)

        await world.courier()(endpoint.id, session.id)
        assert world.receiver.posts == []
        lane = await world.lane(endpoint, session)
        assert lane.claim is None
        assert lane.due_at == world.clock.now() + PARKED_SECONDS[state]

        await world.change(endpoint.id, state=EndpointState.ACTIVE)
        await world.courier()(endpoint.id, session.id)
        assert world.receiver.taken == [1, 2]

    play(story())


def test_a_lane_that_waits_for_its_retry_starts_anew_after_a_pause() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, session = await ready(world, RECEIVED)
        world.receiver.script.extend([failing(retry_after="86400")])
        await world.courier()(endpoint.id, session.id)

        await world.change(endpoint.id, state=EndpointState.PAUSED)
        await world.courier()(endpoint.id, session.id)
        await world.change(endpoint.id, state=EndpointState.ACTIVE)
        await world.courier()(endpoint.id, session.id)

        assert world.receiver.taken == [1]

    play(story())


def test_a_pause_in_the_middle_stops_within_a_second() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, session = await ready(world, *[RECEIVED] * 30)
        world.receiver.takes = 0.4

        async def pause() -> None:
            if len(world.receiver.posts) == 3:
                await world.change(endpoint.id, state=EndpointState.PAUSED)

        world.receiver.on_post = pause

        await world.courier()(endpoint.id, session.id)

        assert 3 <= len(world.receiver.posts) <= 6
        assert (await world.lane(endpoint, session)).cursor == len(world.receiver.posts)

    play(story())


def test_a_deleted_endpoint_or_session_ends_the_lane_quietly() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, session = await ready(world, *[RECEIVED] * 9)
        world.receiver.takes = 0.6

        async def delete() -> None:
            if len(world.receiver.posts) == 2:
                await world.table.tenants.delete_endpoint(endpoint.tenant, endpoint.id)

        world.receiver.on_post = delete

        await world.courier()(endpoint.id, session.id)
        await world.courier()(endpoint.id, session.id)

        assert len(world.receiver.posts) < 9

    play(story())


def test_what_waits_for_a_deleted_endpoint_is_not_due_for_ever() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint = await world.endpoint()
        sessions = [await world.session(f"ses_{number}") for number in range(3)]
        world.receiver.reply = failing(500)
        for session in sessions:
            await world.append(session, RECEIVED)
            await world.courier()(endpoint.id, session.id)
        far = world.clock.now() + 1e6
        assert len((await world.table.lanes.due_lanes(before=far, limit=10)).items) == 3
        await world.table.tenants.delete_endpoint(endpoint.tenant, endpoint.id)

        await world.courier()(endpoint.id, sessions[0].id)

        assert (await world.table.lanes.due_lanes(before=far, limit=10)).items == []

    play(story())


class Endless:
    """Lanes of which there is always another page."""

    pages = 0

    async def drop_lanes(self, _: EndpointId) -> bool:
        self.pages += 1
        return False


def test_one_run_clears_up_behind_a_deleted_endpoint_for_a_while_only() -> None:
    async def story() -> None:
        world, lanes = LaneWorld(), Endless()
        courier = replace(world.courier(), lanes=cast("LaneStore", lanes))

        await courier(EndpointId("whk_gone"), SessionId("ses_1"))

        assert lanes.pages == DROP_PAGES

    play(story())


def test_a_session_of_another_tenant_is_never_delivered() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint = await world.endpoint()
        session = await world.session(tenant="other")
        await world.append(session, RECEIVED)

        await world.courier()(endpoint.id, session.id)

        assert world.receiver.posts == []

    play(story())


def test_410_twice_disables_the_endpoint_and_keeps_the_backlog() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, session = await ready(world, RECEIVED, RECEIVED)
        world.receiver.reply = failing(410)

        await world.courier()(endpoint.id, session.id)

        assert len(world.receiver.posts) == 2
        now = await world.table.tenants.endpoint(endpoint.id)
        assert now.state is EndpointState.DISABLED
        assert now.disabled_reason is not None
        assert (await world.lane(endpoint, session)).cursor == 0

        world.receiver.reply = OK
        await world.change(endpoint.id, state=EndpointState.ACTIVE, disabled_reason=None)
        await world.courier()(endpoint.id, session.id)
        assert world.receiver.taken == [1, 2]

    play(story())


def test_one_410_alone_disables_nothing() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, session = await ready(world, RECEIVED, RECEIVED)
        world.receiver.script.append(failing(410))

        await world.courier()(endpoint.id, session.id)

        assert world.receiver.taken == [1, 2]
        now = await world.table.tenants.endpoint(endpoint.id)
        assert now.state is EndpointState.ACTIVE

    play(story())


def test_an_endpoint_that_changes_while_410_is_confirmed_is_not_judged() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, session = await ready(world, RECEIVED)
        world.receiver.reply = failing(410)

        async def move() -> None:
            if len(world.receiver.posts) == 2:
                await world.change(endpoint.id, url="https://new.example/hook")
                world.receiver.on_post = None

        world.receiver.on_post = move

        await world.courier()(endpoint.id, session.id)
        world.receiver.reply = OK
        await world.follow_hints()

        now = await world.table.tenants.endpoint(endpoint.id)
        assert now.state is EndpointState.ACTIVE
        assert world.receiver.taken == [1]
        assert world.receiver.posts[-1].url == "https://new.example/hook"

    play(story())


def test_a_410_late_in_a_run_is_confirmed_by_a_later_one() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, session = await ready(world, *[RECEIVED] * 4)
        world.receiver.takes = 9.0
        world.receiver.script.extend([OK, OK, OK, failing(410)])

        await world.courier()(endpoint.id, session.id)
        await world.follow_hints()

        assert world.receiver.taken == [1, 2, 3, 4]
        assert (await world.lane(endpoint, session)).gone_at is None

    play(story())


async def _gone_at_the_end_of_a_run(world: LaneWorld) -> tuple[Endpoint, Session]:
    """The confirming attempt has no room any more."""
    endpoint, session = await ready(world, *[RECEIVED] * 4)
    world.receiver.takes = 9.0
    world.receiver.script.extend([OK, OK, OK])
    world.receiver.reply = failing(410)
    await world.courier()(endpoint.id, session.id)
    assert len(world.receiver.posts) == 4
    return endpoint, session


def test_a_410_late_in_a_run_disables_with_the_first_attempt_of_the_next() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, session = await _gone_at_the_end_of_a_run(world)
        waits = await world.lane(endpoint, session)

        await world.follow_hints()

        last, confirming = world.receiver.posts[-2:]
        assert len(world.receiver.posts) == 5
        assert waits.gone_at is not None
        assert waits.gone_at == last.at
        assert waits.due_at == waits.gone_at + world.receiver.takes + GONE_CONFIRM
        assert confirming.at - last.at - world.receiver.takes >= GONE_CONFIRM
        now = await world.table.tenants.endpoint(endpoint.id)
        assert now.state is EndpointState.DISABLED
        parked = await world.lane(endpoint, session)
        assert (parked.cursor, parked.gone_at) == (3, None)

    play(story())


def test_another_failure_between_two_410_leaves_the_endpoint_open() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, _ = await _gone_at_the_end_of_a_run(world)
        world.receiver.takes = 0.0
        world.receiver.script.extend([failing(500), failing(410), OK])

        await world.follow_hints()

        assert world.receiver.taken == [1, 2, 3, 4]
        now = await world.table.tenants.endpoint(endpoint.id)
        assert now.state is EndpointState.ACTIVE

    play(story())


def test_a_410_of_before_a_change_does_not_judge_the_new_endpoint() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, _ = await _gone_at_the_end_of_a_run(world)
        world.receiver.takes = 0.0
        world.receiver.script.extend([failing(410), OK])
        await world.clock.sleep(1)
        await world.change(endpoint.id, url="https://new.example/hook")

        await world.follow_hints()

        assert world.receiver.taken == [1, 2, 3, 4]

    play(story())


def test_a_run_ends_in_time_and_hints_itself() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, session = await ready(world, *[RECEIVED] * 20)
        world.receiver.takes = 5.0
        began = world.clock.now()

        await world.courier()(endpoint.id, session.id)

        assert world.clock.now() - began <= 50
        assert [(hint.delay, hint.hops) for hint in world.hints.lanes] == [(0.0, 1)]
        await world.follow_hints()
        assert world.receiver.taken == list(range(1, 21))

    play(story())


@pytest.mark.parametrize(("seconds", "posts"), [(30.0, 4), (14.9, 0), (500.0, 8)])
def test_a_run_that_is_to_end_sooner_begins_no_post_that_could_last_longer(
    seconds: float, posts: int
) -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, session = await ready(world, *[RECEIVED] * 20)
        world.receiver.takes = 5.0
        began = world.clock.monotonic()

        await world.courier()(endpoint.id, session.id, until=began + seconds)

        # A POST may take 15 s, so the last one begins that much before the end.
        assert len(world.receiver.posts) == posts
        assert world.clock.monotonic() - began <= seconds
        assert [(hint.delay, hint.hops) for hint in world.hints.lanes] == [(0.0, 1)]

    play(story())


def test_two_couriers_on_one_lane_never_post_side_by_side() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, session = await ready(world, RECEIVED, RECEIVED)

        async def second() -> None:
            await world.courier()(endpoint.id, session.id)

        world.receiver.on_post = second

        await world.courier()(endpoint.id, session.id)

        assert [post.sequence for post in world.receiver.posts] == [1, 2]

    play(story())


def test_a_courier_that_overslept_its_claim_commits_nothing() -> None:
    """Its POST may have arrived: the other one sends the event again, and order still holds."""

    async def story() -> None:
        world = LaneWorld()
        endpoint, session = await ready(world, RECEIVED, RECEIVED)

        async def oversleep() -> None:
            world.receiver.on_post = None
            await world.clock.sleep(CLAIM_LEAST + 1)
            await world.courier()(endpoint.id, session.id)

        world.receiver.on_post = oversleep

        await world.courier()(endpoint.id, session.id)

        assert [post.sequence for post in world.receiver.posts] == [1, 1, 2]
        assert (await world.lane(endpoint, session)).delivered == 2

    play(story())


def test_a_lane_that_another_courier_claims_first_is_left_to_it() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, session = await ready(world, RECEIVED)
        courier = world.courier()

        async def other() -> None:
            lane = (await courier.reader.lanes.lane(endpoint.id, session.id)) or Lane(
                endpoint_id=endpoint.id, session_id=session.id, cursor=0
            )
            now = world.clock.now()
            await world.table.lanes.claim(lane, token="other", now=now, until=now + 30)

        late = Before(courier.lanes, "claim", other)

        await replace(courier, lanes=late)(endpoint.id, session.id)  # type: ignore[arg-type]  # stands for any port

        assert world.receiver.posts == []

    play(story())


def test_what_moved_between_reading_and_claiming_is_read_again() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, session = await ready(world, RECEIVED, RECEIVED)
        await world.courier()(endpoint.id, session.id)
        await world.append(session, RECEIVED, first=3)
        courier = world.courier()
        late = Before(courier.lanes, "claim", lambda: world.courier()(endpoint.id, session.id))

        await replace(courier, lanes=late)(endpoint.id, session.id)  # type: ignore[arg-type]  # stands for any port

        assert world.receiver.taken == [1, 2, 3]
        assert (await world.lane(endpoint, session)).claim is None

    play(story())


def test_an_attempt_that_used_up_none_is_seen_by_who_read_before_it() -> None:
    """Sent away for long by the first, the receiver gets nothing from the second."""

    async def story() -> None:
        world = LaneWorld()
        endpoint, session = await ready(world, RECEIVED)
        world.receiver.script.append(failing(500))
        await world.courier()(endpoint.id, session.id)
        await world.clock.sleep(60)
        world.receiver.reply = failing(503, retry_after="600")
        courier = world.courier()
        late = Before(courier.lanes, "claim", lambda: world.courier()(endpoint.id, session.id))

        await replace(courier, lanes=late)(endpoint.id, session.id)  # type: ignore[arg-type]  # stands for any port

        assert len(world.receiver.posts) == 2
        assert (await world.lane(endpoint, session)).claim is None

    play(story())


def test_a_receiver_that_says_when_is_not_probed_by_that_event_before() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, session = await ready(world, RECEIVED)
        others = [await world.session(f"ses_{number}") for number in range(2, 5)]
        for other in others:
            await world.append(other, RECEIVED)
            world.receiver.script.append(failing())
            await world.courier()(endpoint.id, other.id)
        world.receiver.script += [failing(), failing(500, retry_after="600")]
        await world.clock.sleep(6)
        await world.courier()(endpoint.id, others[0].id)
        await world.courier()(endpoint.id, session.id)
        assert (await world.table.healths.health(endpoint.id)).probe_at is not None
        begun = world.clock.now()

        await world.clock.sleep(30)
        await world.courier()(endpoint.id, session.id)
        assert len(world.receiver.posts) == 5

        await world.courier()(endpoint.id, others[1].id)
        await world.courier()(endpoint.id, session.id)
        assert world.receiver.taken == [1]

        await world.clock.sleep(600 - (world.clock.now() - begun))
        await world.courier()(endpoint.id, session.id)
        assert world.receiver.taken == [1, 1]

    play(story())


def test_a_long_search_renews_its_claim_before_it_posts() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, session = await ready(
            world, *[CONFIRMED] * 150, RECEIVED, event_types=(RECEIVED.value,)
        )
        courier = world.courier()
        slow = Before(world.table.sessions, "read_log", lambda: world.clock.sleep(14))
        logs = replace(courier.reader.logs, sessions=slow)  # type: ignore[arg-type]  # stands for any port

        async def look() -> None:
            claim = (await world.lane(endpoint, session)).claim
            assert claim is not None
            assert claim.until - world.clock.now() >= 20

        world.receiver.on_post = look

        reader = replace(courier.reader, logs=logs)
        await replace(courier, reader=reader)(endpoint.id, session.id)

        assert world.receiver.taken == [151]

    play(story())


@pytest.mark.parametrize("after_effect", [False, True])
def test_a_crash_at_any_call_loses_nothing_and_keeps_order(*, after_effect: bool) -> None:
    async def story(at: int) -> bool:
        world = LaneWorld()
        endpoint, session = await ready(world, OPENED, RECEIVED, CONFIRMED)
        world.receiver.script.extend([failing(), OK, failing(410)])
        crash = CrashPlan(at=at, after_effect=after_effect)
        for _ in range(6):
            with suppress(CrashError):
                await world.courier(crash if not crash.fired else None)(endpoint.id, session.id)
            await world.clock.sleep(CLAIM_LEAST + 10)

        taken = world.receiver.taken
        assert list(dict.fromkeys(taken)) == [1, 2, 3]
        assert sorted(taken) == taken
        assert len(taken) <= 4
        assert (await world.lane(endpoint, session)).delivered == 3
        return crash.fired

    steps = 1
    while run_virtual(story(steps)):
        steps += 1

    assert steps > 20


def test_an_attempt_is_one_log_line_without_content(caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, session = await ready(world, RECEIVED)
        await world.courier()(endpoint.id, session.id)

    with caplog.at_level(logging.INFO):
        play(story())

    lines = [record for record in caplog.records if record.message == "delivery.attempted"]
    assert len(lines) == 1
    assert lines[0].__dict__["status"] == 200
    assert lines[0].__dict__["sequence"] == 1
    assert "n 1" not in str(lines[0].__dict__)
    assert SECRET not in str(lines[0].__dict__)


def test_nothing_of_an_erased_session_is_sent_a_moment_later_though_its_rows_are_still_there() -> (
    None
):
    async def story() -> None:
        world = LaneWorld()
        endpoint, session = await world.endpoint(), await world.session()
        await world.append(session, *[RECEIVED] * 30)
        world.receiver.takes = ENDPOINT_FRESH_SECONDS

        async def erase() -> None:
            world.receiver.on_post = None
            erased = replace(session, state=State.ERASED)
            grave = world.event(session, 31, EventType.ERASED)
            await world.table.sessions.erase(session, erased, grave)

        world.receiver.on_post = erase

        await world.courier()(endpoint.id, session.id)

        assert len(world.receiver.posts) <= 2

    play(story())


def test_a_process_that_stops_ends_the_post_under_way_and_begins_none() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, session = await world.endpoint(), await world.session()
        await world.append(session, *[RECEIVED] * 3)
        courier = world.courier()

        async def stop() -> None:
            courier.closing.begin()

        world.receiver.on_post = stop

        await courier(endpoint.id, session.id)

        lane = await world.lane(endpoint, session)
        assert world.receiver.taken == [1]
        assert (lane.cursor, lane.claim, lane.due_at) == (1, None, world.clock.now())
        world.receiver.on_post = None
        await world.follow_hints()
        assert world.receiver.taken == [1, 2, 3]

    play(story())


def test_a_receiver_that_is_gone_and_says_when_is_asked_again_no_sooner() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, session = await world.endpoint(), await world.session()
        await world.append(session, RECEIVED)
        world.receiver.reply = failing(410, retry_after="120")

        await world.courier()(endpoint.id, session.id)

        lane = await world.lane(endpoint, session)
        assert len(world.receiver.posts) == 1
        assert lane.due_at == world.clock.now() + 120

    play(story())


def test_an_url_that_changed_during_the_post_is_not_judged_by_its_answer() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, session = await world.endpoint(), await world.session()
        await world.append(session, RECEIVED)
        world.receiver.takes = 3.0
        world.receiver.script.extend([failing(410), failing(410)])

        async def move() -> None:
            world.receiver.on_post = None
            await world.clock.sleep(1.0)
            await world.change(endpoint.id, url="https://new.example/hook")

        world.receiver.on_post = move

        await world.courier()(endpoint.id, session.id)
        await world.follow_hints()

        assert (await world.table.tenants.endpoint(endpoint.id)).state is EndpointState.ACTIVE
        assert world.receiver.taken == [1]

    play(story())


def test_who_takes_other_events_is_not_gone() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint = await world.endpoint()
        sessions = [await world.session(f"ses_{number}") for number in (1, 2)]
        for session in sessions:
            await world.append(session, RECEIVED)
        courier = world.courier()
        world.receiver.script.extend([failing(410), OK, failing(410)])

        async def second() -> None:
            await world.clock.sleep(1.0)
            await courier(endpoint.id, sessions[1].id)

        await gather(courier(endpoint.id, sessions[0].id), second())

        assert (await world.table.tenants.endpoint(endpoint.id)).state is EndpointState.ACTIVE
        lane = await world.lane(endpoint, sessions[0])
        assert (lane.attempt, lane.gone_at) == (2, None)
        assert lane.due_at is not None
        assert lane.due_at > world.clock.now() + GONE_CONFIRM

    play(story())
