"""Beside a predecessor: use nothing of what arrives until its last word is heard.

The predecessor logs all that its link ever brought and says so. Whoever speaks first of what both
links bring would put what only the predecessor heard behind it.
"""

from dataclasses import replace
from typing import Final

from service.domain import events as ev
from service.domain.errors import SupersededError
from service.domain.session import State
from service.usecases.visit.conversation import ask_about_log
from service.usecases.visit.deciding import happen
from service.usecases.visit.desk import Desk
from service.usecases.visit.sending import plan_reads
from service.usecases.visit.settling import reload_sends

FAREWELL_SECONDS: Final = 10.0
"""How long a predecessor may take to say that it logged everything; then history tells."""
LOOK_SECONDS: Final = 0.25


def await_farewell(desk: Desk) -> None:
    """Keep back what is pushed from now on, and look for the last word."""
    desk.reading = replace(desk.reading, first_done=False, due=None)
    desk.farewell_until = desk.now + FAREWELL_SECONDS
    desk.farewell_look = desk.now + LOOK_SECONDS


def farewell_due(desk: Desk) -> float | None:
    """When to look for the last word again; None where none is waited for."""
    return desk.farewell_look if desk.session.state is State.OVERLAPPING else None


async def look_for_farewell(desk: Desk) -> None:
    """Go on at once when it was said, or when it is too late for it. Raises SupersededError."""
    due = farewell_due(desk)
    if due is None or due > desk.now or desk.farewell_until is None:
        return
    stored = await desk.ports.sessions.load(desk.session.id)
    if stored.version != desk.writer.session.version:
        raise SupersededError(session_id=desk.session.id)
    word = stored.farewell
    said = word is not None and word.fence == desk.stay.fence
    if not said and desk.now < desk.farewell_until:
        desk.farewell_look = desk.now + LOOK_SECONDS
        return
    desk.farewell_until = None
    # What the predecessor logged, and the sends that it saw come back, are known before any choice.
    await desk.writer.refresh()
    await reload_sends(desk)
    # Whether it joined before it gave the shard away only history tells.
    settled = desk.session.joined or not desk.deployment.auto_start
    drained = said and word is not None and word.drained and settled
    await happen(desk, ev.PredecessorDrained() if drained else ev.PredecessorSilent())
    if desk.session.state is State.LIVE:
        desk.reading.first_done = True
        # Of a send that was in doubt before, no link tells any more, and it holds up those behind.
        plan_reads(desk)
        ask_about_log(desk)
