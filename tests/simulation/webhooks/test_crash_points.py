"""A courier dies at every single call of a port; another one and the sweeper finish.

For each story it dies at its first call, then, from the beginning, at its second, and so on until
the story is told without a death; each time before the call had its effect, and after, but not at
two moments that leave the same behind (`tests/support/death_points.py`). All hints die with it.
What receivers saw is judged by `tests/support/delivery_checker.py`.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import pytest

from service.domain.endpoint import EndpointState, OnExhausted
from service.domain.health import GIVE_UP_ATTEMPTS, GIVE_UP_SECONDS, Health
from service.domain.ids import EndpointId
from service.domain.notice import PROBES_TOLD
from service.ports import WebhookAnswer
from tests.support.death_points import PeacePlan
from tests.support.delivery_yard import Reply, Yard, scripted, yard
from tests.support.lane_world import OK, CrashPlan
from tests.support.virtual_time import run_virtual

HOUR: Final = 3600.0
DEAD: Final = WebhookAnswer(status=None, error="refused")
WRONG: Final = WebhookAnswer(status=500)
GONE: Final = WebhookAnswer(status=410)
DISLIKED: Final = WebhookAnswer(status=422)
BUSY: Final = WebhookAnswer(status=503, retry_after="90")
LATER: Final = WebhookAnswer(status=500, retry_after="60")

Act = Callable[[Yard], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Story:
    """`act` brings the endpoint and the chats; `at_least` so many calls make it worth telling."""

    act: Act
    at_least: int
    alone: bool = False
    """No endpoint is ever found down."""
    couriers: int = 1
    told: tuple[str, ...] = ()
    """What whk_2, if there is one, hears of whk_1: all of it, in that order."""


async def healthy(stage: Yard) -> None:
    await stage.endpoint("whk_1", scripted())
    await stage.session("ses_1", events=5)


async def tried_again(stage: Yard) -> None:
    await stage.endpoint("whk_1", scripted(OK, WRONG, DEAD, OK, LATER))
    await stage.session("ses_1", events=4)


async def found_down(stage: Yard) -> None:
    await stage.endpoint("whk_1", scripted(*[DEAD] * 6))
    for number in range(2):
        await stage.session(f"ses_{number}", events=1)


async def sent_away(stage: Yard) -> None:
    await stage.endpoint("whk_1", scripted(OK, BUSY))
    for number in range(2):
        await stage.session(f"ses_{number}", events=2)


async def once_gone(stage: Yard) -> None:
    await stage.endpoint("whk_1", scripted(OK, GONE))
    await stage.session("ses_1", events=3)


async def gone_for_good(stage: Yard) -> None:
    """Until its owner opens it again."""
    await stage.endpoint("whk_1", scripted(OK, GONE, GONE, GONE))
    await stage.session("ses_1", events=3)
    await opened_when_disabled(stage)


async def opened_when_disabled(stage: Yard) -> None:
    for _ in range(10):
        await stage.world.clock.sleep(60)
        now = await stage.world.table.tenants.endpoint(EndpointId("whk_1"))
        if now.state is EndpointState.DISABLED:
            await stage.open("whk_1")


async def given_up(stage: Yard) -> None:
    """Nothing came through for five days; its owner opens it again."""
    endpoint = await stage.endpoint("whk_1", scripted(DEAD, DEAD))
    since = stage.world.clock.now() - GIVE_UP_SECONDS
    failing = Health(version=1, failed=GIVE_UP_ATTEMPTS, failing_since=since)
    await stage.world.table.healths.change_health(endpoint.id, Health(), failing)
    await stage.session("ses_1", events=2)
    await opened_when_disabled(stage)


async def left_behind(stage: Yard) -> None:
    """One event after the other is disliked for so long that it is skipped."""
    mind = scripted(*[DISLIKED] * 3, OK, *[DISLIKED] * 3)
    await stage.endpoint("whk_1", mind, on_exhausted=OnExhausted.SKIP, skip_after_seconds=30)
    await stage.session("ses_1", events=4)


async def listener(stage: Yard) -> None:
    await stage.endpoint("whk_2", scripted(), event_types=("webhook.*",))


async def failing_for_minutes(stage: Yard) -> None:
    """One event fails and fails, and then it does not."""
    await listener(stage)
    wrong_until = 330
    await stage.endpoint(
        "whk_1", lambda now: Reply(answer=WRONG if now < wrong_until else OK), schedule=(60.0,) * 9
    )
    await stage.session("ses_1", events=1)


async def down_for_minutes(stage: Yard) -> None:
    """Since some minutes; so that a few probes more tell the story."""
    await listener(stage)
    await stage.endpoint("whk_1", lambda now: Reply(answer=DEAD if now < 600 else OK))
    now = stage.world.clock.now()
    down = Health(version=1, failed=9, failing_since=now, probe_at=now, probes=PROBES_TOLD - 1)
    await stage.world.table.healths.change_health(EndpointId("whk_1"), Health(), down)
    await stage.session("ses_1", events=1)


async def gone_until_opened(stage: Yard) -> None:
    await listener(stage)
    opened: list[bool] = []
    await stage.endpoint("whk_1", lambda _: Reply(answer=OK if opened else GONE))
    await stage.session("ses_1", events=2)
    for _ in range(10):
        await stage.world.clock.sleep(60)
        now = await stage.world.table.tenants.endpoint(EndpointId("whk_1"))
        if now.state is EndpointState.DISABLED:
            opened.append(True)
            await stage.open("whk_1")


async def notices_that_wait(stage: Yard) -> None:
    """The lane has a time of its own, and more ahead than the event that fails."""
    await stage.endpoint("whk_2", scripted(WRONG), event_types=("webhook.*",), schedule=(400.0,))
    ill = await stage.endpoint("whk_1", scripted())
    for _ in range(3):
        await stage.world.tell(ill)
    await stage.world.clock.sleep(200)


async def few_places(stage: Yard) -> None:
    await stage.endpoint("whk_1", scripted(then=Reply(takes=1.0)), max_concurrency=1)
    for number in range(2):
        await stage.session(f"ses_{number}", events=2)


async def slow_rate(stage: Yard) -> None:
    await stage.endpoint("whk_1", scripted(OK, WRONG), rate_limit=1)
    for number in range(2):
        await stage.session(f"ses_{number}", events=2)


STORIES: Final = {
    story.act.__name__: story
    for story in (
        Story(act=healthy, at_least=12, alone=True),
        Story(act=tried_again, at_least=30, alone=True),
        Story(act=found_down, at_least=60),
        Story(act=sent_away, at_least=30),
        Story(act=once_gone, at_least=15, alone=True),
        Story(act=gone_for_good, at_least=25),
        Story(act=given_up, at_least=12),
        Story(act=left_behind, at_least=50),
        Story(act=few_places, at_least=12, couriers=2),
        Story(act=slow_rate, at_least=30),
        Story(act=failing_for_minutes, at_least=60, told=("retrying", "recovered")),
        Story(act=down_for_minutes, at_least=40, told=("down", "recovered")),
        Story(act=gone_until_opened, at_least=40, told=("disabled", "recovered")),
        Story(act=notices_that_wait, at_least=15, told=("disabled",) * 3),
    )
}


async def told(story: Story, plan: CrashPlan) -> list[str]:
    """What is wrong after the courier died as planned."""
    stage = yard(plans=[plan], couriers=story.couriers, one_process=True)
    async with stage.at_work():
        await story.act(stage)
        await stage.finish(within=HOUR)
    return [*await stage.judged(alone=story.alone), *await misheard(stage, story)]


async def misheard(stage: Yard, story: Story) -> list[str]:
    """What is wrong with what was told: each thing once, though it may have come twice."""
    wanted = [
        f"webhook.{each}" if each in {"disabled", "recovered"} else each for each in story.told
    ]
    log = [event.data.get("stage", event.type) for event in await stage.world.notices()]
    heard = {each["id"]: each for each in stage.heard.get("whk_2", [])}
    came = [each["data"].get("stage", each["type"]) for each in heard.values()]
    if story.told and (log, came) != (wanted, wanted):
        return [f"told {log}, heard {came}"]
    return []


@pytest.mark.parametrize("after_effect", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("name", STORIES)
def test_whoever_dies_is_followed_and_every_promise_holds(name: str, *, after_effect: bool) -> None:
    story, peace = STORIES[name], PeacePlan()
    assert run_virtual(told(story, peace)) == []
    assert len(peace.names) > story.at_least
    for plan in peace.deaths(after_effect=after_effect):
        assert run_virtual(told(story, plan)) == [], f"died at call {plan.at}: {plan.names[-1]}"
        assert plan.fired
