"""The listener: shards leased while it can prove it, one visit a session, nothing left behind."""

from asyncio import Task, create_task, gather
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import pairwise

import pytest

from service.bootstrap import assemble
from service.config import LocalSettings
from service.domain.deployment import Mode
from service.domain.errors import SupersededError, UnavailableError
from service.domain.events import LeaveRequested
from service.domain.ids import ListenerName, SessionId
from service.domain.lease import MOST_LINKS, Lease, Term
from service.domain.session import Farewell, Lock, Session, State
from service.simulator.faults import FaultKind
from service.usecases.hold_links import PAUSE_FIRST, RELEASE_SECONDS, SCAN_SECONDS, HoldLinks
from service.usecases.leases import Held
from service.usecases.visit import Inbox
from tests.support.visit_stage import Stage, on_virtual_time, staged

OTHER = ListenerName("own_other")
DOWN = UnavailableError(what="the table")


def _listener(stage: Stage, name: str = "own_a", *, most_links: int = MOST_LINKS) -> HoldLinks:
    term = Term(name=ListenerName(name), shards=4, max_links=MOST_LINKS, most_links=most_links)
    return stage.assembly.listener(stage.broker.hints.mailboxes, term)


def _holds_first_shard(listener: HoldLinks) -> None:
    """Without the loops: for ever, and as far as this listener knows."""
    lease = Lease(shard=0, fence=1, owner=listener.leases.term.name)
    listener.leases.held[0] = Held(lease=lease, good_until=float("inf"))


@asynccontextmanager
async def _running(stage: Stage, listener: HoldLinks) -> AsyncIterator[HoldLinks]:
    task: Task[None] = create_task(listener.run())
    await stage.clock.sleep(1)
    try:
        yield listener
    finally:
        await listener.drain()
        task.cancel()
        await gather(task, return_exceptions=True)


async def _owner(stage: Stage, shard: int = 0) -> str | None:
    lease = await stage.ports.shards.lease(shard)
    return lease.owner if lease.is_valid(stage.now) else None


@on_virtual_time
async def test_every_free_shard_is_taken_and_its_live_sessions_are_visited() -> None:
    async with staged() as stage:
        one, two = await stage.made(shard=0), await stage.made(shard=3)
        async with _running(stage, _listener(stage)) as listener:
            assert listener.held == {0, 1, 2, 3}
            assert [(await stage.load(each)).held_by for each in (one, two)] == ["own_a"] * 2

        assert [(await stage.load(each)).state for each in (one, two)] == [State.DETACHED] * 2
        assert await _owner(stage) is None
        assert stage.control.connections() == []
        assert (listener.held, listener.visits, listener.shard_of) == (set(), {}, {})


@on_virtual_time
async def test_what_a_visit_noted_is_written_when_it_ends() -> None:
    async with staged() as stage:
        session = await stage.made(shard=0)
        async with _running(stage, _listener(stage)):
            assert await stage.ports.timeline.pages(session.id, since=0.0, limit=5) == []

        [page] = await stage.ports.timeline.pages(session.id, since=0.0, limit=5)
        assert [page.notes[0].what, page.notes[-1].what] == ["visited", "closed"]


@on_virtual_time
async def test_a_lease_is_renewed_for_as_long_as_the_listener_lives() -> None:
    async with staged() as stage, _running(stage, _listener(stage)):
        owners = []
        for _ in range(60):
            await stage.clock.sleep(1)
            owners.append(await _owner(stage))

        assert set(owners) == {"own_a"}


@on_virtual_time
async def test_a_shard_of_another_is_taken_only_when_its_lease_has_lapsed() -> None:
    async with staged() as stage:
        await stage.ports.shards.acquire(1, OTHER, now=stage.now, until=stage.now + 20)
        async with _running(stage, _listener(stage)) as listener:
            early = set(listener.held)
            await stage.clock.sleep(30)

            assert early == {0, 2, 3}
            assert listener.held == {0, 1, 2, 3}


@on_virtual_time
async def test_a_lost_shard_is_let_go_with_its_links_and_no_other() -> None:
    async with staged() as stage:
        lost, kept = await stage.made(shard=0), await stage.made(shard=3)
        async with _running(stage, _listener(stage)) as listener:
            await stage.ports.shards.release(await stage.ports.shards.lease(0))
            await stage.ports.shards.acquire(0, OTHER, now=stage.now, until=stage.now + 600)
            await stage.clock.sleep(6)

            assert listener.held == {1, 2, 3}
            assert list(listener.visits) == [kept.id]
            assert len(stage.control.connections()) == 1
            assert lost.id not in listener.shard_of
        assert await _owner(stage) == OTHER


