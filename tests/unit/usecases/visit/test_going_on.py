"""A message need not wait for a read of history where the last link ended well a moment ago."""

import asyncio
from dataclasses import replace

import pytest

from service.domain.errors import LinkLostError, UnavailableError
from service.domain.going_on import VISITS_FREE
from service.domain.pace import WINDOW_SECONDS
from service.domain.send import SendStatus, Written
from service.domain.session import Session, State
from service.usecases.visit import Inbox, Nudged
from service.usecases.visit.going_on import is_as_left, pause_for_company, plan_first_read
from service.usecases.visit.reading import begin_catch_up
from service.usecases.visit.stay import Stay
from tests.support.visit_stage import LISTENER, Stage, on_virtual_time, staged

ON_DEMAND = Stay(writer="lck_1", listener=False)
TOUCH = Stay(writer=LISTENER, listener=True, reconcile=True)
LISTENS = Stay(writer=LISTENER, listener=True)
BUSY = ("1", "2", "3")
"""More than a chat in which little is said has in a minute."""


def _reads(stage: Stage) -> int:
    return stage.history.calls["history"]


async def _say(stage: Stage, session: Session, text: str) -> float:
    """Send it on demand; how long that took."""
    begun = stage.now
    await stage.accept(session, text)
    await stage.attend(session)
    return stage.now - begun


@on_virtual_time
async def test_who_speaks_often_waits_for_no_read_and_misses_nothing() -> None:
    async with staged(history_lag_seconds=5) as stage:
        session = await stage.chatted(*BUSY)
        stage.say(session, "between two visits")
        known_good = (await stage.load(session)).last_good_at
        took = await _say(stage, session, "4")
        unread = (_reads(stage), await stage.texts(session))
        left = await stage.load(session)
        await stage.clock.sleep(10)
        await _say(stage, session, "5")

        assert (took, unread) == (0, (0, []))
        assert (left.state, left.held_by, left.last_good_at) == (State.DETACHED, None, known_good)
        assert _reads(stage) == 1
        assert await stage.texts(session) == ["between two visits"]
        assert stage.arrived()[-1] == "5"
        pages = await stage.ports.timeline.pages(session.id, since=0.0, limit=50)
        [note] = [n for page in pages for n in page.notes if n.what == "readLater"]
        assert set(note.facts) == {"until"}


@on_virtual_time
async def test_who_comes_to_look_reads() -> None:
    async with staged(history_lag_seconds=5) as stage:
        session = await stage.chatted(*BUSY)
        stage.say(session, "between two visits")

        async def satisfied() -> bool:
            return True

        until = stage.clock.monotonic() + 25
        await stage.assembly.attend(session.id, until=until, satisfied=satisfied)

        assert await stage.texts(session) == ["between two visits"]


@on_virtual_time
async def test_typing_waits_for_no_read() -> None:
    async with staged(history_lag_seconds=5) as stage:
        session = await stage.chatted(*BUSY)
        until = stage.clock.monotonic() + 25

        assert await stage.assembly.attend.typing(session.id, until=until)
        assert _reads(stage) == 0


@on_virtual_time
async def test_a_chat_in_which_little_is_said_is_read_before_each_message() -> None:
    async with staged(history_lag_seconds=5) as stage:
        session = await stage.chatted()
        stage.say(session, "between two visits")
        await _say(stage, session, "more")

        kinds = await stage.types(session)
        assert kinds.index("message.received") < len(kinds) - 1
        assert _reads(stage) == 1


@on_virtual_time
async def test_a_history_that_is_refused_holds_up_no_message_and_is_left_alone() -> None:
    async with staged(history_lag_seconds=5) as stage:
        session = await stage.chatted()
        stage.control.fault("fail_history", status=429, retry_after=20)
        first = await _say(stage, session, "first")
        await stage.clock.sleep(2)
        second = await _say(stage, session, "second")
        asked = _reads(stage)
        await stage.clock.sleep(19)
        await _say(stage, session, "third")

        assert (first, second, asked) == (0, 0, 1)
        assert _reads(stage) == 2
        assert stage.arrived() == ["Hello", "first", "second", "third"]


