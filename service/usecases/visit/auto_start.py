"""A Join of which nobody knew whether it is owed: Genesys's public configuration was not there.

It says whether conversations start by themselves. Until it can be read the guest session goes on
without; once it can, a Join that is still of use goes out.
"""

from dataclasses import replace
from typing import Final

from service.domain import events as ev
from service.domain.lifecycle import is_legal
from service.domain.log import EventType
from service.usecases.visit.deciding import happen
from service.usecases.visit.desk import Desk, Phase

LOOK_FIRST_SECONDS: Final = 15.0
LOOK_MOST_SECONDS: Final = 900.0
"""A deployment without such a file is looked at ever more rarely."""


def auto_start_due(desk: Desk) -> float | None:
    """When to look again; None where nothing is unknown."""
    unknown = not desk.session.joined and desk.deployment.auto_start is None
    at_rest = desk.phase is Phase.READY and is_legal(desk.session.state, ev.AutoStartKnown)
    return desk.auto_start_look if unknown and at_rest else None


async def look_for_auto_start(desk: Desk) -> None:
    """Read the configuration again when it is time. Raises SupersededError."""
    due = auto_start_due(desk)
    if due is None or due > desk.now:
        return
    found = await desk.tools.facts.deployment(desk.session.tenant, desk.session.deployment)
    if found.auto_start is None:
        pause = min(LOOK_MOST_SECONDS, 2 * desk.auto_start_pause or LOOK_FIRST_SECONDS)
        desk.auto_start_pause, desk.auto_start_look = pause, desk.now + pause
        return
    desk.deployment = replace(
        desk.deployment,
        auto_start=found.auto_start,
        allow_clear=found.allow_clear,
        user_typing=found.user_typing,
    )
    await happen(desk, ev.AutoStartKnown(spoken=_has_spoken(desk)))


def _has_spoken(desk: Desk) -> bool:
    """Whether anything of ours went out in this incarnation, as far as is known."""
    now = desk.session.incarnation
    flying = any(s.written and s.written.incarnation == now for s in desk.sends.values())
    return flying or any(
        event.incarnation == now and event.type is EventType.MESSAGE_CONFIRMED
        for event in desk.writer.window.events
    )
