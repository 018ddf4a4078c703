"""Connections, guest sessions, stored messages and conversations: the nouns of the world.

Plain mutable records with the few questions one may ask of them; the rules are elsewhere.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from service.simulator.events import ConnId, TimerId
from service.simulator.rates import Window
from service.simulator.shapes import JsonObject


class SessionState(StrEnum):
    """Whether the guest may write."""

    ACTIVE = "active"
    READ_ONLY = "read_only"


@dataclass(slots=True, kw_only=True, eq=False)
class Stored:
    """A message as the platform keeps it. `body` is what travels in a StructuredMessage."""

    body: JsonObject
    at: float
    tracing_id: str | None
    conversation: "Conversation"
    delivered_to: int = 0

    @property
    def id(self) -> str:
        """The platform message id."""
        return str(self.body["id"])


@dataclass(slots=True, kw_only=True, eq=False)
class Conversation:
    """What the agent sees. One session may touch several."""

    id: str
    deployment: str
    started_at: float
    customer_id: str
    bot_id: str
    agent_id: str
    agent_name: str = ""
    ended_at: float = 0.0
    attributes: dict[str, str] = field(default_factory=dict)
    messages: list[Stored] = field(default_factory=list)


@dataclass(slots=True, kw_only=True, eq=False)
class Session:
    """A guest session: one life of one token within a deployment."""

    id: str
    deployment: str
    token: str
    expires_at: float
    state: SessionState = SessionState.ACTIVE
    user: str = ""
    gone: bool = False
    messages: list[Stored] = field(default_factory=list)
    connections: list["Connection"] = field(default_factory=list)
    conversation: Conversation | None = None
    writes: Window = field(default_factory=lambda: Window(1.0))
    bearers: list[str] = field(default_factory=list)
    history_reads: Window = field(default_factory=lambda: Window(60.0))

    def expired(self, now: float) -> bool:
        """Tell whether the idle time has passed."""
        return now >= self.expires_at

    @property
    def read_only(self) -> bool:
        """Tell whether the conversation has ended for good."""
        return self.state is SessionState.READ_ONLY


@dataclass(slots=True, kw_only=True, eq=False)
class Connection:
    """One WebSocket. `session` is None until it is configured and after it is detached."""

    id: ConnId
    deployment: str
    origin: str
    opened_at: float
    last_frame_at: float
    session: Session | None = None
    token: str = ""
    silent: bool = False
    timers: list[TimerId] = field(default_factory=list)
    requests: Window = field(default_factory=lambda: Window(60.0))
    echoes: Window = field(default_factory=lambda: Window(60.0))
