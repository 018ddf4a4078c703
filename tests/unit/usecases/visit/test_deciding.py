"""One event of a visit: judged, committed, told to who waits; nothing by halves."""

import pytest

from service.domain.deployment import CarryOver, OnSessionLost
from service.domain.errors import IllegalTransitionError, SupersededError, VersionConflictError
from service.domain.events import Cleared, HoldBegan, VisitBegan
from service.domain.session import State
from service.usecases.visit import Nudged
from service.usecases.visit.deciding import happen
from tests.support.store_builders import an_endpoint
from tests.support.visit_stage import on_virtual_time, staged


@on_virtual_time
async def test_what_the_table_does_not_know_changes_nothing() -> None:
    async with staged() as stage:
        desk = await stage.desk(await stage.made())
        before = desk.session

        with pytest.raises(IllegalTransitionError):
            await happen(desk, Cleared())
        assert desk.session is before
        assert not desk.effects


@on_virtual_time
async def test_a_decision_that_somebody_was_faster_than_ends_the_visit() -> None:
    async with staged() as stage:
        held = await stage.made(state=State.DETACHED, held_by="own_dead", opened_at=stage.now)
        desk = await stage.desk(held)
        stage.sessions.fail("commit", VersionConflictError(item="session"))

        with pytest.raises(SupersededError):
            await happen(desk, VisitBegan())
        assert desk.session.state is State.DETACHED


@on_virtual_time
async def test_a_decision_that_logs_wakes_the_lanes() -> None:
    async with staged() as stage:
        session = await stage.made()
        endpoint = an_endpoint(tenant=session.tenant)
        await stage.ports.tenants.put_endpoint(endpoint, expected_version=None, idempotency=None)
        await stage.accept(session, "Hello")
        await stage.attend(session)

        assert stage.broker.hints.waiting[1] == 1


@on_virtual_time
async def test_a_receipt_counts_as_unproven_only_what_is_in_doubt() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        async with stage.held(session) as inbox:
            stage.control.drop()
            await stage.clock.sleep(4)
            stage.control.fault("swallow_write", action="onMessage")
            await stage.accept(session, "More")
            inbox.put(Nudged())
            await stage.clock.sleep(20)

        types = await stage.types(session)
        [told] = await stage.of(session, "session.recovered")
        assert types.index("session.recovered") < len(types) - 1
        assert types[-1] == "message.confirmed"
        assert told["receipt"]["sends"]["unproven"] == 0


@on_virtual_time
async def test_the_last_lines_go_to_the_agent_of_the_next_guest_session() -> None:
    async with staged(carry_over=CarryOver.RECAP) as stage:
        session = await stage.chatted("My order is late")
        stage.control.wipe()
        await stage.accept(session, "Hello?")
        await stage.attend(session)

        *_, recap, last = stage.arrived()
        assert "My order is late" in recap
        assert last == "Hello?"


@on_virtual_time
async def test_where_nothing_is_carried_over_the_log_is_not_read_for_it() -> None:
    async with staged(carry_over=CarryOver.NONE) as stage:
        session = await stage.chatted("My order is late")
        stage.control.wipe()
        await stage.accept(session, "Hello?")
        before = stage.sessions.calls["read_log"]
        await stage.attend(session)

        assert stage.sessions.calls["read_log"] == before
        assert stage.arrived() == ["My order is late", "Hello?"]


@on_virtual_time
async def test_a_session_that_may_not_be_replaced_fails_and_settles_what_waits() -> None:
    async with staged(on_session_lost=OnSessionLost.FAIL) as stage:
        session = await stage.chatted()
        stage.control.wipe()
        await stage.accept(session, "More")
        await stage.attend(session)

        assert (await stage.load(session)).state is State.FAILED
        [failed] = await stage.of(session, "message.failed")
        assert failed["message"]["failure"]["code"] == "session_failed"


@on_virtual_time
async def test_taking_hold_is_written_once_and_logs_nothing() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        before = await stage.types(session)
        async with stage.held(session):
            desk = await stage.desk(session)
            version = desk.session.version
            desk.session = desk.writer.session
            assert desk.session.held_by is not None
            with pytest.raises(IllegalTransitionError):
                await happen(desk, HoldBegan(holder="another"))

        assert await stage.types(session) == before
        assert version == session.version + 1
