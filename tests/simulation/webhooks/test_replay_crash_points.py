"""Whoever runs a replay dies at every single call of a port; the sweeper and others finish.

As in `test_crash_points`, all hints die with it. What is promised: every event of the range comes
at least once, in order within its session, or is told as skipped; and no lane notices anything.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import pytest

from service.domain.endpoint import EndpointState, Lane
from service.domain.ids import EndpointId, SessionId
from service.domain.replay import Replay, ReplayState
from service.ports import WebhookAnswer
from tests.support.death_points import PeacePlan
from tests.support.delivery_yard import RECEIVED, Mind, Reply, Yard, scripted, yard
from tests.support.lane_world import OK, CrashPlan
from tests.support.virtual_time import run_virtual

HOUR: Final = 3600.0
DEAD: Final = WebhookAnswer(status=None, error="refused")
WRONG: Final = WebhookAnswer(status=500)
GONE: Final = WebhookAnswer(status=410)
DISLIKED: Final = WebhookAnswer(status=422)
BUSY: Final = WebhookAnswer(status=503, retry_after="90")
HOOK: Final = EndpointId("whk_1")

Act = Callable[[Yard, Replay], Awaitable[None]]


async def nothing(stage: Yard, job: Replay) -> None:
    """It just runs."""


async def cancelled(stage: Yard, job: Replay) -> None:
    now = await stage.world.replay_now(job)
    over = now.over(ReplayState.CANCELLED, at=stage.world.clock.now())
    await stage.world.table.replays.change(now, over)


async def deleted(stage: Yard, job: Replay) -> None:
    endpoint = stage.endpoints.pop(HOOK)
    await stage.world.table.tenants.delete_endpoint(endpoint.tenant, HOOK)


async def opened_when_disabled(stage: Yard, job: Replay) -> None:
    for _ in range(10):
        await stage.world.clock.sleep(60)
        now = await stage.world.table.tenants.endpoint(HOOK)
        if now.state is EndpointState.DISABLED:
            await stage.open(HOOK)


@dataclass(frozen=True, kw_only=True)
class Story:
    """What the receiver does with a replay, and what else happens; `at_least` so many calls."""

    mind: Callable[[], Mind]
    at_least: int
    act: Act = nothing
    session: str | None = None
    replayers: int = 1
    limits: Mapping[str, int] | None = None
    complete: bool = True
    """Everything is to come."""


STORIES: Final = {
    "a range": Story(mind=scripted, at_least=20),
    "a session": Story(mind=scripted, at_least=10, session="ses_0"),
    "tried again": Story(mind=lambda: scripted(OK, WRONG, OK, WRONG, DEAD), at_least=25),
    "disliked": Story(mind=lambda: scripted(OK, *[DISLIKED] * 9), at_least=25),
    "found down": Story(mind=lambda: scripted(*[DEAD] * 6), at_least=50),
    "sent away": Story(mind=lambda: scripted(OK, BUSY), at_least=25),
    "once gone": Story(mind=lambda: scripted(OK, GONE), at_least=25),
    "gone": Story(mind=lambda: scripted(OK, GONE, GONE), at_least=25, act=opened_when_disabled),
    "few places": Story(
        mind=lambda: scripted(then=Reply(takes=1.0)),
        at_least=25,
        replayers=2,
        limits={"max_concurrency": 1, "rate_limit": 2},
    ),
    "cancelled": Story(mind=scripted, at_least=2, act=cancelled, complete=False),
    "deleted": Story(mind=scripted, at_least=2, act=deleted, complete=False),
}


async def lanes_of(stage: Yard) -> list[Lane | None]:
    lanes = stage.world.table.lanes
    return [await lanes.lane(HOOK, SessionId(name)) for name in stage.sessions]


async def told(story: Story, plan: CrashPlan) -> list[str]:
    """What is wrong after whoever ran the replay died as planned."""
    stage = yard(plans=[plan] * story.replayers, replayers=story.replayers, one_process=True)
    endpoint = await stage.endpoint(HOOK, scripted(), **(story.limits or {}))
    async with stage.at_work():
        for number in range(2):
            await stage.session(f"ses_{number}", events=2)
        await stage.finish(within=HOUR)
        before = await lanes_of(stage)
        stage.minds[HOOK] = story.mind()
        job = await stage.world.replay(endpoint, session_id=story.session)
        for number in range(job.strands):
            await stage.line.replay(job.id, number)
        await story.act(stage, job)
        await _finished(stage, job)
    wrong = [*await stage.judged()] if story.act is nothing else []
    if await lanes_of(stage) != before:
        wrong.append("a lane was touched")
    return [*wrong, *await _judged(stage, job, story)]


async def _finished(stage: Yard, job: Replay) -> None:
    """Every strand is done, or gone; within half a day."""
    for _ in range(12 * 60):
        strands = await stage.world.table.replays.strands_of(job.id)
        if all(strand.done for strand in strands):
            return
        await stage.world.clock.sleep(60)


async def _judged(stage: Yard, job: Replay, story: Story) -> list[str]:
    strands = await stage.world.table.replays.strands_of(job.id)
    if story.act is deleted:
        return ["something is left of it"] if strands else []
    now = await stage.world.replay_now(job)
    wrong = [f"strand {strand.number} is at work" for strand in strands if not strand.done]
    wanted = ReplayState.CANCELLED if story.act is cancelled else ReplayState.DONE
    if now.state is not wanted:
        wrong.append(f"it is {now.state}")
    names = [story.session] if story.session else list(stage.sessions)
    skipped = {(one.session_id, one.sequence) for each in strands for one in each.named}
    for name in names:
        wrong += _session(stage, name, skipped, story)
    return wrong


def _session(
    stage: Yard, name: str, skipped: set[tuple[SessionId, int]], story: Story
) -> list[str]:
    tries = [attempt for attempt in stage.replayed if attempt.session == name]
    taken = {attempt.sequence for attempt in tries if attempt.taken}
    wrong = [
        f"{name}: {event.sequence} never came"
        for event in stage.logs[name]
        if story.complete
        and event.sequence not in taken
        and (SessionId(name), event.sequence) not in skipped
    ]
    wrong += [
        f"{name}: {after.sequence} came after {before.sequence}"
        for before, after in pairwise(tries)
        if after.sequence < before.sequence
    ]
    bodies = {attempt.headers["webhook-id"]: attempt.body for attempt in tries}
    ids = {event.id for event in stage.logs[name] if event.type is RECEIVED}
    return wrong + [f"{name}: {other} is no event of it" for other in bodies.keys() - ids]


@pytest.mark.parametrize("after_effect", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("name", STORIES)
def test_whoever_dies_with_a_replay_is_followed(name: str, *, after_effect: bool) -> None:
    story, peace = STORIES[name], PeacePlan()
    assert run_virtual(told(story, peace)) == []
    assert len(peace.names) > story.at_least
    for plan in peace.deaths(after_effect=after_effect):
        assert run_virtual(told(story, plan)) == [], f"died at call {plan.at}: {plan.names[-1]}"
        assert plan.fired