@on_virtual_time
async def test_a_listener_that_cannot_prove_its_leases_lets_go_before_they_lapse() -> None:
    async with staged() as stage:
        await stage.made(shard=0)
        async with _running(stage, _listener(stage)) as listener:
            stage.shards.fail("renew", *[DOWN] * 40)
            await stage.clock.sleep(14)

            assert listener.held == set()
            assert stage.control.connections() == []


@on_virtual_time
async def test_one_call_that_takes_too_long_costs_no_shard() -> None:
    async with staged() as stage:
        await stage.made(shard=0)

        async def hangs() -> None:
            await stage.clock.sleep(600)

        async with _running(stage, _listener(stage)) as listener:
            stage.shards.before("leases", hangs)
            held = []
            for _ in range(60):
                await stage.clock.sleep(0.5)
                held.append(len(listener.held))

            assert set(held) == {4}
            assert stage.wires.opened == 1


@on_virtual_time
async def test_a_look_that_takes_a_while_does_not_put_off_the_next_one() -> None:
    async with staged() as stage:
        renewed: list[float] = []

        async def takes_a_while() -> None:
            await stage.clock.sleep(2.5)

        async def note() -> None:
            renewed.append(stage.clock.monotonic())

        async with _running(stage, _listener(stage)):
            for nth in range(1, 5):
                stage.shards.before("leases", takes_a_while, nth=nth)
                stage.shards.before("renew", note, nth=4 * nth)
            await stage.clock.sleep(25)

        assert renewed == [5.0, 10.0, 15.0, 20.0]


@on_virtual_time
async def test_a_listener_takes_its_shards_again_when_the_table_answers() -> None:
    async with staged() as stage:
        session = await stage.made(shard=0)
        async with _running(stage, _listener(stage)) as listener:
            stage.shards.fail("renew", *[DOWN] * 12)
            await stage.clock.sleep(60)

            assert listener.held == {0, 1, 2, 3}
            assert list(listener.visits) == [session.id]


@on_virtual_time
async def test_a_listener_keeps_up_while_the_table_answers() -> None:
    async with staged() as stage:
        listener = _listener(stage)
        at_first = listener.is_keeping_up()
        async with _running(stage, listener):
            stage.shards.fail("leases", *[DOWN] * 4)
            await stage.clock.sleep(10)
            soon = listener.is_keeping_up()
            await stage.clock.sleep(10)
            silent = listener.is_keeping_up()
            await stage.clock.sleep(60)

            assert (at_first, soon, silent) == (False, True, False)
            assert listener.is_keeping_up()


@on_virtual_time
async def test_a_hint_begins_a_visit_and_a_hint_for_a_shard_of_another_does_not() -> None:
    async with staged() as stage:
        await stage.ports.shards.acquire(3, OTHER, now=stage.now, until=stage.now + 600)
        async with _running(stage, _listener(stage)):
            mine, others = await stage.made(shard=0), await stage.made(shard=3)
            for each in (mine, others):
                await stage.accept(each, "Hello")
                await stage.ports.hints.session(each.id, each.shard)
            await stage.clock.sleep(1)

            assert await stage.ports.sessions.open_sends(mine.id) == []
            assert len(await stage.ports.sessions.open_sends(others.id)) == 1


@on_virtual_time
async def test_a_hint_reaches_the_visit_that_is_under_way() -> None:
    async with staged() as stage:
        session = await stage.made(shard=0)
        async with _running(stage, _listener(stage)):
            await stage.accept(session, "Hello")
            await stage.ports.hints.session(session.id, 0)
            await stage.clock.sleep(0.1)

            assert stage.arrived() == ["Hello"]
            assert stage.wires.opened == 1


@on_virtual_time
async def test_a_session_whose_hint_was_lost_is_found_by_looking() -> None:
    async with staged() as stage, _running(stage, _listener(stage)):
        session = await stage.made(shard=2)
        await stage.accept(session, "Hello")
        await stage.clock.sleep(11)

        assert stage.arrived() == ["Hello"]


@on_virtual_time
async def test_looking_goes_on_when_the_table_did_not_answer_once() -> None:
    async with staged() as stage, _running(stage, _listener(stage)):
        session = await stage.made(shard=0)
        await stage.accept(session, "Hello")
        stage.sessions.fail("live_in_shard", DOWN)
        await stage.clock.sleep(21)

        assert stage.arrived() == ["Hello"]


