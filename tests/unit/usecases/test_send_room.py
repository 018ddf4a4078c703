"""A queue that a minute cannot carry is full, and the time to wait is true."""

from dataclasses import replace

import pytest

from service.domain.errors import RateLimitedError
from service.domain.pace import WINDOW_SECONDS
from service.domain.session import Cause, Outage, Session
from service.usecases.send_room import WAITING_MOST, refuse_if_crowded
from service.usecases.visit import Nudged
from tests.support.visit_stage import Stage, on_virtual_time, staged


async def _ask(stage: Stage, session: Session) -> int:
    """Seconds to wait; 0 where there is room."""
    last = await stage.ports.sessions.tail(session.id, limit=1)
    try:
        await refuse_if_crowded(stage.ports.sessions, session, last, now=stage.now)
    except RateLimitedError as refused:
        return refused.retry_after_seconds
    return 0


async def _filled(stage: Stage, count: int, session: Session | None = None) -> Session:
    session = session or await stage.made()
    for number in range(count):
        await stage.accept(session, f"{number}")
    return session


@on_virtual_time
async def test_an_empty_log_has_room() -> None:
    async with staged() as stage:
        assert await _ask(stage, await stage.made()) == 0


@on_virtual_time
async def test_a_queue_is_full_when_a_minute_of_it_waits() -> None:
    async with staged() as stage:
        session = await _filled(stage, WAITING_MOST - 1)
        assert await _ask(stage, session) == 0
        await _filled(stage, 1, session)
        assert await _ask(stage, session) == 1
        await _filled(stage, 10, session)
        assert await _ask(stage, session) == 2


@on_virtual_time
async def test_a_long_log_is_no_queue() -> None:
    async with staged() as stage:
        session = await stage.made()
        await stage.foreign(session, "Welcome")
        await _filled(stage, WAITING_MOST - 1, session)

        assert await _ask(stage, session) == 0


@on_virtual_time
async def test_a_chat_that_is_answered_costs_no_read() -> None:
    async with staged() as stage:
        session = await _filled(stage, WAITING_MOST)
        await stage.foreign(session, "An answer")
        stage.sessions.calls.clear()

        assert await _ask(stage, session) == 0
        assert stage.sessions.calls["open_sends"] == 0


@on_virtual_time
async def test_the_time_to_wait_is_true_also_where_a_minute_is_used_up() -> None:
    async with staged() as stage:
        session = await stage.made()
        await _filled(stage, 48, session)
        begun = stage.now
        async with stage.held(session, settle=15) as inbox:
            assert len(stage.arrived()) == 48
            await _filled(stage, WAITING_MOST, session)
            told = await _ask(stage, session)
            inbox.put(Nudged())
            await stage.clock.sleep(told)
            assert await _ask(stage, session) == 0

        first = stage.times("onMessage")[0]
        assert told == pytest.approx(first + WINDOW_SECONDS - (begun + 15), abs=2)


@on_virtual_time
async def test_a_message_whose_outcome_is_open_counts_as_gone() -> None:
    async with staged() as stage:
        stage.control.fault("swallow_echo", action="onMessage", count=0)
        session = await _filled(stage, WAITING_MOST + 5)
        async with stage.held(session, settle=0.5):
            await _filled(stage, 1, session)
            assert len(stage.frames("onMessage")) == 5
            assert await _ask(stage, session) == 1


@on_virtual_time
async def test_who_is_not_attached_waits_for_the_attach_too() -> None:
    async with staged() as stage:
        session = await _filled(stage, WAITING_MOST)
        outage = Outage(
            cause=Cause.LINK_LOST, code=None, last_good_at=stage.now, retry_at=stage.now + 20.5
        )
        assert await _ask(stage, replace(session, outage=outage)) == 21
