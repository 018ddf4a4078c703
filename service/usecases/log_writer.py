"""Appends to one session's log: knows every event from its window's start to the end.

Losing a place to a foreign message is ordinary: read it, decide again. Losing it to an event that
changed the session ends this writer (SupersededError): whoever uses it must begin again with the
session as it is now.
"""

import logging
from dataclasses import dataclass, replace
from typing import Final

from service.domain.attachment import AttachmentChange
from service.domain.drafts import Draft
from service.domain.errors import PlaceTakenError, SupersededError, VersionConflictError
from service.domain.given import NewSend
from service.domain.ids import EVENT, EventId
from service.domain.lifecycle import Decision
from service.domain.log import (
    WINDOW_EVENTS,
    WINDOW_SECONDS,
    EventType,
    LogEvent,
    Seen,
    Window,
    seen,
)
from service.domain.send import PendingSend
from service.domain.session import Session, at_rest
from service.domain.trace import trace_id
from service.ports import Authority, Ports, SendChange

_log = logging.getLogger(__name__)

_OF_THE_SESSION: Final = ("session.", EventType.CONVERSATION_IDENTIFIED.value)
_HEARD: Final = frozenset({EventType.MESSAGE_RECEIVED, EventType.CONVERSATION_DISCONNECTED})


@dataclass(slots=True)
class LogWriter:
    """The writer's licence to append to one log."""

    ports: Ports
    session: Session
    """As it stands in the table: at rest, with its version."""
    window: Window

    async def append(
        self,
        session: Session,
        draft: Draft,
        *,
        sends: tuple[SendChange, ...] = (),
        attachments: tuple[AttachmentChange, ...] = (),
    ) -> LogEvent | None:
        """Append one event, or None if the log turns out to have it already (by its wire keys).

        Raises SupersededError; VersionConflictError when a send or a file changed meanwhile.
        """
        event_id = EventId(self.ports.ids.ulid(EVENT))
        while True:
            if await self._has(draft):
                return None
            event = self._placed(session, draft, event_id, self.window.last_sequence + 1)
            try:
                await self.ports.sessions.append(event, sends=sends, attachments=attachments)
            except PlaceTakenError:
                await self.refresh()
                continue
            self._won([event])
            self._trim(session)
            return event

    async def commit(
        self, decision: Decision, *, authority: Authority | None
    ) -> tuple[tuple[LogEvent, ...], tuple[PendingSend, ...]]:
        """Commit a decision with its events and new sends, if anything durable changed.

        One transaction. Raises SupersededError.
        """
        resting = replace(decision.session, state=at_rest(decision.session.state))
        idle = not decision.drafts and not decision.sends and _same(resting, self.session)
        if idle and not self._reaches_far(resting):
            return (), ()
        names = [EventId(self.ports.ids.ulid(EVENT)) for _ in decision.drafts]
        while True:
            events = tuple(
                self._placed(decision.session, draft, name, self.window.last_sequence + 1 + n)
                for n, (draft, name) in enumerate(zip(decision.drafts, names, strict=True))
            )
            sends = tuple(self._send(new, events) for new in decision.sends)
            changes = [SendChange(before=None, after=send) for send in sends]
            try:
                self.session = await self.ports.sessions.commit(
                    self.session, resting, events=events, sends=changes, authority=authority
                )
            except PlaceTakenError:
                await self.refresh()
            except VersionConflictError as conflict:
                raise SupersededError(session_id=self.session.id) from conflict
            else:
                self._won(events)
                return events, sends

    async def refresh(self) -> tuple[Seen, ...]:
        """Read what others appended.

        Raises SupersededError when one of them changed the session.
        """
        foreign = tuple(
            await self.ports.sessions.seen_after(self.session.id, after=self.window.last_sequence)
        )
        self.window = self.window.grown(foreign)
        if any(event.type.value.startswith(_OF_THE_SESSION) for event in foreign):
            raise SupersededError(session_id=self.session.id)
        return foreign

    async def has(self, keys: frozenset[str], channel_time: float | None) -> bool:
        """Whether the log has one of these keys; what is older than the window is looked up."""
        if not keys:
            return False
        if self.window.find(keys) is not None:
            return True
        if self.window.knows_all_since(channel_time):
            return False
        return await self.ports.sessions.find_keys(self.session.id, keys) is not None

    async def _has(self, draft: Draft) -> bool:
        if draft.type not in _HEARD:
            return bool(draft.keys) and self.window.find(draft.keys) is not None
        return await self.has(draft.keys, draft.channel_time)

    def _placed(self, session: Session, draft: Draft, event_id: EventId, sequence: int) -> LogEvent:
        now = self.ports.clock.now()
        return draft.at_place(session, sequence=sequence, event_id=event_id, at=now)

    def _send(self, new: NewSend, events: tuple[LogEvent, ...]) -> PendingSend:
        last = self.window.last_sequence
        return PendingSend(
            session_id=self.session.id,
            sequence=last if new.of is None else events[new.of].sequence,
            kind=new.kind,
            message_id=new.ids.message_id,
            tracing_id=new.ids.tracing_id,
            metadata_id=new.ids.metadata_id,
            body=new.body,
            accepted_at=self.ports.clock.now(),
        )

    def _reaches_far(self, session: Session) -> bool:
        """Whether a catch-up from where the table's session was last good would read much again.

        A page of history has a hundred messages, and Genesys takes ten pages a minute.
        """
        stored, good = self.session.last_good_at, session.last_good_at
        if stored is None or good is None or good <= stored:
            return False
        return self.window.heard_since(stored) >= _HEARD_MOST

    def _trim(self, session: Session) -> None:
        # Now and then, not each time: a listener's writer lives for as long as the chat does.
        if len(self.window.events) > 2 * WINDOW_EVENTS:
            self.window = self.window.trimmed(since=_since(session))

    def _won(self, events: tuple[LogEvent, ...] | list[LogEvent]) -> None:
        for event in events:
            _log.info("event.logged", extra=_facts(self.session, event))
        self.window = self.window.grown(seen(event) for event in events)
        self.ports.bell.ring(self.session.id)


