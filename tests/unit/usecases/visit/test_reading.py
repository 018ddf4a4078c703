"""Catching up: two reads, ten requests a minute, and nothing believed too early."""

from dataclasses import replace

import pytest

from service.domain.errors import HistoryUnavailableError
from service.domain.send import SendStatus, Written
from service.domain.session import State
from service.usecases.visit import Inbox
from tests.support.visit_stage import Stage, on_virtual_time, staged


def _reads(stage: Stage) -> int:
    return stage.history.calls["history"]


@on_virtual_time
async def test_the_second_read_comes_when_history_holds_what_was_said_before_the_attach() -> None:
    async with staged(history_lag_seconds=5, knobs={"history_lag_seconds": 4}) as stage:
        session = await stage.chatted()
        await stage.clock.sleep(60)
        stage.say(session, "just before")
        async with stage.held(session, settle=3):
            first = (_reads(stage), await stage.texts(session))
            await stage.clock.sleep(5)
            second = (_reads(stage), await stage.texts(session))

        assert first == (1, [])
        assert second == (2, ["just before"])


@on_virtual_time
async def test_a_history_that_shows_nothing_we_know_is_believed_only_the_second_time() -> None:
    async with staged(history_lag_seconds=5, knobs={"history_lag_seconds": 3}) as stage:
        session = await stage.chatted()
        async with stage.held(session, settle=30):
            assert (await stage.load(session)).incarnation == 1

        assert "session.replaced" not in await stage.types(session)
        assert _reads(stage) == 2


@on_virtual_time
async def test_a_guest_session_that_was_replaced_unseen_is_found_by_the_second_read() -> None:
    async with staged(history_lag_seconds=5) as stage:
        session = await stage.chatted()
        stage.control.wipe()
        stranger = await stage.accept(await stage.made(), "I was here first")
        await stage.write_as_guest(session, stranger)
        begun = stage.now
        async with stage.held(session, settle=30):
            [told] = await stage.of(session, "session.replaced")

        [replaced] = [e for e in await stage.log(session) if e.type.value == "session.replaced"]
        assert replaced.at - begun >= 5
        assert told["receipt"]["cause"] == "new_session"
        assert await stage.texts(session) == ["I was here first"]


@on_virtual_time
async def test_no_more_than_ten_pages_a_minute_are_asked_for() -> None:
    async with staged(history_lag_seconds=5) as stage:
        session = await stage.chatted()
        failures = [HistoryUnavailableError(status=500) for _ in range(40)]
        stage.history.fail("history", *failures)
        async with stage.held(session, settle=60):
            assert _reads(stage) == 10
            await stage.clock.sleep(60)

        assert 18 <= _reads(stage) <= 20


@on_virtual_time
async def test_a_history_that_says_when_to_come_again_is_left_alone_until_then() -> None:
    async with staged(history_lag_seconds=5) as stage:
        session = await stage.chatted()
        stage.history.fail("history", HistoryUnavailableError(status=429, retry_after_seconds=9.0))
        async with stage.held(session, settle=30):
            first, second, *_ = stage.times("getJwt")

        assert second - first == pytest.approx(9, abs=0.1)


@on_virtual_time
async def test_a_jwt_that_is_refused_or_never_comes_is_asked_for_again() -> None:
    async with staged(history_lag_seconds=5) as stage:
        session = await stage.chatted()
        stage.control.fault("refuse", action="getJwt", code=500)
        stage.control.fault("swallow_write", action="getJwt")
        async with stage.held(session, settle=60):
            first, second, third, *_ = stage.times("getJwt")

        assert second - first == pytest.approx(10 + 2, abs=0.1)
        assert third - second == pytest.approx(2, abs=0.1)
        assert (await stage.load(session)).state is State.DETACHED


@on_virtual_time
async def test_a_long_absence_is_read_page_after_page() -> None:
    async with staged(history_lag_seconds=5) as stage:
        session = await stage.chatted()
        for n in range(250):
            await stage.clock.sleep(0.01)
            stage.say(session, f"{n}")
        async with stage.held(session):
            assert await stage.texts(session) == [f"{n}" for n in range(250)]

        assert _reads(stage) >= 3


@on_virtual_time
async def test_an_absence_of_more_pages_than_a_minute_allows_is_still_caught_up_with() -> None:
    async with staged(history_lag_seconds=5) as stage:
        session = await stage.chatted()
        for n in range(1150):
            await stage.clock.sleep(0.01)
            stage.say(session, f"{n}")
        async with stage.held(session, settle=300):
            assert await stage.texts(session) == [f"{n}" for n in range(1150)]


