"""One strand in a courier's hands: what is sent, what is written down, and when it lets go."""

import logging
from collections import Counter
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import pytest

from service.domain.attempt import Decision, Trigger
from service.domain.endpoint import EndpointState
from service.domain.ids import ReplayId, SessionId
from service.domain.log import EventType
from service.domain.replay import Replay, ReplayState, Strand
from service.domain.session import State
from service.ports import WebhookAnswer
from service.usecases.run_replay import RUN_SECONDS
from service.webhook.directive import Directive
from service.webhook.envelope import event_bytes
from tests.support.lane_world import OK, CrashError, CrashPlan, LaneWorld
from tests.support.virtual_time import run_virtual

RECEIVED = EventType.MESSAGE_RECEIVED
WRONG = WebhookAnswer(status=500)
GONE = WebhookAnswer(status=410)


def play(story: Coroutine[Any, Any, None]) -> None:
    run_virtual(story)


async def strand_of(world: LaneWorld, job: Replay) -> Strand:
    found = await world.table.replays.strand(job.id, 0)
    assert found is not None
    return found


async def one_chat(world: LaneWorld, *, events: int = 3) -> SessionId:
    session = await world.session()
    await world.append(session, *[RECEIVED] * events)
    return session.id


def test_events_come_as_they_are_with_the_replay_and_without_a_number_and_lanes_stay() -> None:
    async def story() -> None:
        world = LaneWorld()
        session = await world.session()
        events = await world.append(session, RECEIVED, RECEIVED)
        endpoint = await world.endpoint()
        await world.courier()(endpoint.id, session.id)
        lane = await world.lane(endpoint, session)
        world.receiver.posts.clear()
        job = await world.replay(endpoint, session_id=session.id)

        after = await world.follow_strands(job)

        posts = world.receiver.posts
        assert [post.body for post in posts] == [event_bytes(event) for event in events]
        assert [post.headers["webhook-id"] for post in posts] == [event.id for event in events]
        assert {post.headers["broker-replay"] for post in posts} == {job.id}
        assert not any("broker-lane-sequence" in post.headers for post in posts)
        assert after.state is ReplayState.DONE
        assert await world.lane(endpoint, session) == lane

    play(story())


def test_attempts_are_written_down_with_what_followed() -> None:
    async def story() -> None:
        world = LaneWorld()
        session_id = await one_chat(world, events=2)
        endpoint = await world.endpoint(schedule=(5.0,))
        world.receiver.script.extend([WRONG, OK, *[WebhookAnswer(status=404)] * 2])
        job = await world.replay(endpoint, session_id=session_id)

        await world.follow_strands(job)

        page = await world.table.attempts.attempts_of(endpoint.id, session_id, cursor=None, limit=9)
        made = sorted(page.items, key=lambda one: (one.sequence, one.number or 0))
        assert [one.decision for one in made] == [
            Decision.RETRY,
            Decision.DELIVERED,
            Decision.RETRY,
            Decision.SKIP,
        ]
        assert [one.number for one in made] == [1, 2, 1, 2]
        assert {one.trigger for one in made} == {Trigger.REPLAY}
        assert [one.next_at is None for one in made] == [False, True, False, True]

    play(story())


def test_a_long_strand_is_let_go_of_in_time_and_goes_on() -> None:
    async def story() -> None:
        world = LaneWorld()
        session_id = await one_chat(world, events=30)
        world.receiver.takes = 4.0
        endpoint = await world.endpoint()
        job = await world.replay(endpoint, session_id=session_id)
        begun = world.clock.monotonic()
        await world.replayer()(job.id, 0)
        first = world.clock.monotonic() - begun
        strand = await strand_of(world, job)

        await world.follow_strands(job)

        assert first <= RUN_SECONDS
        assert (strand.claim, strand.due_at is not None) == (None, True)
        assert world.receiver.taken == list(range(1, 31))

    play(story())


def test_an_event_costs_one_write_and_a_log_is_read_once() -> None:
    async def story() -> None:
        world, calls = LaneWorld(), CrashPlan()
        session_id = await one_chat(world, events=9)
        job = await world.replay(await world.endpoint(), session_id=session_id)

        await world.replayer(calls)(job.id, 0)

        counts = Counter(calls.names)
        assert (counts["post"], counts["read_log"], counts["load"]) == (9, 1, 1)
        assert counts["save"] == 1 + 9  # the claim, and each event

    play(story())


