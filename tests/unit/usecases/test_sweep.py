"""The sweeper: alone it finishes whatever a crash left behind."""

import json
import logging
from asyncio import CancelledError
from collections.abc import Mapping
from dataclasses import replace
from typing import cast

import pytest

from service.domain.drafts import tombstone
from service.domain.endpoint import Lane
from service.domain.errors import NotFoundError, UnavailableError
from service.domain.ids import EndpointId, EventId, LogId, ReplayId, SessionId
from service.domain.replay import first_strands
from service.domain.session import Session, State
from service.observability import JsonFormatter
from service.ports import DeliveryHint, Hints, LaneHint, LaneStore, ReplayHint
from service.usecases.attend import Attend
from service.usecases.sweep import (
    LANES_SECONDS,
    LOOK_AHEAD_SECONDS,
    SIDE_BY_SIDE,
    SWEEP_SECONDS,
    VISIT_LEAST_SECONDS,
)
from tests.support.embedded_metrics import measured
from tests.support.hint_ends import next_lanes
from tests.support.store_builders import a_replay
from tests.support.visit_stage import LISTENER, Stage, on_virtual_time, staged

ENDPOINT = EndpointId("whk_1")


async def _marked(stage: Stage, session: Session) -> Session:
    """What somebody left who died under that mark."""
    await stage.ports.sessions.mark_work(session.id, stage.now + 60)
    return session


async def _parked(stage: Stage, session: Session, *, due: float) -> Lane:
    lane = Lane(endpoint_id=ENDPOINT, session_id=session.id, cursor=0)
    claimed = await stage.ports.lanes.claim(lane, token="t", now=stage.now, until=stage.now + 9)
    assert claimed is not None
    return await stage.ports.lanes.save(claimed, replace(claimed, due_at=due, claim=None))


@on_virtual_time
async def test_what_was_accepted_by_who_died_is_sent() -> None:
    async with staged() as stage:
        session = await _marked(stage, await stage.made())
        await stage.accept(session, "Hello")
        early = await stage.assembly.sweep()
        await stage.clock.sleep(61)
        late = await stage.assembly.sweep()

        assert (early, late) == (0, 1)
        assert stage.arrived() == ["Hello"]


@on_virtual_time
async def test_after_a_crash_nobody_needs_to_wait_for_the_mark() -> None:
    async with staged() as stage:
        session = await _marked(stage, await stage.made())
        await stage.accept(session, "Hello")
        await stage.assembly.sweep(ahead=120)

        assert stage.arrived() == ["Hello"]


@on_virtual_time
async def test_in_the_end_nothing_is_due_any_more() -> None:
    async with staged(simulated={"session_seconds": 7200}) as stage:
        session = await _marked(stage, await stage.made())
        await stage.accept(session, "Hello")
        visits = 0
        for _ in range(130):
            await stage.clock.sleep(120)
            visits += await stage.assembly.sweep()

        found = await stage.load(session)
        assert (found.state, found.look_at, found.wake_at) == (State.ENDED, None, None)
        assert (await stage.types(session))[-2:] == ["session.expiring", "session.ended"]
        assert visits < 60


@on_virtual_time
async def test_a_session_of_an_owner_is_hinted() -> None:
    async with staged() as stage:
        await _marked(stage, await stage.made())
        await stage.clock.sleep(61)
        await stage.ports.shards.acquire(0, LISTENER, now=stage.now, until=stage.now + 60)
        await stage.assembly.sweep()

        assert stage.broker.hints.waiting == (1, 0)
        assert stage.wires.opened == 0


@on_virtual_time
async def test_all_that_is_due_is_seen_to_page_by_page_and_each_once() -> None:
    async with staged() as stage:
        await stage.ports.shards.acquire(1, LISTENER, now=stage.now, until=stage.now + 600)
        for number in range(60):
            await _marked(stage, await stage.made(shard=number % 2))
        await stage.clock.sleep(61)
        done = await replace(stage.assembly.sweep, page=10)()

        # What was hinted stays due until its listener comes to it.
        assert (done, stage.broker.hints.waiting) == (60, (30, 0))
        assert stage.sessions.calls["due_sessions"] > 3
        assert stage.wires.opened == 30
        assert (
            len((await stage.ports.sessions.due_sessions(before=stage.now, limit=99)).items) == 30
        )