@on_virtual_time
async def test_what_is_pushed_while_the_read_must_wait_is_logged_at_once() -> None:
    async with staged(history_lag_seconds=5) as stage:
        session = await stage.chatted()
        minute = stage.assembly.visit.tools.last_minutes(session.id)
        minute.reads += [stage.now - 20] * 10
        heard = asyncio.create_task(_speak_soon(stage, session))

        async def satisfied() -> bool:
            return await stage.texts(session) == ["hear me"]

        begun = stage.now
        await stage.accept(session, "more")
        until = stage.clock.monotonic() + 25
        await stage.assembly.attend(session.id, until=until, satisfied=satisfied)
        await heard

        assert stage.now - begun < 2
        assert _reads(stage) == 0


async def _speak_soon(stage: Stage, session: Session) -> None:
    await stage.clock.sleep(1)
    stage.say(session, "hear me")


@on_virtual_time
async def test_what_is_in_doubt_waits_for_history_and_so_does_what_follows() -> None:
    async with staged(history_lag_seconds=5) as stage:
        session = await stage.chatted(*BUSY)
        send = await stage.accept(session, "in doubt")
        mark = Written(at=stage.now, incarnation=1, writer="dead", link="lnk_dead")
        dead = replace(send, status=SendStatus.WRITTEN, attempt=1, written=mark)
        await stage.ports.sessions.change_send(send, dead)
        begun = stage.now
        await _say(stage, session, "behind it")

        assert _reads(stage) >= 2
        assert stage.times("getJwt")[0] == begun
        assert stage.arrived() == ["1", "2", "3", "in doubt", "behind it"]


@on_virtual_time
@pytest.mark.parametrize("pause", [29, 31])
async def test_only_for_half_a_minute_is_a_guest_session_taken_for_the_same(pause: int) -> None:
    async with staged(history_lag_seconds=5) as stage:
        session = await stage.chatted(*BUSY)
        await stage.clock.sleep(pause)
        stage.control.fault("fail_history", status=503, retry_after=4)
        took = await _say(stage, session, "later")

        assert took == (0 if pause < 30 else pytest.approx(4, abs=0.5))


@on_virtual_time
async def test_who_stays_for_the_second_read_reads_first_if_it_may() -> None:
    async with staged(history_lag_seconds=5) as stage:
        session = await stage.chatted(*BUSY)
        stage.say(session, "between two visits")
        await stage.accept(session, "4")
        await stage.reconcile(session)
        kinds = await stage.types(session)
        reads = _reads(stage)
        stage.control.fault("fail_history", status=429, retry_after=9)
        await stage.accept(session, "5")
        begun = stage.now
        await stage.reconcile(session)

        assert (kinds[-2:], reads) == (["message.received", "message.confirmed"], 2)
        assert stage.times("onMessage")[-1] == begun


@on_virtual_time
async def test_who_stays_reads_first() -> None:
    async with staged() as stage:
        session = await stage.chatted(*BUSY)
        desk = await stage.desk(session)
        for stay, can in [(ON_DEMAND, True), (TOUCH, True), (LISTENS, False)]:
            desk.stay = stay
            assert is_as_left(desk) is can


@on_virtual_time
async def test_an_attach_that_nobody_saw_answered_may_have_replaced_the_guest_session() -> None:
    async with staged(history_lag_seconds=5) as stage:
        session = await stage.chatted(*BUSY)
        stage.control.forget(session.client_id)
        stage.control.fault("delay", seconds=3, frame_class="SessionResponse")
        await stage.accept(session, "4")
        places = len(await stage.log(session))

        async def satisfied() -> bool:
            return False

        until = stage.clock.monotonic() + 1
        await stage.assembly.attend(session.id, until=until, satisfied=satisfied)
        left = await stage.load(session)
        # Another process.
        stage.assembly.visit.tools.last_minutes.of.clear()
        await stage.attend(session)

        assert (left.state, left.unanswered_after) == (State.DETACHED, places)
        kinds = await stage.types(session)
        assert kinds.count("session.replaced") == 1
        assert stage.arrived()[-1] == "4"


SILENT = UnavailableError(what="the table")


