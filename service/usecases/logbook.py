"""Notes of what happens to sessions, kept page by page beside the work and never in its way.

A page is written when its minute is over or the visit ends; a crash loses what was not written yet,
and a table that does not answer costs the page.
"""

import logging
from asyncio import Task, create_task, gather
from dataclasses import dataclass, field
from typing import Final

from service.domain.errors import BrokerError
from service.domain.ids import SessionId
from service.domain.timeline import PAGE_FRAMES, PAGE_NOTES, PAGE_SECONDS, Kind, Note, NotePage
from service.ports import Clock, TimelineStore

WRITE_SECONDS: Final = 2.0
"""How long the table may take for a page."""
LOOK_SECONDS: Final = 1.0
"""Pages are turned no more often than this: one task turns those of all sessions."""

_log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True, eq=False)
class OpenPage:
    """A page that may still take notes."""

    begun: float
    opened: float
    """The same on the monotonic clock: a wall clock that is set must not stretch the minute."""
    notes: "list[Note]" = field(default_factory=list)
    frames: int = 0
    left_out: int = 0
    written: int = 0
    """How many notes and omissions the table has."""
    open: bool = False
    """Whether a visit writes on it, so that it is written when its minute is over."""
    closed: bool = False
    writing: "Task[None] | None" = None
    """Its last write, once its minute is over."""
    before: "OpenPage | None" = None
    """The page of the minute before, where it is still being written."""

    @property
    def count(self) -> int:
        """All that happened."""
        return len(self.notes) + self.left_out

    def take(self, note: Note) -> None:
        """Keep it, or count it where there is no room."""
        is_frame = note.kind is Kind.FRAME
        if len(self.notes) >= PAGE_NOTES or (is_frame and self.frames >= PAGE_FRAMES):
            self.left_out += 1
            return
        self.frames += is_frame
        self.notes.append(note)


@dataclass(slots=True, kw_only=True)
class Logbook:
    """The notes of one process."""

    timeline: TimelineStore
    clock: Clock
    name: str = ""
    """Whose pages these are: the first who wrote here. No other process has that name."""
    pages: "dict[SessionId, OpenPage]" = field(default_factory=dict)
    turner: "Task[None] | None" = None
    """One for all pages: a task for each would cost more than the notes on it."""
    turns_at: float = 0.0

    def note(self, session_id: SessionId, writer: str, note: Note) -> None:
        """Add it to the page of this minute. Writes nothing and never fails."""
        page = self.pages.get(session_id)
        self.name = self.name or writer
        if page is None or page.closed or self._is_over(page):
            # As exact as the table keeps it, so that both know the page by one name.
            opened = self.clock.monotonic()
            page = OpenPage(begun=round(note.at, 6), opened=opened, before=page)
            # The pages stand in the order that they begin in.
            self.pages.pop(session_id, None)
            self.pages[session_id] = page
        page.take(note)
        if not page.open:
            page.open = True
            self._turn_in_time(page)

    async def settle(self, session_id: SessionId) -> None:
        """The visit is over: write what waits. The page takes more notes if another visit begins.

        Cancelled, it loses what was not written.
        """
        newest = page = self.pages.get(session_id)
        while page is not None:
            page.open = False
            if page.writing is not None:
                await gather(page.writing, return_exceptions=True)
            await self._write(session_id, page)
            page = page.before
        if newest is not None:
            # Not sooner: until it is written it is read from here.
            newest.before = None
        self._forget()
        await self._rest()

    def unwritten(self, session_id: SessionId) -> "list[NotePage]":
        """What the table does not have yet, for who reads in this process."""
        page, found = self.pages.get(session_id), []
        while page is not None:
            found.append(self._kept(session_id, page))
            page = page.before
        return found

    def _turn_in_time(self, page: OpenPage) -> None:
        end = page.opened + PAGE_SECONDS
        if self.turner is not None and not self.turner.done():
            if self.turns_at <= end:
                return
            self.turner.cancel()
        self.turns_at = end
        self.turner = create_task(self._turn())

    async def _turn(self) -> None:
        """Close pages whose minute is over, for as long as there are open ones."""
        while True:
            await self.clock.sleep(max(0.0, self.turns_at - self.clock.monotonic()))
            now = self.clock.monotonic()
            for session_id, page in self.pages.items():
                if page.open and now - page.opened >= PAGE_SECONDS:
                    page.open, page.closed = False, True
                    page.writing = create_task(self._end(session_id, page))
            opened = min((page.opened for page in self.pages.values() if page.open), default=None)
            if opened is None:
                return
            self.turns_at = max(opened + PAGE_SECONDS, now + LOOK_SECONDS)

    async def _end(self, session_id: SessionId, page: OpenPage) -> None:
        await self._write(session_id, page)
        page.before = None
        if self.pages.get(session_id) is page:
            del self.pages[session_id]

    async def _rest(self) -> None:
        """No task is left where no page is open."""
        turner = self.turner
        if turner is None or any(page.open for page in self.pages.values()):
            return
        self.turner = None
        turner.cancel()
        await gather(turner, return_exceptions=True)

    async def _write(self, session_id: SessionId, page: OpenPage) -> None:
        if page.written == page.count:
            return
        page.written = page.count
        try:
            async with self.clock.timeout(WRITE_SECONDS):
                await self.timeline.keep(self._kept(session_id, page))
        except (BrokerError, TimeoutError) as error:
            _log.info(
                "timeline.not_kept",
                extra={"session_id": session_id, "error": type(error).__name__},
            )

    def _kept(self, session_id: SessionId, page: OpenPage) -> NotePage:
        return NotePage(
            session_id=session_id,
            begun=page.begun,
            writer=self.name,
            notes=tuple(page.notes),
            left_out=page.left_out,
        )

    def _forget(self) -> None:
        """Pages whose visit and whose minute are over, the oldest first."""
        for session_id, page in list(self.pages.items()):
            if not self._is_over(page):
                return
            del self.pages[session_id]

    def _is_over(self, page: OpenPage) -> bool:
        """Whether no visit writes on it and its minute is over."""
        at_rest = not page.open and page.writing is None
        return at_rest and self.clock.monotonic() - page.opened >= PAGE_SECONDS