def test_who_finds_the_strand_busy_or_unknown_goes_away() -> None:
    async def story() -> None:
        world = LaneWorld()
        session_id = await one_chat(world)
        job = await world.replay(await world.endpoint(), session_id=session_id)

        async def another() -> None:
            world.receiver.on_post = None
            await world.replayer()(job.id, 0)

        world.receiver.on_post = another
        await world.replayer()(job.id, 0)
        await world.replayer()(job.id, 7)
        await world.replayer()(ReplayId("rpl_x"), 0)

        assert world.receiver.taken == [1, 2, 3]

    play(story())


def test_of_two_who_read_it_together_one_runs_it() -> None:
    async def story() -> None:
        world = LaneWorld()
        session_id = await one_chat(world, events=1)
        job = await world.replay(await world.endpoint(), session_id=session_id)
        first, second = world.replayer(), world.replayer()

        class Racing:
            """Somebody else takes it between its reading and its claim."""

            async def strand(self, replay_id: ReplayId, number: int) -> Strand | None:
                found = await world.table.replays.strand(replay_id, number)
                await second(replay_id, number)
                return found

        racing: Any = Racing()
        await replace(first, replays=racing)(job.id, 0)

        assert world.receiver.taken == [1]

    play(story())


def test_who_was_overtaken_stops_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        world = LaneWorld()
        session_id = await one_chat(world)
        job = await world.replay(await world.endpoint(), session_id=session_id)

        async def overtaken() -> None:
            strand = await strand_of(world, job)
            await world.table.replays.save(strand, strand)

        world.receiver.on_post = overtaken
        await world.replayer()(job.id, 0)

        assert world.receiver.taken == [1]

    with caplog.at_level(logging.INFO):
        play(story())
    assert "replay.claim_lost" in caplog.text


@pytest.mark.parametrize("how", ["cancelled", "paused", "deleted"])
def test_what_ends_or_closes_meanwhile_is_seen_within_seconds(how: str) -> None:
    async def story() -> None:
        world = LaneWorld()
        session_id = await one_chat(world, events=9)
        endpoint = await world.endpoint()
        job = await world.replay(endpoint, session_id=session_id)
        world.receiver.takes = 1.0

        async def meanwhile() -> None:
            world.receiver.on_post = None
            if how == "cancelled":
                over = job.over(ReplayState.CANCELLED, at=world.clock.now())
                await world.table.replays.change(job, over)
            elif how == "paused":
                await world.change(endpoint.id, state=EndpointState.PAUSED)
            else:
                await world.table.tenants.delete_endpoint(endpoint.tenant, endpoint.id)

        world.receiver.on_post = meanwhile
        await world.replayer()(job.id, 0)

        assert len(world.receiver.taken) <= 3
        strand = await world.table.replays.strand(job.id, 0)
        if how == "deleted":
            assert strand is None
        else:
            assert strand is not None
            assert (strand.done, strand.parked) == (how == "cancelled", how == "paused")

    play(story())


def test_of_a_session_that_is_erased_nothing_comes_a_second_later() -> None:
    async def story() -> None:
        world = LaneWorld()
        session = await world.session()
        await world.append(session, *[RECEIVED] * 9)
        job = await world.replay(await world.endpoint(), session_id=session.id)
        world.receiver.takes = 1.0

        async def erased() -> None:
            world.receiver.on_post = None
            gone = replace(session, state=State.ERASED)
            stone = world.event(session, 10, EventType.ERASED)
            await world.table.sessions.erase(session, gone, stone)

        world.receiver.on_post = erased
        after = await world.follow_strands(job)

        assert len(world.receiver.taken) <= 3
        assert after.state is ReplayState.DONE
        tally = await world.tally(job)
        assert (tally.found, tally.done, tally.skipped) == (1, 1, 0)

    play(story())


