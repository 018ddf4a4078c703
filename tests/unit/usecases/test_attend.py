"""Who visits: the owner of the shard, or the caller under the lock; and waiting for either."""

from asyncio import Queue, create_task, gather

import pytest

from service.domain.errors import LinkDeniedError, LinkLostError
from service.domain.session import Lock, PublicState, Session, State
from service.ports import TypingHint
from service.usecases.visit import Inbox, TypingWanted
from tests.support.visit_stage import LISTENER, Stage, on_virtual_time, staged


async def _owned(stage: Stage) -> None:
    """Another process holds every shard."""
    for shard in range(4):
        await stage.ports.shards.acquire(shard, LISTENER, now=stage.now, until=stage.now + 600)


async def _locked(stage: Stage, session: Session, seconds: float) -> None:
    """Another process is at work on the session."""
    lock = Lock(token="lck_other", until=stage.now + seconds)
    await stage.ports.sessions.take_lock(session, lock, now=stage.now)


async def _note_hints(stage: Stage, heard: list[float]) -> None:
    while True:
        found = await stage.broker.hints.mailboxes.receive(0)
        heard += [stage.clock.monotonic()] * len(found)


@on_virtual_time
async def test_the_owner_is_hinted_and_hinted_again_every_two_seconds() -> None:
    async with staged() as stage:
        session = await stage.made()
        await stage.accept(session, "Hello")
        await _owned(stage)
        heard: list[float] = []
        listening = create_task(_note_hints(stage, heard))
        await stage.attend(session, seconds=5)
        listening.cancel()

        assert heard == [0.0, 2.0, 4.0]
        assert stage.clock.monotonic() == 5
        assert stage.wires.opened == 0


@on_virtual_time
async def test_who_waits_for_the_owner_goes_when_the_bell_says_that_it_is_done() -> None:
    async with staged() as stage:
        session = await stage.made()
        await stage.accept(session, "Hello")
        await _owned(stage)
        waiting = create_task(stage.attend(session))
        await stage.clock.sleep(1)
        async with stage.held(session, settle=0.01):
            await waiting

            assert stage.clock.monotonic() < 1.1
            assert stage.arrived() == ["Hello"]


@on_virtual_time
async def test_the_owner_is_hinted_also_by_a_caller_who_need_not_wait() -> None:
    async with staged() as stage:
        session = await stage.made()
        await _owned(stage)
        await stage.attend(session)

        assert stage.broker.hints.waiting == (1, 0)
        assert stage.clock.monotonic() == 0


@on_virtual_time
async def test_when_the_owner_dies_meanwhile_the_caller_visits() -> None:
    async with staged() as stage:
        session = await stage.made()
        await stage.accept(session, "Hello")
        await stage.ports.shards.acquire(0, LISTENER, now=stage.now, until=stage.now + 5)
        await stage.attend(session)

        assert stage.arrived() == ["Hello"]
        assert 5 < stage.clock.monotonic() < 7


@on_virtual_time
async def test_a_lock_of_somebody_else_is_waited_for() -> None:
    async with staged() as stage:
        session = await stage.made()
        await stage.accept(session, "Hello")
        await _locked(stage, session, 35)

        async def let_go() -> None:
            await stage.clock.sleep(3)
            await stage.ports.sessions.release_lock(session.id, "lck_other")

        await gather(stage.attend(session), let_go())

        assert stage.arrived() == ["Hello"]
        assert 3 <= stage.clock.monotonic() < 3.3


@on_virtual_time
async def test_a_lock_of_a_dead_visitor_is_waited_out() -> None:
    async with staged() as stage:
        session = await stage.made()
        await stage.accept(session, "Hello")
        await _locked(stage, session, 35)
        await stage.attend(session, seconds=25)
        early = stage.arrived()
        await stage.attend(session, seconds=25)

        assert early == []
        assert stage.arrived() == ["Hello"]
        assert 35 <= stage.clock.monotonic() < 36


