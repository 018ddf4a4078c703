"""Who goes on holding a link for a session in which nobody says anything: nobody."""

from asyncio import Queue
from itertools import pairwise

import pytest

from service.domain.errors import LinkLostError
from service.domain.log import EventType
from service.domain.session import PublicState, Session, State
from service.usecases.visit import Inbox, TypingWanted
from service.usecases.visit.quiet import is_quiet, quiet_due, quiet_since
from tests.support.visit_stage import Stage, on_virtual_time, staged

QUIET = 600.0
HOUR = 3600.0


async def _asleep(stage: Stage) -> Session:
    """A session that a listener let go of because nothing was said."""
    session = await stage.chatted()
    await stage.begin(session, Inbox())
    session = await stage.load(session)
    assert session.state is State.DORMANT
    return session


async def _look(stage: Stage, session: Session) -> State:
    """A listener's visit that ends by itself."""
    await stage.begin(session, Inbox())
    return (await stage.load(session)).state


@on_virtual_time
async def test_a_listener_lets_go_of_a_link_on_which_nothing_is_said() -> None:
    async with staged(dormant_seconds=QUIET) as stage:
        session = await stage.chatted()
        last = (await stage.log(session))[-1].at
        await stage.begin(session, Inbox())

        assert stage.now - last == pytest.approx(QUIET, abs=1)
        asleep = await stage.load(session)
        assert (asleep.state, asleep.public) == (State.DORMANT, PublicState.ACTIVE)
        assert asleep.held_by is None
        assert stage.control.connections() == []
        assert await stage.ports.sessions.live_in_shard(session.shard) == []
        assert asleep.wake_at == pytest.approx(stage.now + QUIET / 4, abs=1)


@on_virtual_time
async def test_whoever_speaks_or_types_keeps_the_link() -> None:
    async with staged(dormant_seconds=QUIET) as stage:
        session = await stage.chatted()
        inbox = Inbox()
        visit = stage.begin(session, inbox)
        await stage.clock.sleep(QUIET - 10)
        stage.say(session, "Hi")
        await stage.clock.sleep(QUIET - 10)
        stage.control.typing(session.client_id)
        await stage.clock.sleep(QUIET - 10)
        answer: Queue[bool] = Queue()
        inbox.put(TypingWanted(answer))
        typed = stage.now
        assert await answer.get()

        await visit
        assert stage.now - typed == pytest.approx(QUIET, abs=1)


@on_virtual_time
async def test_without_a_limit_a_link_is_never_let_go() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        async with stage.held(session, settle=24 * HOUR):
            assert len(stage.control.connections()) == 1
        desk = await stage.desk(session)
        assert not is_quiet(desk)
        assert quiet_due(desk) is None


@on_virtual_time
async def test_a_session_of_which_nothing_is_logged_is_as_old_as_it_is() -> None:
    async with staged(dormant_seconds=QUIET) as stage:
        session = await stage.made()
        desk = await stage.desk(session)

        assert quiet_since(desk) == session.created_at
        await stage.clock.sleep(QUIET - 1)
        assert not is_quiet(desk)
        await stage.clock.sleep(1)
        assert is_quiet(desk)
        await stage.accept(session, "Hello")
        assert not is_quiet(await stage.desk(session))


@on_virtual_time
async def test_what_an_agent_said_meanwhile_arrives_at_the_next_look_and_wakes_it() -> None:
    async with staged(dormant_seconds=QUIET) as stage:
        session = await _asleep(stage)
        for number in range(3):
            stage.say(session, f"line {number}")
            await stage.clock.sleep(20)
        inbox = Inbox()
        visit = stage.begin(session, inbox)
        await stage.clock.sleep(10)

        assert await stage.texts(session) == ["line 0", "line 1", "line 2"]
        assert len(stage.control.connections()) == 1
        assert (await stage.load(session)).held_by == "own_listener"
        assert await stage.ports.sessions.live_in_shard(session.shard) == [session.id]
        await visit
        assert (await stage.load(session)).state is State.DORMANT
        assert await stage.texts(session) == ["line 0", "line 1", "line 2"]


@on_virtual_time
async def test_a_look_that_finds_nothing_writes_when_to_look_again_and_nothing_else() -> None:
    async with staged(dormant_seconds=QUIET) as stage:
        session = await _asleep(stage)
        await _look(stage, session)
        await stage.clock.sleep(QUIET / 4)
        stage.sessions.calls.clear()
        stage.history.calls.clear()

        assert await _look(stage, session) is State.DORMANT

        reads = {"load", "tail", "open_sends", "last_event", "read_log"}
        assert {name: n for name, n in stage.sessions.calls.items() if name not in reads} == {
            "schedule": 1
        }
        assert stage.history.calls["history"] == 1
        assert (await stage.load(session)).version == session.version
        assert stage.control.connections() == []