@on_virtual_time
async def test_a_visit_that_fails_is_tried_again_after_ever_longer_pauses() -> None:
    async with staged() as stage:
        listener = _listener(stage)
        _holds_first_shard(listener)
        session = await stage.made(shard=0)
        tries: list[float] = []

        async def note() -> None:
            tries.append(stage.clock.monotonic())
            raise DOWN

        for nth in range(1, 9):
            stage.sessions.before("tail", note, nth=nth)
        listener.look(session.id, 0)
        await stage.clock.sleep(60)
        pauses = [round(b - a, 1) for a, b in pairwise(tries)]
        await listener.drain()

        assert pauses == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0]
        assert stage.wires.opened == 1


@on_virtual_time
async def test_a_session_that_is_gone_is_forgotten() -> None:
    async with staged() as stage:
        listener = _listener(stage)
        _holds_first_shard(listener)
        listener.look(SessionId("ses_gone"), 0)
        await stage.clock.sleep(1)

        assert (listener.visits, listener.shard_of, listener.again) == ({}, {}, set())


@on_virtual_time
async def test_a_session_that_was_changed_by_somebody_else_is_visited_again_at_once() -> None:
    async with staged() as stage:
        session = await stage.chatted(shard=0)
        async with _running(stage, _listener(stage)):
            stored = await stage.load(session)
            await stage.broker.ports.sessions.commit(stored, stored)
            await stage.accept(session, "More")
            await stage.ports.hints.session(session.id, 0)
            await stage.clock.sleep(1)

            assert stage.arrived() == ["Hello", "More"]
            assert len(stage.control.connections()) == 1


@on_virtual_time
async def test_a_hint_that_comes_while_a_visit_ends_makes_another() -> None:
    async with staged() as stage:
        session = await stage.chatted(shard=0)
        stage.control.disconnect(session.client_id)
        listener = _listener(stage)
        _holds_first_shard(listener)

        async def accepted() -> None:
            await stage.accept(session, "One more")
            listener.look(session.id, 0)

        stage.sessions.before("schedule", accepted)
        listener.look(session.id, 0)
        await stage.clock.sleep(20)
        await listener.drain()

        assert stage.arrived() == ["Hello", "One more"]


@on_virtual_time
async def test_a_hint_before_a_visit_has_its_inbox_is_remembered() -> None:
    async with staged() as stage:
        session = await stage.chatted(shard=0)
        listener = _listener(stage)
        _holds_first_shard(listener)
        listener.look(session.id, 0)
        listener.look(session.id, 0)
        remembered = set(listener.again)
        await stage.clock.sleep(1)
        await listener.drain()

        assert remembered == {session.id}


@on_virtual_time
async def test_a_visit_on_demand_is_waited_out_before_anything_is_changed() -> None:
    async with staged() as stage:
        session = await stage.made(shard=0)
        lock = Lock(token="lck_other", until=stage.now + 35)
        await stage.ports.sessions.take_lock(session, lock, now=stage.now)
        async with _running(stage, _listener(stage)):
            await stage.clock.sleep(10)
            before = stage.wires.opened
            await stage.ports.sessions.release_lock(session.id, lock.token)
            await stage.clock.sleep(1)

            assert (before, stage.wires.opened) == (0, 1)


@on_virtual_time
async def test_a_lock_of_a_dead_visitor_is_waited_out() -> None:
    async with staged() as stage:
        session = await stage.made(shard=0)
        lock = Lock(token="lck_dead", until=stage.now + 35)
        await stage.ports.sessions.take_lock(session, lock, now=stage.now)
        async with _running(stage, _listener(stage)):
            await stage.clock.sleep(40)

            assert stage.times("configureSession") == [pytest.approx(lock.until, abs=0.1)]


@on_virtual_time
async def test_a_session_that_is_only_touched_is_let_go_and_looked_at_again_later() -> None:
    async with staged(mode=Mode.TOUCH, history_lag_seconds=5) as stage:
        session = await stage.made(shard=0)
        await stage.accept(session, "Hello")
        async with _running(stage, _listener(stage)) as listener:
            await stage.clock.sleep(8)

            found = await stage.load(session)
            assert (found.held_by, found.state) == (None, State.DETACHED)
            assert found.wake_at is not None
            assert stage.control.connections() == []
            assert listener.visits == {}
        assert stage.arrived() == ["Hello"]


@on_virtual_time
async def test_draining_does_not_wait_for_a_link_that_hangs() -> None:
    async with staged() as stage:
        await stage.made(shard=0)
        stage.control.fault("hang_handshake")
        listener = _listener(stage)
        task = create_task(listener.run())
        await stage.clock.sleep(1)
        await listener.drain()
        task.cancel()

        assert stage.clock.monotonic() == pytest.approx(7, abs=0.1)
        assert await _owner(stage) is None


