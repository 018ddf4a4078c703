"""Follow a message from accepted to proven, and on to the replies. Writes nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from service.domain.errors import NotFoundError
from service.domain.log import EventType, LogEvent
from service.domain.session import Session
from service.domain.transcript import fold
from service.ports.sessions import SessionStore
from service.ports.system import Bell, Clock
from service.usecases.read_transcript import ReadTranscript
from service.usecases.waiting import Attending, Closing, LogFollower

CONVERSATION_OVER: Final = frozenset(
    {
        EventType.SESSION_ENDED,
        EventType.SESSION_FAILED,
        EventType.SESSION_READ_ONLY,
        EventType.CONVERSATION_DISCONNECTED,
    }
)
REPLIERS: Final = frozenset({"agent", "bot"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which message; with `turn_quiet` its replies too, up to so many seconds of silence."""

    session: Session
    sequence: int
    turn_quiet: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """What became of the message. `settled_at` is when its end was logged, None while open."""

    message: Mapping[str, Any]
    settled_at: float | None
    replies: Sequence[Mapping[str, Any]] = field(default=())
    turn_complete: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowMessage:
    """While somebody visits the session, waits for the message to settle and its turn to end."""

    sessions: SessionStore
    attend: Attending
    bell: Bell
    clock: Clock
    transcript: ReadTranscript
    closing: Closing = field(default_factory=Closing)

    async def __call__(self, wanted: Wanted, *, until: float) -> Followed:
        """What is known at `until` (monotonic), or as soon as everything wanted is known."""
        log = self._log(wanted)

        async def satisfied() -> bool:
            return self.closing.begun or self._is_complete(wanted, await log.catch_up())

        await self.attend(wanted.session.id, until=until, satisfied=satisfied)
        return await self._told(wanted, log)

    async def look(self, wanted: Wanted) -> Followed:
        """What is known now, without waiting."""
        return await self._told(wanted, self._log(wanted))

    def _log(self, wanted: Wanted) -> LogFollower:
        return LogFollower(self.sessions, wanted.session.id, after=wanted.sequence - 1)

    async def _told(self, wanted: Wanted, log: LogFollower) -> Followed:
        events = await log.catch_up()
        found = [m for m in fold(events) if m["sequence"] == wanted.sequence]
        if not found:
            raise NotFoundError(kind="session", name=wanted.session.id)  # erased meanwhile
        [message] = await self.transcript.settled(wanted.session.id, events, found)
        return Followed(
            message=message,
            settled_at=_settled_at(wanted.sequence, events),
            replies=_replies(events),
            turn_complete=self._turn_is_over(wanted, events),
        )

    def _is_complete(self, wanted: Wanted, events: Sequence[LogEvent]) -> bool:
        end = _end_of(wanted.sequence, events)
        if end is None:
            return False
        if wanted.turn_quiet is None or end.type is EventType.MESSAGE_FAILED:
            return True
        return self._turn_is_over(wanted, events)

    def _turn_is_over(self, wanted: Wanted, events: Sequence[LogEvent]) -> bool:
        if wanted.turn_quiet is None:
            return False
        if any(event.type in CONVERSATION_OVER for event in events):
            return True
        heard = [event.at for event in events if _is_reply(event)]
        if not heard:
            return False
        typing = self.bell.last_typing(wanted.session.id) or 0.0
        return self.clock.now() - max(heard[-1], typing) >= wanted.turn_quiet


def _end_of(sequence: int, events: Sequence[LogEvent]) -> LogEvent | None:
    ends = (EventType.MESSAGE_CONFIRMED, EventType.MESSAGE_FAILED)
    return next(
        (e for e in events if e.type in ends and e.data["message"]["sequence"] == sequence), None
    )


def _settled_at(sequence: int, events: Sequence[LogEvent]) -> float | None:
    end = _end_of(sequence, events)
    return None if end is None else end.at


def _is_reply(event: LogEvent) -> bool:
    return (
        event.type is EventType.MESSAGE_RECEIVED
        and event.data["message"]["author"]["kind"] in REPLIERS
    )


def _replies(events: Sequence[LogEvent]) -> list[Mapping[str, Any]]:
    return [event.data["message"] for event in events if _is_reply(event)]
