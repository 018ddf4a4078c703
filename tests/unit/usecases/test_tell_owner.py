"""Owners hear of an endpoint once, not too often, through others, and of the end of it too."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from service.domain.endpoint import EndpointState
from service.domain.errors import UnavailableError
from service.domain.health import Health
from service.domain.ids import EndpointId, SessionId, TenantName
from service.domain.instants import rfc3339
from service.domain.log import EventType
from service.domain.notice import Notice
from service.ports import WebhookAnswer
from service.usecases.deliver_lane import DeliverLane
from service.usecases.endpoint_gate import CHANGE_TRIES
from tests.support.delivery_yard import Reply, Yard, scripted, yard
from tests.support.lane_world import OK, Fields, LaneWorld
from tests.support.losing import losing
from tests.support.virtual_time import run_virtual

HOUR = 3600.0
WRONG = WebhookAnswer(status=500)
SLOW_DOWN = WebhookAnswer(status=429)
GONE = WebhookAnswer(status=410)
OFTEN = (60.0,) * 20
"""A schedule that makes a story short."""


async def stage_of(*answers: WebhookAnswer, then: Reply | None = None, **fields: Fields) -> Yard:
    """whk_1 answers so; whk_2 hears of it, whk_3 takes everything that is said in chats."""
    stage = yard()
    mind = scripted(*answers, then=then or Reply())
    await stage.endpoint("whk_1", mind, **{"schedule": OFTEN, **fields})
    await stage.endpoint("whk_2", scripted(), event_types=("webhook.*",))
    await stage.endpoint("whk_3", scripted(), schedule=OFTEN)
    return stage


async def told(stage: Yard) -> list[str]:
    return [str(event.data.get("stage", event.type.value)) for event in await stage.world.notices()]


def heard(stage: Yard, name: str = "whk_2") -> list[str]:
    return [each["data"].get("stage", each["type"]) for each in stage.heard.get(name, [])]


async def lasts(stage: Yard, seconds: float) -> None:
    async with stage.at_work():
        await stage.world.clock.sleep(seconds)


@pytest.mark.parametrize(("failures", "wanted"), [(3, []), (4, ["retrying", "webhook.recovered"])])
def test_the_fourth_failure_in_a_row_is_told_and_so_is_its_end(
    failures: int, wanted: list[str]
) -> None:
    async def story() -> None:
        stage = await stage_of(*[WRONG] * failures)
        await stage.session("ses_1", events=2)
        await lasts(stage, 20 * 60)

        assert heard(stage) == await told(stage) == wanted
        assert set(stage.heard) <= {"whk_2"}
        assert await stage.judged() == []

    run_virtual(story())


async def attempts(world: LaneWorld, count: int, *, every: float, **fields: Fields) -> list[str]:
    """What is told of an endpoint that is tried so often, in vain."""
    world.receiver.reply = WRONG
    endpoint = await world.endpoint(**fields)
    session = await world.session()
    await world.append(session, EventType.MESSAGE_RECEIVED)
    for _ in range(count):
        await world.courier()(endpoint.id, session.id)
        await world.clock.sleep(every)
    return [str(event.data.get("stage", event.type.value)) for event in await world.notices()]


def test_of_one_trouble_each_thing_is_told_once() -> None:
    async def story() -> None:
        found = await attempts(LaneWorld(), 30, every=15 * HOUR / 10, schedule=(60.0,) * 7)

        assert found == ["retrying", "exhausted"]

    run_virtual(story())


def test_to_be_sent_away_is_told_too_though_it_says_nothing_of_the_health() -> None:
    async def story() -> None:
        stage = await stage_of(*[SLOW_DOWN] * 5)
        await stage.session("ses_1", events=1)
        await lasts(stage, 20 * 60)

        assert await told(stage) == ["retrying", "webhook.recovered"]
        first = (await stage.world.notices())[0]
        assert first.data["failingSince"] is None

    run_virtual(story())


def test_one_event_that_fails_while_others_get_through_is_no_recovery() -> None:
    async def story() -> None:
        stage = await stage_of()
        await stage.session("ses_1", events=1)
        bad = stage.logs["ses_1"][0].id
        stage.refuses = lambda event_id: WRONG if event_id == bad else None
        await stage.session("ses_2")
        async with stage.at_work():
            for _ in range(20):
                await stage.world.clock.sleep(30)
                await stage.say("ses_2")
            during = await told(stage)
            stage.refuses = lambda _: None
            await stage.world.clock.sleep(120)

        # Whk_3 dislikes it as much: that is told as well, of each for itself.
        assert during == ["retrying", "retrying"]
        assert (await told(stage))[2:] == ["webhook.recovered", "webhook.recovered"]

    run_virtual(story())


def test_an_endpoint_that_comes_and_goes_is_told_of_once_an_hour() -> None:
    async def story() -> None:
        stage = await stage_of()
        stage.minds["whk_1"] = lambda now: Reply(answer=WRONG if now % 600 < 420 else OK)
        await stage.session("ses_1")
        async with stage.at_work():
            for _ in range(36):
                await stage.say("ses_1")
                await stage.world.clock.sleep(300)

        notices = await stage.world.notices()
        kinds = [event.type.value for event in notices]
        assert kinds == ["webhook.failing", "webhook.recovered"] * (len(kinds) // 2)
        assert 4 <= len(kinds) <= 6
        for kind in set(kinds):
            times = [event.at for event in notices if event.type.value == kind]
            gaps = [after - before for before, after in pairwise(times)]
            assert min(gaps) >= HOUR

    run_virtual(story())


def test_days_without_a_success_are_told_before_the_verdict_and_with_it() -> None:
    async def story() -> None:
        world = LaneWorld()

        found = await attempts(world, 22, every=6 * HOUR, schedule=(HOUR,) * 20)

        days = ["disabling50", "disabling70", "disabling90"]
        assert found == ["retrying", *days, "webhook.disabled"]
        *_, last, verdict = await world.notices()
        endpoint = await world.table.tenants.endpoint(EndpointId("whk_1"))
        assert verdict.data["reason"] == endpoint.disabled_reason
        assert last.data["disableAt"] <= rfc3339(verdict.at)

    run_virtual(story())


def test_one_that_was_disabled_and_opened_is_back_when_it_takes_something() -> None:
    async def story() -> None:
        stage = await stage_of(GONE, GONE)
        await stage.session("ses_1", events=1)
        async with stage.at_work():
            await stage.world.clock.sleep(60)
            before = await told(stage)
            await stage.open("whk_1")
            await stage.world.clock.sleep(60)

        assert before == ["webhook.disabled"]
        assert heard(stage) == ["webhook.disabled", "webhook.recovered"]
        back = (await stage.world.notices())[-1]
        assert back.data["stages"] == ["disabled"]

    run_virtual(story())


def test_nothing_is_told_to_the_endpoint_itself_nor_to_a_closed_one() -> None:
    async def story() -> None:
        stage = await stage_of(*[WRONG] * 5, event_types=("*", "webhook.*"))
        await stage.world.change(EndpointId("whk_2"), state=EndpointState.PAUSED)
        await stage.session("ses_1", events=1)
        await lasts(stage, 20 * 60)

        assert len(await told(stage)) == 2
        assert stage.heard == {}
        await stage.world.change(EndpointId("whk_2"), state=EndpointState.ACTIVE)
        await lasts(stage, 20 * 60)
        assert heard(stage) == await told(stage)

    run_virtual(story())


def test_notices_wait_for_their_receiver_as_events_do_without_numbers() -> None:
    async def story() -> None:
        stage = await stage_of(*[WRONG] * 5)
        stage.minds["whk_2"] = scripted(WRONG, WRONG)
        headers: list[Any] = []
        post = stage.post

        async def listen(url: str, **request: Any) -> WebhookAnswer:  # noqa: ANN401 - passed on
            if url.endswith("whk_2"):
                headers.append(request["headers"])
            return await post(url, **request)

        stage.world.wire = replace_post(listen)
        await stage.session("ses_1", events=1)
        await lasts(stage, 30 * 60)

        assert heard(stage) == ["retrying", "webhook.recovered"]
        assert len(headers) == 4
        assert not any("broker-lane-sequence" in each for each in headers)

    run_virtual(story())


def replace_post(listen: Any) -> Any:  # noqa: ANN401 - stands for the wire
    class Wire:
        post = staticmethod(listen)

    return Wire()


class Contested:
    """A health that somebody else changes first, so many times."""

    def __init__(self, world: LaneWorld, times: int) -> None:
        self.store = world.table.healths
        self.times = times

    async def change_health(
        self, endpoint_id: EndpointId, before: Health, after: Health, *, notice: Notice
    ) -> Health:
        if self.times:
            self.times -= 1
            there = await self.store.health(endpoint_id)
            other = replace(there, version=there.version + 1, by="other")
            await self.store.change_health(endpoint_id, there, other)
        return await self.store.change_health(endpoint_id, before, after, notice=notice)


@pytest.mark.parametrize("times", [1, CHANGE_TRIES - 1, CHANGE_TRIES, 2 * CHANGE_TRIES])
def test_who_loses_a_race_asks_anew_and_gives_up_in_the_end(times: int) -> None:
    async def story() -> None:
        world = LaneWorld()
        world.receiver.reply = WRONG
        endpoint = await world.endpoint(schedule=OFTEN)
        session = await world.session()
        await world.append(session, EventType.MESSAGE_RECEIVED)
        for number in range(8):
            courier = world.courier()
            contested = Contested(world, times if number in {3, 5} else 0)
            tell = replace(courier.tell_owner, healths=contested)  # type: ignore[arg-type]  # what is used of it
            weigh = replace(courier.weigh_failure, tell_owner=tell)
            if number == 5:
                world.receiver.reply = OK
            await replace(courier, tell_owner=tell, weigh_failure=weigh)(endpoint.id, session.id)
            await world.clock.sleep(80)

        kinds = [str(event.data.get("stage", event.type.value)) for event in await world.notices()]
        # Who gave up is followed by the next failure, and a success is told of once more when it is
        # committed; the event had no success after that one.
        gave_up = times >= 2 * CHANGE_TRIES
        assert kinds == (["retrying"] if gave_up else ["retrying", "webhook.recovered"])

    run_virtual(story())


def test_a_tenant_hears_nothing_of_another() -> None:
    async def story() -> None:
        stage = await stage_of(*[WRONG] * 5)
        other = TenantName("other")
        await stage.endpoint("whk_4", scripted(), event_types=("webhook.*",), tenant=other)
        await stage.session("ses_1", events=1)
        await lasts(stage, 20 * 60)

        assert set(stage.heard) == {"whk_2"}
        page = await stage.world.table.tenant_log.read(other, after=0, limit=9)
        assert (page.events, page.last_sequence) == ([], 0)

    run_virtual(story())


HOOK = EndpointId("whk_1")
CHAT = SessionId("ses_1")


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
