"""The transcript of a session: its messages in log order. Writes nothing."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from service.domain.access import ApiKey
from service.domain.errors import FieldFault, InvalidRequestError
from service.domain.ids import SessionId
from service.domain.log import LogEvent
from service.domain.send import PendingSend
from service.domain.transcript import fold, is_start, unsettled
from service.ports.sessions import SessionStore
from service.usecases.read_session import owned, segments_of
from service.usecases.waiting import PAGE_EVENTS

CURSOR_MARK: Final = "m1:"
DIGITS_MAX: Final = 12
"""A place in a log is written with so many digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadTranscript:
    """A page of messages, ascending, each as it stands now."""

    sessions: SessionStore

    async def __call__(
        self, key: ApiKey, session_id: SessionId, *, cursor: str | None, limit: int
    ) -> dict[str, Any]:
        """`items`, `nextCursor`, `segments`. Raises NotFoundError, InvalidRequestError (cursor)."""
        after = sequence_of(cursor)
        session = await owned(self.sessions, key.tenant, session_id)
        events, ended = await self._until_full(session_id, after, limit)
        starts = [event.sequence for event in events if is_start(event)]
        page = set(starts[:limit])
        messages = [m for m in fold(events) if m["sequence"] in page]
        more = len(starts) > limit or not ended
        return {
            "items": await self.settled(session_id, events, messages),
            "nextCursor": cursor_at(max(page)) if more and page else None,
            "segments": segments_of(session),
        }

    async def settled(
        self,
        session_id: SessionId,
        events: Sequence[LogEvent],
        messages: Sequence[Mapping[str, Any]],
    ) -> list[Mapping[str, Any]]:
        """The messages with what later events and the pending sends tell of them.

        `events` is what was read of the log so far, from before the first of the messages on.
        """
        open_still = unsettled(messages)
        if not open_still:
            return list(messages)
        pending = {send.sequence: send for send in await self.sessions.open_sends(session_id)}
        known = list(events)
        while open_still - pending.keys():
            # Settled between the two reads, or in a part of the log not read yet.
            later = await self.sessions.read_log(
                session_id, after=known[-1].sequence, limit=PAGE_EVENTS
            )
            if not later.events:
                break
            known.extend(later.events)
            wanted = {m["sequence"] for m in messages}
            messages = [m for m in fold(known) if m["sequence"] in wanted]
            open_still = unsettled(messages)
        return [_overlaid(m, pending.get(m["sequence"])) for m in messages]

    async def _until_full(
        self, session_id: SessionId, after: int, limit: int
    ) -> tuple[list[LogEvent], bool]:
        events: list[LogEvent] = []
        while True:
            page = await self.sessions.read_log(session_id, after=after, limit=PAGE_EVENTS)
            events.extend(page.events)
            if not page.events or page.events[-1].sequence >= page.last_sequence:
                return events, True
            if sum(map(is_start, events)) > limit:
                return events, False
            after = page.events[-1].sequence


def cursor_at(sequence: int) -> str:
    """An opaque cursor to what follows that place."""
    return base64.urlsafe_b64encode(f"{CURSOR_MARK}{sequence}".encode()).decode().rstrip("=")


def sequence_of(cursor: str | None) -> int:
    """The place a cursor names; 0 without one. Raises InvalidRequestError."""
    if cursor is None:
        return 0
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        text = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, UnicodeError):
        text = ""
    number = text.removeprefix(CURSOR_MARK)
    if text == number or not number.isdecimal() or len(number) > DIGITS_MAX:
        raise InvalidRequestError(
            FieldFault(pointer="/query/cursor", detail="is not a cursor of this listing")
        )
    return int(number)


def _overlaid(message: Mapping[str, Any], send: PendingSend | None) -> Mapping[str, Any]:
    if send is None or message["status"] != "accepted":
        return message
    return {**message, "status": send.status.value}