@on_virtual_time
async def test_a_listener_that_drains_takes_nothing_up() -> None:
    async with staged() as stage:
        session = await stage.made(shard=0)
        listener = _listener(stage)
        await listener.claim()
        await stage.clock.sleep(1)
        await listener.drain()
        await listener.claim()
        _holds_first_shard(listener)
        listener.look(session.id, 0)

        assert listener.visits == {}
        assert await _owner(stage) is None


@pytest.mark.parametrize(("takes", "waits"), [(1.0, 1.0), (4.0, RELEASE_SECONDS)])
def test_a_claim_that_is_on_its_way_is_waited_for_before_all_is_given_back(
    takes: float, waits: float
) -> None:
    @on_virtual_time
    async def story() -> None:
        async with staged() as stage:
            await stage.made(shard=0)
            listener = _listener(stage)

            async def takes_long() -> None:
                await stage.clock.sleep(takes)

            stage.shards.before("acquire", takes_long)
            claiming = create_task(listener.claim())
            await stage.clock.sleep(0)
            begun = stage.clock.monotonic()
            await listener.drain()
            took = stage.clock.monotonic() - begun
            await claiming

            assert took == waits
            assert [await _owner(stage, shard) for shard in range(4)] == [None] * 4
            assert (listener.visits, listener.held, listener.listen.wanted) == (
                {},
                set(),
                frozenset(),
            )

    story()


@on_virtual_time
async def test_a_nudge_that_comes_while_it_drains_is_left_to_the_next_listener() -> None:
    async with staged() as stage:
        session = await stage.made(shard=0)
        listener = _listener(stage)
        await listener.claim()
        await stage.clock.sleep(1)
        listener.again.add(session.id)
        await listener.drain()

        assert stage.wires.opened == 1
        assert stage.clock.monotonic() < 2


@on_virtual_time
async def test_a_visit_that_fails_while_it_drains_does_not_attach_again() -> None:
    async with staged() as stage:
        await stage.made(shard=0)
        listener = _listener(stage)
        await listener.claim()
        await stage.clock.sleep(1)
        stage.sessions.fail("schedule", DOWN)
        await listener.drain()

        assert stage.wires.opened == 1
        assert stage.clock.monotonic() < 2


@on_virtual_time
async def test_draining_does_not_wait_for_who_only_waits() -> None:
    async with staged() as stage:
        session = await stage.made(shard=0)
        lock = Lock(token="lck_other", until=stage.now + 35)
        await stage.ports.sessions.take_lock(session, lock, now=stage.now)
        listener = _listener(stage)
        await listener.claim()
        await stage.clock.sleep(1)
        await listener.drain()

        assert stage.clock.monotonic() < 1.1
        assert listener.visits == {}


async def _gives_first_shard(stage: Stage, listener: HoldLinks) -> None:
    """Another asks for it, and the listener follows at its next look; the other then has it."""
    lease = await stage.ports.shards.lease(0)
    until = stage.now + 30
    assert await stage.ports.shards.ask(lease, OTHER, now=stage.now, until=until)
    await stage.clock.sleep(10.5)
    assert 0 not in listener.held


async def _given_shard(stage: Stage, *sessions: Session) -> Lease:
    """Shard 0 as another gave it to `own_a`; it still holds those sessions and says nothing."""
    for session in sessions:
        await stage.broker.ports.sessions.commit(session, replace(session, held_by=OTHER))
    shards = stage.broker.ports.shards
    lease = await shards.acquire(0, OTHER, now=stage.now, until=stage.now + 15)
    assert lease is not None
    await shards.ask(lease, ListenerName("own_a"), now=stage.now, until=stage.now + 15)
    given = await shards.transfer(
        lease, ListenerName("own_a"), until=stage.now + 15, drained_by=stage.now + 30
    )
    assert given is not None
    return given


@on_virtual_time
async def test_a_shard_that_is_given_to_it_is_joined_beside_the_predecessor() -> None:
    async with staged() as stage:
        session = await stage.chatted(shard=0)
        given = await _given_shard(stage, session)
        async with _running(stage, _listener(stage)) as listener:
            met = await stage.load(session)
            drained = Farewell(fence=given.fence, drained=True)
            await stage.ports.sessions.say_farewell(session.id, drained)
            await stage.accept(session, "More")
            await stage.clock.sleep(1)

            assert (met.held_by, met.state) == ("own_a", State.DETACHED)
            assert list(listener.visits) == [session.id]
            assert stage.arrived() == ["Hello", "More"]
            assert stage.history.calls["history"] == 0


