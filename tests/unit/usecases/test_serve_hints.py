"""A batch of hints: each thing once, side by side, within the time, and only what helps again."""

from asyncio import Event, create_task, sleep
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from service.domain.errors import ConfigurationError, UnavailableError
from service.domain.ids import EndpointId, ReplayId, SessionId
from service.domain.log import EventType
from service.ports import DeliveryHint, LaneHint, ReplayHint
from service.usecases.deliver_lane import DeliverLane
from service.usecases.fit_run import ANSWER_SECONDS, BEGIN_SECONDS, LET_GO_SECONDS
from service.usecases.keep_lane import HOPS_MAX
from service.usecases.run_replay import RunReplay
from service.usecases.serve_hints import SIDE_BY_SIDE, ServeHints
from tests.support.lane_world import LaneWorld
from tests.support.virtual_time import run_virtual

MINUTE = 60.0


def play(story: Coroutine[Any, Any, None]) -> None:
    run_virtual(story)


def hint(number: int = 1, *, hops: int = 0) -> LaneHint:
    return LaneHint(EndpointId("whk_1"), SessionId(f"ses_{number}"), hops)


async def _at_once(_: DeliveryHint) -> None:
    """Nothing to do."""


@dataclass
class Lanes:
    """Stands for the courier's routine: does `action`, and keeps what it was asked for."""

    world: LaneWorld
    action: Callable[[Any], Awaitable[None]] = _at_once
    begun: list[LaneHint] = field(default_factory=list)
    strands: list[ReplayHint] = field(default_factory=list)
    untils: list[float] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0

    async def __call__(
        self, endpoint_id: EndpointId, session_id: SessionId, *, hops: int, until: float
    ) -> None:
        asked = LaneHint(endpoint_id, session_id, hops)
        self.begun.append(asked)
        self.untils.append(until)
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        try:
            await self.action(asked)
        finally:
            self.at_once -= 1

    def server(self) -> ServeHints:
        return ServeHints(
            clock=self.world.clock,
            hints=self.world.hints,
            deliver_lane=cast("DeliverLane", self),
            run_replay=cast("RunReplay", self.strand),
        )

    async def strand(self, replay_id: ReplayId, strand: int, *, hops: int, until: float) -> None:
        self.untils.append(until)
        self.strands.append(ReplayHint(replay_id, strand, hops))
        await self.action(self.strands[-1])

    def ends(self, seconds: float = MINUTE) -> float:
        return self.world.clock.monotonic() + seconds


def test_what_is_hinted_is_delivered() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint = await world.endpoint()
        sessions = [await world.session(f"ses_{n}") for n in range(3)]
        for session in sessions:
            await world.append(session, EventType.MESSAGE_RECEIVED, EventType.MESSAGE_RECEIVED)
        serve = replace(Lanes(world).server(), deliver_lane=world.courier())

        again = await serve(
            [LaneHint(endpoint.id, each.id) for each in sessions],
            ends=world.clock.monotonic() + MINUTE,
        )

        assert again == set()
        assert len(world.receiver.posts) == 6

    play(story())


def test_no_hint_is_nothing_to_do() -> None:
    async def story() -> None:
        lanes = Lanes(LaneWorld())

        assert await lanes.server()([], ends=lanes.ends()) == set()

    play(story())


def test_what_is_hinted_twice_is_done_once_for_the_longest_chain() -> None:
    async def story() -> None:
        lanes = Lanes(LaneWorld())

        again = await lanes.server()(
            [hint(1), hint(2, hops=3), hint(1, hops=5), hint(2), hint(1)], ends=lanes.ends()
        )

        assert again == set()
        assert lanes.begun == [hint(1, hops=5), hint(2, hops=3)]

    play(story())


def test_every_hint_to_a_thing_that_failed_comes_again() -> None:
    async def story() -> None:
        async def fails(asked: LaneHint) -> None:
            if asked.session_id == "ses_1":
                raise UnavailableError(what="the table")

        lanes = Lanes(LaneWorld(), fails)

        again = await lanes.server()(
            [hint(1), hint(2), hint(1, hops=1), hint(3)], ends=lanes.ends()
        )

        assert again == {hint(1), hint(1, hops=1)}

    play(story())


