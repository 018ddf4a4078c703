"""A Clear that comes to nothing that is certain is tried again, and not for ever."""

from typing import Any, Final

import pytest

from service.domain.events import ClearAndEndRequested, ClearRequested
from service.domain.session import EndedBy, State
from service.usecases.visit.clearing import TRIES
from tests.support.visit_stage import Stage, on_virtual_time, staged

NEVER: Final[list[dict[str, Any]]] = [
    {"kind": "refuse", "code": 500},
    {"kind": "swallow_write"},
    {"kind": "drop", "when": "before"},
]
FAULTS: Final = pytest.mark.parametrize("fault", NEVER, ids=lambda fault: str(fault["kind"]))


def _clears(stage: Stage) -> int:
    return sum("Clear" in str(frame["message"]) for frame in stage.frames("onMessage"))


@FAULTS
@on_virtual_time
async def test_a_chat_that_genesys_never_says_it_cleared_goes_on(fault: dict[str, Any]) -> None:
    async with staged() as stage:
        session = await stage.chatted()
        await stage.assembly.change(session.id, ClearRequested())
        stage.control.fault(**fault, action="onMessage", count=TRIES)
        await stage.accept(session, "More")
        async with stage.held(session, settle=300):
            pass

        left = await stage.load(session)
        assert (left.state, left.incarnation, left.outage) == (State.DETACHED, 1, None)
        assert _clears(stage) == TRIES
        assert stage.arrived() == ["Hello", "More"]


@FAULTS
@on_virtual_time
async def test_an_end_that_genesys_never_confirms_ends_unverified(fault: dict[str, Any]) -> None:
    async with staged() as stage:
        session = await stage.chatted()
        await stage.assembly.change(session.id, ClearAndEndRequested())
        stage.control.fault(**fault, action="onMessage", count=0)
        async with stage.held(session, settle=600):
            ended = (await stage.load(session)).ended

        assert ended is not None
        assert (ended.by, ended.verified) == (EndedBy.CALLER, False)
        assert _clears(stage) == TRIES


@on_virtual_time
async def test_a_clear_that_was_done_and_never_told_is_found_done() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        await stage.assembly.change(session.id, ClearRequested())
        stage.control.fault("swallow_frame", action="SessionClearedEvent", count=0)
        async with stage.held(session, settle=120):
            pass

        assert (await stage.load(session)).incarnation == 2
        assert _clears(stage) == 1


@on_virtual_time
async def test_a_closed_chat_that_is_never_cleared_stays_closed() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        stage.control.disconnect(session.client_id)
        await stage.reconcile(session)
        await stage.assembly.change(session.id, ClearRequested())
        stage.control.fault("swallow_write", action="onMessage", count=0)
        async with stage.held(session, settle=300):
            pass

        left = await stage.load(session)
        assert (left.state, left.incarnation) == (State.READ_ONLY, 1)
        assert _clears(stage) == TRIES
