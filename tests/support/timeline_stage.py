"""A session whose timeline has something of everything, on the embedded table, at rest."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from service.adapters.cipher import AesCipher
from service.adapters.embedded import EmbeddedTable, open_embedded
from service.domain.access import ApiKey, Scope
from service.domain.ids import ApiKeyId, MessageId
from service.domain.log import EventType, LogEvent
from service.domain.session import Session
from service.domain.timeline import Fact, Kind, Note, NotePage, TimelineFilter
from service.ports import SendChange
from service.usecases.logbook import Logbook
from service.usecases.read_timeline import ReadTimeline, TimelineQuery
from service.usecases.timeline_sources import TimelineSources
from tests.support.store_builders import NOW, TENANT, a_send, a_session, an_attempt, an_event
from tests.support.virtual_time import InlineExecutor, VirtualClock

KEY = ApiKey(
    id=ApiKeyId("key_1"),
    tenant=TENANT,
    name="reader",
    digest="d",
    scopes=(Scope.SESSIONS_READ,),
    created_at=NOW,
)


@dataclass
class TimelineStage:
    """What a test puts into the table; times are seconds after NOW."""

    table: EmbeddedTable
    clock: VirtualClock = field(default_factory=VirtualClock)
    session: Session = field(default_factory=a_session)
    book: Logbook = field(init=False)
    read: ReadTimeline = field(init=False)
    last: int = 0

    def __post_init__(self) -> None:
        self.book = Logbook(timeline=self.table.timeline, clock=self.clock)
        self.read = ReadTimeline(
            sessions=self.table.sessions,
            sources=TimelineSources(
                sessions=self.table.sessions,
                attempts=self.table.attempts,
                timeline=self.table.timeline,
                logbook=self.book,
            ),
        )

    async def event(
        self,
        at: float,
        kind: EventType = EventType.MESSAGE_RECEIVED,
        *,
        keys: frozenset[str] = frozenset(),
        **message: Any,  # noqa: ANN401 - any JSON
    ) -> LogEvent:
        """The next one."""
        self.last += 1
        event = an_event(
            self.session,
            self.last,
            type=kind,
            at=NOW + at,
            keys=keys,
            data={"message": {"text": "secret words", **message}} if message else {},
        )
        await self.table.sessions.append(event)
        return event

    async def send(self, at: float, **changes: Any) -> None:  # noqa: ANN401 - fields of any type
        """A message that is on its way."""
        self.last += 1
        send = a_send(self.session, self.last, accepted_at=NOW + at, **changes)
        event = an_event(
            self.session,
            self.last,
            type=EventType.MESSAGE_ACCEPTED,
            at=NOW + at,
            data={"message": {"id": send.message_id, "status": "accepted"}},
        )
        await self.table.sessions.append(event, sends=(SendChange(before=None, after=send),))

    async def page(self, *notes: Note, writer: str = "own_1", left_out: int = 0) -> NotePage:
        """A page of notes that begins with the first."""
        page = NotePage(
            session_id=self.session.id,
            begun=notes[0].at,
            writer=writer,
            notes=notes,
            left_out=left_out,
        )
        await self.table.timeline.keep(page)
        return page

    async def attempt(self, at: float, sequence: int, **changes: Any) -> None:  # noqa: ANN401 - the same
        """One POST."""
        attempt = an_attempt(session_id=self.session.id, sequence=sequence, at=NOW + at)
        await self.table.attempts.record(replace(attempt, **changes))

    async def ask(
        self,
        *kinds: str,
        cursor: str | None = None,
        limit: int = 50,
        **wanted: Any,  # noqa: ANN401 - fields of any type
    ) -> dict[str, Any]:
        """A page of the timeline."""
        query = TimelineQuery(
            kinds=kinds, wanted=TimelineFilter(**wanted), cursor=cursor, limit=limit
        )
        return await self.read(KEY, self.session.id, query)

    async def whats(self, *kinds: str, **wanted: Any) -> list[str]:  # noqa: ANN401 - the same
        """What is told, of one page that is all."""
        page = await self.ask(*kinds, **wanted)
        assert page["nextCursor"] is None
        return [item["what"] for item in page["items"]]

    async def pages(self, *kinds: str, limit: int, **wanted: Any) -> list[list[str]]:  # noqa: ANN401 - the same
        """What every page tells, one after the other."""
        cursor, found = None, []
        while True:
            page = await self.ask(*kinds, cursor=cursor, limit=limit, **wanted)
            found.append([item["what"] for item in page["items"]])
            cursor = page["nextCursor"]
            if cursor is None:
                return found


def a_note(
    at: float, what: str, kind: Kind = Kind.LINK, message_id: str | None = None, **facts: Fact
) -> Note:
    """A note of that time."""
    known = None if message_id is None else MessageId(message_id)
    return Note(at=NOW + at, kind=kind, what=what, message_id=known, facts=facts)


@asynccontextmanager
async def timeline_stage() -> AsyncIterator[TimelineStage]:
    """A session without a past."""
    clock = VirtualClock()
    table = open_embedded(
        None, cipher=AesCipher(bytes(32)), clock_now=clock.now, executor=InlineExecutor()
    )
    stage = TimelineStage(table, clock)
    await table.sessions.create(
        stage.session, events=(), sends=(), idempotency=None, may_replace=None
    )
    yield stage
    await table.close()