@pytest.mark.parametrize("error", [KeyError("a defect"), ConfigurationError("another key")])
def test_what_would_fail_again_is_said_and_goes_away(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        async def fails(asked: LaneHint) -> None:
            if asked.session_id == "ses_1":
                raise error

        lanes = Lanes(LaneWorld(), fails)

        assert await lanes.server()([hint(1), hint(2)], ends=lanes.ends()) == set()
        assert len(lanes.begun) == 2

    play(story())
    [told] = [record for record in caplog.records if record.msg == "courier.failed"]
    assert (told.levelname, vars(told)["error"]) == ("ERROR", type(error).__name__)
    assert (vars(told)["endpoint_id"], vars(told)["session_id"]) == ("whk_1", "ses_1")


def test_a_crowd_is_served_side_by_side_within_bounds() -> None:
    async def story() -> None:
        world = LaneWorld()

        async def takes_a_second(_: LaneHint) -> None:
            await world.clock.sleep(1)

        lanes = Lanes(world, takes_a_second)
        began = world.clock.monotonic()
        again = await lanes.server()([hint(n) for n in range(100)], ends=lanes.ends())

        assert again == set()
        assert len(lanes.begun) == 100
        assert lanes.most_at_once == SIDE_BY_SIDE
        assert world.clock.monotonic() - began == 4

    play(story())


def test_each_run_ends_with_time_left_to_let_go() -> None:
    async def story() -> None:
        lanes = Lanes(LaneWorld())
        ends = lanes.ends()
        await lanes.server()([hint(1)], ends=ends)

        assert lanes.untils == [ends - LET_GO_SECONDS]

    play(story())


def test_what_has_no_time_for_a_post_is_left_to_another_at_once() -> None:
    async def story() -> None:
        lanes = Lanes(LaneWorld())
        server = lanes.server()
        exactly = await server([hint(1)], ends=lanes.ends(BEGIN_SECONDS))
        again = await server([hint(2), hint(3, hops=4)], ends=lanes.ends(BEGIN_SECONDS - 0.1))

        assert (exactly, again) == (set(), set())
        assert lanes.begun == [hint(1)]
        left = [(each.session_id, each.hops, each.delay) for each in lanes.world.hints.lanes]
        assert left == [("ses_2", 1, 0), ("ses_3", 5, 0)]

    play(story())


def test_at_the_end_of_its_chain_it_comes_again_from_the_queue() -> None:
    async def story() -> None:
        lanes = Lanes(LaneWorld())
        last = hint(1, hops=HOPS_MAX)
        again = await lanes.server()([last, hint(2)], ends=lanes.ends(BEGIN_SECONDS - 0.1))

        assert again == {last}
        assert [each.session_id for each in lanes.world.hints.lanes] == ["ses_2"]

    play(story())


def test_what_is_still_at_work_at_the_end_is_given_up_and_comes_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story() -> None:
        world = LaneWorld()
        let_go = Event()

        async def hangs(asked: LaneHint) -> None:
            try:
                if asked.session_id == "ses_1":
                    await let_go.wait()
            finally:
                # As a lane in our hands that is let go of: the table hangs there too.
                if asked.session_id == "ses_1":
                    await let_go.wait()

        lanes = Lanes(world, hangs)
        ends = lanes.ends()
        again = await lanes.server()([hint(1), hint(2)], ends=ends)

        assert again == {hint(1)}
        assert world.clock.monotonic() == ends - ANSWER_SECONDS
        let_go.set()
        await sleep(0)

    play(story())
    [told] = [record for record in caplog.records if record.msg == "courier.cut"]
    assert vars(told)["hints"] == 1


def test_with_no_time_at_all_nothing_is_begun_or_lost() -> None:
    async def story() -> None:
        world = LaneWorld()
        lanes = Lanes(world)
        hints = [hint(n) for n in range(9)]
        again = await lanes.server()(hints, ends=lanes.ends(-1.0))

        assert lanes.begun == []
        passed_on = {LaneHint(each.endpoint_id, each.session_id) for each in world.hints.lanes}
        assert passed_on | set(again) == set(hints)

    play(story())


def test_whoever_is_cancelled_leaves_nobody_at_work() -> None:
    async def story() -> None:
        world = LaneWorld()

        async def takes_long(_: LaneHint) -> None:
            await world.clock.sleep(1000)

        lanes = Lanes(world, takes_long)
        serving = create_task(lanes.server()([hint(1), hint(2)], ends=lanes.ends()))
        await world.clock.sleep(1)
        serving.cancel()
        await world.clock.sleep(1)

        assert serving.cancelled()
        assert lanes.at_once == 0

    play(story())


def test_a_strand_of_a_replay_is_served_beside_lanes() -> None:
    async def story() -> None:
        world = LaneWorld()
        lanes = Lanes(world)
        strand = ReplayHint(ReplayId("rpl_1"), 3, 2)

        again = await lanes.server()([hint(), strand, replace(strand, hops=1)], ends=lanes.ends())

        assert not again
        assert (lanes.begun, lanes.strands) == ([hint()], [strand])
        assert lanes.untils == [lanes.ends() - LET_GO_SECONDS] * 2

    play(story())


def test_a_strand_that_found_no_table_comes_again_and_is_named(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def away(_: DeliveryHint) -> None:
        raise UnavailableError(what="the table")

    async def story() -> None:
        lanes = Lanes(LaneWorld(), action=away)
        strand = ReplayHint(ReplayId("rpl_1"), 3)

        again = await lanes.server()([strand], ends=lanes.ends())

        assert again == {strand}

    play(story())
    (record,) = [each for each in caplog.records if each.getMessage() == "courier.failed"]
    assert (record.replay_id, record.strand) == ("rpl_1", 3)  # type: ignore[attr-defined]


def test_a_strand_for_which_there_is_no_time_is_passed_on() -> None:
    async def story() -> None:
        world = LaneWorld()
        lanes = Lanes(world)
        strand = ReplayHint(ReplayId("rpl_1"), 3, 2)

        again = await lanes.server()([strand], ends=lanes.ends(BEGIN_SECONDS - 1))

        assert (list(again), lanes.strands) == ([], [])
        assert [(each.replay_id, each.strand, each.hops) for each in world.hints.replays] == [
            ("rpl_1", 3, 3)
        ]

    play(story())