@on_virtual_time
async def test_whoever_waits_for_the_lock_begins_as_soon_as_it_is_let_go() -> None:
    async with staged(history_lag_seconds=5, knobs={"answer_delay_seconds": 0.07}) as stage:
        session = await stage.chatted()
        tries: list[float] = []
        released: list[float] = []

        async def tried() -> None:
            tries.append(stage.now)

        async def let_go() -> None:
            released.append(stage.now)

        for nth in range(1, 60):
            stage.sessions.before("take_lock", tried, nth=nth)
        stage.sessions.before("release_lock", let_go)
        sweeping = create_task(stage.reconcile(session))
        await stage.clock.sleep(3.03)
        until = stage.clock.monotonic() + 25

        async def satisfied() -> bool:
            return bool(released) and tries[-1] >= released[0]

        attending = stage.assembly.attend(session.id, until=until, satisfied=satisfied)
        await gather(sweeping, attending)

        assert released[0] in tries
        assert len(tries) > 2


@on_virtual_time
async def test_who_finds_the_lock_held_by_a_visit_of_this_process_joins_it_once() -> None:
    async with staged(history_lag_seconds=5) as stage:
        session = await stage.chatted()
        sweeping = create_task(stage.reconcile(session))
        await stage.clock.sleep(2.1)
        await stage.accept(session, "More")
        begun, loads = stage.now, stage.sessions.calls["seen_after"]
        await stage.attend(session)
        took = stage.now - begun
        await sweeping

        assert took == 0
        assert stage.sessions.calls["seen_after"] == loads + 1
        assert stage.wires.opened == 2


@on_virtual_time
async def test_a_message_that_is_accepted_while_the_visitor_lets_go_is_sent_too() -> None:
    async with staged() as stage:
        session = await stage.made()
        await stage.accept(session, "Hello")

        async def accepted() -> None:
            await stage.accept(session, "One more")

        stage.sessions.before("release_lock", accepted)
        await stage.attend(session)

        assert stage.arrived() == ["Hello", "One more"]
        assert await stage.ports.sessions.open_sends(session.id) == []
        assert stage.clock.monotonic() < 1


@on_virtual_time
async def test_what_was_read_under_the_lock_is_not_read_again() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        before = stage.sessions.calls["load"]
        await stage.reconcile(session)

        # To find the shard's owner, and to tidy the mark.
        assert stage.sessions.calls["load"] - before == 2


@on_virtual_time
async def test_a_visitor_never_stays_until_its_lock_lapses() -> None:
    async with staged(knobs={"answer_delay_seconds": 100}) as stage:
        session = await stage.made()
        await stage.accept(session, "Hello")
        released: list[float] = []

        async def note() -> None:
            released.append(stage.clock.monotonic())

        stage.sessions.before("release_lock", note)
        await stage.attend(session, seconds=60)

        assert released[0] == pytest.approx(32, abs=0.1)


@on_virtual_time
async def test_a_session_that_was_changed_under_the_visit_is_visited_again() -> None:
    async with staged() as stage:
        session = await stage.made()
        await stage.accept(session, "Hello")

        async def changed() -> None:
            stored = await stage.load(session)
            await stage.broker.ports.sessions.commit(stored, stored)

        stage.sessions.before("commit", changed, nth=1)
        await stage.attend(session)

        assert stage.wires.opened == 2
        assert stage.arrived() == ["Hello"]
        assert (await stage.load(session)).lock is None


@on_virtual_time
async def test_a_message_that_cannot_go_out_in_time_is_left_for_later() -> None:
    async with staged() as stage:
        session = await stage.made()
        await stage.accept(session, "Hello")
        stage.control.fault("deny_handshake", status=503, count=0)
        await stage.attend(session, seconds=10)

        assert stage.clock.monotonic() == pytest.approx(10, abs=0.3)
        found = await stage.load(session)
        assert found.public is PublicState.OPENING
        assert found.wake_at is not None


@on_virtual_time
async def test_the_sweeper_hints_an_owner_and_does_no_more() -> None:
    async with staged() as stage:
        session = await stage.made()
        await _owned(stage)
        await stage.reconcile(session)

        assert stage.broker.hints.waiting == (1, 0)
        assert stage.wires.opened == 0


