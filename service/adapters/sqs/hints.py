"""The three ports of hints over the queues: sending, and the two ends where hints come out."""

import logging
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeVar

from service.adapters.sqs.bodies import (
    lane_body,
    read_delivery,
    read_session,
    replay_body,
    session_body,
    typing_body,
)
from service.domain.errors import ConfigurationError, UnavailableError
from service.domain.ids import EndpointId, LogId, ReplayId, SessionId
from service.ports import Clock, DeliveryHint, LaneHint, ReplayHint, SessionHint, TypingHint

SEND_SECONDS: Final = 2.0
"""How long a request or a visit waits for a hint to be sent; SQS takes milliseconds."""
AWAITED_MAX: Final = 10_000
"""How many delayed hints of its own a process remembers."""

_log = logging.getLogger(__name__)

Hint = TypeVar("Hint")


class Queues(Protocol):
    """Texts in, texts out, by the name of a queue."""

    def mailbox(self, shard: int) -> str:
        """The name of a shard's mailbox."""

    @property
    def deliveries(self) -> str:
        """The name of the queue of lanes."""

    async def send(self, queue: str, body: str, *, delay: float = 0.0) -> None:
        """Put a text in a queue. Raises UnavailableError, ConfigurationError."""

    async def receive(self, queue: str) -> Sequence[str]:
        """Take texts out of a queue. Raises UnavailableError, ConfigurationError."""


@dataclass(slots=True)
class SqsHints:
    """Sends hints. Whatever fails is logged once and counted, and the hint is lost.

    While SQS does not answer, one caller at a time finds out whether it does again; the others go
    on without.
    """

    queues: Queues
    clock: Clock
    lost: int = 0
    """Hints that were not sent, since this process began."""
    down_since: int | None = field(default=None, init=False)
    """What `lost` was when SQS last stopped answering; None while it answers."""
    trying: bool = field(default=False, init=False)
    refused: "set[str]" = field(default_factory=set, init=False)
    """Queues that SQS will not have us use, each logged once."""
    awaited: "dict[Hashable, float]" = field(default_factory=dict, init=False)
    """When delayed hints come out, on the monotonic clock."""

    async def session(self, session_id: SessionId, shard: int) -> None:
        """Tell the owner of the shard to look at this session."""
        await self._send(self.queues.mailbox(shard), session_body(session_id))

    async def typing(self, session_id: SessionId, shard: int, *, at: float) -> None:
        """Tell the owner of the shard that the guest of this session was typing at that time."""
        await self._send(self.queues.mailbox(shard), typing_body(TypingHint(session_id, at)))

    async def lane(
        self, endpoint_id: EndpointId, session_id: LogId, *, delay: float = 0.0, hops: int = 0
    ) -> None:
        """Tell a courier to look at this lane, not before `delay` seconds.

        A delayed hint of this process that comes out before then does instead: a sweeper meets the
        same lane at every round until it is due.
        """
        body = lane_body(LaneHint(endpoint_id, session_id, hops))
        await self._deliver((endpoint_id, session_id), body, delay)

    async def replay(
        self, replay_id: ReplayId, strand: int, *, delay: float = 0.0, hops: int = 0
    ) -> None:
        """The same for a strand of a replay."""
        body = replay_body(ReplayHint(replay_id, strand, hops))
        await self._deliver((replay_id, strand), body, delay)

    async def _deliver(self, name: Hashable, body: str, delay: float) -> None:
        now = self.clock.monotonic()
        if now < self.awaited.get(name, now) <= now + delay:
            return
        sent = await self._send(self.queues.deliveries, body, delay=delay)
        if sent and delay > 0:
            self._await(name, now, now + delay)

    async def _send(self, queue: str, body: str, *, delay: float = 0.0) -> bool:
        """Whether it was sent."""
        if self.down_since is None:
            return await self._try(queue, body, delay)
        if self.trying:
            self.lost += 1
            return False
        self.trying = True
        try:
            return await self._try(queue, body, delay)
        finally:
            self.trying = False

    async def _try(self, queue: str, body: str, delay: float) -> bool:
        try:
            async with self.clock.timeout(SEND_SECONDS):
                await self.queues.send(queue, body, delay=delay)
        except (UnavailableError, TimeoutError) as error:
            self._unanswered(error)
            return False
        except ConfigurationError as error:
            self._refused(queue, error)
            return False
        self._answered()
        return True

    def _unanswered(self, error: UnavailableError | TimeoutError) -> None:
        if self.down_since is None:
            self.down_since = self.lost
            _log.warning("hints.lost", extra={"error": str(error) or type(error).__name__})
        self.lost += 1

    def _refused(self, queue: str, error: ConfigurationError) -> None:
        self.lost += 1
        if queue not in self.refused:
            self.refused.add(queue)
            _log.error("hints.refused", extra={"queue": queue, "error": str(error)})

    def _answered(self) -> None:
        if self.down_since is not None:
            _log.info("hints.sent_again", extra={"lost": self.lost - self.down_since})
            self.down_since = None

    def _await(self, name: Hashable, now: float, comes: float) -> None:
        if len(self.awaited) >= AWAITED_MAX:
            self.awaited = {each: at for each, at in self.awaited.items() if at > now}
        if len(self.awaited) < AWAITED_MAX:
            self.awaited[name] = comes


@dataclass(frozen=True, slots=True)
class SqsMailboxes:
    """Where hints about sessions come out."""

    queues: Queues

    async def receive(self, shard: int) -> Sequence[SessionHint]:
        """What waits for a shard. Raises UnavailableError, ConfigurationError."""
        return await _received(self.queues, self.queues.mailbox(shard), read_session)


@dataclass(frozen=True, slots=True)
class SqsDeliveries:
    """Where hints about lanes and replays come out."""

    queues: Queues

    async def receive(self) -> Sequence[DeliveryHint]:
        """What is due. Raises UnavailableError, ConfigurationError."""
        return await _received(self.queues, self.queues.deliveries, read_delivery)


async def _received(
    queues: Queues, queue: str, read: Callable[[str], Hint | None]
) -> Sequence[Hint]:
    """The hints among what came, each once; what is none is dropped."""
    bodies = await queues.receive(queue)
    hints = [hint for body in bodies if (hint := read(body)) is not None]
    if len(hints) < len(bodies):
        # Never what it says: anybody may have put anything there.
        _log.warning("hints.unreadable", extra={"queue": queue, "count": len(bodies) - len(hints)})
    return list(dict.fromkeys(hints))
