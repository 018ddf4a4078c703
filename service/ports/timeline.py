"""Port to the table: what visitors noted of a session."""

from collections.abc import Sequence
from typing import Protocol

from service.domain.ids import SessionId
from service.domain.timeline import NotePage


class TimelineStore(Protocol):
    """Pages of notes, each kept for seven days and erased with its session."""

    async def keep(self, page: NotePage) -> None:
        """Put the page in the place of what its writer kept of that minute before.

        Nothing stays of one whose session is erased, also where that happens meanwhile.
        """

    async def pages(self, session_id: SessionId, *, since: float, limit: int) -> Sequence[NotePage]:
        """Pages that were begun then or later, the oldest first, strongly consistent.

        Fewer than `limit` only where no more follow.
        """