@on_virtual_time
@pytest.mark.parametrize("same_process", [True, False])
@pytest.mark.parametrize("too", [(), ("release_lock",)], ids=["for a moment", "for longer"])
async def test_an_answer_that_could_not_be_written_down_is_asked_for_again(
    too: tuple[str, ...], *, same_process: bool
) -> None:
    async with staged(history_lag_seconds=5) as stage:
        session = await stage.chatted(*BUSY)
        stage.control.forget(session.client_id)
        for name in ("commit", *too):
            stage.sessions.fail(name, SILENT)
        await stage.accept(session, "4")
        with pytest.raises(UnavailableError):
            await stage.attend(session)
        if not same_process:
            stage.assembly.visit.tools.last_minutes.of.clear()
        await stage.attend(session, seconds=50)

        kinds = await stage.types(session)
        assert kinds.count("session.replaced") == 1
        assert stage.arrived()[-1] == "4"


@on_virtual_time
@pytest.mark.parametrize("same_process", [True, False])
async def test_so_it_is_after_a_visit_of_the_shards_owner(*, same_process: bool) -> None:
    async with staged(history_lag_seconds=5) as stage:
        session = await stage.chatted(*BUSY)
        stage.control.forget(session.client_id)
        stage.sessions.fail("commit", SILENT)
        if same_process:
            stage.sessions.fail("note_unanswered", SILENT)
        await stage.accept(session, "4")
        with pytest.raises(UnavailableError):
            await stage.begin(session, Inbox(), reconcile=True)
        if not same_process:
            stage.assembly.visit.tools.last_minutes.of.clear()
        await stage.attend(session)

        kinds = await stage.types(session)
        assert kinds.count("session.replaced") == 1
        assert stage.arrived()[-1] == "4"


@on_virtual_time
async def test_nothing_follows_a_history_that_shows_nothing_we_know() -> None:
    async with staged(history_lag_seconds=5, knobs={"history_lag_seconds": 3}) as stage:
        session = await stage.chatted()
        begun = stage.now
        await _say(stage, session, "more")

        [sent] = stage.times("onMessage")
        assert sent - begun >= 5
        assert (await stage.load(session)).incarnation == 1


@on_virtual_time
async def test_who_lost_its_link_since_reads_first() -> None:
    async with staged(history_lag_seconds=5) as stage:
        session = await stage.chatted(*BUSY)
        stage.wires.fails["configureSession"] = LinkLostError(code=1006)
        await _say(stage, session, "more")

        [sent] = stage.times("onMessage")
        assert _reads(stage) >= 1
        assert stage.times("getJwt")[0] <= sent
        frames = [frame["action"] for _, frame in stage.wires.sent]
        assert frames.index("getJwt") < frames.index("onMessage")


@on_virtual_time
async def test_who_waited_long_for_its_turn_reads_first() -> None:
    async with staged(history_lag_seconds=5) as stage:
        desk = await stage.desk(await stage.chatted(*BUSY))
        desk.as_left = desk.goes_on = True
        await stage.clock.sleep(30)
        await begin_catch_up(desk)

        assert not desk.reading.may_follow
        assert not desk.reading.first_done


@on_virtual_time
async def test_no_second_catch_up_of_a_visit_goes_on_without_a_read() -> None:
    async with staged() as stage:
        desk = await stage.desk(await stage.chatted(*BUSY))
        desk.as_left = desk.goes_on = True
        await begin_catch_up(desk)
        first = desk.reading
        assert (first.first_done, first.may_follow_now(desk.now)) == (True, True)
        assert not first.may_follow_now(desk.now + WINDOW_SECONDS)
        await begin_catch_up(desk)
        second = desk.reading
        assert (second.first_done, second.may_follow_now(desk.now)) == (False, False)
        plan_first_read(desk)
        assert second.due == desk.now


