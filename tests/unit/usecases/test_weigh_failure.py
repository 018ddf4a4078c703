"""What follows a failed attempt.

A head that keeps failing while its endpoint is well blocks its chat or is left behind. An endpoint
that took nothing for five days is disabled; its backlog waits for its owner.
"""

import logging
from dataclasses import replace
from itertools import pairwise

import pytest

from service.domain.endpoint import Endpoint, EndpointState, OnExhausted
from service.domain.health import (
    GIVE_UP_ATTEMPTS,
    GIVE_UP_SECONDS,
    PROBE_LONGEST,
    Health,
    Stamp,
    forgotten,
)
from service.domain.ids import SessionId
from service.domain.log import EventType
from service.domain.session import Session
from service.ports import WebhookAnswer
from service.usecases.keep_lane import SPREAD_MOST
from service.usecases.weigh_failure import GIVEN_UP
from service.webhook.retry import SCHEDULE
from tests.support.delivery_yard import Mind, Reply, Yard, scripted, yard
from tests.support.lane_world import OK, Fields, LaneWorld
from tests.support.virtual_time import run_virtual

HOUR = 3600.0
DISLIKED = WebhookAnswer(status=422)
BROKEN = WebhookAnswer(status=500)
DEAD = WebhookAnswer(status=None, error="refused")
BUSY = WebhookAnswer(status=503, retry_after="4000")


def after(seconds: float, *answers: WebhookAnswer) -> Mind:
    """Well, and from then on as scripted."""
    script = scripted(*answers)
    return lambda now: Reply() if now < seconds else script(now)


async def chat(mind: Mind, *, events: int = 3, **fields: Fields) -> Yard:
    """One chat and one endpoint that skips after an hour."""
    stage = yard()
    await stage.endpoint("whk_1", mind, **{"on_exhausted": OnExhausted.SKIP, **fields})
    await stage.session("ses_1", events=events)
    return stage


def taken(stage: Yard) -> list[tuple[int, str, str | None]]:
    """Sequence, number and told gap of what was taken."""
    return [
        (each.sequence, each.headers["broker-lane-sequence"], each.headers.get("broker-gap"))
        for each in stage.attempts
        if each.taken
    ]


def test_an_event_that_nobody_would_take_is_left_behind_after_its_time_and_told() -> None:
    async def story() -> None:
        stage = await chat(scripted(*[DISLIKED] * 6), skip_after_seconds=1000)
        async with stage.at_work():
            await stage.finish(within=5 * HOUR)

        assert taken(stage) == [(2, "2", "1-1"), (3, "3", None)]
        tries = [each.at for each in stage.attempts if each.sequence == 1]
        assert len(tries) == 6
        # Whatever the jitter: the fifth came before, the sixth after the time.
        assert 1000 <= tries[-1] - tries[0] <= 1.2 * 1355
        assert await stage.judged(alone=True) == []

    run_virtual(story())


def test_who_blocks_is_the_default() -> None:
    async def story() -> None:
        stage = await chat(scripted(*[DISLIKED] * 7), on_exhausted=OnExhausted.BLOCK)
        async with stage.at_work():
            await stage.finish(within=5 * HOUR)

        assert [number for number, _, _ in taken(stage)] == [1, 2, 3]
        assert stage.endpoints["whk_1"].skip_after_seconds == HOUR

    run_virtual(story())


def test_skipped_events_in_a_row_are_one_gap_until_somebody_took_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story() -> None:
        stage = await chat(scripted(*[DISLIKED] * 14, BROKEN), skip_after_seconds=1000, events=4)
        async with stage.at_work():
            await stage.finish(within=9 * HOUR)

        assert taken(stage)[0] == (3, "3", "1-2")
        told = [each.headers.get("broker-gap") for each in stage.attempts if each.sequence == 3]
        assert told == ["1-2"] * len(told)
        assert len(told) > 1
        assert await stage.judged() == []

    with caplog.at_level(logging.WARNING):
        run_virtual(story())

    skips = [record for record in caplog.records if record.message == "delivery.skipped"]
    assert [record.__dict__["sequence"] for record in skips] == [1, 2]


def test_a_gap_at_the_end_of_the_log_waits_for_the_next_event() -> None:
    async def story() -> None:
        stage = await chat(scripted(*[DISLIKED] * 6), skip_after_seconds=1000, events=1)
        async with stage.at_work():
            await stage.finish(within=5 * HOUR)
            lane = await stage.world.lane(stage.endpoints["whk_1"], stage.sessions["ses_1"])
            assert (lane.cursor, lane.gap, lane.due_at, lane.claim) == (1, (1, 1), None, None)
            await stage.say("ses_1")
            await stage.finish(within=HOUR)

        assert taken(stage) == [(2, "2", "1-1")]

    run_virtual(story())


@pytest.mark.parametrize(("answer", "passed"), [(BROKEN, False), (DEAD, False), (DISLIKED, True)])
def test_alone_only_an_answer_that_will_not_change_is_believed(
    answer: WebhookAnswer, *, passed: bool
) -> None:
    async def story() -> None:
        stage = await chat(scripted(*[answer] * 9), events=2)
        async with stage.at_work():
            await stage.world.clock.sleep(3 * HOUR)

        assert bool(taken(stage)) == passed

    run_virtual(story())


