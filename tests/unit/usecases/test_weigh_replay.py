"""What a replay makes of failures: tried again, left behind where the event is to blame, or waited.

Told as stories of whole replays on virtual time.
"""

from collections.abc import Coroutine, Mapping
from itertools import pairwise
from typing import Any

import pytest

from service.domain.endpoint import Endpoint, EndpointState
from service.domain.health import GIVE_UP_ATTEMPTS, GIVE_UP_SECONDS, Health, Stamp, succeeded
from service.domain.ids import SessionId
from service.domain.log import EventType
from service.domain.replay import (
    DOUBT_SECONDS,
    LONGEST_SECONDS,
    OVERDUE,
    Replay,
    ReplayState,
    Skipped,
    Strand,
)
from service.ports import WebhookAnswer
from service.usecases.weigh_failure import GIVEN_UP
from service.webhook.directive import Directive
from tests.support.lane_world import OK, Fields, LaneWorld
from tests.support.virtual_time import run_virtual

RECEIVED = EventType.MESSAGE_RECEIVED
WRONG, DEAD = WebhookAnswer(status=500), WebhookAnswer(status=None, error="refused")
DISLIKED = WebhookAnswer(status=422)
MINUTE, HOUR = 60.0, 3600.0


def play(story: Coroutine[Any, Any, None]) -> None:
    run_virtual(story, longest=2 * LONGEST_SECONDS)


class Moody(LaneWorld):
    """Its receiver answers some events, by session and sequence, in its own way."""

    def __init__(self) -> None:
        super().__init__()
        self.moods: dict[tuple[str, int], WebhookAnswer] = {}
        self.wire = self

    async def post(
        self, url: str, *, headers: Mapping[str, str], body: bytes, timeout_seconds: float
    ) -> WebhookAnswer:
        usual = self.receiver.reply
        await self.receiver.post(url, headers=headers, body=body, timeout_seconds=timeout_seconds)
        posted = self.receiver.posts[-1]
        session = next(name for name in self.names if f'"{name}"'.encode() in body)
        self.came.append((session, posted.sequence, posted.at))
        return self.moods.get((session, posted.sequence), usual)

    async def chats(self, count: int, *, events: int = 1) -> None:
        self.names = [f"ses_{number}" for number in range(count)]
        self.came: list[tuple[str, int, float]] = []
        for name in self.names:
            await self.append(await self.session(name), *[RECEIVED] * events)

    def waits(self, session: str, sequence: int) -> list[float]:
        """Seconds between the attempts of that event."""
        times = [at for name, number, at in self.came if (name, number) == (session, sequence)]
        return [after - before for before, after in pairwise(times)]

    async def skipped(self, job: Replay) -> list[Skipped]:
        strands = await self.table.replays.strands_of(job.id)
        return [one for strand in strands for one in strand.named]

    async def healthy(self, endpoint: Endpoint) -> bool:
        return (await self.table.healths.health(endpoint.id)).probe_at is None


async def told(world: Moody, endpoint: Endpoint | None = None, **wanted: Fields) -> Replay:
    """A replay in one strand to its end."""
    hook = endpoint or await world.endpoint()
    return await world.follow_strands(await world.replay(hook, strands=1, **wanted))


def test_while_others_get_through_an_event_has_six_attempts_and_holds_up_its_session_alone() -> (
    None
):
    async def story() -> None:
        world = Moody()
        await world.chats(3, events=2)
        world.moods["ses_1", 1] = WRONG
        world.receiver.takes = 0.1
        begun = world.clock.now()
        job = await told(world)

        (skipped,) = await world.skipped(job)
        assert job.state is ReplayState.DONE
        assert (skipped.session_id, skipped.sequence, skipped.attempts) == ("ses_1", 1, 6)
        assert (skipped.status, skipped.error) == (500, None)
        steps = (5, 30, 120, 300, 900)
        waits = world.waits("ses_1", 1)
        assert len(waits) == len(steps)
        assert all(step <= wait <= step * 1.2 + 1 for step, wait in zip(steps, waits, strict=True))
        others = [at for name, _, at in world.came if name != "ses_1"]
        assert max(others) - begun < 5
        assert world.came[-1][:2] == ("ses_1", 2)
        tally = await world.tally(job)
        assert (tally.delivered, tally.skipped, tally.done) == (5, 1, 3)

    play(story())