@on_virtual_time
async def test_a_read_reaches_back_to_every_message_whose_outcome_is_open() -> None:
    async with staged(history_lag_seconds=5) as stage:
        session = await stage.chatted()
        async with stage.held(session):
            for n in range(150):
                await stage.clock.sleep(0.1)
                stage.say(session, f"{n}")
        open_send = await stage.accept(session, "Did it arrive?")
        mark = Written(at=stage.now, incarnation=1, writer="dead", link="lnk_dead")
        dead = replace(open_send, status=SendStatus.WRITTEN, attempt=1, written=mark)
        await stage.ports.sessions.change_send(open_send, dead)
        await stage.clock.sleep(120)
        await stage.attend(session)

        assert stage.arrived() == ["Hello", "Did it arrive?"]
        assert await stage.ports.sessions.open_sends(session.id) == []


@on_virtual_time
async def test_what_was_missed_is_found_behind_pages_of_what_was_pushed_since() -> None:
    async with staged(history_lag_seconds=5) as stage:
        session = await stage.chatted()
        await stage.clock.sleep(3600)
        stage.say(session, "missed")
        failed = HistoryUnavailableError(status=503, retry_after_seconds=90.0)
        stage.history.fail("history", failed)
        async with stage.held(session, settle=1):
            for n in range(130):
                await stage.clock.sleep(0.8)
                stage.say(session, f"{n}")
            await stage.clock.sleep(60)

        assert "missed" in await stage.texts(session)


@on_virtual_time
async def test_what_is_pushed_during_the_first_read_waits_for_it() -> None:
    async with staged(history_lag_seconds=5, knobs={"rest_delay_seconds": 2}) as stage:
        session = await stage.chatted()
        stage.say(session, "before")
        async with stage.held(session, settle=1):
            stage.say(session, "while it was read")
            await stage.clock.sleep(0.5)
            early = await stage.texts(session)
            await stage.clock.sleep(10)

        assert early == []
        assert await stage.texts(session) == ["before", "while it was read"]


@on_virtual_time
async def test_a_link_that_breaks_during_a_read_begins_another_on_the_next() -> None:
    async with staged(history_lag_seconds=5, knobs={"rest_delay_seconds": 2}) as stage:
        session = await stage.chatted()
        stage.say(session, "before")
        async with stage.held(session, settle=1):
            stage.control.drop()
            await stage.clock.sleep(30)

        assert await stage.texts(session) == ["before"]
        assert stage.wires.opened >= 2


@on_virtual_time
async def test_a_chat_that_was_closed_before_we_ever_saw_it_is_read_to_its_beginning() -> None:
    async with staged(history_lag_seconds=5) as stage:
        session = await stage.made()
        await stage.write_as_guest(session, await stage.accept(await stage.made(), "mine"))
        for n in range(120):
            await stage.clock.sleep(0.01)
            stage.say(session, f"{n}")
        stage.control.disconnect(session.client_id)
        await stage.begin(session, Inbox())

        assert await stage.texts(session) == ["mine", *(f"{n}" for n in range(120))]
        assert (await stage.load(session)).state is State.READ_ONLY


@on_virtual_time
async def test_a_jwt_that_is_throttled_is_asked_for_when_it_may_be() -> None:
    async with staged(history_lag_seconds=5) as stage:
        session = await stage.chatted()
        stage.control.fault("throttle", action="getJwt", retry_after=11)
        async with stage.held(session, settle=30):
            first, second, *_ = stage.times("getJwt")

        assert second - first == pytest.approx(11, abs=0.1)


@on_virtual_time
async def test_a_guest_session_that_knows_no_request_is_not_attached_to_in_a_loop() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        opened = stage.wires.opened
        stage.control.fault("refuse", action="getJwt", code=4007, count=0)
        async with stage.held(session, settle=60):
            tries = stage.wires.opened - opened
            stage.control.clear_faults()
            await stage.clock.sleep(60)
            back = await stage.load(session)

        assert 3 < tries < 15
        assert (back.outage, back.incarnation) == (None, 1)


@on_virtual_time
async def test_history_in_smaller_pages_than_we_asked_for_is_read_to_its_end() -> None:
    async with staged(knobs={"history_max_page_size": 25}) as stage:
        session = await stage.chatted()
        for number in range(70):
            stage.say(session, f"m{number}")
            await stage.clock.sleep(1)
        await stage.reconcile(session)

        assert await stage.texts(session) == [f"m{number}" for number in range(70)]
