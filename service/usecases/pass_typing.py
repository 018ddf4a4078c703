"""Pass typing on to the visit that has the link, as another process asked."""

from asyncio import Queue
from dataclasses import dataclass

from service.ports import Clock, TypingHint
from service.usecases.last_minutes import TYPING_EVERY_SECONDS
from service.usecases.present import PresentVisits
from service.usecases.visit import TypingWanted


@dataclass(frozen=True, slots=True)
class PassTyping:
    """Nobody waits for what becomes of it, and it is worth no visit of its own."""

    clock: Clock
    present: PresentVisits

    def __call__(self, hint: TypingHint) -> None:
        """Tell the visit under way, unless the hint is stale: it may have waited in a queue."""
        inbox = self.present.of(hint.session_id)
        is_fresh = abs(self.clock.now() - hint.at) < TYPING_EVERY_SECONDS
        if inbox is not None and is_fresh:
            inbox.put(TypingWanted(Queue()))