def test_a_receiver_may_ask_for_no_more() -> None:
    async def story() -> None:
        for status in (200, 500):
            world = LaneWorld()
            session_id = await one_chat(world)
            endpoint = await world.endpoint()
            world.receiver.reply = WebhookAnswer(status=status, directive=Directive.DISABLE)
            job = await world.replay(endpoint, session_id=session_id)

            await world.replayer()(job.id, 0)

            closed = await world.table.tenants.endpoint(endpoint.id)
            assert closed.state is EndpointState.DISABLED
            assert len(world.receiver.posts) == 1
            strand = await strand_of(world, job)
            assert (strand.parked, strand.tally.delivered) == (True, int(status == 200))

    play(story())


def test_410_is_asked_once_more_and_believed() -> None:
    async def story() -> None:
        world = LaneWorld()
        session_id = await one_chat(world)
        endpoint = await world.endpoint()
        world.receiver.script.extend([GONE, OK, GONE, GONE])
        job = await world.replay(endpoint, session_id=session_id)

        await world.follow_strands(job, most=3)

        closed = await world.table.tenants.endpoint(endpoint.id)
        assert (closed.state, world.receiver.taken) == (EndpointState.DISABLED, [1])
        times = [post.at for post in world.receiver.posts]
        assert (times[1] - times[0], times[3] - times[2]) == (15, 15)

    play(story())


def test_a_rate_and_places_are_waited_for_in_the_same_run() -> None:
    async def story() -> None:
        world = LaneWorld()
        session_id = await one_chat(world, events=4)
        endpoint = await world.endpoint(rate_limit=2, max_concurrency=1)
        job = await world.replay(endpoint, session_id=session_id)
        now = world.clock.now()
        await world.table.healths.take_place(endpoint.id, 0, token="lane", now=now, until=now + 3)

        await world.replayer()(job.id, 0)

        assert world.receiver.taken == [1, 2, 3, 4]
        times = [post.at for post in world.receiver.posts]
        assert times[0] - now >= 3
        assert len({int(at) for at in times}) == 4

    play(story())


def test_a_wait_that_would_outlast_the_run_is_left_to_the_next() -> None:
    async def story() -> None:
        world = LaneWorld()
        session_id = await one_chat(world, events=1)
        endpoint = await world.endpoint(max_concurrency=1)
        job = await world.replay(endpoint, session_id=session_id)
        now = world.clock.now()
        await world.table.healths.take_place(endpoint.id, 0, token="lane", now=now, until=now + 99)

        await world.replayer()(job.id, 0)

        strand = await strand_of(world, job)
        assert (world.receiver.taken, strand.claim) == ([], None)
        assert strand.due_at == world.clock.now()

    play(story())


def test_who_dies_is_found_by_the_due_time_of_its_claim() -> None:
    async def story() -> None:
        world = LaneWorld()
        session_id = await one_chat(world)
        job = await world.replay(await world.endpoint(), session_id=session_id)
        with pytest.raises(CrashError):
            await world.replayer(CrashPlan(at=10))(job.id, 0)
        strand = await strand_of(world, job)
        world.hints.replays.clear()

        after = await world.follow_strands(job)

        assert strand.claim is not None
        assert strand.due_at == strand.claim.until
        assert after.state is ReplayState.DONE
        assert sorted(set(world.receiver.taken)) == [1, 2, 3]

    play(story())


def test_replays_of_a_deleted_endpoint_are_removed_some_at_a_time(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint = await world.endpoint()
        jobs = [await world.replay(endpoint) for _ in range(12)]
        await world.table.tenants.delete_endpoint(endpoint.tenant, endpoint.id)

        await world.replayer()(jobs[0].id, 0)

        assert (await world.table.replays.due_strands(before=9e12, limit=99)).items == []

    with caplog.at_level(logging.INFO):
        play(story())
    assert "replay.endpoint_deleted" in caplog.text


def test_there_is_an_end_to_what_one_run_removes() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint = await world.endpoint()
        job = await world.replay(endpoint)
        await world.table.tenants.delete_endpoint(endpoint.tenant, endpoint.id)
        replayer, rounds = world.replayer(), 0

        class Endless:
            async def strand(self, replay_id: ReplayId, number: int) -> Strand | None:
                return await world.table.replays.strand(replay_id, number)

            async def drop_replays(self, endpoint_id: object) -> bool:
                nonlocal rounds
                rounds += 1
                return False

        endless: Any = Endless()
        await replace(replayer, replays=endless)(job.id, 0)

        assert rounds == 50

    play(story())
