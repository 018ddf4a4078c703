"""Where everything that can happen during a visit arrives, one after the other."""

from asyncio import Future, Queue, get_running_loop
from contextlib import suppress
from dataclasses import dataclass, field

from service.domain.catchup import HistoryRead
from service.ports import Clock


@dataclass(frozen=True, slots=True)
class FrameArrived:
    """A text frame on that link."""

    link: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class LinkDown:
    """That link closed, with its close code and the reason that came with it."""

    link: str
    code: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class HistoryArrived:
    """A read of history is complete."""

    link: str
    read: HistoryRead


@dataclass(frozen=True, slots=True)
class HistoryFailed:
    """A read of history could not be completed."""

    link: str
    retry_after_seconds: float | None


@dataclass(frozen=True, slots=True)
class ConversationKnown:
    """The Platform API answered."""

    incarnation: int
    conversation_id: str
    participant_id: str | None
    as_of: int = 0
    """The place in the log up to which it is so."""


@dataclass(frozen=True, slots=True)
class ConversationUnknown:
    """The Platform API could not say it; how long it wants to be left alone."""

    incarnation: int
    wait_seconds: float


@dataclass(frozen=True, slots=True)
class Nudged:
    """Somebody says: look at this session now."""


@dataclass(frozen=True, slots=True)
class TypingWanted:
    """A caller wants a typing frame sent; `answer` learns whether one went out."""

    answer: "Queue[bool]"


@dataclass(frozen=True, slots=True)
class LeaveAsked:
    """The process is about to stop: let go properly."""


@dataclass(frozen=True, slots=True)
class HandOverAsked:
    """The shard was given away: take in what arrives until the successor is there.

    `until` is on the monotonic clock; `fence` is the successor's.
    """

    successor: str
    fence: int
    until: float


OfLink = FrameArrived | LinkDown | HistoryArrived | HistoryFailed
Told = ConversationKnown | ConversationUnknown
Thing = OfLink | Told | Nudged | TypingWanted | LeaveAsked | HandOverAsked


@dataclass(slots=True)
class Inbox:
    """An unbounded queue with one reader: what may arrive is bounded by socket and visit.

    Not asyncio's own: that keeps four deques, 3 KiB for each link that is held.
    """

    things: "list[Thing]" = field(default_factory=list)
    filled: "Future[None] | None" = None
    """Done when something came; there while somebody waits for it."""

    def put(self, thing: Thing) -> None:
        """Add something; never blocks."""
        self.things.append(thing)
        if self.filled is not None and not self.filled.done():
            self.filled.set_result(None)

    @property
    def wants_typing(self) -> bool:
        """Whether somebody waits for a typing frame to go out."""
        return any(isinstance(thing, TypingWanted) for thing in self.things)

    def closed(self) -> bool:
        """Empty the queue of a visit that ended; whether a nudge in it was not heard."""
        left, self.things = self.things, []
        for thing in left:
            if isinstance(thing, TypingWanted):
                thing.answer.put_nowait(item=False)
        return any(isinstance(thing, Nudged) for thing in left)

    async def next(self, clock: Clock, seconds: float | None) -> Thing | None:
        """The next thing, or None when nothing came in that time. Cancelling it loses nothing."""
        if not self.things:
            await self._wait(clock, seconds)
        return self.things.pop(0) if self.things else None

    async def _wait(self, clock: Clock, seconds: float | None) -> None:
        self.filled = get_running_loop().create_future()
        try:
            with suppress(TimeoutError):
                async with clock.timeout(seconds):
                    await self.filled
        finally:
            self.filled = None