@pytest.mark.parametrize(("changes", "arrived"), [(2, ["Hello"]), (3, [])])
@on_virtual_time
async def test_the_sweeper_begins_again_where_somebody_changed_the_session_but_not_for_ever(
    changes: int, arrived: list[str]
) -> None:
    async with staged() as stage:
        session = await stage.made()
        await stage.accept(session, "Hello")

        async def changed() -> None:
            stored = await stage.load(session)
            await stage.broker.ports.sessions.commit(stored, stored)

        for nth in range(1, changes + 1):
            stage.sessions.before("commit", changed, nth=nth)
        await stage.reconcile(session)

        assert (stage.wires.opened, stage.arrived()) == (3, arrived)


@on_virtual_time
async def test_the_sweeper_leaves_a_session_alone_that_somebody_visits() -> None:
    async with staged() as stage:
        session = await stage.made()
        await _locked(stage, session, 35)
        await stage.reconcile(session)

        assert stage.wires.opened == 0


async def _typing(stage: Stage, session: Session, seconds: float = 5.0) -> bool:
    until = stage.clock.monotonic() + seconds
    return await stage.assembly.attend.typing(session.id, until=until)


@on_virtual_time
async def test_typing_makes_a_visit_of_its_own_where_nobody_is() -> None:
    async with staged() as stage:
        session = await stage.chatted()

        assert await _typing(stage, session)
        [frame] = stage.frames("onMessage")
        assert frame["message"]["type"] == "Event"
        assert stage.control.connections() == []


@on_virtual_time
async def test_typing_each_second_makes_one_visit_in_five_seconds() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        opened = stage.wires.opened
        begun, told = stage.now, []
        for second in range(11):
            told.append(await _typing(stage, session))
            await stage.clock.sleep(begun + second + 1 - stage.now)

        assert told == [n % 5 == 0 for n in range(11)]
        assert stage.wires.opened == opened + 3
        assert len(stage.frames("onMessage")) == 3


@on_virtual_time
async def test_typing_that_did_not_go_out_is_tried_again_after_five_seconds_too() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        opened = stage.wires.opened
        stage.wires.denied.append(LinkLostError(code=1006, reason=""))
        first = await _typing(stage, session, seconds=0.6)
        again = await _typing(stage, session, seconds=0.6)
        tries = stage.wires.opened - opened
        await stage.clock.sleep(5)
        await stage.reconcile(session)

        assert (first, again, tries) == (False, False, 1)
        assert await _typing(stage, session)


@on_virtual_time
async def test_what_a_listener_sent_counts_for_the_visit_that_follows() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        async with stage.held(session) as inbox:
            answer: Queue[bool] = Queue()
            inbox.put(TypingWanted(answer))
            assert await answer.get()
        opened = stage.wires.opened

        assert not await _typing(stage, session)
        assert stage.wires.opened == opened


@on_virtual_time
async def test_typing_opens_no_visit_where_nobody_would_see_it() -> None:
    async with staged(simulated={"user_typing": False}) as stage:
        session = await stage.chatted()
        opened = stage.wires.opened

        assert not await _typing(stage, session)
        assert stage.wires.opened == opened


@on_virtual_time
async def test_typing_goes_through_the_visit_that_is_under_way() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        inbox = stage.assembly.present.begin(session.id)
        asked = create_task(_typing(stage, session))
        await stage.clock.sleep(0.1)
        thing = inbox.things.pop()
        assert isinstance(thing, TypingWanted)
        thing.answer.put_nowait(item=True)

        assert await asked
        assert stage.wires.opened == 1


@on_virtual_time
async def test_typing_is_given_up_when_nobody_answers_in_time() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        stage.assembly.present.begin(session.id)

        assert not await _typing(stage, session, seconds=2)
        assert stage.clock.monotonic() == pytest.approx(2, abs=0.1)


