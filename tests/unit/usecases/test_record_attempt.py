"""Every attempt is written down as it went, and no delivery waits for that or fails by it."""

import logging
from asyncio import TaskGroup
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from service.domain.attempt import Attempt, Decision, Phases, Trigger
from service.domain.endpoint import Endpoint
from service.domain.errors import UnavailableError
from service.domain.log import EventType
from service.domain.session import Session
from service.ports import AttemptStore, WebhookAnswer
from service.usecases.deliver_lane import DeliverLane
from service.usecases.keep_lane import BEHIND_SECONDS
from service.usecases.record_attempt import RECORD_SECONDS
from service.webhook.retry import GONE_CONFIRM, SCHEDULE
from tests.support.lane_world import OK, Fields, LaneWorld
from tests.support.losing import losing
from tests.support.virtual_time import run_virtual

RECEIVED = EventType.MESSAGE_RECEIVED


async def ready(world: LaneWorld, count: int = 1, **fields: Fields) -> tuple[Endpoint, Session]:
    endpoint = await world.endpoint(**fields)
    session = await world.session()
    await world.append(session, *[RECEIVED] * count)
    return endpoint, session


async def kept(world: LaneWorld, endpoint: Endpoint, session: Session) -> Sequence[Attempt]:
    """In the order in which they were made."""
    page = await world.table.attempts.attempts_of(endpoint.id, session.id, cursor=None, limit=99)
    return sorted(page.items, key=lambda each: each.at)


def over(courier: DeliverLane, store: Any) -> DeliverLane:  # noqa: ANN401 - stands for the port
    return replace(courier, record=replace(courier.record, attempts=store))


def test_the_first_410_is_told_while_its_confirmation_waits() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, session = await ready(world)
        world.receiver.reply = WebhookAnswer(status=410)

        async with TaskGroup() as tasks:
            tasks.create_task(world.courier()(endpoint.id, session.id))
            await world.clock.sleep(GONE_CONFIRM / 2)
            (first,) = await kept(world, endpoint, session)

        assert len(await kept(world, endpoint, session)) == 2
        assert (first.number, first.decision) == (1, Decision.CONFIRM_GONE)
        assert first.next_at == first.at + GONE_CONFIRM

    run_virtual(story())


def test_a_retry_and_its_delivery_are_told_as_they_went() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, session = await ready(world, headers={"authorization": "Bearer abcdef"})
        world.receiver.takes = 0.5
        world.receiver.script.append(
            WebhookAnswer(
                status=500,
                detail="d",
                body=b"no\nabcdef",
                seconds=0.5,
                phases=Phases(dns=0.12345678, first_byte=0.3),
            )
        )
        world.receiver.reply = WebhookAnswer(status=200, body=b"o" * 5000, seconds=0.5)
        began = world.clock.now()
        (event,) = (await world.table.sessions.read_log(session.id, after=0, limit=9)).events

        await world.courier()(endpoint.id, session.id)
        due = (await world.lane(endpoint, session)).due_at
        await world.follow_hints()

        first, second = await kept(world, endpoint, session)
        assert first == Attempt(
            id=first.id,
            endpoint_id=endpoint.id,
            session_id=session.id,
            sequence=1,
            event_id=event.id,
            event_type=RECEIVED,
            at=began,
            trigger=Trigger.LIVE,
            number=1,
            status=500,
            error="status",
            detail="d",
            seconds=0.5,
            phases=Phases(dns=0.1235, first_byte=0.3),
            answer=r"no\n[redacted]",
            decision=Decision.RETRY,
            next_at=due,
        )
        assert due is not None
        assert second.at >= due
        assert (second.number, second.status, second.error, second.next_at) == (2, 200, None, None)
        assert second.decision is Decision.DELIVERED
        assert 200 < len(second.answer) <= 256

    run_virtual(story())


def test_what_went_wrong_without_an_answer_is_told_by_its_class() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, session = await ready(world)
        world.receiver.reply = WebhookAnswer(status=None, error="timeout", detail="15 s")

        await world.courier()(endpoint.id, session.id)

        (made,) = await kept(world, endpoint, session)
        assert (made.status, made.error, made.detail, made.answer) == (None, "timeout", "15 s", "")

    run_virtual(story())


