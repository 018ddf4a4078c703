"""Where the entries of a timeline come from: log, notes, pending sends, attempts.

Each source gives what it has after a position, in its order, as far as it has looked.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from service.domain.attempt import Attempt
from service.domain.ids import SessionId
from service.domain.instants import maybe_rfc3339
from service.domain.log import LogEvent
from service.domain.send import PendingSend, SendKind
from service.domain.timeline import (
    LEFT_OUT,
    PAGE_SECONDS,
    Entry,
    Kind,
    Note,
    NotePage,
    Position,
    Stretch,
    TimelineFilter,
    facts_of,
)
from service.ports import AttemptStore, SessionStore, TimelineStore
from service.usecases.logbook import Logbook
from service.usecases.waiting import PAGE_EVENTS

EVENTS_LOOKED_AT: Final = 1000
NOTE_PAGES: Final = 50
PAGES_LOOKED_AT: Final = 500
ATTEMPTS_LOOKED_AT: Final = 2000
TRAIL_EVENTS: Final = 5000
APART_SECONDS: Final = 60.0
"""How much the clocks of two writers of a log may differ where `until` asks for a time."""
_EVENT, _NOTE, _SEND, _ATTEMPT = range(4)
"""The order of what happened at one time."""
_NOTED: Final = frozenset({Kind.LEASE, Kind.LINK, Kind.DECISION, Kind.FRAME, Kind.SEND})


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """What a message left in the log: its places, and its names on the south wire."""

    sequences: frozenset[int] = frozenset()
    keys: frozenset[str] = frozenset()
    complete: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is looked for, from where, and how much of it."""

    session_id: SessionId
    wanted: TimelineFilter
    position: Position
    sequence: int
    """The last place of the log before the position."""
    limit: int
    trail: Trail = field(default_factory=Trail)

    @property
    def since(self) -> float:
        """Nothing older is looked for."""
        return max(self.position.at, self.wanted.since or 0.0)

    def takes(self, position: Position, at: float) -> bool:
        """Whether it comes after the page before, in the time that is looked at."""
        return position > self.position and self.wanted.covers(at)

    def is_over(self, at: float, *, apart: float = 0.0) -> bool:
        """Whether nothing from then on is looked for, by clocks that differ so much."""
        return self.wanted.until is not None and at >= self.wanted.until + apart


@dataclass(frozen=True, slots=True, kw_only=True)
class EventStretch(Stretch):
    """Events, and at which position each place of the log stands."""

    places: Sequence[tuple[Position, int]] = ()

    def sequence_at(self, position: Position, before: int) -> int:
        """The last place up to there."""
        return max((number for place, number in self.places if place <= position), default=before)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineSources:
    """All that is stored of a session's way."""

    sessions: SessionStore
    attempts: AttemptStore
    timeline: TimelineStore
    logbook: Logbook
    """Notes of this process that are not written yet."""

    async def trail(self, session_id: SessionId, message_id: str) -> Trail:
        """Where in the log that message is told of."""
        sequences: set[int] = set()
        keys: set[str] = set()
        after = 0
        while after < TRAIL_EVENTS:
            page = await self.sessions.read_log(session_id, after=after, limit=PAGE_EVENTS)
            for event in page.events:
                if _message(event).get("id") == message_id:
                    sequences.add(event.sequence)
                    keys |= event.keys
            after = page.events[-1].sequence if page.events else page.last_sequence
            if after >= page.last_sequence:
                return Trail(sequences=frozenset(sequences), keys=frozenset(keys))
        return Trail(sequences=frozenset(sequences), keys=frozenset(keys), complete=False)

    async def events(self, search: Search) -> EventStretch:
        """Events in the order of the log: one that seems older than its predecessor is not."""
        if not search.wanted.has(Kind.EVENT):
            return EventStretch(entries=())
        entries: list[Entry] = []
        places: list[tuple[Position, int]] = []
        floor, after = search.position.at, search.sequence
        while len(places) < EVENTS_LOOKED_AT and len(entries) <= search.limit:
            page = await self.sessions.read_log(search.session_id, after=after, limit=PAGE_EVENTS)
            for event in page.events:
                floor = max(floor, event.at)
                position = Position(floor, _EVENT, f"{event.sequence:012d}")
                places.append((position, event.sequence))
                # Whether it is told must not depend on how much of the log is read at once.
                over = search.is_over(floor, apart=APART_SECONDS)
                if not over and search.wanted.covers(event.at) and _is_of(event, search):
                    entries.append(_event_entry(event, position))
            # The last place of an erased session's log is no event to be read.
            after = page.events[-1].sequence if page.events else page.last_sequence
            if after >= page.last_sequence or search.is_over(floor, apart=APART_SECONDS):
                return EventStretch(entries=entries, places=places)
        return EventStretch(entries=entries, places=places, known_to=places[-1][0])

    async def notes(self, search: Search) -> Stretch:
        """Notes of all visitors; pages of several overlap in time."""
        if not any(search.wanted.has(kind) for kind in _NOTED):
            return Stretch(entries=())
        open_ones = {_name(page): page for page in self.logbook.unwritten(search.session_id)}
        found: dict[tuple[float, str], NotePage] = {}
        # A page takes notes for a minute, or a little longer where its process was slow.
        since = max(0.0, search.since - 2 * PAGE_SECONDS)
        known_to: Position | None = None
        while True:
            pages = await self.timeline.pages(search.session_id, since=since, limit=NOTE_PAGES)
            found |= {_name(page): page for page in pages}
            if len(pages) < NOTE_PAGES or search.is_over(pages[-1].begun):
                break
            since = pages[-1].begun
            enough = len(_noted(found, search, before=since)) > search.limit
            if enough or (len(found) >= PAGES_LOOKED_AT and since > search.position.at):
                known_to = Position(since)
                break
        return Stretch(entries=_noted(found | open_ones, search), known_to=known_to)

    async def sends(self, search: Search) -> Stretch:
        """Messages that are still on their way, as they stand now."""
        if not search.wanted.has(Kind.SEND):
            return Stretch(entries=())
        entries = [
            _send_entry(send)
            for send in await self.sessions.open_sends(search.session_id)
            if search.wanted.message_id in {None, send.message_id}
        ]
        return Stretch(entries=[e for e in entries if search.takes(e.position, e.at)])

    async def tried(self, search: Search) -> tuple[Stretch, bool]:
        """Attempts at every endpoint, and whether those were all that there are."""
        if not search.wanted.has(Kind.ATTEMPT):
            return Stretch(entries=()), True
        attempts, complete = await self.attempts.of_session(
            search.session_id, most=ATTEMPTS_LOOKED_AT
        )
        entries = [
            _attempt_entry(attempt)
            for attempt in attempts
            if search.wanted.message_id is None or attempt.sequence in search.trail.sequences
        ]
        return Stretch(entries=[e for e in entries if search.takes(e.position, e.at)]), complete