def test_any_failure_is_believed_while_others_get_through() -> None:
    async def story() -> None:
        stage = yard()

        await stage.endpoint("whk_1", scripted(), on_exhausted=OnExhausted.SKIP)
        poison, _ = await stage.session("ses_1", events=2), await stage.session("ses_2")
        first = stage.logs["ses_1"][0].id
        stage.refuses = lambda event_id: BROKEN if event_id == first else None
        async with stage.at_work():
            for _ in range(30):
                await stage.world.clock.sleep(300)
                await stage.say("ses_2")
            await stage.finish(within=HOUR)

        assert (await stage.world.lane(stage.endpoints["whk_1"], poison)).delivered == 2
        assert (2, "2", "1-1") in taken(stage)
        assert await stage.judged() == []

    run_virtual(story())


@pytest.mark.parametrize("outage", [0, 5])
def test_chats_whose_events_are_disliked_do_not_shut_the_endpoint_for_others(outage: int) -> None:
    """Nor keep it shut: the probe of such a chat shows that the receiver is there."""

    async def story() -> None:
        stage = yard()
        await stage.endpoint("whk_1", scripted())
        for number in range(3):
            await stage.session(f"ses_{number}", events=1)
        await stage.session("ses_9")
        disliked = {log[0].id for log in stage.logs.values() if log}
        dead = iter([DEAD] * outage)
        stage.refuses = lambda event_id: (
            (next(dead, None) or DISLIKED) if event_id in disliked else None
        )
        async with stage.at_work():
            await stage.world.clock.sleep(HOUR)
            said = stage.world.clock.now()
            await stage.say("ses_9")
            await stage.world.clock.sleep(60)

        assert [each.at - said < 1 for each in stage.attempts if each.taken] == [True]

    run_virtual(story())


@pytest.mark.parametrize("chats", [2, 6])
def test_chats_whose_events_break_the_receiver_do_not_keep_another_out_for_ever(
    chats: int,
) -> None:
    """They shut the endpoint, as nobody else has anything to send; but others probe first."""

    async def story() -> None:
        stage = yard(couriers=4)
        await stage.endpoint("whk_1", scripted())
        for number in range(chats):
            await stage.session(f"ses_{number}", events=1)
        breaking = {log[0].id for log in stage.logs.values()}
        stage.refuses = lambda event_id: BROKEN if event_id in breaking else None
        await stage.session("ses_9")
        async with stage.at_work():
            await stage.world.clock.sleep(300)
            said = stage.world.clock.now()
            await stage.say("ses_9")
            await stage.world.clock.sleep(3 * HOUR)

        first = next(each.at for each in stage.attempts if each.taken)
        assert first - said < 2 * PROBE_LONGEST * 1.2 + SPREAD_MOST

    run_virtual(story())


def test_an_outage_of_the_endpoint_costs_no_event_however_long() -> None:
    """The first failure after it begins the hour anew."""

    async def story() -> None:
        stage = yard()
        mind = after(600, *[DISLIKED] * 5, *[DEAD] * 20, DISLIKED, DISLIKED)
        await stage.endpoint("whk_1", mind, on_exhausted=OnExhausted.SKIP)
        for number in range(4):
            await stage.session(f"ses_{number}")
        async with stage.at_work():
            await stage.world.clock.sleep(700)
            for number in range(4):
                await stage.say(f"ses_{number}")
            await stage.finish(within=24 * HOUR)

        assert {each.headers.get("broker-gap") for each in stage.attempts} == {None}
        assert await stage.judged() == []

    run_virtual(story())


def test_a_receiver_that_sends_us_away_for_long_loses_nothing_by_it() -> None:
    async def story() -> None:
        stage = await chat(scripted(DISLIKED, BUSY, DISLIKED))
        async with stage.at_work():
            await stage.finish(within=12 * HOUR)

        assert [number for number, _, _ in taken(stage)] == [1, 2, 3]

    run_virtual(story())


def test_to_wait_for_a_place_does_not_begin_the_time_anew() -> None:
    async def story() -> None:
        stage = yard()
        await stage.endpoint("whk_1", scripted(DISLIKED), max_concurrency=1)
        session = await stage.session("ses_1", events=1)
        endpoint, world = stage.endpoints["whk_1"], stage.world
        await world.courier()(endpoint.id, session.id)
        before = await world.lane(endpoint, session)
        await world.clock.sleep(10)
        now = world.clock.now()
        await world.table.healths.take_place(endpoint.id, 0, token="t", now=now, until=now + 60)

        await world.courier()(endpoint.id, session.id)

        lane = await world.lane(endpoint, session)
        assert lane.parked
        assert lane.failing_since == before.failing_since is not None

    run_virtual(story())