@pytest.mark.parametrize("status", [400, 413, 415, 422])
def test_a_request_that_is_wrong_itself_has_three_attempts(status: int) -> None:
    async def story() -> None:
        world = Moody()
        await world.chats(1, events=2)
        world.moods["ses_0", 1] = WebhookAnswer(status=status)
        job = await told(world)

        assert [one.attempts for one in await world.skipped(job)] == [3]
        assert (await world.tally(job)).delivered == 1

    play(story())


def test_what_follows_a_skipped_event_is_doubted_too_until_one_is_taken() -> None:
    async def story() -> None:
        world = Moody()
        await world.chats(1, events=4)
        for number in (1, 2, 4):
            world.moods["ses_0", number] = WebhookAnswer(status=404)
        job = await told(world)

        assert [one.attempts for one in await world.skipped(job)] == [6, 2, 6]

    play(story())


def test_alone_with_an_answer_that_tells_nothing_it_is_tried_for_six_hours() -> None:
    async def story() -> None:
        world = Moody()
        await world.chats(1, events=3)
        world.moods["ses_0", 1] = world.moods["ses_0", 2] = WRONG
        begun = world.clock.now()
        job = await told(world)

        first, second = await world.skipped(job)
        assert DOUBT_SECONDS <= first.at - begun <= DOUBT_SECONDS + HOUR / 2
        assert second.at - first.at < MINUTE
        assert second.attempts == 2

    play(story())


def test_a_receiver_that_is_never_reached_loses_nothing_and_the_replay_fails_in_the_end() -> None:
    async def story() -> None:
        world = Moody()
        await world.chats(1)
        world.receiver.reply = DEAD
        job = await world.replay(await world.endpoint(), strands=1)
        await world.follow_strands(job, most=15)
        tried = len(world.came)
        await world.clock.sleep(LONGEST_SECONDS)
        found = await world.follow_strands(job)

        assert tried > 10
        assert (found.state, found.failure) == (ReplayState.FAILED, OVERDUE)
        assert len(world.came) == tried
        assert await world.skipped(job) == []
        (strand,) = await world.table.replays.strands_of(job.id)
        assert strand.done

    play(story())


def test_an_endpoint_that_is_down_costs_no_attempts_and_everything_comes() -> None:
    async def story() -> None:
        world = Moody()
        await world.chats(6, events=2)
        endpoint = await world.endpoint()
        job = await world.replay(endpoint)
        world.receiver.reply = DEAD
        await world.follow_strands(job, most=12)
        down = not await world.healthy(endpoint)
        attempts = [part.attempt for strand in await _strands(world, job) for part in strand.parts]
        await world.clock.sleep(6 * HOUR)
        world.receiver.reply = OK

        after = await world.follow_strands(job)

        assert down
        assert max(attempts) <= 2
        assert (after.state, await world.skipped(job)) == (ReplayState.DONE, [])
        assert (await world.tally(job)).delivered == 12

    play(story())


def test_events_that_only_a_replay_fails_with_do_not_close_the_endpoint_for_lanes() -> None:
    async def story() -> None:
        world = Moody()
        await world.chats(8)
        for name in world.names:
            world.moods[name, 1] = WRONG
        endpoint = await world.endpoint()
        job = await world.replay(endpoint)
        well = []
        for _ in range(30):
            await world.follow_strands(job, most=1)
            well.append(await world.healthy(endpoint))

        assert all(well)
        assert len(world.came) > 8

    play(story())


def test_who_is_sent_away_for_long_uses_no_attempt_and_comes_when_asked() -> None:
    async def story() -> None:
        world = Moody()
        await world.chats(1)
        world.moods["ses_0", 1] = WebhookAnswer(status=503, retry_after="3600")
        job = await world.replay(await world.endpoint(), strands=1)
        await world.follow_strands(job, most=3)
        (strand,) = await _strands(world, job)
        world.moods.clear()
        await world.follow_strands(job)

        assert [part.attempt for part in strand.parts] == [0]
        assert strand.parked
        assert 3600 <= world.waits("ses_0", 1)[-1] <= 3600 * 1.2

    play(story())