async def open_writer(ports: Ports, session: Session) -> LogWriter:
    """A writer that knows the last 200 events, and all from the link's last good minute on."""
    since = _since(session)
    limit = WINDOW_EVENTS
    while True:
        tail = tuple(await ports.sessions.tail(session.id, limit=limit))
        if len(tail) < limit or tail[0].at < since:
            return LogWriter(ports, session, Window(tail))
        limit *= 2


def _facts(session: Session, event: LogEvent) -> dict[str, object]:
    """What the line of an event says: never what was said."""
    heard = event.channel_time
    return {
        "session_id": event.session_id,
        "tenant": session.tenant,
        "event_id": event.id,
        "event_type": event.type.value,
        "sequence": event.sequence,
        "trace_id": trace_id(event.traced),
        "seconds_behind": None if heard is None else round(max(0.0, event.at - heard), 3),
    }


def _since(session: Session) -> float:
    return (session.last_good_at or session.created_at) - WINDOW_SECONDS


def _same(one: Session, other: Session) -> bool:
    # What is refreshed lazily, and what lives outside the version, is no reason to write.
    return _solid(one) == _solid(other)


def _solid(session: Session) -> Session:
    return replace(
        session,
        version=0,
        updated_at=0.0,
        expires_at=None,
        duration_seconds=None,
        last_good_at=_coarse(session.last_good_at),
        evictions=0,
        introduced=None,
        look_at=None,
        wake_at=None,
        attachments_at=None,
        lock=None,
        unanswered_after=0,
    )


def _coarse(at: float | None) -> float | None:
    # Written now and then, so that a catch-up never has to reach back much further than the last
    # visit.
    return None if at is None else at // _LAST_GOOD_STEP


_LAST_GOOD_STEP: Final = 600.0
_HEARD_MOST: Final = 30
"""So many messages, and when the link was last good is written for their sake."""