@on_virtual_time
async def test_looks_come_ever_more_slowly_up_to_a_quarter_of_an_hour() -> None:
    async with staged(dormant_seconds=QUIET) as stage:
        session = await _asleep(stage)
        looks = [stage.now]
        for _ in range(14):
            await stage.clock.sleep(((await stage.load(session)).wake_at or 0) - stage.now)
            looks.append(stage.now)
            await _look(stage, session)

        pauses = [round(after - before) for before, after in pairwise(looks)]
        assert pauses[0] == pytest.approx(QUIET / 4, abs=2)
        assert pauses == sorted(pauses)
        assert pauses[-1] == pytest.approx(900, abs=2)


@on_virtual_time
async def test_the_expiry_of_a_dormant_session_is_warned_of_and_reached() -> None:
    async with staged(simulated={"session_seconds": 4 * HOUR}, dormant_seconds=QUIET) as stage:
        session = await _asleep(stage)
        expires = session.expires_at or 0
        while (await stage.load(session)).state is State.DORMANT:
            await stage.clock.sleep(((await stage.load(session)).wake_at or 0) - stage.now)
            await _look(stage, session)

        [warned] = [e for e in await stage.log(session) if e.type is EventType.SESSION_EXPIRING]
        assert warned.at == pytest.approx(expires - 0.4 * HOUR, abs=1)
        assert (await stage.load(session)).state is State.ENDED
        assert stage.now == pytest.approx(expires + 2, abs=2)


@on_virtual_time
async def test_a_callers_message_wakes_it_within_the_request() -> None:
    async with staged(dormant_seconds=QUIET) as stage:
        session = await _asleep(stage)
        await stage.accept(session, "Still there?")
        begun = stage.now
        await stage.attend(session)

        assert stage.arrived()[-1] == "Still there?"
        assert stage.now - begun < 3
        assert (await stage.load(session)).state is State.DETACHED


@pytest.mark.parametrize("trouble", ["refused", "cut", "history"])
@on_virtual_time
async def test_a_look_that_fails_is_made_again_later_and_is_no_outage(trouble: str) -> None:
    async with staged(dormant_seconds=QUIET) as stage:
        session = await _asleep(stage)
        stage.say(session, "Hi")
        if trouble == "refused":
            stage.wires.denied.append(LinkLostError(code=1006, reason=""))
        elif trouble == "cut":
            stage.wires.fails["getJwt"] = LinkLostError(code=1006, reason="")
        else:
            stage.control.fault("fail_history", status=503)

        assert await _look(stage, session) is State.DORMANT
        assert (await stage.load(session)).outage is None
        assert stage.control.connections() == []

        stage.wires.fails.clear()
        stage.control.clear_faults()
        await stage.clock.sleep(QUIET / 4)
        async with stage.held(session):
            assert await stage.texts(session) == ["Hi"]
        assert "session.recovered" not in await stage.types(session)


@on_virtual_time
async def test_who_died_after_it_logged_what_was_said_leaves_a_session_that_wakes() -> None:
    async with staged(dormant_seconds=QUIET) as stage:
        session = await _asleep(stage)
        await stage.foreign(session, "said, and logged by one that died")
        async with stage.held(session):
            assert (await stage.load(session)).held_by == "own_listener"


@on_virtual_time
async def test_a_dormant_session_that_was_replaced_unseen_is_found_so_at_the_next_look() -> None:
    async with staged(dormant_seconds=QUIET) as stage:
        session = await _asleep(stage)
        stage.control.forget(session.client_id)
        async with stage.held(session):
            assert (await stage.types(session))[-1] == "session.replaced"


@on_virtual_time
async def test_the_sweeper_looks_where_no_listener_is() -> None:
    async with staged(dormant_seconds=QUIET) as stage:
        session = await _asleep(stage)
        await stage.reconcile(session)
        assert (await stage.load(session)).state is State.DORMANT

        stage.say(session, "Hi")
        await stage.reconcile(session)
        assert (await stage.load(session)).state is State.DETACHED
        assert await stage.texts(session) == ["Hi"]
        assert await stage.ports.sessions.live_in_shard(session.shard) == [session.id]
