"""A caller's event: committed under a mark, hinted, and tried again after a lost race."""

from dataclasses import replace

import pytest

from service.domain.errors import (
    IllegalTransitionError,
    LinkLostError,
    PlaceTakenError,
    SessionEndedError,
    SessionFailedError,
    UnavailableError,
    VersionConflictError,
)
from service.domain.events import Cleared, LeaveRequested, ResumeRequested
from service.domain.log import EventType
from service.domain.session import FailureReason, State
from service.domain.trace import Trace
from tests.support.visit_stage import on_virtual_time, staged

CONFLICT = VersionConflictError(item="session")


@on_virtual_time
async def test_a_change_is_committed_with_its_event_under_a_mark_and_the_owner_is_hinted() -> None:
    async with staged() as stage:
        session = await stage.made()
        after = await stage.assembly.change(session.id, LeaveRequested())

        stored = await stage.load(session)
        assert (stored.state, stored.version) == (State.ENDED, after.version)
        assert stored.look_at == stage.now + 60
        assert await stage.types(session) == ["session.ended"]
        assert stage.broker.hints.waiting == (1, 0)


@on_virtual_time
async def test_a_change_that_logs_nothing_is_hinted_all_the_same() -> None:
    async with staged() as stage:
        session = await stage.made()
        await stage.assembly.change(session.id, ResumeRequested())

        assert await stage.types(session) == []
        assert stage.broker.hints.waiting == (1, 0)


@on_virtual_time
async def test_a_lost_race_is_run_again_with_the_session_as_it_is_then() -> None:
    async with staged() as stage:
        session = await stage.made()

        async def changed() -> None:
            stored = await stage.load(session)
            await stage.broker.ports.sessions.commit(stored, replace(stored, metadata={"n": 1}))

        stage.sessions.before("commit", changed)
        after = await stage.assembly.change(session.id, LeaveRequested())

        assert after.metadata == {"n": 1}
        assert (await stage.types(session)).count("session.ended") == 1


@on_virtual_time
async def test_a_foreign_message_at_the_wanted_place_costs_a_place_and_nothing_else() -> None:
    async with staged() as stage:
        session = await stage.made()

        async def said() -> None:
            await stage.foreign(session, "Hi")

        stage.sessions.before("commit", said)
        await stage.assembly.change(session.id, LeaveRequested())

        assert await stage.types(session) == ["message.received", "session.ended"]


@on_virtual_time
async def test_a_session_that_changes_too_quickly_is_unavailable() -> None:
    async with staged() as stage:
        session = await stage.made()
        stage.sessions.fail("commit", *[CONFLICT] * 8)

        with pytest.raises(UnavailableError, match="too quickly"):
            await stage.assembly.change(session.id, LeaveRequested())


@on_virtual_time
async def test_what_is_over_says_so() -> None:
    async with staged() as stage:
        ended = await stage.made(state=State.ENDED)
        failure = FailureReason(code="denied", detail="check the deployment")
        failed = await stage.made(state=State.FAILED, failure=failure)
        unknown = await stage.made(state=State.FAILED)

        with pytest.raises(SessionEndedError):
            await stage.assembly.change(ended.id, ResumeRequested())
        with pytest.raises(SessionFailedError, match="check the deployment"):
            await stage.assembly.change(failed.id, Cleared())
        with pytest.raises(SessionFailedError, match="unknown"):
            await stage.assembly.change(unknown.id, Cleared())


@on_virtual_time
async def test_what_the_table_does_not_know_is_a_fault_of_ours() -> None:
    async with staged() as stage:
        session = await stage.made()

        with pytest.raises(IllegalTransitionError):
            await stage.assembly.change(session.id, Cleared())
        assert stage.sessions.calls["commit"] == 0


@on_virtual_time
async def test_a_place_that_is_taken_by_a_change_of_the_session_means_to_begin_again() -> None:
    async with staged() as stage:
        session = await stage.made()

        async def left() -> None:
            await stage.broker.assembly.change(session.id, LeaveRequested())
            raise PlaceTakenError(sequence=1)

        stage.sessions.before("commit", left)
        with pytest.raises(SessionEndedError):
            await stage.assembly.change(session.id, LeaveRequested())


@on_virtual_time
async def test_the_trace_of_a_wish_is_kept_until_its_end_is_told() -> None:
    async with staged() as stage:
        session = await stage.made()
        asked = Trace("4bf92f3577b34da6a3ce929d0e0e4736-01")

        same = await stage.assembly.change(session.id, ResumeRequested(), trace=asked)
        ended = await stage.assembly.change(session.id, LeaveRequested(), trace=asked)

        [event] = (await stage.sessions.read_log(session.id, after=0, limit=10)).events
        assert (same.version, same.trace) == (session.version, None), "no write for a trace alone"
        assert (event.trace, ended.trace) == (asked, None)


@on_virtual_time
async def test_the_trace_of_who_has_a_lost_session_resumed_is_that_of_its_recovery() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        asked, later = (Trace(f"{digit * 32}-01") for digit in "ab")
        stage.wires.denied.extend(LinkLostError(code=1006, reason="") for _ in range(200))
        await stage.accept(session, "Still there?")
        await stage.attend(session, seconds=120)
        assert (await stage.load(session)).state is State.LOST

        for trace in (asked, later):
            await stage.assembly.change(session.id, ResumeRequested(), trace=trace)
        kept = (await stage.load(session)).trace
        stage.wires.denied.clear()
        await stage.attend(session)

        [recovered] = [
            event for event in await stage.log(session) if event.type is EventType.SESSION_RECOVERED
        ]
        assert kept == recovered.trace == asked
        assert (await stage.load(session)).trace is None
