"""Attached beside a predecessor: nothing is used, sent or read before its last word is heard."""

from dataclasses import replace

import pytest

from service.domain.errors import SupersededError
from service.domain.ids import ListenerName
from service.domain.sends import doubted, marked
from service.domain.session import Farewell, Session, State
from service.usecases.visit import Inbox, LeaveAsked, Nudged
from service.usecases.visit.joining import FAREWELL_SECONDS, farewell_due, look_for_farewell
from tests.support.visit_stage import LISTENER, Stage, on_virtual_time, staged

OLD = ListenerName("own_old")
FENCE = 5


async def _given_away(stage: Stage, **changes: object) -> Session:
    """A session whose holder gave its shard away, and listens no more than it says here."""
    session = await stage.chatted()
    held = replace(session, held_by=OLD, last_good_at=stage.now, **changes)  # type: ignore[arg-type]  # fields of Session
    return await stage.broker.ports.sessions.commit(session, held)


async def _says(stage: Stage, session: Session, *, drained: bool, fence: int = FENCE) -> None:
    word = Farewell(fence=fence, drained=drained)
    await stage.ports.sessions.say_farewell(session.id, word)


@on_virtual_time
async def test_what_is_pushed_waits_for_the_last_word_and_nothing_is_read_after_it() -> None:
    async with staged() as stage:
        session = await _given_away(stage)
        inbox = Inbox()
        task = stage.begin(session, inbox, fence=FENCE, predecessor=OLD)
        await stage.clock.sleep(1)
        met = await stage.load(session)
        stage.say(session, "Mine")
        await stage.clock.sleep(1)
        early = await stage.texts(session)
        await stage.foreign(session, "Its last")
        await _says(stage, session, drained=True)
        await stage.clock.sleep(1)
        late = await stage.texts(session)
        inbox.put(LeaveAsked())
        await task

        assert (met.held_by, met.state) == (LISTENER, State.DETACHED)
        assert (early, late) == ([], ["Its last", "Mine"])
        assert stage.history.calls["history"] == 0
        assert "session.recovered" not in await stage.types(session)


@on_virtual_time
async def test_nothing_is_sent_before_the_last_word() -> None:
    async with staged() as stage:
        session = await _given_away(stage)
        await stage.accept(session, "More")
        inbox = Inbox()
        task = stage.begin(session, inbox, fence=FENCE, predecessor=OLD)
        await stage.clock.sleep(3)
        early = stage.arrived()
        await _says(stage, session, drained=True)
        await stage.clock.sleep(0.5)
        late = stage.arrived()
        inbox.put(LeaveAsked())
        await task

        assert (early, late) == (["Hello"], ["Hello", "More"])


@on_virtual_time
async def test_a_send_that_was_in_doubt_already_is_looked_up_and_those_behind_it_go_out() -> None:
    async with staged() as stage:
        session = await _given_away(stage)
        lost = await stage.accept(session, "Lost")
        mark = marked(lost, now=stage.now, incarnation=1, writer=OLD, link="lnk_old")
        written = await stage.ports.sessions.change_send(lost, mark)
        await stage.ports.sessions.change_send(written, doubted(written, now=stage.now))
        await stage.accept(session, "Behind it")
        await _says(stage, session, drained=True)
        inbox = Inbox()
        task = stage.begin(session, inbox, fence=FENCE, predecessor=OLD)
        await stage.clock.sleep(60)
        arrived = stage.arrived()
        inbox.put(LeaveAsked())
        await task

        assert arrived == ["Hello", "Lost", "Behind it"]


@on_virtual_time
async def test_a_word_that_was_said_before_is_found_at_the_first_look() -> None:
    async with staged() as stage:
        session = await _given_away(stage)
        inbox = Inbox()
        await _says(stage, session, drained=True)
        task = stage.begin(session, inbox, fence=FENCE, predecessor=OLD)
        await stage.clock.sleep(0.5)
        await stage.accept(session, "More")
        inbox.put(Nudged())
        await stage.clock.sleep(0.2)
        arrived = stage.arrived()[-1]
        inbox.put(LeaveAsked())
        await task

        assert arrived == "More"


@pytest.mark.parametrize("fence", [FENCE, FENCE - 1, None])
def test_history_tells_where_nobody_says_that_all_is_logged(fence: int | None) -> None:
    """It says that it is not, it said something to somebody before us, or it says nothing."""

    @on_virtual_time
    async def story() -> None:
        async with staged() as stage:
            session = await _given_away(stage)
            stage.say(session, "Missed")
            await stage.clock.sleep(60)
            inbox = Inbox()
            task = stage.begin(session, inbox, fence=FENCE, predecessor=OLD)
            if fence is not None:
                await _says(stage, session, drained=fence != FENCE, fence=fence)
            await stage.clock.sleep(FAREWELL_SECONDS - 0.5)
            reads = stage.history.calls["history"]
            await stage.clock.sleep(1.5)
            texts = await stage.texts(session)
            inbox.put(LeaveAsked())
            await task

            assert (reads > 0) is (fence == FENCE)
            assert texts == ["Missed"]
            assert "session.recovered" not in await stage.types(session)

    story()


@on_virtual_time
async def test_who_may_not_have_joined_yet_is_read_after_though_all_is_logged() -> None:
    async with staged(auto_start=True) as stage:
        session = await _given_away(stage, joined=False)
        await _says(stage, session, drained=True)
        inbox = Inbox()
        task = stage.begin(session, inbox, fence=FENCE, predecessor=OLD)
        await stage.clock.sleep(2)
        inbox.put(LeaveAsked())
        await task

        assert stage.history.calls["history"] > 0


@on_virtual_time
async def test_a_session_that_was_changed_meanwhile_is_visited_again() -> None:
    async with staged() as stage:
        session = await _given_away(stage)
        task = stage.begin(session, Inbox(), fence=FENCE, predecessor=OLD)
        await stage.clock.sleep(1)
        stored = await stage.load(session)
        await stage.broker.ports.sessions.commit(stored, stored)

        with pytest.raises(SupersededError):
            await task


@on_virtual_time
async def test_a_link_that_breaks_before_the_last_word_is_an_outage() -> None:
    async with staged() as stage:
        session = await _given_away(stage)
        inbox = Inbox()
        task = stage.begin(session, inbox, fence=FENCE, predecessor=OLD)
        await stage.clock.sleep(2)
        stage.control.drop(session.client_id)
        await stage.clock.sleep(10)
        inbox.put(LeaveAsked())
        await task

        [recovered] = await stage.of(session, "session.recovered")
        assert recovered["receipt"]["outageSeconds"] >= 2


@on_virtual_time
async def test_who_must_go_before_the_last_word_leaves_it_to_history() -> None:
    async with staged() as stage:
        session = await _given_away(stage)
        inbox = Inbox()
        task = stage.begin(session, inbox, fence=FENCE, predecessor=OLD)
        await stage.clock.sleep(2)
        stage.say(session, "Mine")
        await stage.clock.sleep(1)
        inbox.put(LeaveAsked())
        await task
        left = await stage.load(session)
        async with stage.held(session):
            texts = await stage.texts(session)

        assert (left.state, left.held_by) == (State.DETACHED, LISTENER)
        assert texts == ["Mine"]


@on_virtual_time
async def test_nobody_looks_for_a_last_word_where_none_is_waited_for() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        desk = await stage.desk(session)
        loads = stage.sessions.calls["load"]
        await look_for_farewell(desk)

        assert farewell_due(desk) is None
        assert stage.sessions.calls["load"] == loads