def test_a_pause_of_the_endpoint_begins_the_time_anew() -> None:
    async def story() -> None:
        stage = await chat(scripted(DISLIKED, DISLIKED, OK), events=1)
        endpoint, world = stage.endpoints["whk_1"], stage.world
        session = stage.sessions["ses_1"]
        await world.courier()(endpoint.id, session.id)
        assert (await world.lane(endpoint, session)).failing_since is not None
        now = world.clock.now()
        await world.courier().gate.tell_pause(
            endpoint.id, await world.table.healths.health(endpoint.id), until=now + 600
        )
        await world.clock.sleep(10)

        await world.courier()(endpoint.id, session.id)

        assert (await world.lane(endpoint, session)).failing_since is None

    run_virtual(story())


def test_who_was_under_way_when_the_endpoint_went_down_waits_a_first_step_at_least() -> None:
    """The time of the next probe may come before."""

    async def story() -> None:
        world = LaneWorld()
        endpoint, session = await failing(world, seconds=60, attempts=7)
        health = await world.table.healths.health(endpoint.id)
        await world.table.healths.change_health(endpoint.id, health, Health(version=2))

        async def others_fail() -> None:
            now = world.clock.now()
            shut = replace(health, version=3, probe_at=now + 15)
            await world.table.healths.change_health(endpoint.id, Health(version=2), shut)
            await world.clock.sleep(14)

        world.receiver.on_post = others_fail
        await world.courier()(endpoint.id, session.id)

        lane = await world.lane(endpoint, session)
        assert lane.due_at is not None
        assert lane.due_at >= world.clock.now() + SCHEDULE[0]
        assert not lane.parked

    run_virtual(story())


async def failing(world: LaneWorld, *, seconds: float, attempts: int) -> tuple[Endpoint, Session]:
    """An endpoint that failed so often since so long, and a chat with two events for it."""
    endpoint, session = await world.endpoint(), await world.session()
    await world.append(session, *[EventType.MESSAGE_RECEIVED] * 2)
    health = Health(
        version=1,
        failed=attempts,
        lanes=(SessionId("ses_1"), SessionId("ses_2")),
        failing_since=world.clock.now() - seconds,
        probe_at=world.clock.now(),
    )
    await world.table.healths.change_health(endpoint.id, Health(), health)
    world.receiver.reply = DEAD
    return endpoint, session


def test_after_five_days_without_a_success_it_is_disabled_and_the_backlog_stays(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, session = await failing(
            world, seconds=GIVE_UP_SECONDS, attempts=GIVE_UP_ATTEMPTS - 1
        )

        await world.courier()(endpoint.id, session.id)

        found = await world.table.tenants.endpoint(endpoint.id)
        assert (found.state, found.disabled_reason) == (EndpointState.DISABLED, GIVEN_UP)
        lane = await world.lane(endpoint, session)
        assert (lane.cursor, lane.parked, lane.claim) == (0, True, None)

        world.receiver.reply = OK
        await world.change(endpoint.id, state=EndpointState.ACTIVE, disabled_reason=None)
        health = await world.table.healths.health(endpoint.id)
        anew = forgotten(health, Stamp(by="its owner", at=world.clock.now()))
        assert anew is not None
        await world.table.healths.change_health(endpoint.id, health, anew)
        await world.courier()(endpoint.id, session.id)
        assert world.receiver.taken == [1, 2]

    with caplog.at_level(logging.WARNING):
        run_virtual(story())

    (line,) = [each for each in caplog.records if each.message == "endpoint.disabled"]
    assert line.__dict__["reason"] == GIVEN_UP


@pytest.mark.parametrize(
    ("seconds", "attempts", "answer"),
    [
        (GIVE_UP_SECONDS - 1, 500, DEAD),
        (9 * GIVE_UP_SECONDS, GIVE_UP_ATTEMPTS - 2, DEAD),
        (GIVE_UP_SECONDS, GIVE_UP_ATTEMPTS - 1, OK),
    ],
)
def test_a_shorter_time_few_attempts_or_a_success_disable_nothing(
    seconds: float, attempts: int, answer: WebhookAnswer
) -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint, session = await failing(world, seconds=seconds, attempts=attempts)
        world.receiver.script.append(answer)
        world.receiver.reply = OK

        await world.courier()(endpoint.id, session.id)

        found = await world.table.tenants.endpoint(endpoint.id)
        assert (found.state, found.disabled_reason) == (EndpointState.ACTIVE, None)
        assert len(world.receiver.posts) >= 1

    run_virtual(story())


@pytest.mark.parametrize("sessions", [2, 5])
def test_probes_come_at_most_a_quarter_of_an_hour_apart(sessions: int) -> None:
    async def story() -> None:
        stage = yard(couriers=8)
        await stage.endpoint("whk_1", scripted(then=Reply(answer=BROKEN)))
        for number in range(sessions):
            await stage.session(f"ses_{number}", events=1)
        async with stage.at_work():
            await stage.world.clock.sleep(8 * HOUR)

        times = [each.at for each in stage.attempts]
        gaps = [later - earlier for earlier, later in pairwise(times)]
        assert len(gaps) > 30
        assert 600 < max(gaps) <= 15 * 60

    run_virtual(story())