def test_two_410_are_told_as_a_doubt_and_an_end() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, session = await ready(world)
        world.receiver.reply = WebhookAnswer(status=410)
        began = world.clock.now()

        await world.courier()(endpoint.id, session.id)

        first, second = await kept(world, endpoint, session)
        assert (first.decision, first.next_at) == (Decision.CONFIRM_GONE, began + GONE_CONFIRM)
        assert (second.decision, second.next_at) == (Decision.DISABLE, None)

    run_virtual(story())


def test_after_the_schedule_it_is_told_so() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, session = await ready(world)
        world.receiver.reply = WebhookAnswer(status=400)
        for _ in range(len(SCHEDULE) + 1):
            await world.courier()(endpoint.id, session.id)
            lane = await world.lane(endpoint, session)
            assert lane.due_at is not None
            await world.clock.sleep(lane.due_at - world.clock.now())

        made = await kept(world, endpoint, session)

        assert [each.number for each in made] == list(range(1, len(SCHEDULE) + 2))
        assert {each.decision for each in made[:-1]} == {Decision.RETRY}
        assert made[-1].decision is Decision.EXHAUSTED

    run_virtual(story())


def test_a_probe_is_told_as_one_with_the_time_of_the_next() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint = await world.endpoint()
        sessions = [await world.session(f"ses_{number}") for number in range(5)]
        world.receiver.reply = WebhookAnswer(status=500)
        for session in sessions:
            await world.append(session, RECEIVED)
            await world.courier()(endpoint.id, session.id)
        probe_at = (await world.table.healths.health(endpoint.id)).probe_at
        assert probe_at is not None
        await world.clock.sleep(probe_at + BEHIND_SECONDS - world.clock.now())

        await world.courier()(endpoint.id, sessions[-1].id)

        made = await kept(world, endpoint, sessions[-1])
        assert [each.trigger for each in made] == [Trigger.LIVE, Trigger.PROBE]
        health = await world.table.healths.health(endpoint.id)
        assert made[-1].next_at == (health.probe_at or 0.0) + BEHIND_SECONDS

    run_virtual(story())


def test_a_store_that_fails_stops_no_delivery_and_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, session = await ready(world, 3)
        store: AttemptStore = losing(
            world.table.attempts, record=[UnavailableError(what="the table")] * 2
        )

        await over(world.courier(), store)(endpoint.id, session.id)

        assert world.receiver.taken == [1, 2, 3]
        assert (await world.lane(endpoint, session)).cursor == 3
        assert [each.sequence for each in await kept(world, endpoint, session)] == [3]

    with caplog.at_level(logging.INFO):
        run_virtual(story())

    lines = [line for line in caplog.records if line.message == "attempt.not_recorded"]
    assert [line.__dict__["sequence"] for line in lines] == [1, 2]
    assert {line.__dict__["error"] for line in lines} == {"UnavailableError"}


def test_a_store_that_does_not_answer_is_not_waited_for() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, session = await ready(world, 3)
        began = world.clock.now()

        await over(world.courier(), _Silent(world))(endpoint.id, session.id)

        assert world.receiver.taken == [1, 2, 3]
        assert world.clock.now() - began == 3 * RECORD_SECONDS

    run_virtual(story())


class _Silent:
    def __init__(self, world: LaneWorld) -> None:
        self._world = world

    async def record(self, attempt: Attempt) -> None:
        await self._world.clock.sleep(3600)


def test_a_courier_whose_lane_was_taken_away_records_nothing() -> None:
    """The lane may be gone because its session was erased: nothing may be left behind."""

    async def story() -> None:
        world = LaneWorld()
        endpoint, session = await ready(world, headers={"x": "y"})

        async def overslept() -> None:
            world.receiver.on_post = None
            await world.clock.sleep(60)
            await world.courier()(endpoint.id, session.id)

        world.receiver.on_post = overslept
        await world.courier()(endpoint.id, session.id)

        assert len(world.receiver.posts) == 2
        (made,) = await kept(world, endpoint, session)
        assert made.status == OK.status

    run_virtual(story())
