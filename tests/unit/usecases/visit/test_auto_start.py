"""A Join is owed once for each guest session: never twice, and not forgotten while nobody knows."""

import pytest

from service.domain.errors import PlatformUnavailableError
from service.domain.session import Session
from tests.support.visit_stage import Stage, on_virtual_time, staged
from tests.support.wire_story import tells

STARTS = {"auto_start": True}


def _away(stage: Stage, times: int) -> None:
    """The public configuration cannot be read so often."""
    down = PlatformUnavailableError(what="the configuration", status=503)
    stage.history.fail("configuration", *[down] * times)


def _joins(stage: Stage) -> int:
    return sum(bool(m["events"]) for m in stage.control.transcript() if m["direction"] == "Inbound")


async def _joined(stage: Stage, session: Session) -> bool:
    return (await stage.load(session)).joined


@tells("Join")
@on_virtual_time
async def test_a_join_goes_out_once_it_is_known_that_conversations_start_by_themselves() -> None:
    async with staged(simulated=STARTS) as stage:
        _away(stage, 2)
        session = await stage.made()
        async with stage.held(session, settle=10):
            assert (_joins(stage), await _joined(stage, session)) == (0, False)
            await stage.clock.sleep(60)
            assert (_joins(stage), await _joined(stage, session)) == (1, True)
            await stage.accept(session, "Hello")

        assert stage.arrived() == []
        assert _joins(stage) == 1


@on_virtual_time
async def test_a_conversation_that_the_guest_began_needs_no_join_any_more() -> None:
    async with staged(simulated=STARTS) as stage:
        _away(stage, 2)
        session = await stage.made()
        await stage.accept(session, "Hello")
        async with stage.held(session, settle=70):
            assert await _joined(stage, session)

        assert (_joins(stage), stage.arrived()) == (0, ["Hello"])


@on_virtual_time
async def test_where_conversations_do_not_start_by_themselves_nothing_is_owed() -> None:
    async with staged() as stage:
        _away(stage, 1)
        session = await stage.made()
        async with stage.held(session, settle=30):
            assert await _joined(stage, session)

        assert _joins(stage) == 0


@on_virtual_time
async def test_a_configuration_that_is_never_there_is_looked_for_ever_more_rarely() -> None:
    async with staged(simulated=STARTS) as stage:
        _away(stage, 1000)
        session = await stage.made()
        async with stage.held(session, settle=3600):
            looks = stage.history.calls["configuration"]

        assert 8 <= looks <= 12
        assert not await _joined(stage, session)


@on_virtual_time
async def test_a_later_visit_joins_what_an_earlier_one_could_not() -> None:
    async with staged(simulated=STARTS) as stage:
        _away(stage, 1)
        session = await stage.made()
        await stage.visit(session, seconds=1)
        assert (_joins(stage), await _joined(stage, session)) == (0, False)
        await stage.clock.sleep(60)
        await stage.reconcile(session)
        assert (_joins(stage), await _joined(stage, session)) == (1, True)
        await stage.clock.sleep(60)
        await stage.reconcile(session)

        assert _joins(stage) == 1


@on_virtual_time
async def test_a_later_visit_joins_no_conversation_that_the_guest_began() -> None:
    async with staged(simulated=STARTS) as stage:
        _away(stage, 1)
        session = await stage.chatted()
        assert not await _joined(stage, session)
        await stage.clock.sleep(60)
        await stage.reconcile(session)

        assert (_joins(stage), await _joined(stage, session)) == (0, True)


@on_virtual_time
async def test_a_join_that_waits_when_its_guest_session_is_lost_goes_to_the_next_one() -> None:
    async with staged(simulated=STARTS) as stage:
        session = await stage.made()

        async def die() -> None:
            error = "the process died"
            raise RuntimeError(error)

        stage.sessions.before("change_send", die)
        with pytest.raises(RuntimeError):
            await stage.visit(session)
        stage.control.wipe()
        await stage.clock.sleep(60)
        await stage.reconcile(session)

        assert "session.replaced" in await stage.types(session)
        assert _joins(stage) == 1