@on_virtual_time
@pytest.mark.parametrize(("used", "reads"), [(5, 2), (6, 2), (7, 1), (9, 1)])
async def test_a_recovery_is_told_after_one_read_where_two_do_not_fit_in_the_minute(
    used: int, reads: int
) -> None:
    async with staged(history_lag_seconds=5) as stage:
        session = await stage.chatted()
        async with stage.held(session):
            minute = stage.assembly.visit.tools.last_minutes(session.id)
            minute.reads[:] = [stage.now] * used
            begun, before = stage.now, _reads(stage)
            stage.control.drop(session.client_id)
            await stage.clock.sleep(8)

            [told] = [e for e in await stage.log(session) if e.type.value == "session.recovered"]
            assert 5 <= told.at - begun < 8
            assert _reads(stage) - before == reads
            assert told.data["receipt"]["historyComplete"]


@on_virtual_time
async def test_what_waits_for_the_first_read_of_a_recovery_has_it_at_once() -> None:
    async with staged(history_lag_seconds=5) as stage:
        session = await stage.chatted()
        async with stage.held(session) as inbox:
            stage.assembly.visit.tools.last_minutes(session.id).reads[:] = [stage.now] * 7
            stage.control.drop(session.client_id)
            await stage.clock.sleep(2)
            begun, before = stage.now, _reads(stage)
            await stage.accept(session, "is anybody there?")
            inbox.put(Nudged())
            await stage.clock.sleep(1)

            assert _reads(stage) == before + 1
            assert stage.times("onMessage") == [begun]


@on_virtual_time
async def test_so_has_what_the_agent_says() -> None:
    async with staged(history_lag_seconds=5) as stage:
        session = await stage.chatted()
        async with stage.held(session):
            stage.assembly.visit.tools.last_minutes(session.id).reads[:] = [stage.now] * 7
            stage.control.drop(session.client_id)
            await stage.clock.sleep(2)
            stage.say(session, "I am here")
            await stage.clock.sleep(0.5)

            assert await stage.texts(session) == ["I am here"]


@on_virtual_time
async def test_who_came_to_look_and_must_wait_to_read_sends_what_comes_meanwhile() -> None:
    async with staged(history_lag_seconds=5) as stage:
        session = await stage.chatted(*BUSY)
        minute = stage.assembly.visit.tools.last_minutes(session.id)
        minute.reads[:] = [stage.now - 40] * 10
        looking = asyncio.create_task(stage.reconcile(session))
        await stage.clock.sleep(3)
        took = await _say(stage, session, "4")
        unread = _reads(stage)
        await looking

        assert (took, unread) == (0, 0)
        assert _reads(stage) >= 1
        assert stage.wires.opened == 2


@on_virtual_time
async def test_visits_that_follow_each_other_too_fast_wait_and_take_what_others_accept() -> None:
    async with staged(history_lag_seconds=5) as stage:
        session = await stage.chatted(*(f"{n}" for n in range(VISITS_FREE)))
        opened = stage.wires.opened
        await stage.accept(session, "mine")
        waiting = asyncio.create_task(stage.attend(session))
        await stage.clock.sleep(1)
        await stage.accept(session, "of another process")
        await waiting

        assert stage.wires.opened == opened + 1
        assert stage.arrived()[-2:] == ["mine", "of another process"]
        assert max(stage.times("onMessage")) - min(stage.times("onMessage")) == 0


@on_virtual_time
async def test_who_has_what_it_came_for_does_not_wait_for_the_messages_of_others() -> None:
    async with staged(history_lag_seconds=5) as stage:
        session = await stage.chatted(*(f"{n}" for n in range(VISITS_FREE)))
        send = await stage.accept(session, "of another process")
        opened, begun = stage.wires.opened, stage.now

        async def satisfied() -> bool:
            return True

        await stage.assembly.attend(
            session.id, until=stage.clock.monotonic() + 25, satisfied=satisfied
        )

        assert (stage.wires.opened, stage.now) == (opened, begun)
        assert await stage.ports.sessions.open_sends(session.id) == [send]


@on_virtual_time
async def test_who_lost_its_link_waits_for_no_company() -> None:
    async with staged() as stage:
        session = await stage.chatted(*(f"{n}" for n in range(VISITS_FREE)))
        desk = await stage.desk(session)
        assert await pause_for_company(desk) == 0
        desk.goes_on = True
        assert await pause_for_company(desk) > 0
