"""Typing in both directions: never logged, at most once, dropped without regret."""

from asyncio import create_task
from typing import Final

from service.domain.errors import LinkLostError
from service.domain.pace import Ask
from service.domain.session import State
from service.guest.outgoing import outgoing_typing
from service.usecases.visit.desk import Desk, Phase
from service.usecases.visit.pacing import pause_for, pause_for_message

EVERY_SECONDS: Final = 5.0
"""Guest API: a guest's typing at most once each five seconds."""


def push_typing(desk: Desk) -> None:
    """Tell who asked for it that the agent or a bot is typing."""
    desk.ports.bell.typing(desk.session.id)
    desk.stirred_at = desk.now
    task = create_task(desk.tools.push_typing(desk.session))
    desk.chores.add(task)
    task.add_done_callback(desk.chores.discard)


async def send_typing(desk: Desk) -> bool:
    """Send one typing frame, unless one went out just now or there is no link for it."""
    link = desk.link
    usable = desk.phase is Phase.READY and desk.session.state in {State.LIVE, State.CATCHING_UP}
    soon = desk.last_typing is not None and desk.now - desk.last_typing < EVERY_SECONDS
    if link is None or not usable or soon or _is_crowded(desk):
        return False
    tracing_id = desk.ports.ids.uuid()
    try:
        await link.send(outgoing_typing(token=desk.session.client_id, tracing_id=tracing_id))
    except LinkLostError:
        return False
    desk.last_typing = desk.stirred_at = desk.now
    # Genesys may count it among a second's messages.
    desk.written.append(desk.now)
    return True


def _is_crowded(desk: Desk) -> bool:
    """Whether it would take a message's place, in this second or this minute."""
    return pause_for_message(desk) > 0 or pause_for(desk, Ask.TYPING) > 0
