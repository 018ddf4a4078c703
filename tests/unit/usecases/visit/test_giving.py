"""Given away: what arrives is still logged, nothing is begun, and the last word is true."""

import json
from asyncio import Queue, Task
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest

from service.domain.errors import LinkLostError, UnavailableError
from service.domain.ids import ListenerName
from service.domain.instants import rfc3339
from service.domain.sends import marked
from service.domain.session import Farewell, Session
from service.usecases.visit import HandOverAsked, Inbox, LeaveAsked, Nudged, TypingWanted
from service.usecases.visit.desk import Phase
from service.usecases.visit.giving import (
    GRACE_SECONDS,
    LOOK_SECONDS,
    PROOF_SECONDS,
    begin_giving,
    give,
)
from service.usecases.visit.guest_link import GuestLink
from service.usecases.visit.inbox import FrameArrived, LinkDown, Thing
from tests.support.visit_stage import LISTENER, Stage, on_virtual_time, staged

NEW = ListenerName("own_new")
FENCE = 6
PATIENCE = 30.0


@dataclass(frozen=True, kw_only=True)
class Giver:
    """A listener's visit that was told to hand its link over."""

    stage: Stage
    session: Session
    inbox: Inbox
    task: "Task[None]"

    async def successor_attaches(self) -> None:
        stored = await self.stage.load(self.session)
        await self.stage.broker.ports.sessions.commit(stored, replace(stored, held_by=NEW))
        await self.stage.clock.sleep(LOOK_SECONDS + GRACE_SECONDS + 0.1)

    async def word(self) -> Farewell | None:
        return (await self.stage.load(self.session)).farewell


def _frame(name: str, *, at: float) -> dict[str, object]:
    channel = {"time": rfc3339(at), "type": "Private", "messageId": name}
    body = {"type": "Text", "direction": "Outbound", "id": name, "text": name, "channel": channel}
    return {"type": "message", "class": "StructuredMessage", "code": 200, "body": body}


def _asked(stage: Stage, *, seconds: float = PATIENCE) -> HandOverAsked:
    until = stage.clock.monotonic() + seconds
    return HandOverAsked(successor=NEW, fence=FENCE, until=until)


@asynccontextmanager
async def _giving(stage: Stage, *, settle: float = 8.0) -> AsyncIterator[Giver]:
    """A visit on a good link, just told that its shard is another's; it has ended at the end."""
    session = await stage.chatted()
    inbox = Inbox()
    task = stage.begin(session, inbox)
    await stage.clock.sleep(settle)
    inbox.put(_asked(stage))
    await stage.clock.sleep(0.1)
    yield Giver(stage=stage, session=session, inbox=inbox, task=task)
    await task
    assert stage.control.connections() == []


@on_virtual_time
async def test_it_takes_in_what_arrives_until_the_successor_is_there_and_says_so() -> None:
    async with staged() as stage, _giving(stage) as giver:
        stage.say(giver.session, "One")
        await stage.clock.sleep(5)
        early = (await stage.texts(giver.session), await giver.word(), giver.task.done())
        stage.say(giver.session, "Two")
        await giver.successor_attaches()

        assert early == (["One"], None, False)
        assert await stage.texts(giver.session) == ["One", "Two"]
        assert await giver.word() == Farewell(fence=FENCE, drained=True)
        assert giver.task.done()


@on_virtual_time
async def test_its_notes_tell_to_whom_it_was_given_and_what_came_meanwhile() -> None:
    async with staged() as stage:
        async with _giving(stage) as giver:
            stage.say(giver.session, "One")
            await stage.clock.sleep(1)
            await giver.successor_attaches()

        [page] = stage.assembly.visit.tools.logbook.unwritten(giver.session.id)
        told = [(note.kind.value, note.what) for note in page.notes]
        begun = told.index(("lease", "given"))
        assert told[begun:] == [
            ("lease", "given"),
            ("frame", "received"),
            ("lease", "parted"),
            ("link", "closed"),
        ]
        given, parted = page.notes[begun], page.notes[begun + 2]
        assert (given.facts["successor"], given.facts["successorFence"]) == (NEW, FENCE)
        assert parted.facts["drained"] is True


@on_virtual_time
async def test_a_link_that_is_lost_while_it_is_given_is_noted() -> None:
    async with staged() as stage:
        async with _giving(stage) as giver:
            stage.control.drop()
            await stage.clock.sleep(1)

        [page] = stage.assembly.visit.tools.logbook.unwritten(giver.session.id)
        assert [note.what for note in page.notes][-3:] == ["given", "lost", "parted"]


