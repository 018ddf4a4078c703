"""Finds the messages that an answer may mean in the log, the newest first. Writes nothing."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from service.domain.choice import ButtonChoice, Choice, Offer
from service.domain.errors import UnknownMessageError
from service.domain.log import EventType, LogEvent
from service.domain.message import AuthorKind
from service.domain.options import options_in
from service.domain.session import Session
from service.ports.sessions import SessionStore

BACK_EVENTS: Final = 200
"""How far back in the log a message may stand that is answered."""
PAGE: Final = 50
BUTTONS_BACK: Final = 5
"""Who presses a button and names no message means one of the last so many that offered options."""

_OTHERS: Final = frozenset({AuthorKind.AGENT, AuthorKind.BOT})
_BODY_ID: Final = "b:"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOffers:
    """Reads a session's log backwards."""

    sessions: SessionStore

    async def __call__(self, session: Session, choice: Choice, *, at: str = "") -> list[Offer]:
        """The messages of this guest session that the choice may mean; none for a bare button.

        Raises UnknownMessageError for a message that is named and not among the last 200 events.
        """
        found: list[Offer] = []
        async for offer in self._backwards(session):
            if choice.is_named and offer.is_meant_by(choice):
                return [offer]
            if not choice.is_named and options_in(offer.content):
                found.append(offer)
                if len(found) == BUTTONS_BACK:
                    break
        if choice.is_named or not isinstance(choice, ButtonChoice):
            raise unknown_message(choice, at)
        return found

    async def _backwards(self, session: Session) -> AsyncIterator[Offer]:
        last = await self.sessions.tail(session.id, limit=1)
        end = last[-1].sequence if last else 0
        stop = max(0, end - BACK_EVENTS)
        while end > stop:
            begin = max(stop, end - PAGE)
            for event in reversed(await self._between(session, begin, end)):
                if _offers(event, session):
                    yield _offer(event)
            end = begin

    async def _between(self, session: Session, begin: int, end: int) -> list[LogEvent]:
        events: list[LogEvent] = []
        while begin < end:
            # Large events make a page shorter than was asked for.
            page = await self.sessions.read_log(session.id, after=begin, limit=end - begin)
            if not page.events:
                break
            events.extend(page.events)
            begin = events[-1].sequence
        return events


def unknown_message(choice: Choice, at: str) -> UnknownMessageError:
    """The error that names the field with the id that nobody knows."""
    ours = choice.message_id is not None
    field = "messageId" if ours else "originatingMessageId"
    name = (choice.message_id if ours else choice.originating_message_id) or "it"
    return UnknownMessageError(pointer=f"{at}/{choice.field}/{field}", name=name[:64])


def _offers(event: LogEvent, session: Session) -> bool:
    if event.type is not EventType.MESSAGE_RECEIVED or event.incarnation != session.incarnation:
        return False
    message = event.data["message"]
    return bool(message["content"]) and message["author"]["kind"] in _OTHERS


def _offer(event: LogEvent) -> Offer:
    message = event.data["message"]
    names = sorted(key for key in event.keys if key.startswith(_BODY_ID))
    body_id = names[0].removeprefix(_BODY_ID) if names else None
    return Offer(message_id=message["id"], body_id=body_id, content=message["content"])
