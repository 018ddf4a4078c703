"""Every way in which a chat can end, and the one normal form in which its caller is told of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import pytest

from service.domain.events import ClearAndEndRequested, LeaveRequested
from service.domain.session import EndedBy, EndMode, PublicState, Session
from service.guest.codec import encode
from service.guest.outgoing import outgoing_clear
from service.guest.requests import ConfigureSession
from tests.support.virtual_time import run_virtual
from tests.support.visit_stage import Stage, staged
from tests.support.wire_story import tells

Act = Callable[[Stage, Session], Awaitable[object]]
LIFE: Final = 1200


@dataclass(frozen=True, kw_only=True)
class End:
    """What happens, whether somebody listens then, and what must be known afterwards."""

    act: Act
    heard: bool = True
    state: PublicState = PublicState.ENDED
    by: EndedBy
    mode: EndMode | None = None
    verified: bool | None = None
    resumable: bool = False


async def closed_by_agent(stage: Stage, session: Session) -> None:
    stage.control.disconnect(session.client_id, nickname="Dana")


async def closed_by_bot(stage: Stage, session: Session) -> None:
    stage.control.disconnect(session.client_id)


async def closed_without_a_word(stage: Stage, session: Session) -> None:
    stage.control.fault("fail_history", count=0)
    stage.control.disconnect(session.client_id, nickname="Dana")


async def left(stage: Stage, session: Session) -> None:
    await stage.assembly.change(session.id, LeaveRequested())


async def cleared(stage: Stage, session: Session) -> None:
    await stage.assembly.change(session.id, ClearAndEndRequested())


async def closed_and_cleared(stage: Stage, session: Session) -> None:
    stage.control.disconnect(session.client_id, nickname="Dana")
    await stage.reconcile(session)
    await cleared(stage, session)


async def not_cleared(stage: Stage, session: Session) -> None:
    stage.control.fault("refuse", action="onMessage", code=403)
    await cleared(stage, session)


async def cleared_by_another(stage: Stage, session: Session) -> None:
    """Somebody else who has this client id: a browser, say."""
    link = await stage.broker.ports.sockets.open(
        await stage.ports.tenants.deployment(session.tenant, session.deployment)
    )
    token = session.client_id
    named = stage.control.deployments()[0]["id"]
    await link.send(encode(ConfigureSession(token=token, deployment_id=str(named))))
    await link.send(encode(outgoing_clear(token=token, tracing_id="elsewhere")))
    await stage.clock.sleep(1)
    await link.close()


async def nobody_spoke(stage: Stage, session: Session) -> None:
    del session
    await stage.clock.sleep(LIFE + 10)


READ_ONLY: Final[dict[str, Any]] = {"state": PublicState.READ_ONLY, "resumable": True}
CLEAR: Final[dict[str, Any]] = {"by": EndedBy.CALLER, "mode": EndMode.CLEAR}
ENDS: Final = {
    "an agent closes it": End(act=closed_by_agent, by=EndedBy.AGENT, **READ_ONLY),
    "a bot closes it": End(act=closed_by_bot, by=EndedBy.BOT, **READ_ONLY),
    "an agent closes it, unheard": End(
        act=closed_by_agent, heard=False, by=EndedBy.AGENT, **READ_ONLY
    ),
    "a bot closes it, unheard": End(act=closed_by_bot, heard=False, by=EndedBy.BOT, **READ_ONLY),
    "somebody closes it, and history is away": End(
        act=closed_without_a_word, heard=False, by=EndedBy.UNKNOWN, **READ_ONLY
    ),
    "its caller leaves": End(
        act=left, heard=False, by=EndedBy.CALLER, mode=EndMode.LEAVE, verified=False
    ),
    "its caller clears it": End(act=cleared, heard=False, verified=True, **CLEAR),
    "its caller clears it, closed as it is": End(
        act=closed_and_cleared, heard=False, verified=True, **CLEAR
    ),
    "its caller clears it in vain": End(act=not_cleared, heard=False, verified=False, **CLEAR),
    "another client clears it": End(act=cleared_by_another, by=EndedBy.CLEARED),
    "nobody speaks for its whole life": End(act=nobody_spoke, by=EndedBy.EXPIRED),
    "nobody speaks, and nobody listens": End(act=nobody_spoke, heard=False, by=EndedBy.EXPIRED),
}


@tells("Disconnect", "Clear", "SessionClearedEvent", "SessionExpiredEvent")
@pytest.mark.parametrize("title", ENDS)
def test_every_end_has_one_form(title: str) -> None:
    run_virtual(_tell(ENDS[title]))


async def _tell(end: End) -> None:
    async with staged(simulated={"session_seconds": LIFE}, history_lag_seconds=1) as stage:
        session = await stage.chatted()
        if end.heard:
            async with stage.held(session):
                await end.act(stage, session)
                await stage.clock.sleep(15)
        else:
            await end.act(stage, session)
            await stage.reconcile(session)

        found = await stage.load(session)
        assert found.ended is not None
        came = (found.public, found.ended.by, found.ended.resumable)
        assert came == (end.state, end.by, end.resumable)
        assert (found.ended.mode, found.ended.verified) == (end.mode, end.verified)
        told = "session.ended" if end.state is PublicState.ENDED else "session.readOnly"
        assert (await stage.types(session)).count(told) == 1
