"""The timeline of a session: where did this message go? Writes nothing."""

import base64
import binascii
import json
import math
from asyncio import gather
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from service.domain.access import ApiKey
from service.domain.errors import FieldFault, InvalidRequestError
from service.domain.ids import SessionId
from service.domain.instants import rfc3339
from service.domain.timeline import LEFT_OUT, Cut, Entry, Kind, Position, TimelineFilter, cut
from service.ports import SessionStore
from service.usecases.read_session import owned
from service.usecases.timeline_sources import EventStretch, Search, TimelineSources, Trail

LISTING: Final = "timeline"
CURSOR_LONGEST: Final = 400
PLACES_MAX: Final = 10**12
RANKS_MAX: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineQuery:
    """What somebody wants to see."""

    kinds: Sequence[str]
    wanted: TimelineFilter
    """But for the kinds, which may be none."""
    cursor: str | None
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadTimeline:
    """A page of the timeline, ascending."""

    sessions: SessionStore
    sources: TimelineSources

    async def __call__(
        self, key: ApiKey, session_id: SessionId, query: TimelineQuery
    ) -> dict[str, Any]:
        """`items`, `nextCursor`, `complete`.

        Raises NotFoundError, InvalidRequestError for a bad cursor or filter.
        """
        wanted = filter_of(query)
        position, sequence = place_of(query.cursor)
        await owned(self.sessions, key.tenant, session_id)
        trail = Trail()
        if wanted.message_id is not None:
            trail = await self.sources.trail(session_id, wanted.message_id)
        search = Search(
            session_id=session_id,
            wanted=wanted,
            position=position,
            sequence=sequence,
            limit=query.limit,
            trail=trail,
        )
        events, notes, sends, (tried, all_tried) = await gather(
            self.sources.events(search),
            self.sources.notes(search),
            self.sources.sends(search),
            self.sources.tried(search),
        )
        page = cut((events, notes, sends, tried), limit=query.limit)
        return {
            "items": [entry_view(entry) for entry in page.entries],
            "nextCursor": _next(page, search, events),
            "complete": all_tried and trail.complete and not _lacks_notes(page),
        }


def filter_of(query: TimelineQuery) -> TimelineFilter:
    """What is looked for. Raises InvalidRequestError."""
    wanted, faults = query.wanted, []
    if any(kind not in set(Kind) for kind in query.kinds):
        detail = f"takes {', '.join(Kind)}"
        faults.append(FieldFault(pointer="/query/kinds", detail=detail))
    if wanted.since is not None and wanted.until is not None and wanted.until <= wanted.since:
        faults.append(FieldFault(pointer="/query/until", detail="must be later than since"))
    if faults:
        raise InvalidRequestError(*faults)
    return TimelineFilter(
        kinds=frozenset(Kind(kind) for kind in query.kinds),
        message_id=wanted.message_id,
        since=wanted.since,
        until=wanted.until,
    )


def entry_view(entry: Entry) -> dict[str, Any]:
    """The TimelineEntry of the REST API."""
    return {
        "at": rfc3339(entry.at),
        "kind": entry.kind.value,
        "what": entry.what,
        "messageId": entry.message_id,
        "sequence": entry.sequence,
        "facts": dict(entry.facts),
    }


def _next(page: Cut, search: Search, events: EventStretch) -> str | None:
    """Where the next page begins, never before the one it follows.

    What came into the log meanwhile with an older time stands before the cursor, and is told once.
    """
    if page.end is None:
        return None
    sequence = events.sequence_at(page.end, search.sequence)
    return spelled(max(page.end, search.position), sequence)


def _lacks_notes(page: Cut) -> bool:
    return any(entry.what == LEFT_OUT for entry in page.entries)


def spelled(position: Position, sequence: int) -> str:
    """An opaque cursor to what follows."""
    parts = [LISTING, position.at, position.rank, position.tie, sequence]
    text = json.dumps(parts, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode("ascii").rstrip("=")


def place_of(cursor: str | None) -> tuple[Position, int]:
    """The position that a cursor names and the last place of the log before it.

    Raises InvalidRequestError: a cursor may be made up.
    """
    if cursor is None:
        return Position(0.0), 0
    match _decoded(cursor):
        case [str(listing), int() | float() as at, int(rank), str(tie), int(sequence)] if (
            listing == LISTING
            and math.isfinite(at)
            and abs(rank) < RANKS_MAX
            and 0 <= sequence < PLACES_MAX
        ):
            return Position(float(at), rank, tie), sequence
        case _:
            detail = "not a cursor of this listing; start without one"
            raise InvalidRequestError(FieldFault(pointer="/query/cursor", detail=detail))


def _decoded(cursor: str) -> object:
    if len(cursor) > CURSOR_LONGEST:
        return None
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        found: object = json.loads(raw)
    except (binascii.Error, ValueError, RecursionError):
        return None
    return found
