"""Ports to the machine itself: time, chance, secrets at rest, wake-ups."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from service.domain.ids import EndpointId, LogId, ReplayId, SessionId


class Clock(Protocol):
    """Time, and all waiting."""

    def now(self) -> float:
        """Seconds since the epoch, as the world tells it."""

    def monotonic(self) -> float:
        """Seconds that never jump; for deadlines of this process."""

    async def sleep(self, seconds: float) -> None:
        """Wait; zero yields once."""

    def timeout(self, seconds: float | None) -> AbstractAsyncContextManager[Any]:
        """Cancel the block and raise TimeoutError after that long; None waits for ever."""


class Ids(Protocol):
    """Everything that must be unguessable or unique, and chance itself."""

    def ulid(self, prefix: str) -> str:
        """A prefixed ULID such as `ses_01J…`, rising with time."""

    def uuid(self) -> str:
        """A lower-case UUID4 from the operating system's entropy."""

    def secret(self) -> str:
        """32 random bytes, URL-safe base64: an API key's body."""

    def signing_secret(self) -> str:
        """A Standard Webhooks secret: `whsec_` and 24 to 64 random bytes in base64."""

    def signing_pair(self) -> str:
        """`whsk_` and in base64 32 random bytes, then the ed25519 public key of that seed."""

    def jitter(self) -> float:
        """A number in [0, 1)."""


class Cipher(Protocol):
    """Encrypts what may not lie in a table in the clear.

    Bound to what it belongs to by `context`.
    """

    def encrypt(self, text: str, *, context: str) -> str:
        """Authenticated encryption; the result is text. Raises UnavailableError without a key."""

    def decrypt(self, text: str, *, context: str) -> str:
        """Raises ConfigurationError when the key or the context is another, SealedError."""


class Signer(Protocol):
    """ed25519 (RFC 8032): arithmetic, but not of the standard library."""

    def sign(self, seed: bytes, content: bytes) -> bytes:
        """The 64 bytes of signature; `seed` is the 32 bytes of a private key."""


class Hints(Protocol):
    """Wake-ups. Only ids travel, and of typing the time.

    Losing, repeating or reordering one is always harmless. So sending one never
    fails: what cannot be sent is lost.
    """

    async def session(self, session_id: SessionId, shard: int) -> None:
        """Tell the owner of the shard to look at this session."""

    async def typing(self, session_id: SessionId, shard: int, *, at: float) -> None:
        """Tell the owner of the shard that the guest of this session was typing at that time."""

    async def lane(
        self, endpoint_id: EndpointId, session_id: LogId, *, delay: float = 0.0, hops: int = 0
    ) -> None:
        """Tell a courier to look at this lane, not before `delay` seconds; 900 at most are kept."""

    async def replay(
        self, replay_id: ReplayId, strand: int, *, delay: float = 0.0, hops: int = 0
    ) -> None:
        """Tell a courier to look at this strand of a replay; the delay is that of lanes."""


@dataclass(frozen=True, slots=True)
class TypingHint:
    """The guest was typing then, in seconds since the epoch: soon nobody wants to know any more."""

    session_id: SessionId
    at: float


SessionHint: TypeAlias = SessionId | TypingHint


@dataclass(frozen=True, slots=True)
class LaneHint:
    """A lane that a courier should look at, and how often couriers passed the hint on."""

    endpoint_id: EndpointId
    session_id: LogId
    hops: int = 0


@dataclass(frozen=True, slots=True)
class ReplayHint:
    """The same of a strand of a replay."""

    replay_id: ReplayId
    strand: int
    hops: int = 0


DeliveryHint: TypeAlias = LaneHint | ReplayHint


class Mailboxes(Protocol):
    """Where hints about sessions come out: one mailbox a shard, for whoever owns it."""

    async def receive(self, shard: int) -> Sequence[SessionHint]:
        """Take what waits for a shard, or wait at most 5 s for something; empty when nothing came.

        What is returned is gone from the mailbox. Cancelling may lose hints. Raises
        UnavailableError, ConfigurationError.
        """


class Deliveries(Protocol):
    """Where hints about lanes and replays come out, for any courier."""

    async def receive(self) -> Sequence[DeliveryHint]:
        """Take what is due, or wait at most 5 s for something; empty when nothing came.

        What is returned is gone from the queue. Cancelling may lose hints. Raises
        UnavailableError, ConfigurationError.
        """


class Starter(Protocol):
    """Starts listeners. Starting one too many is harmless: it ends itself."""

    async def start(self, count: int) -> None:
        """Ask for that many more. Does not wait for them, and raises nothing when it fails."""


class Bell(Protocol):
    """Tells waiters in this process that a log moved; others look again by the clock."""

    def ring(self, session_id: SessionId) -> None:
        """Something was appended."""

    async def wait(self, session_id: SessionId, seconds: float) -> None:
        """Return when it rings or after `seconds`, whichever is first; early returns are fine."""

    def typing(self, session_id: SessionId) -> None:
        """The agent or bot is typing: not logged, but a turn that waits for quiet counts it."""

    def last_typing(self, session_id: SessionId) -> float | None:
        """When typing was last seen in this process."""
