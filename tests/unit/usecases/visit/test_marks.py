"""The work mark: there before work, extended seldom, gone only when nothing is left."""

from dataclasses import replace

import pytest

from service.domain.endpoint import EndpointState, Lane
from service.domain.errors import LinkLostError
from service.usecases.visit import Nudged
from service.usecases.visit.marks import MARK_SECONDS
from tests.support.store_builders import an_endpoint
from tests.support.visit_stage import Stage, on_virtual_time, staged


@on_virtual_time
async def test_the_mark_stands_before_the_first_append() -> None:
    async with staged() as stage:
        session = await stage.made()
        await stage.accept(session, "Hello")
        marks: list[float | None] = []

        async def look() -> None:
            marks.append((await stage.load(session)).look_at)

        stage.sessions.before("commit", look)
        stage.sessions.before("append", look)
        await stage.attend(session)

        assert marks == [stage.now + 60] * 2


@on_virtual_time
async def test_a_busy_session_is_marked_at_most_every_thirty_seconds() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        async with stage.held(session):
            before = stage.sessions.calls["mark_work"]
            for n in range(120):
                await stage.clock.sleep(1)
                stage.say(session, f"{n}")

        assert 3 <= stage.sessions.calls["mark_work"] - before <= 5


@on_virtual_time
async def test_a_schedule_is_not_taken_for_a_mark() -> None:
    async with staged() as stage:
        session = await stage.made()
        await stage.ports.sessions.schedule(session.id, stage.now + 3600)
        await stage.accept(session, "Hello")
        marks: list[float | None] = []

        async def look() -> None:
            marks.append((await stage.load(session)).look_at)

        stage.sessions.before("commit", look)
        await stage.attend(session)

        assert marks == [stage.now + 60]


async def _behind(stage: Stage, **endpoint: object) -> tuple[float | None, float]:
    """The mark after the sweeper's visit of a finished session whose lane is behind."""
    session = await stage.chatted()
    made = an_endpoint(tenant=session.tenant, created_at=stage.now - 60)
    await stage.ports.tenants.put_endpoint(
        replace(made, **endpoint),  # type: ignore[arg-type] # fields of Endpoint
        expected_version=None,
        idempotency=None,
    )
    await stage.clock.sleep(100)
    await stage.reconcile(session)
    return (await stage.load(session)).look_at, stage.now


@on_virtual_time
async def test_the_sweepers_visit_removes_a_lapsed_mark_when_all_is_done() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        await stage.clock.sleep(100)
        await stage.reconcile(session)

        found = await stage.load(session)
        assert found.look_at is None
        assert found.wake_at is not None
        assert found.wake_at > stage.now


@on_virtual_time
async def test_a_mark_that_has_not_lapsed_stays() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        mark = (await stage.load(session)).look_at
        await stage.reconcile(session)

        assert (await stage.load(session)).look_at == mark


@on_virtual_time
async def test_a_lane_that_is_behind_keeps_the_mark_for_another_minute() -> None:
    async with staged() as stage:
        mark, now = await _behind(stage)

        assert mark == now + 60


@on_virtual_time
async def test_a_lane_of_a_paused_endpoint_is_looked_at_more_seldom() -> None:
    async with staged() as stage:
        mark, now = await _behind(stage, state=EndpointState.PAUSED)

        assert mark == now + 300


@on_virtual_time
async def test_an_endpoint_that_is_younger_than_the_log_wants_nothing_of_it() -> None:
    async with staged() as stage:
        mark, _ = await _behind(stage, created_at=2_000_000_000.0)

        assert mark is None


@on_virtual_time
async def test_a_lane_that_waits_for_its_own_time_is_looked_at_more_seldom() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        endpoint = an_endpoint(tenant=session.tenant, created_at=stage.now - 60)
        await stage.ports.tenants.put_endpoint(endpoint, expected_version=None, idempotency=None)
        lane = Lane(endpoint_id=endpoint.id, session_id=session.id, cursor=0)
        claimed = await stage.ports.lanes.claim(
            lane, token="t", now=stage.now, until=stage.now + 30
        )
        assert claimed is not None
        due = stage.now + 43_200
        await stage.ports.lanes.save(claimed, replace(claimed, claim=None, due_at=due, attempt=9))
        await stage.clock.sleep(100)
        await stage.reconcile(session)

        look_at = (await stage.load(session)).look_at
        assert look_at is not None
        assert look_at - stage.now > 4 * MARK_SECONDS