@on_virtual_time
async def test_typing_is_handed_to_the_process_that_has_the_link_once_in_five_seconds() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        async with stage.held(session):
            stage.assembly.present.inboxes.clear()
            await _owned(stage)
            told = [await _typing(stage, session) for _ in range(3)]
            at = stage.now

        assert told == [True, False, False]
        assert await stage.broker.hints.mailboxes.receive(0) == [TypingHint(session.id, at)]


@on_virtual_time
async def test_typing_is_not_handed_to_an_owner_who_has_no_link() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        await _owned(stage)

        assert not await _typing(stage, session)
        assert stage.broker.hints.waiting == (0, 0)


@on_virtual_time
async def test_typing_does_not_wait_for_a_lock() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        await _locked(stage, session, 35)
        begun = stage.now

        assert not await _typing(stage, session)
        assert stage.now == begun


@on_virtual_time
async def test_who_asked_a_visit_that_was_ending_is_told_no() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        answer: Queue[bool] = Queue()

        async def asked() -> None:
            inbox = stage.assembly.present.of(session.id) or Inbox()
            inbox.put(TypingWanted(answer))

        stage.sessions.before("schedule", asked)
        await stage.accept(session, "More")
        await stage.attend(session)

        assert answer.get_nowait() is False


@on_virtual_time
async def test_a_closed_chat_that_cannot_be_reached_is_tried_ever_more_slowly() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        stage.control.disconnect(session.client_id)
        await stage.reconcile(session)
        await stage.accept(await stage.load(session), "More")
        opened = stage.wires.opened
        stage.wires.denied.extend(LinkDeniedError(status=503) for _ in range(50))
        await stage.attend(session, seconds=25)

        assert 3 < stage.wires.opened - opened < 15


@on_virtual_time
async def test_what_a_visit_on_demand_noted_is_written_when_it_ends() -> None:
    async with staged() as stage:
        session = await stage.chatted()

        [page] = await stage.ports.timeline.pages(session.id, since=0.0, limit=5)
        assert [page.notes[0].what, page.notes[-1].what] == ["visited", "closed"]


@on_virtual_time
async def test_who_has_what_it_came_for_visits_once_more_for_others_and_no_oftener() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        said: list[str] = []

        async def one_more() -> None:
            text = f"{len(said)}"
            said.append(text)
            await stage.accept(session, text)
            if len(said) < 9:
                stage.sessions.before("release_lock", one_more)

        stage.sessions.before("release_lock", one_more)
        await stage.accept(session, "mine")
        await stage.attend(session)

        assert len(said) == 9

        async def satisfied() -> bool:
            return True

        said.clear()
        stage.sessions.before("release_lock", one_more)
        await stage.assembly.attend(
            session.id, until=stage.clock.monotonic() + 25, satisfied=satisfied
        )
        assert len(said) == 2
        assert stage.arrived()[-1] == "0"
        assert len(await stage.ports.sessions.open_sends(session.id)) == 1


@pytest.mark.parametrize("seconds", [0.0, 0.4])
@on_virtual_time
async def test_who_does_not_wait_opens_no_link_that_nobody_could_use(seconds: float) -> None:
    async with staged() as stage:
        session = await stage.chatted()
        opened = stage.wires.opened
        await stage.accept(session, "More")
        await stage.attend(session, seconds=seconds)
        left = await stage.load(session)

        assert stage.wires.opened == opened
        assert (left.state, left.unanswered_after, left.outage) == (State.DETACHED, 0, None)
        assert left.wake_at == pytest.approx(stage.now, abs=0.6)
        await stage.reconcile(session)
        assert stage.arrived() == ["Hello", "More"]


@on_virtual_time
async def test_a_session_that_was_left_unvisited_is_the_next_sweeps() -> None:
    async with staged() as stage:
        session = await stage.made()
        await stage.accept(session, "Hello")
        await stage.attend(session, seconds=0)
        await stage.clock.sleep(1)
        await stage.assembly.sweep()

        assert stage.arrived() == ["Hello"]
        assert stage.wires.opened == 1