@on_virtual_time
async def test_a_sweep_begins_with_what_is_most_overdue_and_ends_in_time(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with staged() as stage:
        made = []
        for _ in range(3 * SIDE_BY_SIDE):
            made.append(await _marked(stage, await stage.made()))
            await stage.clock.sleep(0.1)
        tried: list[SessionId] = []

        class Slow:
            async def reconcile(self, session_id: SessionId, *, until: float) -> None:
                tried.append(session_id)
                await stage.clock.sleep(until - stage.clock.monotonic())

        await stage.clock.sleep(61)
        begun = stage.clock.monotonic()
        slow = cast("Attend", Slow())
        done = await replace(stage.assembly.sweep, attend=slow, page=15)()

        assert stage.clock.monotonic() - begun == SWEEP_SECONDS
        assert tried == [session.id for session in made[:30]]
        assert done == 30
        [told] = [r for r in caplog.records if r.msg == "sweep.behind"]
        assert (vars(told)["visited"], vars(told)["found"]) == (30, 30)


@on_virtual_time
async def test_a_sweep_may_be_given_less_time_and_tells_what_it_had_none_for(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with staged() as stage:
        for _ in range(SIDE_BY_SIDE + 1):
            await _marked(stage, await stage.made())
        await stage.clock.sleep(61)

        class Slow:
            async def reconcile(self, session_id: SessionId, *, until: float) -> None:
                await stage.clock.sleep(until - stage.clock.monotonic())

        begun = stage.clock.monotonic()
        slow = cast("Attend", Slow())
        done = await replace(stage.assembly.sweep, attend=slow)(seconds=20.0)

        assert (done, stage.clock.monotonic() - begun) == (SIDE_BY_SIDE, 20.0)
        [told] = [r for r in caplog.records if r.msg == "sweep.behind"]
        assert (vars(told)["visited"], vars(told)["found"]) == (SIDE_BY_SIDE, SIDE_BY_SIDE + 1)


@on_virtual_time
async def test_no_visit_is_begun_that_would_have_next_to_no_time() -> None:
    async with staged() as stage:
        for _ in range(SIDE_BY_SIDE + 1):
            await _marked(stage, await stage.made())
        await stage.clock.sleep(61)
        begun = stage.clock.monotonic()

        async def takes_long() -> None:
            await stage.clock.sleep(SWEEP_SECONDS - VISIT_LEAST_SECONDS + 0.1)

        stage.shards.before("leases", takes_long)

        assert await stage.assembly.sweep() == 0
        assert stage.clock.monotonic() - begun < SWEEP_SECONDS


@on_virtual_time
async def test_one_session_that_cannot_be_visited_does_not_stop_the_others() -> None:
    async with staged() as stage:
        for _ in range(25):
            await _marked(stage, await stage.made())
        await stage.clock.sleep(61)
        stage.sessions.fail("load", UnavailableError(what="the table"))
        done = await stage.assembly.sweep()

        assert done == 25
        assert stage.wires.opened == 24


@on_virtual_time
async def test_a_defect_that_one_session_brings_out_does_not_stop_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with staged() as stage:
        for _ in range(25):
            await _marked(stage, await stage.made())
        await stage.clock.sleep(61)
        stage.sessions.fail("load", KeyError("a defect"))
        done = await stage.assembly.sweep()

        assert (done, stage.wires.opened) == (25, 24)
        [told] = [r for r in caplog.records if r.msg == "sweep.visit_failed"]
        assert (told.levelname, vars(told)["error"]) == ("ERROR", "KeyError")


@on_virtual_time
async def test_a_session_that_is_over_is_finished_also_when_its_deployment_is_deleted() -> None:
    async with staged() as stage:
        session = await _marked(stage, await stage.made(state=State.ENDED))
        await stage.accept(session, "Too late")
        await stage.ports.tenants.delete_deployment(session.tenant, session.deployment)
        due = []
        for _ in range(3):
            await stage.clock.sleep(61)
            due.append(await stage.assembly.sweep())

        found = await stage.load(session)
        assert (due, found.look_at, found.wake_at) == ([1, 1, 0], None, None)
        assert await stage.types(session) == ["message.accepted", "message.failed"]


@on_virtual_time
async def test_an_open_session_without_its_deployment_is_looked_at_again_a_minute_later() -> None:
    async with staged() as stage:
        session = await _marked(stage, await stage.made())
        await stage.ports.tenants.delete_deployment(session.tenant, session.deployment)
        await stage.clock.sleep(61)
        due = [await stage.assembly.sweep() for _ in range(2)]
        await stage.clock.sleep(61)

        assert [*due, await stage.assembly.sweep()] == [1, 0, 1]


@on_virtual_time
async def test_a_lane_that_is_due_soon_is_hinted_for_the_second_it_is_due() -> None:
    async with staged() as stage:
        session = await stage.made()
        await _parked(stage, session, due=stage.now + 80)
        await stage.assembly.sweep()
        await next_lanes(stage.broker.hints.deliveries)

        assert stage.clock.monotonic() == pytest.approx(80, abs=0.01)


@on_virtual_time
async def test_a_lane_that_is_overdue_is_hinted_now_and_one_that_is_far_off_is_not() -> None:
    async with staged() as stage:
        session = await stage.made()
        await _parked(stage, session, due=stage.now - 80)
        now = await stage.assembly.sweep()
        await next_lanes(stage.broker.hints.deliveries)

        assert (now, stage.clock.monotonic()) == (1, 0)

    async with staged() as stage:
        await _parked(stage, await stage.made(), due=stage.now + 100)

        assert await stage.assembly.sweep() == 0


@on_virtual_time
async def test_lanes_are_hinted_side_by_side_each_for_its_own_time() -> None:
    async with staged() as stage:
        for number in range(2 * SIDE_BY_SIDE + 1):
            await _parked(stage, await stage.made(), due=stage.now + number / 10)

        async def takes_a_second() -> None:
            await stage.clock.sleep(1)

        for nth in range(1, 2 * SIDE_BY_SIDE + 2):
            stage.lanes.before("lane", takes_a_second, nth=nth)

        assert await stage.assembly.sweep() == 2 * SIDE_BY_SIDE + 1
        assert stage.clock.monotonic() == pytest.approx(3, abs=0.01)
        assert stage.broker.hints.waiting == (0, 2 * SIDE_BY_SIDE + 1)


@on_virtual_time
async def test_all_lanes_that_are_due_are_hinted_page_by_page() -> None:
    async with staged() as stage:
        sessions = [await stage.made() for _ in range(7)]
        for session in sessions:
            await _parked(stage, session, due=stage.now - 1)

        await replace(stage.assembly.sweep, page=3)()

        hinted: set[str] = set()
        while len(hinted) < len(sessions):
            lanes = await next_lanes(stage.broker.hints.deliveries)
            hinted |= {hint.session_id for hint in lanes if isinstance(hint, LaneHint)}
        assert hinted == {session.id for session in sessions}


async def _replay(stage: Stage, *, strands: int, due: float) -> ReplayId:
    job = a_replay(endpoint_id=ENDPOINT, strands=strands, unfinished=strands)
    first = [replace(one, due_at=due + one.number) for one in first_strands(job, due_at=due)]
    await stage.ports.replays.create(job, first, idempotency=None)
    return job.id


@on_virtual_time
async def test_a_lane_that_moves_on_within_a_sweep_is_looked_at_once() -> None:
    async with staged() as stage:
        lane = await _parked(stage, await stage.made(), due=stage.now - 9)
        for _ in range(2):
            await _parked(stage, await stage.made(), due=stage.now - 5)

        async def moves_on() -> None:
            await stage.broker.ports.lanes.save(lane, replace(lane, due_at=stage.now + 5))

        stage.lanes.before("due_lanes", moves_on, nth=2)
        done = await replace(stage.assembly.sweep, page=1)()

        assert (done, stage.lanes.calls["lane"]) == (3, 3)


@on_virtual_time
async def test_a_sweep_without_lanes_leaves_them_to_the_next_one() -> None:
    async with staged() as stage:
        await _parked(stage, await stage.made(), due=stage.now - 1)

        await stage.assembly.sweep(with_lanes=False)
        without = stage.broker.hints.waiting[1]
        await stage.assembly.sweep()

        assert (without, stage.broker.hints.waiting[1]) == (0, 1)


@on_virtual_time
async def test_a_lane_that_fails_keeps_no_other_and_no_session_from_its_turn(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with staged() as stage:
        bad, good = await stage.made(), await stage.made()
        for session in (bad, good):
            await _parked(stage, session, due=stage.now - 1)
        visited = await stage.made()
        await stage.accept(visited, "Left behind")
        await stage.ports.sessions.mark_work(visited.id, stage.now - 1)
        lanes = cast("LaneStore", _Failing(stage.ports.lanes, {bad.id: ZeroDivisionError()}))
        sweep = replace(stage.assembly.sweep, ports=replace(stage.ports, lanes=lanes))

        await sweep()

        [told] = [each for each in caplog.records if each.message == "sweep.hint_failed"]
        assert (told.__dict__["session_id"], told.levelname) == (bad.id, "ERROR")
        assert stage.broker.hints.waiting[1] >= 1
        assert await stage.ports.sessions.open_sends(visited.id) == []


@on_virtual_time
async def test_a_strand_that_fails_is_named_and_keeps_no_other_from_its_turn(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with staged() as stage:
        job = await _replay(stage, strands=2, due=stage.now - 2)

        class Deaf:
            """Hints of a queue that takes none of the first strand."""

            async def replay(self, _: ReplayId, strand: int, *, delay: float = 0.0) -> None:
                if strand == 0:
                    raise UnavailableError(what="the queue")
                taken.append((strand, delay))

        taken: list[tuple[int, float]] = []
        ports = replace(stage.ports, hints=cast("Hints", Deaf()))

        await replace(stage.assembly.sweep, ports=ports)()

        [told] = [each for each in caplog.records if each.message == "sweep.hint_failed"]
        assert (told.__dict__["replay_id"], told.__dict__["strand"]) == (job, 0)
        assert taken == [(1, 0.0)]


@on_virtual_time
async def test_where_the_table_answers_to_none_the_sweep_says_so() -> None:
    async with staged() as stage:
        away = UnavailableError(what="the table")
        made = [await stage.made() for _ in range(2)]
        for session in made:
            await _parked(stage, session, due=stage.now - 1)
        failing = _Failing(stage.ports.lanes, {session.id: away for session in made})
        ports = replace(stage.ports, lanes=cast("LaneStore", failing))

        with pytest.raises(UnavailableError):
            await replace(stage.assembly.sweep, ports=ports)()


@on_virtual_time
async def test_lanes_take_no_more_than_their_share_of_a_sweep() -> None:
    async with staged() as stage:
        for _ in range(60):
            await _parked(stage, await stage.made(), due=stage.now - 1)
        slow = replace(stage.assembly.sweep, pause_seconds=LANES_SECONDS)

        await slow()

        assert stage.broker.hints.waiting[1] == SIDE_BY_SIDE


class _Failing:
    """The lanes of a store that fails for some of them."""

    def __init__(self, store: LaneStore, errors: Mapping[LogId, Exception]) -> None:
        self._store = store
        self._errors = errors

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def lane(self, endpoint_id: EndpointId, log_id: LogId) -> Lane | None:
        if log_id in self._errors:
            raise self._errors[log_id]
        return await self._store.lane(endpoint_id, log_id)


@on_virtual_time
async def test_who_sweeps_often_need_not_look_far_ahead() -> None:
    async with staged() as stage:
        soon = await _replay(stage, strands=1, due=stage.now + 9)
        await _replay(stage, strands=1, due=stage.now + 11)

        await replace(stage.assembly.sweep, look_ahead=10.0)()

        await stage.clock.sleep(12)
        assert await next_lanes(stage.broker.hints.deliveries) == [ReplayHint(soon, 0)]


@on_virtual_time
async def test_all_strands_that_are_due_are_hinted_page_by_page_each_for_its_own_time() -> None:
    async with staged() as stage:
        job = await _replay(stage, strands=7, due=stage.now - 2)
        far = await _replay(stage, strands=1, due=stage.now + LOOK_AHEAD_SECONDS + 1)
        begun = stage.clock.monotonic()

        assert await replace(stage.assembly.sweep, page=3)() == 7
        assert stage.broker.hints.waiting == (0, 7)
        hinted: dict[DeliveryHint, float] = {}
        while len(hinted) < 7:
            for hint in await stage.broker.hints.deliveries.receive():
                hinted[hint] = stage.clock.monotonic() - begun

        assert hinted == {ReplayHint(job, n): max(0, n - 2) for n in range(7)}
        assert far != job


@on_virtual_time
async def test_lanes_take_a_share_of_the_time_and_no_more_than_there_is() -> None:
    for seconds, pages in ((50.0, 4), (10.0, 3)):
        async with staged() as stage:
            for _ in range(9):
                await _parked(stage, await stage.made(), due=stage.now - 1)

            async def takes_long(stage: Stage = stage) -> None:
                await stage.clock.sleep(4)

            for nth in range(1, 10):
                stage.lanes.before("due_lanes", takes_long, nth=nth)
            await replace(stage.assembly.sweep, page=1)(seconds=seconds)

            # Fifteen seconds at most: the page that is being read then is the last.
            assert stage.lanes.calls["due_lanes"] == pages


@on_virtual_time
async def test_a_lane_that_moved_between_index_and_item_is_nobodys_business() -> None:
    async with staged() as stage:
        session = await stage.made()
        lane = await _parked(stage, session, due=stage.now)

        async def delivered() -> None:
            await stage.broker.ports.lanes.save(lane, replace(lane, due_at=None, claim=None))

        stage.lanes.before("lane", delivered)
        await stage.assembly.sweep()

        assert stage.broker.hints.waiting == (0, 0)


async def _erase(stage: Stage, session: Session) -> None:
    """Erase it as a process does that dies before it has purged anything."""
    before = await stage.load(session)
    after = replace(before, state=State.ERASED)
    place = len(await stage.log(session)) + 1
    stone = tombstone().at_place(after, sequence=place, event_id=EventId("evt_x"), at=stage.now)
    await stage.ports.sessions.erase(before, after, stone)


@on_virtual_time
async def test_erasing_that_was_interrupted_is_finished() -> None:
    async with staged() as stage:
        session = await _marked(stage, await stage.made())
        await stage.accept(session, "secret")
        await _erase(stage, session)
        await stage.clock.sleep(61)
        await stage.assembly.sweep()

        assert (await stage.ports.sessions.read_log(session.id, after=0, limit=9)).events == []
        assert await stage.ports.sessions.open_sends(session.id) == []
        assert await stage.assembly.sweep() == 0


@on_virtual_time
async def test_what_was_only_scheduled_for_an_erased_session_is_finished_too() -> None:
    async with staged() as stage:
        session = await stage.made()
        await stage.ports.sessions.schedule(session.id, stage.now + 30)
        await _erase(stage, session)
        await stage.clock.sleep(61)
        first = await stage.assembly.sweep()

        assert (first, await stage.assembly.sweep()) == (1, 0)


@on_virtual_time
async def test_purging_goes_on_page_by_page() -> None:
    async with staged() as stage:
        session = await _marked(stage, await stage.made())
        for n in range(150):
            await stage.foreign(session, f"{n}")
        await _erase(stage, session)
        await stage.clock.sleep(61)
        await stage.assembly.sweep()

        assert stage.sessions.calls["purge"] > 1
        assert (await stage.ports.sessions.read_log(session.id, after=0, limit=9)).events == []


@on_virtual_time
async def test_what_the_index_shows_and_nobody_has_is_passed_over() -> None:
    async with staged() as stage:
        session = await _marked(stage, await stage.made())
        await stage.clock.sleep(61)
        stage.sessions.fail("load", NotFoundError(kind="session", name=session.id))
        await stage.assembly.sweep()

        assert stage.sessions.calls["purge"] == 0


@on_virtual_time
async def test_an_erased_session_that_is_not_due_any_more_is_purged_all_the_same() -> None:
    async with staged() as stage:
        session = await _marked(stage, await stage.made())
        mark = (await stage.load(session)).look_at or 0
        await _erase(stage, session)
        await stage.clock.sleep(61)

        async def done_elsewhere() -> None:
            await stage.broker.ports.sessions.clear_work_mark(session.id, mark)

        stage.sessions.before("load_erased", done_elsewhere)
        await stage.assembly.sweep()

        assert stage.sessions.calls["purge"] >= 1
        assert stage.sessions.calls["clear_work_mark"] == 0


@on_virtual_time
async def test_a_sweep_is_one_line_with_what_it_found_and_how_late_that_was(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    async with staged() as stage:
        await _parked(stage, await stage.made(), due=stage.now - 80)
        held = await _parked(stage, await stage.made(), due=stage.now - 500)
        await stage.ports.lanes.claim(held, token="t", now=stage.now, until=stage.now + 9)
        closed = await _parked(stage, await stage.made(), due=stage.now - 900)
        claimed = await stage.ports.lanes.claim(
            closed, token="t", now=stage.now, until=stage.now + 9
        )
        assert claimed is not None
        await stage.ports.lanes.save(claimed, replace(claimed, parked=True, claim=None))
        await stage.assembly.sweep()

    [told] = [vars(each) for each in caplog.records if each.msg == "sweeper.swept"]
    assert (told["outcome"], told["error"]) == ("done", None)
    assert told["late_seconds"] == pytest.approx(80, abs=0.1), "of lanes that wait for nobody else"
    assert (told["due"], told["lanes"], told["sessions"]) == (3, 3, 0)
    assert (told["listeners"], told["shards_unowned"], told["sessions_unowned"]) == (0, 1, 3)


@on_virtual_time
async def test_a_sweep_that_finds_nothing_is_told_only_when_listeners_were_looked_at(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    async with staged() as stage:
        await stage.assembly.sweep()
        await stage.assembly.sweep()

    assert [each.msg for each in caplog.records].count("sweeper.swept") == 1


@pytest.mark.parametrize("error", [UnavailableError(what="the table"), ZeroDivisionError()])
@on_virtual_time
async def test_a_sweep_that_fails_is_told_with_what_it_had_come_to(
    caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    caplog.set_level(logging.INFO)
    async with staged() as stage:
        await _parked(stage, await stage.made(), due=stage.now - 80)
        stage.sessions.fail("due_sessions", error)
        with pytest.raises(type(error)):
            await stage.assembly.sweep()
        [told] = [each for each in caplog.records if each.msg == "sweeper.swept"]

    facts = vars(told)
    assert (facts["outcome"], facts["error"]) == ("failed", type(error).__name__)
    assert (facts["levelname"], facts["lanes"], facts["listeners"]) == ("WARNING", 1, 0)
    metrics = measured(json.loads(JsonFormatter("shop").format(told)))
    assert (metrics["sweep-failed"], metrics["shards-unowned"]) == (1, 1)


@on_virtual_time
async def test_a_sweep_that_is_cut_off_is_told_too(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with staged() as stage:
        stage.sessions.fail("due_sessions", cast("Exception", CancelledError()))
        with pytest.raises(CancelledError):
            await stage.assembly.sweep()

    [told] = [vars(each) for each in caplog.records if each.msg == "sweeper.swept"]
    assert (told["outcome"], told["error"], told["levelname"]) == ("cut", None, "INFO")
