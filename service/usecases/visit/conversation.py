"""Learns the contact centre's own ids, where the deployment has platform credentials.

They are never on the Guest API's wire; a message leads to them. They are asked for until both are
known, and once more with the first message after each end of the conversation: it may begin another
one, or go on with the same. A message is not known there at once, so a question is asked again: a
few times soon, then ever more rarely, with the next message, and by the next visit.
"""

from asyncio import create_task
from typing import Final

from service.domain import events as ev
from service.domain.deployment import PlatformCredentials
from service.domain.errors import PlatformUnavailableError
from service.domain.lifecycle import is_legal
from service.domain.log import EventType, Seen
from service.domain.said import Said
from service.usecases.visit.desk import Desk
from service.usecases.visit.inbox import ConversationKnown, ConversationUnknown

PAUSES: Final = (0.0, 0.5, 1.0, 2.0, 4.0)
"""A fresh message is not indexed at once."""
AGAIN_FIRST_SECONDS: Final = 30.0
AGAIN_MOST_SECONDS: Final = 900.0
WAIT_MOST_SECONDS: Final = 10.0
"""Who is told to wait for longer comes again then, and does not wait."""
_REFUSED: Final = frozenset({400, 401, 403})
"""Answers that a human has to change: the credentials are wrong, or may not ask."""
_BODY: Final = "b:"


def ask_about(desk: Desk, said: Said | None) -> None:
    """Ask which conversation that message belongs to, unless it is known or being asked."""
    if said is not None and said.body_id is not None and said.ended_by is None:
        _begin(desk, said.body_id, said.channel_time)


def ask_about_log(desk: Desk) -> None:
    """The same for the last message of this incarnation that the log has."""
    for event in reversed(desk.writer.window.events):
        name = next((key for key in event.keys if key.startswith(_BODY)), None)
        is_end = event.type is EventType.CONVERSATION_DISCONNECTED
        if name is not None and not is_end and event.incarnation == desk.session.incarnation:
            _begin(desk, name.removeprefix(_BODY), event.channel_time)
            return


def is_asking(desk: Desk) -> bool:
    """Whether the question is under way."""
    return desk.asking.task is not None and not desk.asking.task.done()


def conversation_due(desk: Desk) -> float | None:
    """When to ask again."""
    ours = desk.asking.incarnation == desk.session.incarnation
    legal = ours and is_legal(desk.session.state, ev.ConversationFound)
    return desk.asking.again_at if legal and not is_asking(desk) else None


def ask_again(desk: Desk) -> None:
    """Ask once more when it is time."""
    due, platform = conversation_due(desk), desk.deployment.platform
    if due is None or due > desk.now or platform is None:
        return
    desk.asking.again_at = None
    _start(desk, platform, pauses=(0.0,))


def plan_again(desk: Desk, wait: float) -> None:
    """Ask again after a while, each time a longer one, and not before that many seconds."""
    asking = desk.asking
    asking.pause = min(AGAIN_MOST_SECONDS, 2 * asking.pause or AGAIN_FIRST_SECONDS)
    asking.again_at = desk.now + max(asking.pause, wait)


def _begin(desk: Desk, body_id: str, said_at: float | None) -> None:
    platform, asking = desk.deployment.platform, desk.asking
    if platform is None or is_asking(desk):
        return
    end = last_end(desk)
    later = end is None or _is_later(said_at, end)
    settled = desk.session.conversation_id is not None and (end is None or not later)
    # Only who wrote may be missing yet: that is asked for in its own time.
    if settled and (desk.session.participant_id is not None or asking.again_at is not None):
        return
    asking.about, asking.again_at = body_id, None
    asking.incarnation = desk.session.incarnation
    asking.as_of = desk.writer.window.last_sequence
    if end is not None and not later:
        # What was said before the end says nothing of what comes after it.
        asking.as_of = end.sequence - 1
    if desk.now < asking.held_until:
        asking.again_at = asking.held_until
        return
    _start(desk, platform, pauses=PAUSES)


def last_end(desk: Desk) -> Seen | None:
    """The last end of a conversation since the ids were last known to be right."""
    for event in reversed(desk.writer.window.events):
        if event.sequence <= desk.session.identified_at:
            return None
        is_end = event.type is EventType.CONVERSATION_DISCONNECTED
        if is_end and event.incarnation == desk.session.incarnation:
            return event
    return None


def _is_later(said_at: float | None, end: Seen) -> bool:
    return said_at is None or end.channel_time is None or said_at > end.channel_time


def _start(desk: Desk, platform: PlatformCredentials, *, pauses: tuple[float, ...]) -> None:
    desk.asking.task = create_task(_ask(desk, platform, pauses))


async def _ask(desk: Desk, platform: PlatformCredentials, pauses: tuple[float, ...]) -> None:
    asking, wait = desk.asking, 0.0
    incarnation, about, as_of = asking.incarnation, asking.about, asking.as_of
    for pause in pauses:
        await desk.ports.clock.sleep(max(pause, wait))
        try:
            found = await desk.ports.platform.conversation_of(
                desk.deployment, platform, body_id=about
            )
        except PlatformUnavailableError as error:
            wait = _wait_of(error)
            if wait > WAIT_MOST_SECONDS:
                break
            continue
        if found is not None:
            desk.inbox.put(ConversationKnown(incarnation, *found, as_of))
            return
    desk.inbox.put(ConversationUnknown(incarnation, wait))


def _wait_of(error: PlatformUnavailableError) -> float:
    if error.status in _REFUSED:
        return AGAIN_MOST_SECONDS
    return error.retry_after_seconds or 0.0