@on_virtual_time
async def test_it_sends_nothing_and_changes_nothing_of_the_session_any_more() -> None:
    async with staged() as stage, _giving(stage) as giver:
        before = await stage.load(giver.session)
        await stage.accept(giver.session, "More")
        wanted: Queue[bool] = Queue()
        giver.inbox.put(Nudged())
        giver.inbox.put(TypingWanted(wanted))
        await stage.clock.sleep(5)
        during = await stage.load(giver.session)
        await giver.successor_attaches()
        after = await stage.load(giver.session)

        assert stage.arrived() == ["Hello"]
        assert wanted.get_nowait() is False
        assert (during.version, after.version) == (before.version, before.version + 1)
        assert (before.held_by, after.held_by) == (LISTENER, NEW)


@on_virtual_time
async def test_what_waits_to_be_put_in_order_is_logged_before_the_last_word() -> None:
    async with staged() as stage, _giving(stage) as giver:
        token = giver.session.client_id
        for name, at in (("b", 0.2), ("a", 0.0)):
            stage.control.inject(token, _frame(name, at=stage.now + at))
            await stage.clock.sleep(0.05)
        await stage.clock.sleep(1)
        for name, at in (("d", 0.2), ("c", 0.0)):
            stage.control.inject(token, _frame(name, at=stage.now + at))
        early = await stage.texts(giver.session)
        await giver.successor_attaches()

        assert early == ["b", "a"]
        assert await stage.texts(giver.session) == ["b", "a", "c", "d"]
        assert await giver.word() == Farewell(fence=FENCE, drained=True)


@on_virtual_time
async def test_what_the_next_visit_sent_meanwhile_is_proven_and_no_word_of_the_guests() -> None:
    """Its successor died, and who came after that one need not wait for any last word."""
    async with staged() as stage, _giving(stage) as giver:
        send = await stage.accept(giver.session, "More")
        mark = marked(send, now=stage.now, incarnation=1, writer="next", link="of-the-next")
        await stage.ports.sessions.change_send(send, mark)
        await stage.write_as_guest(giver.session, send)
        await stage.clock.sleep(1)
        await giver.successor_attaches()

        assert await stage.texts(giver.session) == []
        assert (await stage.types(giver.session))[-2:] == ["message.accepted", "message.confirmed"]


class LastWords:
    """A socket on which the peer still speaks while it closes."""

    def __init__(self, inbox: Inbox, *things: Thing) -> None:
        self.inbox = inbox
        self.things = things

    async def send(self, text: str) -> None:
        raise LinkLostError(code=1006, reason="")

    async def receive(self) -> str:
        raise LinkLostError(code=1006, reason="")

    async def close(self) -> None:
        for thing in self.things:
            self.inbox.put(thing)


@on_virtual_time
async def test_what_was_sent_before_the_peer_closed_is_logged_before_the_last_word() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        stored = await stage.broker.ports.sessions.commit(session, replace(session, held_by=NEW))
        desk = await stage.desk(stored)
        wanted: Queue[bool] = Queue()
        wire = LastWords(
            desk.inbox,
            FrameArrived("lnk_1", json.dumps(_frame("last", at=stage.now))),
            TypingWanted(wanted),
            Nudged(),
            LinkDown("lnk_0", 1006),
            LinkDown("lnk_1", 1000),
        )
        desk.link = GuestLink("lnk_1", wire, desk.inbox, stage.now)
        desk.inbox.put(FrameArrived("lnk_1", json.dumps(_frame("first", at=stage.now))))

        async def takes_long() -> None:
            await stage.clock.sleep(GRACE_SECONDS + 1)

        stage.sessions.before("append", takes_long)
        await give(desk, _asked(stage))

        assert await stage.texts(session) == ["first", "last"]
        assert wanted.get_nowait() is False
        assert (await stage.load(session)).farewell == Farewell(fence=FENCE, drained=True)


@on_virtual_time
async def test_a_close_that_the_peer_does_not_answer_leaves_it_to_history() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        stored = await stage.broker.ports.sessions.commit(session, replace(session, held_by=NEW))
        desk = await stage.desk(stored)
        heard = FrameArrived("lnk_1", json.dumps(_frame("last", at=stage.now)))
        wire = LastWords(desk.inbox, heard, LinkDown("lnk_1", 1006))
        desk.link = GuestLink("lnk_1", wire, desk.inbox, stage.now)
        await give(desk, _asked(stage))

        assert await stage.texts(session) == ["last"]
        assert (await stage.load(session)).farewell == Farewell(fence=FENCE, drained=False)


