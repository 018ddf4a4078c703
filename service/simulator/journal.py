"""What the simulator saw and stored, for tests to look at. Nothing here changes behaviour.

The journal outlives sessions: what was forgotten, wiped or replaced is still in it.
"""

from dataclasses import dataclass, field

from service.simulator.shapes import JsonObject, record


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One stored message. `session` is the internal id of one life of the token."""

    seq: int
    deployment: str
    token: str
    session: str
    conversation_id: str
    message_id: str
    tracing_id: str | None
    direction: str
    type: str
    text: str | None
    events: list[JsonObject]
    metadata: dict[str, str]
    attributes: dict[str, str] = field(default_factory=dict)
    time: str
    at: float


@dataclass(slots=True, kw_only=True)
class Arrival:
    """How often one inbound text arrived (refused ones count) and how often it was stored."""

    deployment: str
    token: str
    text: str
    arrived: int = 0
    stored: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshake:
    """One request for an upgrade; `status` is 101, the refusal, or 0 when it was left hanging."""

    deployment: str
    at: float
    status: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Configure:
    """One configure request; `outcome` is new, resumed, read_only or the code of the refusal."""

    deployment: str
    token: str
    at: float
    outcome: str
    journey_context: JsonObject = field(default_factory=dict)


@dataclass(slots=True)
class Counts:
    """Counters of a deployment or a token."""

    upgrades: int = 0
    configures: int = 0
    frames_in: int = 0
    frames_out: int = 0
    history_reads: int = 0
    sockets: int = 0
    max_sockets: int = 0
    max_attached: int = 0
    swallowed: int = 0

    def opened(self) -> None:
        """Count one more open socket."""
        self.sockets += 1
        self.max_sockets = max(self.max_sockets, self.sockets)

    def closed(self) -> None:
        """Count one socket less."""
        self.sockets -= 1


@dataclass(slots=True)
class Journal:
    """Everything observable, in the order in which it happened."""

    entries: list[Entry] = field(default_factory=list)
    handshakes: list[Handshake] = field(default_factory=list)
    configures: list[Configure] = field(default_factory=list)
    arrivals: dict[tuple[str, str, str], Arrival] = field(default_factory=dict)
    undelivered: list[JsonObject] = field(default_factory=list)
    by_deployment: dict[str, Counts] = field(default_factory=dict)
    by_token: dict[str, Counts] = field(default_factory=dict)

    def deployment(self, deployment: str) -> Counts:
        """Return the counters of a deployment."""
        return self.by_deployment.setdefault(deployment, Counts())

    def token(self, token: str) -> Counts:
        """Return the counters of a token."""
        return self.by_token.setdefault(token, Counts())

    def arrival(self, deployment: str, token: str, text: str) -> Arrival:
        """Return the arrival record of one inbound text."""
        fresh = Arrival(deployment=deployment, token=token, text=text)
        return self.arrivals.setdefault((deployment, token, text), fresh)

    def counts(self) -> JsonObject:
        """Write all counters as JSON."""
        return {
            "deployments": {name: record(each) for name, each in self.by_deployment.items()},
            "tokens": {name: record(each) for name, each in self.by_token.items()},
        }