@on_virtual_time
async def test_beside_a_predecessor_ten_links_a_second_are_opened_and_what_waits_comes_first() -> (
    None
):
    async with staged() as stage:
        sessions = [await stage.chatted(shard=0) for _ in range(5)]
        await _given_shard(stage, *sessions)
        await stage.accept(sessions[3], "More")
        begun = stage.now
        async with _running(stage, _listener(stage)):
            configures = stage.frames("configureSession")
            times = [at - begun for at in stage.times("configureSession")]

        assert configures[0]["token"] == sessions[3].client_id
        assert times == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4], abs=0.02)


@on_virtual_time
async def test_sessions_that_the_predecessor_does_not_hold_wait_for_no_turn() -> None:
    async with staged() as stage:
        sessions = [await stage.chatted(shard=0) for _ in range(5)]
        await _given_shard(stage)
        begun = stage.now
        async with _running(stage, _listener(stage)):
            times = [at - begun for at in stage.times("configureSession")]

        assert len(times) == len(sessions)
        assert max(times) < 0.05


@on_virtual_time
async def test_a_shard_that_is_asked_for_is_given_with_its_links_still_there() -> None:
    async with staged() as stage:
        session = await stage.made(shard=0)
        async with _running(stage, _listener(stage)) as listener:
            await _gives_first_shard(stage, listener)
            stage.say(session, "Still heard")
            await stage.accept(session, "Not sent")
            await stage.ports.hints.session(session.id, 0)
            await stage.clock.sleep(1)
            during = (await stage.texts(session), stage.arrived(), list(listener.visits))
            stored = await stage.load(session)
            await stage.broker.ports.sessions.commit(stored, replace(stored, held_by=OTHER))
            await stage.clock.sleep(2)

            assert during == (["Still heard"], [], [session.id])
            assert await _word(stage, session) == Farewell(fence=2, drained=True)
            assert listener.visits == {}
            assert stage.control.connections() == []
        assert await _owner(stage) == OTHER


@on_virtual_time
async def test_a_visit_without_a_link_ends_with_the_shard_and_leaves_it_to_history() -> None:
    async with staged() as stage:
        linkless, other = await stage.made(shard=0), await stage.made(shard=1)
        async with _running(stage, _listener(stage)) as listener:
            listener.present.end(linkless.id, _inbox(listener, linkless))
            await _gives_first_shard(stage, listener)

            assert await _word(stage, linkless) == Farewell(fence=2, drained=False)
            assert linkless.id not in listener.visits
            assert other.id in listener.visits


@on_virtual_time
async def test_a_session_of_a_shard_that_was_lost_before_its_turn_is_not_attached() -> None:
    async with staged() as stage:
        sessions = [await stage.chatted(shard=0) for _ in range(2)]
        given = await _given_shard(stage, *sessions)
        listener = _listener(stage)
        opened = stage.wires.opened

        async def lost() -> None:
            listener.leases.held.clear()

        await listener.leases.take(0)
        stage.sessions.before("load", lost)
        listener.look(sessions[0].id, 0)
        await stage.clock.sleep(1)

        assert given.owner == "own_a"
        assert stage.wires.opened == opened
        assert listener.visits == {}


@on_virtual_time
async def test_a_visit_does_not_begin_under_a_lease_that_was_just_lost() -> None:
    async with staged() as stage:
        session = await stage.made(shard=0)
        listener = _listener(stage)
        _holds_first_shard(listener)
        listener.look(session.id, 0)
        listener.leases.held.clear()
        await stage.clock.sleep(1)

        assert (listener.visits, stage.wires.opened) == ({}, 0)


@on_virtual_time
async def test_what_the_shard_needs_first_is_not_asked_where_it_was_lost_meanwhile() -> None:
    async with staged() as stage:
        session = await stage.chatted(shard=0)
        await _given_shard(stage, session)
        listener = _listener(stage)

        async def lost() -> None:
            listener.leases.held.clear()

        stage.sessions.before("live_in_shard", lost, nth=4)
        await listener.claim()
        await stage.clock.sleep(1)

        assert listener.visits == {}


@pytest.mark.parametrize("call", ["renew", "leases", "acquire", "transfer"])
def test_a_table_that_fails_at_any_call_only_delays_the_listener(call: str) -> None:
    @on_virtual_time
    async def story() -> None:
        async with staged() as stage:
            session = await stage.made(shard=0)
            stage.shards.fail(call, *[DOWN] * 3)
            async with _running(stage, _listener(stage)) as listener:
                await stage.clock.sleep(25)
                lease = await stage.ports.shards.lease(0)
                await stage.ports.shards.ask(lease, OTHER, now=stage.now, until=stage.now + 4)
                await stage.clock.sleep(60)

                assert listener.held >= {1, 2, 3}
                assert (await stage.load(session)).held_by == "own_a"

    story()