@on_virtual_time
async def test_a_lane_at_the_logs_end_keeps_no_mark() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        endpoint = an_endpoint(tenant=session.tenant, created_at=stage.now - 60)
        await stage.ports.tenants.put_endpoint(endpoint, expected_version=None, idempotency=None)
        end = len(await stage.log(session))
        lane = Lane(endpoint_id=endpoint.id, session_id=session.id, cursor=end)
        claimed = await stage.ports.lanes.claim(
            lane, token="t", now=stage.now, until=stage.now + 30
        )
        assert claimed is not None
        await stage.clock.sleep(100)
        await stage.reconcile(session)

        assert (await stage.load(session)).look_at is None


@on_virtual_time
async def test_a_mark_that_moved_while_it_was_tidied_stays() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        await stage.clock.sleep(100)

        async def marked_elsewhere() -> None:
            await stage.broker.ports.sessions.mark_work(session.id, stage.now + 60)

        stage.sessions.before("clear_work_mark", marked_elsewhere)
        await stage.reconcile(session)

        assert (await stage.load(session)).look_at == stage.now + 60


@on_virtual_time
async def test_a_nudged_listener_tidies_a_schedule_that_has_lapsed() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        async with stage.held(session, settle=100) as inbox:
            await stage.ports.sessions.clear_work_mark(
                session.id, (await stage.load(session)).look_at or 0.0
            )
            await stage.ports.sessions.schedule(session.id, stage.now - 1)
            inbox.put(Nudged())
            await stage.clock.sleep(0.1)
            found = await stage.load(session)

        assert (found.look_at, found.wake_at) == (None, None)


@on_virtual_time
async def test_what_waits_to_be_sent_keeps_the_mark() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        async with stage.held(session, settle=100) as inbox:
            stage.control.fault("throttle", retry_after=50, count=1)
            await stage.accept(session, "More")
            inbox.put(Nudged())
            await stage.clock.sleep(0.1)
            found = await stage.load(session)

        assert found.look_at is not None
        assert found.look_at >= stage.now + 59


@on_virtual_time
async def test_a_session_whose_log_is_empty_needs_no_mark() -> None:
    async with staged() as stage:
        session = await stage.made()
        await stage.ports.sessions.mark_work(session.id, stage.now + 1)
        await stage.clock.sleep(2)
        stage.wires.denied.extend(_lost(3))
        await stage.visit(session, seconds=1, reconcile=True)

        assert (await stage.load(session)).look_at is None


def _lost(times: int) -> list[Exception]:
    return [LinkLostError(code=1006, reason="") for _ in range(times)]


@on_virtual_time
async def test_that_no_courier_comes_is_said_with_the_age_of_the_oldest_event(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with staged() as stage:
        await _behind(stage)

    [told] = [vars(each) for each in caplog.records if each.msg == "events.undelivered"]
    assert told["seconds"] == pytest.approx(105, abs=1)
    assert (told["sequence"], told["behind"] >= 1) == (1, True)


@on_virtual_time
async def test_what_waits_for_its_receiver_is_not_ours_to_mend(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with staged() as stage:
        await _behind(stage, state=EndpointState.PAUSED)

    assert "events.undelivered" not in caplog.text


@pytest.mark.parametrize(
    ("claim_left", "parked", "is_late"),
    [
        (60, False, False),  # a courier is at it, and the receiver is slow
        (-1, False, True),  # whoever was at it is gone
        (-1, True, False),  # it waits for its endpoint, which was opened a moment ago
    ],
)
@on_virtual_time
async def test_what_a_courier_is_at_or_what_is_parked_waits_for_its_receiver(
    caplog: pytest.LogCaptureFixture, claim_left: float, *, parked: bool, is_late: bool
) -> None:
    async with staged() as stage:
        session = await stage.chatted()
        endpoint = an_endpoint(tenant=session.tenant, created_at=stage.now - 60)
        await stage.ports.tenants.put_endpoint(endpoint, expected_version=None, idempotency=None)
        await stage.clock.sleep(700)
        lane = Lane(endpoint_id=endpoint.id, session_id=session.id, cursor=0)
        claimed = await stage.ports.lanes.claim(
            lane, token="t", now=stage.now - 2, until=stage.now + claim_left
        )
        assert claimed is not None
        if parked:
            after = replace(claimed, claim=None, parked=True, due_at=stage.now - 1)
            await stage.ports.lanes.save(claimed, after)
        await stage.reconcile(session)
        look_at = (await stage.load(session)).look_at

        assert look_at is not None
        assert look_at - stage.now == pytest.approx(60 if is_late else 300, abs=6)
    assert ("events.undelivered" in caplog.text) == is_late
