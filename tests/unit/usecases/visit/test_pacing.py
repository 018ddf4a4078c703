"""A visit within Genesys's limits: what must wait waits here, what is urgent has its reserve."""

from asyncio import Queue
from dataclasses import replace
from typing import Any, cast

import pytest

from service.domain.effects import SendClear
from service.domain.pace import WINDOW_SECONDS, Ask, Pace
from service.domain.send import SendStatus
from service.domain.session import State
from service.guest.outgoing import outgoing_echo
from service.guest.requests import AuthData, ConfigureAuthenticatedSession, ConfigureSession
from service.usecases.visit import Nudged, TypingWanted
from service.usecases.visit.desk import Phase
from service.usecases.visit.pacing import (
    begin_link,
    configured,
    leave_history_alone,
    page_read,
    pages_read,
    pause_for,
    pause_for_configure,
    pause_for_history,
    pause_for_message,
    request_sent,
)
from service.usecases.visit.performing import perform
from service.usecases.visit.timers import next_due
from tests.support.playbook import pending
from tests.support.visit_stage import on_virtual_time, staged
from tests.support.wire_story import tells

CONFIGURE = ConfigureSession(token="t", deployment_id="d")
SIGNED_CONFIGURE = ConfigureAuthenticatedSession(
    token="t", deployment_id="d", data=AuthData(code="jwt")
)


@on_virtual_time
@pytest.mark.parametrize("request_", [CONFIGURE, SIGNED_CONFIGURE], ids=["anonymous", "signed in"])
async def test_requests_are_counted_by_link_and_configures_by_session(
    request_: ConfigureSession | ConfigureAuthenticatedSession,
) -> None:
    async with staged() as stage:
        desk = await stage.desk(await stage.made())
        for _ in range(60):
            request_sent(desk, request_)
        assert pause_for(desk, Ask.RECOVERY) == WINDOW_SECONDS
        begin_link(desk)
        assert pause_for(desk, Ask.RECOVERY) == 0
        assert pause_for_configure(desk) == WINDOW_SECONDS
        await stage.clock.sleep(WINDOW_SECONDS)
        request_sent(desk, request_)
        assert pause_for_configure(desk) == 0
        assert list(configured(desk)) == [stage.now]


@on_virtual_time
async def test_echoes_are_two_a_minute() -> None:
    async with staged() as stage:
        desk = await stage.desk(await stage.made())
        for _ in range(2):
            request_sent(desk, outgoing_echo(token="t", tracing_id="e"))
        assert pause_for(desk, Ask.ECHO) == WINDOW_SECONDS


@on_virtual_time
async def test_the_last_reads_of_a_minute_are_kept_for_what_somebody_waits_for() -> None:
    async with staged() as stage:
        desk = await stage.desk(await stage.made())
        desk.reading.agreed = True
        for _ in range(8):
            assert pause_for_history(desk) == 0
            page_read(desk)
        assert pause_for_history(desk) == WINDOW_SECONDS
        desk.keep(pending(status=SendStatus.UNKNOWN))
        assert pause_for_history(desk) == 0
        desk.sends.clear()
        desk.reading.agreed = False
        for _ in range(2):
            page_read(desk)
        assert pause_for_history(desk) == WINDOW_SECONDS


@on_virtual_time
async def test_history_is_left_alone_for_as_long_as_genesys_says_but_not_for_hours() -> None:
    async with staged() as stage:
        desk = await stage.desk(await stage.made())
        page_read(desk)
        leave_history_alone(desk, 9)
        assert pause_for_history(desk) == 9
        leave_history_alone(desk, 3600)
        assert pause_for_history(desk) == WINDOW_SECONDS
        assert list(pages_read(desk)) == [stage.now]
        await stage.clock.sleep(WINDOW_SECONDS)
        assert pause_for_history(desk) == 0


@on_virtual_time
async def test_a_message_waits_for_the_second_and_for_the_minute() -> None:
    async with staged() as stage:
        desk = await stage.desk(await stage.made())
        desk.written = [stage.now - 2, *[stage.now - 0.25] * 5]
        assert pause_for_message(desk) == pytest.approx(0.75)
        desk.pace = Pace(requests=(stage.now - 10,) * 50)
        assert pause_for_message(desk) == WINDOW_SECONDS - 10
        desk.written.clear()
        assert pause_for_message(desk) == WINDOW_SECONDS - 10


@on_virtual_time
async def test_typing_gives_way_to_messages() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        async with stage.held(session) as inbox:
            for text in "abcde":
                await stage.accept(session, text)
            inbox.put(Nudged())
            answer: Queue[bool] = Queue()
            inbox.put(TypingWanted(answer))

            assert await answer.get() is False
        assert len(stage.frames("onMessage")) == 5


@on_virtual_time
async def test_typing_counts_as_one_of_the_second() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        async with stage.held(session) as inbox:
            answer: Queue[bool] = Queue()
            inbox.put(TypingWanted(answer))
            assert await answer.get() is True
            for text in "abcde":
                await stage.accept(session, text)
            inbox.put(Nudged())
            await stage.clock.sleep(5)

        *_, before, last = stage.times("onMessage")
        assert last - before >= 0.9


@on_virtual_time
async def test_what_a_full_minute_has_no_room_for_is_tried_on_another_link() -> None:
    async with staged() as stage:
        desk = await stage.desk(await stage.chatted())
        desk.session = replace(desk.session, state=State.CLEARING)
        desk.pace = Pace(requests=(stage.now - 20,) * 60)
        desk.link = cast("Any", object())
        await perform(desk, SendClear())

        assert desk.session.outage is not None
        assert desk.session.outage.retry_at == stage.now + WINDOW_SECONDS - 20
        assert stage.frames("onMessage") == []


@on_virtual_time
async def test_a_session_that_was_configured_too_often_is_attached_to_later() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        minute = stage.assembly.visit.tools.last_minutes(session.id)
        minute.configures[:] = [stage.now - 11] * 60
        begun = stage.now
        async with stage.held(session, settle=60):
            [attached] = stage.times("configureSession")

        assert attached - begun == pytest.approx(WINDOW_SECONDS - 11, abs=0.1)


@tells("echo")
@on_virtual_time
async def test_a_third_echo_in_a_minute_waits() -> None:
    async with staged() as stage:
        desk = await stage.desk(await stage.chatted())
        desk.phase, desk.session = Phase.READY, replace(desk.session, expires_at=stage.now - 30)
        assert next_due(desk) == stage.now - 28
        desk.pace = Pace(echoes=(stage.now - 40, stage.now - 20))

        assert next_due(desk) == stage.now - 40 + WINDOW_SECONDS