@on_virtual_time
async def test_a_link_that_breaks_just_when_the_successor_came_leaves_it_to_history() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        stored = await stage.broker.ports.sessions.commit(session, replace(session, held_by=NEW))
        desk = await stage.desk(stored)
        desk.link = GuestLink("lnk_1", LastWords(desk.inbox), desk.inbox, stage.now)
        desk.inbox.put(LinkDown("lnk_1", 1006))
        begun = stage.now
        await give(desk, _asked(stage))

        assert (desk.leaving, stage.now) == (True, begun)
        assert (await stage.load(session)).farewell == Farewell(fence=FENCE, drained=False)


@on_virtual_time
async def test_what_is_neither_said_nor_refused_is_not_its_business_any_more() -> None:
    async with staged() as stage, _giving(stage) as giver:
        before = await stage.types(giver.session)
        stage.control.typing(giver.session.client_id)
        stage.control.disconnect(giver.session.client_id)
        await stage.clock.sleep(1)

        assert not giver.task.done()
        assert set(await stage.types(giver.session)) - {*before, "message.received"} == set()
        await giver.successor_attaches()


@on_virtual_time
async def test_a_message_in_flight_may_still_come_back_before_the_link_is_closed() -> None:
    async with staged(knobs={"answer_delay_seconds": 1}) as stage:
        session = await stage.chatted()
        inbox = Inbox()
        task = stage.begin(session, inbox)
        await stage.clock.sleep(12)
        await stage.accept(session, "More")
        inbox.put(Nudged())
        await stage.clock.sleep(0.2)
        inbox.put(_asked(stage))
        giver = Giver(stage=stage, session=session, inbox=inbox, task=task)
        await giver.successor_attaches()
        await task

        assert (await stage.types(session)).count("message.confirmed") == 2
        assert await giver.word() == Farewell(fence=FENCE, drained=True)


@on_virtual_time
async def test_what_does_not_come_back_is_left_to_the_successor() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        inbox = Inbox()
        task = stage.begin(session, inbox)
        await stage.clock.sleep(8)
        stage.control.fault("swallow_echo")
        await stage.accept(session, "More")
        inbox.put(Nudged())
        await stage.clock.sleep(0.2)
        inbox.put(_asked(stage))
        giver = Giver(stage=stage, session=session, inbox=inbox, task=task)
        begun = stage.now
        await giver.successor_attaches()
        await task

        assert stage.now - begun == pytest.approx(PROOF_SECONDS, abs=0.3)
        assert len(await stage.ports.sessions.open_sends(session.id)) == 1
        assert await giver.word() == Farewell(fence=FENCE, drained=True)


@on_virtual_time
async def test_what_may_be_ours_and_was_not_logged_leaves_it_to_history() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        other = await stage.accept(await stage.made(), "from another tab")
        inbox = Inbox()
        task = stage.begin(session, inbox)
        await stage.clock.sleep(8)
        stage.control.fault("swallow_echo")
        await stage.accept(session, "More")
        inbox.put(Nudged())
        await stage.clock.sleep(0.2)
        await stage.write_as_guest(session, other)
        inbox.put(_asked(stage))
        giver = Giver(stage=stage, session=session, inbox=inbox, task=task)
        await giver.successor_attaches()
        await task

        assert "message.received" not in await stage.types(session)
        assert await giver.word() == Farewell(fence=FENCE, drained=False)


@on_virtual_time
async def test_a_second_read_that_is_still_owed_leaves_it_to_history() -> None:
    async with staged() as stage, _giving(stage, settle=2) as giver:
        live = not giver.task.done()
        await giver.successor_attaches()

        assert live
        assert await giver.word() == Farewell(fence=FENCE, drained=False)


@pytest.mark.parametrize("answers", [True, False])
def test_a_read_for_a_message_in_doubt_that_is_owed_leaves_it_to_history(answers: bool) -> None:  # noqa: FBT001 - a parameter of the story
    """It waits for its time, or it is under way."""

    @on_virtual_time
    async def story() -> None:
        async with staged() as stage:
            session = await stage.chatted()
            inbox = Inbox()
            task = stage.begin(session, inbox)
            await stage.clock.sleep(8)

            async def takes_long() -> None:
                await stage.clock.sleep(0 if answers else 60)

            stage.history.before("history", takes_long)
            stage.control.fault("swallow_write")
            await stage.accept(session, "More")
            inbox.put(Nudged())
            await stage.clock.sleep(5)
            inbox.put(_asked(stage))
            giver = Giver(stage=stage, session=session, inbox=inbox, task=task)
            await giver.successor_attaches()
            await task

            assert await giver.word() == Farewell(fence=FENCE, drained=False)

    story()