@on_virtual_time
async def test_a_last_word_that_cannot_be_said_keeps_no_other_visit_from_handing_over() -> None:
    async with staged() as stage:
        silent, heard = await stage.made(shard=0), await stage.made(shard=0)
        async with _running(stage, _listener(stage)) as listener:
            listener.present.end(silent.id, _inbox(listener, silent))
            stage.sessions.fail("say_farewell", DOWN)
            await _gives_first_shard(stage, listener)
            stored = await stage.load(heard)
            await stage.broker.ports.sessions.commit(stored, replace(stored, held_by=OTHER))
            await stage.clock.sleep(2)

            assert await _word(stage, silent) is None
            assert await _word(stage, heard) == Farewell(fence=2, drained=True)
            assert (listener.held, listener.visits) == ({1, 2, 3}, {})


@on_virtual_time
async def test_a_gift_that_hangs_keeps_no_other_shard_from_being_handed_over() -> None:
    async with staged() as stage:
        given, stuck = await stage.made(shard=0), await stage.made(shard=1)

        async def hangs() -> None:
            await stage.clock.sleep(600)

        async with _running(stage, _listener(stage)) as listener:
            stage.shards.before("transfer", hangs, nth=2)
            for shard in (0, 1):
                lease = await stage.ports.shards.lease(shard)
                until = stage.now + 10
                await stage.ports.shards.ask(lease, OTHER, now=stage.now, until=until)
            await stage.clock.sleep(22)
            stored = await stage.load(given)
            await stage.broker.ports.sessions.commit(stored, replace(stored, held_by=OTHER))
            await stage.clock.sleep(2)

            assert await _word(stage, given) == Farewell(fence=2, drained=True)
            assert given.id not in listener.visits
            assert listener.held >= {1, 2, 3}
            assert stuck.id in listener.visits


@on_virtual_time
async def test_draining_while_a_shard_is_given_away_says_that_history_must_tell() -> None:
    async with staged() as stage:
        session = await stage.made(shard=0)
        async with _running(stage, _listener(stage)) as listener:
            await _gives_first_shard(stage, listener)
            await listener.drain()

            assert await _word(stage, session) == Farewell(fence=2, drained=False)
            assert stage.control.connections() == []
        assert await _owner(stage) == OTHER
        assert await _owner(stage, 1) is None


async def _word(stage: Stage, session: Session) -> Farewell | None:
    return (await stage.load(session)).farewell


def _inbox(listener: HoldLinks, session: Session) -> Inbox:
    inbox = listener.present.of(session.id)
    assert inbox is not None
    return inbox


@on_virtual_time
async def test_a_session_that_ended_under_a_listener_is_due_no_more_once_all_is_done() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        async with _running(stage, _listener(stage)):
            await stage.assembly.change(session.id, LeaveRequested())
            await stage.clock.sleep(90)
            due = (await stage.ports.sessions.due_sessions(before=stage.now, limit=10)).items
            await stage.assembly.sweep()
            await stage.clock.sleep(1)

            assert due == [(session.id, session.shard)]
            assert (
                await stage.ports.sessions.due_sessions(before=stage.now + 999, limit=10)
            ).items == []


@on_virtual_time
async def test_a_session_that_is_only_touched_is_visited_at_growing_intervals() -> None:
    async with staged(mode=Mode.TOUCH) as stage:
        session = await stage.chatted()
        opened = stage.wires.opened
        async with _running(stage, _listener(stage)):
            await stage.clock.sleep(300)
            early = stage.wires.opened - opened
            await stage.clock.sleep(3600)
            late = stage.wires.opened - opened - early

        assert 5 < early < 25
        assert 3 <= late < 20
        assert (await stage.load(session)).state is State.DETACHED


@on_virtual_time
async def test_a_dormant_session_waits_for_its_time_or_for_a_hint() -> None:
    async with staged(dormant_seconds=600) as stage:
        session = await stage.chatted()
        await stage.begin(session, Inbox())
        opened = stage.wires.opened
        async with _running(stage, _listener(stage)) as listener:
            # What an index shows that is behind.
            listener.look(session.id, session.shard, wanted=False)
            await stage.clock.sleep(5)
            assert stage.wires.opened == opened

            await stage.broker.hints.session(session.id, session.shard)
            await stage.clock.sleep(5)
            assert stage.wires.opened == opened + 1
            assert listener.visits == {}

            await stage.accept(session, "Still there?")
            await stage.broker.hints.session(session.id, session.shard)
            await stage.clock.sleep(5)
            assert list(listener.visits) == [session.id]
            assert stage.arrived()[-1] == "Still there?"