def test_a_success_of_somebody_else_in_this_process_or_told_in_the_table_is_believed() -> None:
    async def story() -> None:
        for by_table in (False, True):
            world = Moody()
            await world.chats(1)
            world.moods["ses_0", 1] = DEAD
            endpoint = await world.endpoint()
            job = await world.replay(endpoint, strands=1)
            replayer = world.replayer()
            await replayer(job.id, 0)
            while (due := (await _strands(world, job))[0].due_at) is not None:
                await world.clock.sleep(due - world.clock.now())
                if by_table:
                    health = await world.table.healths.health(endpoint.id)
                    taken = succeeded(health, Stamp(by="lane", at=world.clock.now()))
                    assert taken is not None
                    await world.table.healths.change_health(endpoint.id, health, taken)
                else:
                    replayer.gate.gate.successes[endpoint.id] = world.clock.now()
                await replayer(job.id, 0)

            assert [one.error for one in await world.skipped(job)] == ["refused"], by_table

    play(story())


def test_after_five_days_without_any_success_the_endpoint_is_disabled() -> None:
    async def story() -> None:
        world = Moody()
        await world.chats(1)
        world.receiver.reply = DEAD
        endpoint = await world.endpoint()
        since = world.clock.now() - GIVE_UP_SECONDS
        failing = Health(version=1, failed=GIVE_UP_ATTEMPTS, failing_since=since)
        await world.table.healths.change_health(endpoint.id, Health(), failing)
        job = await world.replay(endpoint, strands=1)

        await world.follow_strands(job, most=1)

        closed = await world.table.tenants.endpoint(endpoint.id)
        assert (closed.state, closed.disabled_reason) == (EndpointState.DISABLED, GIVEN_UP)
        (strand,) = await _strands(world, job)
        assert (strand.parked, [part.attempt for part in strand.parts]) == (True, [0])

    play(story())


def test_a_probe_of_a_replay_that_fails_uses_no_attempt_and_one_that_is_disliked_opens() -> None:
    async def story() -> None:
        world = Moody()
        await world.chats(1)
        endpoint = await world.endpoint()
        now = world.clock.now()
        shut = Health(version=1, by="lane", failed=5, failing_since=now, probe_at=now - 60)
        await world.table.healths.change_health(endpoint.id, Health(), shut)
        job = await world.replay(endpoint, strands=1)
        world.receiver.reply = WRONG
        await world.follow_strands(job, most=1)
        (failed,) = await _strands(world, job)
        still = not await world.healthy(endpoint)
        world.receiver.reply = DISLIKED
        while not await world.healthy(endpoint):
            await world.follow_strands(job, most=1)

        assert still
        assert [part.attempt for part in failed.parts] == [0]
        assert len(world.came) == 2

    play(story())


def test_a_receiver_may_leave_an_event_behind_at_once() -> None:
    async def story() -> None:
        world = Moody()
        await world.chats(1, events=2)
        world.moods["ses_0", 1] = WebhookAnswer(status=500, directive=Directive.ABORT_MESSAGE)
        job = await told(world)

        assert [one.attempts for one in await world.skipped(job)] == [1]
        assert (await world.tally(job)).delivered == 1

    play(story())


def test_the_endpoints_own_schedule_is_kept_to() -> None:
    async def story() -> None:
        world = Moody()
        await world.chats(2)
        world.moods["ses_0", 1] = WRONG
        endpoint = await world.endpoint(schedule=(7.0, 9.0))
        job = await told(world, endpoint, session_id=SessionId("ses_0"))

        assert job.state is ReplayState.DONE
        first, second, *later = world.waits("ses_0", 1)
        assert 7 <= first <= 9
        assert 9 <= second <= 11.5
        assert min(later) >= 900

    play(story())


async def _strands(world: Moody, job: Replay) -> list[Strand]:
    return list(await world.table.replays.strands_of(job.id))