def _message(event: LogEvent) -> Mapping[str, Any]:
    return event.data.get("message") or {}


def _is_of(event: LogEvent, search: Search) -> bool:
    return search.wanted.message_id in {None, _message(event).get("id")}


def _event_entry(event: LogEvent, position: Position) -> Entry:
    message = _message(event)
    failure = message.get("failure") or {}
    facts = {
        "eventId": event.id,
        "incarnation": event.incarnation,
        "status": message.get("status"),
        "code": failure.get("code"),
        "recovered": message.get("recovered"),
    }
    return Entry(
        position=position,
        at=event.at,
        kind=Kind.EVENT,
        what=event.type.value,
        message_id=message.get("id"),
        sequence=event.sequence,
        facts=facts_of(facts),
    )


def _name(page: NotePage) -> tuple[float, str]:
    return page.begun, page.writer


def _noted(
    pages: Mapping[tuple[float, str], NotePage], search: Search, *, before: float | None = None
) -> Sequence[Entry]:
    entries = [entry for page in pages.values() for entry in _page_entries(page)]
    return [
        entry
        for entry in entries
        if search.takes(entry.position, entry.at)
        and _is_wanted(entry, search)
        and (before is None or entry.at < before)
    ]


def _page_entries(page: NotePage) -> Sequence[Entry]:
    notes = list(page.notes)
    if page.left_out and notes:
        left = {"notes": page.left_out}
        notes.append(Note(at=notes[-1].at, kind=Kind.FRAME, what=LEFT_OUT, facts=left))
    # The writer may be the token of a lock, and a cursor shows the tie.
    writer = hashlib.sha256(page.writer.encode()).hexdigest()[:16]
    return [
        Entry(
            position=Position(note.at, _NOTE, f"{page.begun:018.6f}#{writer}#{number:04d}"),
            at=note.at,
            kind=note.kind,
            what=note.what,
            message_id=note.message_id,
            facts=note.facts,
        )
        for number, note in enumerate(notes)
    ]


def _is_wanted(entry: Entry, search: Search) -> bool:
    """What was left out may have been wanted, whatever the filter is."""
    if entry.what == LEFT_OUT:
        return True
    return search.wanted.has(entry.kind) and _tells_of(entry, search)


def _tells_of(entry: Entry, search: Search) -> bool:
    if search.wanted.message_id is None or entry.message_id == search.wanted.message_id:
        return True
    names = {f"t:{entry.facts.get('tracingId')}", f"b:{entry.facts.get('bodyId')}"}
    return bool(names & search.trail.keys)


def _send_entry(send: PendingSend) -> Entry:
    mark = send.written
    at = send.accepted_at if mark is None else mark.doubt_at or mark.at
    facts = {
        "kind": send.kind.value,
        "status": send.status.value,
        "tracingId": send.tracing_id,
        "attempt": send.attempt,
        "link": None if mark is None else mark.link,
        "retryAt": maybe_rfc3339(send.retry_at),
    }
    return Entry(
        position=Position(at, _SEND, f"{send.sequence:012d}#{send.kind}"),
        at=at,
        kind=Kind.SEND,
        what="pending",
        message_id=None if send.kind is SendKind.JOIN else send.message_id,
        sequence=send.sequence,
        facts=facts_of(facts),
    )


def _attempt_entry(attempt: Attempt) -> Entry:
    facts = {
        "attemptId": attempt.id,
        "endpointId": attempt.endpoint_id,
        "eventId": attempt.event_id,
        "eventType": attempt.event_type.value,
        "trigger": attempt.trigger.value,
        "attempt": attempt.number,
        "status": attempt.status,
        "error": attempt.error,
        "seconds": round(attempt.seconds, 3),
        "nextAttemptAt": maybe_rfc3339(attempt.next_at),
    }
    return Entry(
        position=Position(attempt.at, _ATTEMPT, attempt.id),
        at=attempt.at,
        kind=Kind.ATTEMPT,
        what=attempt.decision.value,
        sequence=attempt.sequence,
        facts=facts_of(facts),
    )
