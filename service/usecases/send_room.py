"""Whether a session takes another message, or already has as many waiting as a minute can carry.

Who sends faster than the Guest API takes is told so, with the time at which it is worth trying
again; else the queue of one chat would grow without end.
"""

from collections.abc import Sequence
from typing import Final

from service.domain.errors import RateLimitedError
from service.domain.log import EventType, Seen
from service.domain.pace import MESSAGES_PER_MINUTE, WINDOW_SECONDS, carried_at, whole_seconds
from service.domain.send import PendingSend, SendStatus
from service.domain.session import Session
from service.ports.sessions import SessionStore

WAITING_MOST: Final = MESSAGES_PER_MINUTE
"""So many accepted messages may wait to be sent: what a link carries in a minute."""
_LATELY_EVENTS: Final = 2 * MESSAGES_PER_MINUTE


async def refuse_if_crowded(
    sessions: SessionStore, session: Session, last: Sequence[Seen], *, now: float
) -> None:
    """Raise RateLimitedError, with a true time to wait, if too many messages wait already.

    `last` is the log's end. Only where the message before this one was accepted and nothing has
    happened since is there a queue worth a read; so a chat that is answered costs none.
    """
    end = last[-1] if last else None
    if end is None or end.type is not EventType.MESSAGE_ACCEPTED or end.sequence < WAITING_MOST:
        return
    sends = await sessions.open_sends(session.id)
    waiting = [send for send in sends if send.status is SendStatus.ACCEPTED]
    over = len(waiting) - WAITING_MOST + 1
    if over > 0:
        taken = [*await _confirmed(sessions, session, now), *_written(sends)]
        begins = max([now, *_times(session, waiting)])
        at = carried_at(over, taken=taken, now=begins)
        raise RateLimitedError(retry_after_seconds=whole_seconds(at - now))


async def _confirmed(sessions: SessionStore, session: Session, now: float) -> list[float]:
    lately = await sessions.tail(session.id, limit=_LATELY_EVENTS)
    return [
        event.at
        for event in lately
        if event.type is EventType.MESSAGE_CONFIRMED and event.at > now - WINDOW_SECONDS
    ]


def _written(sends: Sequence[PendingSend]) -> list[float]:
    return [send.written.at for send in sends if send.written is not None]


def _times(session: Session, waiting: Sequence[PendingSend]) -> list[float]:
    """Before which nothing goes out, as far as is known: the next attach, Genesys's own wish."""
    outage = None if session.outage is None else session.outage.retry_at
    return [at for at in (outage, waiting[0].retry_at) if at is not None]