@on_virtual_time
async def test_a_link_that_breaks_before_the_successor_came_leaves_it_to_history() -> None:
    async with staged() as stage, _giving(stage) as giver:
        stage.control.drop(giver.session.client_id)
        await stage.clock.sleep(0.5)

        assert giver.task.done()
        assert await giver.word() == Farewell(fence=FENCE, drained=False)


@on_virtual_time
async def test_a_link_that_breaks_while_proof_is_awaited_leaves_it_to_history() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        inbox = Inbox()
        task = stage.begin(session, inbox)
        await stage.clock.sleep(8)
        stage.control.fault("swallow_echo")
        await stage.accept(session, "More")
        inbox.put(Nudged())
        await stage.clock.sleep(0.2)
        inbox.put(_asked(stage))
        giver = Giver(stage=stage, session=session, inbox=inbox, task=task)
        await giver.successor_attaches()
        stage.control.drop(session.client_id)
        await task

        assert await giver.word() == Farewell(fence=FENCE, drained=False)


@on_virtual_time
async def test_who_waits_in_vain_for_a_successor_goes_at_its_time() -> None:
    async with staged() as stage, _giving(stage) as giver:
        await stage.clock.sleep(PATIENCE - 1)
        early = giver.task.done()
        await stage.clock.sleep(1.5)

        assert (early, giver.task.done()) == (False, True)
        assert await giver.word() == Farewell(fence=FENCE, drained=False)


@on_virtual_time
async def test_a_process_that_must_stop_says_at_once_that_history_must_tell() -> None:
    async with staged() as stage, _giving(stage) as giver:
        giver.inbox.put(LeaveAsked())
        await stage.clock.sleep(0.1)

        assert giver.task.done()
        assert await giver.word() == Farewell(fence=FENCE, drained=False)


@on_virtual_time
async def test_a_visit_that_is_not_at_rest_on_a_good_link_gives_nothing() -> None:
    async with (
        staged(knobs={"answer_delay_seconds": 3}) as stage,
        _giving(stage, settle=1) as giver,
    ):
        assert giver.task.done()
        assert await giver.word() == Farewell(fence=FENCE, drained=False)


@on_virtual_time
async def test_frames_that_are_none_or_not_ours_are_passed_over() -> None:
    async with staged() as stage, _giving(stage) as giver:
        for text in ("{", json.dumps({"action": "onMessage", "token": "x"})):
            stage.control.inject(giver.session.client_id, text)
        giver.inbox.put(FrameArrived("lnk_before", "{}"))
        giver.inbox.put(LinkDown("lnk_before", 1006))
        await stage.clock.sleep(1)
        going_on = not giver.task.done()
        await giver.successor_attaches()

        assert going_on
        assert await giver.word() == Farewell(fence=FENCE, drained=True)


@on_virtual_time
async def test_a_link_that_is_gone_when_the_successor_is_there_leaves_it_to_history() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        stored = await stage.broker.ports.sessions.commit(session, replace(session, held_by=NEW))
        desk = await stage.desk(stored)
        desk.phase = Phase.NONE
        asked = _asked(stage)
        desk.giving = asked
        await give(desk, asked)

        assert desk.leaving
        assert (await stage.load(session)).farewell == Farewell(fence=FENCE, drained=False)


@on_virtual_time
async def test_a_visit_without_a_link_parts_at_once() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        desk = await stage.desk(session)
        await begin_giving(desk, _asked(stage))

        assert desk.leaving
        assert (await stage.load(session)).farewell == Farewell(fence=FENCE, drained=False)


@on_virtual_time
async def test_a_table_that_does_not_answer_leaves_the_last_word_unsaid() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        inbox = Inbox()
        task = stage.begin(session, inbox)
        await stage.clock.sleep(8)
        inbox.put(_asked(stage))
        await stage.clock.sleep(0.1)
        stage.sessions.fail("say_farewell", UnavailableError(what="the table"))
        giver = Giver(stage=stage, session=session, inbox=inbox, task=task)
        await giver.successor_attaches()

        with pytest.raises(UnavailableError):
            await task
        assert await giver.word() is None
        assert stage.control.connections() == []
