"""Typing in both directions: never logged, at most once, dropped without regret."""

from asyncio import create_task
from typing import Final

from service.domain.errors import LinkLostError
from service.domain.pace import Ask
from service.domain.said import Refusal
from service.domain.session import State
from service.guest.outgoing import outgoing_typing
from service.usecases.visit.desk import Desk, Phase
from service.usecases.visit.pacing import pause_for, pause_for_message

_FORBIDDEN: Final = "403"
"""Guest API: showing the guest's typing is off."""


def push_typing(desk: Desk) -> None:
    """Tell who asked for it that the agent or a bot is typing."""
    desk.ports.bell.typing(desk.session.id)
    desk.stirred_at = desk.now
    task = create_task(desk.tools.push_typing(desk.session))
    desk.chores.add(task)
    task.add_done_callback(desk.chores.discard)


async def send_typing(desk: Desk) -> bool:
    """Send one typing frame, unless one went out just now, or there is no link or taker for it."""
    link = desk.link
    usable = desk.phase is Phase.READY and desk.session.state in {State.LIVE, State.CATCHING_UP}
    minute = desk.tools.last_minutes(desk.session.id)
    unwanted = desk.typing_refused or desk.deployment.user_typing is False
    if link is None or not usable or unwanted or minute.typed_lately(desk.now):
        return False
    if _is_crowded(desk):
        return False
    tracing_id = desk.ports.ids.uuid()
    try:
        await link.send(outgoing_typing(token=desk.session.client_id, tracing_id=tracing_id))
    except LinkLostError:
        return False
    minute.typing_at = desk.stirred_at = desk.now
    desk.typing_named = tracing_id
    # Genesys may count it among a second's messages.
    desk.written.append(desk.now)
    return True


def typing_refused(desk: Desk, refused: Refusal) -> bool:
    """Whether it is a typing frame that was refused; a 403 holds for the rest of the visit."""
    if refused.tracing_id is None or refused.tracing_id != desk.typing_named:
        return False
    desk.typing_refused = desk.typing_refused or refused.code == _FORBIDDEN
    return True


def _is_crowded(desk: Desk) -> bool:
    """Whether it would take a message's place, in this second or this minute."""
    return pause_for_message(desk) > 0 or pause_for(desk, Ask.TYPING) > 0