@on_virtual_time
async def test_a_hint_that_comes_while_a_failed_visit_pauses_is_followed() -> None:
    async with staged(dormant_seconds=600) as stage:
        session = await stage.chatted()
        await stage.begin(session, Inbox())
        await stage.accept(session, "Still there?")
        listener = _listener(stage)
        _holds_first_shard(listener)
        stage.sessions.fail("load", DOWN)
        listener.look(session.id, 0, wanted=False)
        await stage.clock.sleep(PAUSE_FIRST / 2)
        listener.look(session.id, 0)
        await stage.clock.sleep(5)
        arrived = stage.arrived()
        await listener.drain()

        assert arrived == ["Hello", "Still there?"]


@on_virtual_time
async def test_a_session_that_moved_on_with_its_shard_is_not_visited_again() -> None:
    async with staged() as stage:
        listener = _listener(stage)
        _holds_first_shard(listener)
        session = await stage.made(shard=0)

        async def move_on() -> None:
            listener.leases.held.clear()
            raise SupersededError(session_id=session.id)

        stage.sessions.before("load", move_on)
        listener.look(session.id, 0)
        await stage.clock.sleep(5)

        assert listener.visits == {}
        assert stage.sessions.calls["load"] == 1


async def _nobody_is_touched(stage: Stage, listener: HoldLinks) -> None:
    """At a moment when only those that have a place are visited."""
    while set(listener.visits) != set(listener.room.placed):
        await stage.clock.sleep(0.1)


@on_virtual_time
async def test_beyond_the_hard_stop_the_least_recently_active_are_only_touched() -> None:
    async with staged() as stage:
        sessions = []
        for _ in range(5):
            sessions.append(await stage.chatted(shard=0))
            await stage.clock.sleep(10)
        async with _running(stage, _listener(stage, most_links=2)) as listener:
            await stage.clock.sleep(60)
            early = set(listener.room.placed)
            stage.say(sessions[0], "Still heard")
            await stage.clock.sleep(900)
            await _nobody_is_touched(stage, listener)

            assert early == {sessions[3].id, sessions[4].id}
            # It was heard when it was touched, and so it is the most active.
            assert await stage.texts(sessions[0]) == ["Still heard"]
            assert set(listener.visits) == {sessions[0].id, sessions[4].id}
            assert len(stage.control.connections()) == 2


@on_virtual_time
async def test_what_a_caller_says_beyond_the_hard_stop_is_sent_at_once_and_another_makes_way() -> (
    None
):
    async with staged() as stage:
        sessions = []
        for _ in range(3):
            sessions.append(await stage.chatted(shard=0))
            await stage.clock.sleep(10)
        async with _running(stage, _listener(stage, most_links=2)) as listener:
            await stage.clock.sleep(60)
            await _nobody_is_touched(stage, listener)
            await stage.accept(sessions[0], "Quick")
            await stage.ports.hints.session(sessions[0].id, 0)
            await stage.clock.sleep(2)

            held = [(await stage.load(each)).held_by for each in sessions]
            assert stage.arrived()[-1] == "Quick"
            assert held == ["own_a", None, "own_a"]
            assert len(stage.control.connections()) == 2


@on_virtual_time
async def test_who_was_beyond_the_hard_stop_has_its_link_again_when_there_is_room() -> None:
    async with staged() as stage:
        sessions = [await stage.chatted(shard=0) for _ in range(4)]
        async with _running(stage, _listener(stage, most_links=2)) as listener:
            await stage.clock.sleep(60)
            beyond = [each for each in sessions if each.id not in listener.room.placed]
            placed = [each for each in sessions if each.id in listener.room.placed]
            opened = stage.wires.opened
            await stage.assembly.change(placed[0].id, LeaveRequested())
            await stage.clock.sleep(25)

            found = [(await stage.load(each)).held_by for each in beyond]
            assert sorted(str(each) for each in found) == ["None", "own_a"]
            assert stage.wires.opened <= opened + 3
            assert len(listener.room.placed) == 2


@on_virtual_time
async def test_who_is_to_make_way_before_it_has_a_link_is_left_to_the_next_look() -> None:
    async with staged() as stage:
        session = await stage.made(shard=0)
        lock = Lock(token="lck_other", until=stage.now + 35)
        await stage.ports.sessions.take_lock(session, lock, now=stage.now)
        async with _running(stage, _listener(stage)) as listener:
            listener.room.evict(SessionId("ses_gone"))
            listener.room.evict(session.id)
            await stage.clock.sleep(0.5)

            assert listener.visits == {}


