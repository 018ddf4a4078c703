"""All that the simulated world remembers, and the two ways out of it: outputs and timers.

It must not know the rules of the wire. Time and chance are given to it; it never asks for them.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from service.simulator.attachment import Attachment, Download
from service.simulator.deployments import Deployment
from service.simulator.events import ConnId, Output, StartTimer, TimerId
from service.simulator.faults import Fault, FaultBook, FaultKind, Moment
from service.simulator.ids import Chance, Ids
from service.simulator.journal import Journal
from service.simulator.knobs import Knobs
from service.simulator.rates import Window
from service.simulator.session import Connection, Conversation, Session, Stored


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldConfig:
    """How a world starts."""

    deployments: tuple[Deployment, ...] = (Deployment(),)
    knobs: Knobs = field(default_factory=Knobs)
    oauth_clients: Mapping[str, str] = field(
        default_factory=lambda: {"simulator": "simulator-secret"}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Jwt:
    """A bearer for history: good for one session until `expires_at`."""

    session: Session
    conn: ConnId
    expires_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A user behind an auth JWT or a refresh token."""

    user: str
    deployment: str
    expires_at: float


@dataclass(slots=True, kw_only=True)
class WorldState:
    """The memory of one world."""

    config: WorldConfig
    chance: Chance
    knobs: Knobs
    ids: Ids
    faults: FaultBook
    now: float = 0.0
    # What is being asked while a request is handled; empty for what is pushed unasked.
    action: str = ""
    out: list[Output] = field(default_factory=list)
    timers: dict[TimerId, Callable[[], None]] = field(default_factory=dict)
    last_timer: int = 0
    journal: Journal = field(default_factory=Journal)
    deployments: dict[str, Deployment] = field(default_factory=dict)
    handshakes: dict[str, Window] = field(default_factory=dict)
    configures: dict[tuple[str, str], Window] = field(default_factory=dict)
    connections: dict[ConnId, Connection] = field(default_factory=dict)
    sessions: dict[tuple[str, str], Session] = field(default_factory=dict)
    seen_tokens: set[tuple[str, str]] = field(default_factory=set)
    dead_tokens: set[tuple[str, str]] = field(default_factory=set)
    messages: dict[str, Stored] = field(default_factory=dict)
    conversations: dict[str, Conversation] = field(default_factory=dict)
    attachments: dict[str, Attachment] = field(default_factory=dict)
    downloads: dict[str, Download] = field(default_factory=dict)
    jwts: dict[str, Jwt] = field(default_factory=dict)
    logins: dict[str, Login] = field(default_factory=dict)
    refresh_tokens: dict[str, Login] = field(default_factory=dict)
    used_codes: set[str] = field(default_factory=set)
    platform_tokens: dict[str, float] = field(default_factory=dict)

    def emit(self, output: Output) -> None:
        """Put one output at the end of the list."""
        self.out.append(output)

    def after(self, seconds: float, action: Callable[[], None]) -> TimerId:
        """Run `action` later, by asking the shell for a timer; return it."""
        self.last_timer += 1
        timer = TimerId(self.last_timer)
        self.timers[timer] = action
        self.emit(StartTimer(timer=timer, at=self.now + seconds))
        return timer

    def cancel(self, timer: TimerId) -> None:
        """Let nothing happen when the timer is due."""
        self.timers.pop(timer, None)

    def forget_everything(self) -> None:
        """Empty every memory but connections, faults and journal, which have ends of their own."""
        memories: tuple[dict[Any, Any] | set[Any], ...] = (
            *(self.handshakes, self.configures, self.sessions, self.seen_tokens, self.dead_tokens),
            *(self.messages, self.conversations, self.attachments, self.downloads),
            *(self.jwts, self.logins, self.refresh_tokens, self.used_codes),
            self.platform_tokens,
        )
        for memory in memories:
            memory.clear()

    def strike(self, kind: FaultKind, moment: Moment) -> Fault | None:
        """Ask the fault book whether a fault strikes now."""
        return self.faults.strike(kind, moment)


def fresh_state(config: WorldConfig, chance: Chance) -> WorldState:
    """Build the memory of a world in which nothing has happened yet."""
    return WorldState(
        config=config,
        chance=chance,
        knobs=config.knobs,
        ids=Ids(chance),
        faults=FaultBook(chance),
        deployments={each.id: each for each in config.deployments},
    )


def whole_seconds(wait: float) -> int:
    """Round a waiting time up to what `retryAfter` can say: whole seconds, at least one."""
    return max(1, math.ceil(wait))