@on_virtual_time
async def test_who_comes_too_late_for_the_room_there_was_waits_for_its_time() -> None:
    async with staged() as stage:
        late, other = await stage.chatted(shard=0), await stage.made(shard=0)
        opened = stage.wires.opened
        listener = _listener(stage, most_links=1)
        _holds_first_shard(listener)
        async with listener.room.lock:
            listener.look(late.id, 0, wanted=False)
            await stage.clock.sleep(0.1)
            listener.room.placed[other.id] = float("inf")
        await stage.clock.sleep(0.1)
        asked = stage.sessions.calls["tail"]
        listener.look(late.id, 0, wanted=False)
        await stage.clock.sleep(0.1)

        # While it waits for its time the table is not asked again.
        assert stage.sessions.calls["tail"] == asked
        assert (listener.visits, listener.room.beyond) == ({}, {late.id})
        assert stage.wires.opened == opened


@on_virtual_time
async def test_a_session_that_is_over_is_tidied_also_when_its_deployment_is_deleted() -> None:
    async with staged() as stage:
        session = await stage.made(shard=0, state=State.ENDED)
        await stage.accept(session, "Too late")
        await stage.ports.sessions.mark_work(session.id, stage.now - 1)
        await stage.ports.tenants.delete_deployment(session.tenant, session.deployment)
        async with _running(stage, _listener(stage)) as listener:
            listener.look(session.id, 0)
            await stage.clock.sleep(1)

            assert await stage.types(session) == ["message.accepted", "message.failed"]
            assert (listener.visits, listener.room.placed) == ({}, {})


async def _is_made_way_for(stage: Stage, session: Session) -> bool:
    """Whether another that was active before it loses the only place when it is hinted."""
    other = await stage.made(shard=0)
    async with _running(stage, _listener(stage, most_links=1)) as listener:
        assert set(listener.room.placed) == {other.id}
        await stage.clock.sleep(5)
        await stage.foreign(session, "More active")
        listener.look(session.id, 0)
        await stage.clock.sleep(0.5)
        return other.id not in listener.room.placed


@pytest.mark.parametrize("state", [State.ENDED, State.FAILED, State.READ_ONLY])
def test_nobody_makes_way_for_who_keeps_no_link(state: State) -> None:
    @on_virtual_time
    async def story() -> None:
        async with staged() as stage:
            session = await stage.made(shard=0, state=state)

            assert not await _is_made_way_for(stage, session)

    story()


@on_virtual_time
async def test_a_chat_that_opens_anew_for_a_message_needs_a_place() -> None:
    async with staged() as stage:
        session = await stage.made(shard=0, state=State.READ_ONLY)
        await stage.accept(session, "Once more")

        assert await _is_made_way_for(stage, session)


@on_virtual_time
async def test_what_its_frames_have_that_nobody_knows_is_written_down_now_and_then() -> None:
    async with staged() as stage:
        session = await stage.made(shard=0)

        async def kinds() -> dict[str, int]:
            deployment = await stage.ports.tenants.deployment(session.tenant, session.deployment)
            page = await stage.ports.drifts.list(
                deployment, at=stage.clock.now(), cursor=None, limit=9
            )
            return {each.name: each.count for each in page.items}

        async with _running(stage, _listener(stage)):
            stage.control.fault(FaultKind.UNKNOWN_CLASS, text="First")
            stage.say(await stage.load(session), "One")
            await stage.clock.sleep(SCAN_SECONDS)
            during = await kinds()
            stage.control.fault(FaultKind.UNKNOWN_CLASS, text="Second")
            stage.say(await stage.load(session), "Two")
            await stage.clock.sleep(1)
            before = await kinds()

        assert (during, before) == ({"First": 1}, {"First": 1})
        assert await kinds() == {"First": 1, "Second": 1}


@on_virtual_time
async def test_a_guest_who_types_at_another_process_is_seen_through_the_link_here() -> None:
    async with staged() as stage:
        session = await stage.made(shard=0)
        api = assemble(LocalSettings(shards=4), stage.ports).attend
        async with _running(stage, _listener(stage)):
            told = [await api.typing(session.id, until=stage.clock.monotonic() + 5)]
            await stage.clock.sleep(1)
            told.append(await api.typing(session.id, until=stage.clock.monotonic() + 5))
            await stage.clock.sleep(5)
            told.append(await api.typing(session.id, until=stage.clock.monotonic() + 5))
            await stage.clock.sleep(1)

        assert told == [True, False, True]
        typed = [frame["message"]["events"] for frame in stage.frames("onMessage")]
        assert typed == [[{"eventType": "Typing", "typing": {"type": "On"}}]] * 2
        assert stage.wires.opened == 1
