"""A session: the broker's durable thing, one guest's chat as the caller knows it. Pure values.

`session` is always ours. What Genesys holds underneath it is a *guest session*; the n-th one is
*incarnation* n.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, assert_never

from service.domain.deployment import OnReadOnly
from service.domain.ids import ClientId, DeploymentName, SessionId, TenantName
from service.domain.message import ATTRIBUTE_BYTES_MAX
from service.domain.sign_in import SignIn
from service.domain.trace import Trace


class State(StrEnum):
    """The fine states of the transition table. No flag decides what is legal: the state does."""

    CREATED = "created"
    """Accepted; no guest session of it is known."""
    OPENING = "opening"
    """The first attach is under way, or waits for its next try."""
    REOPENING = "reopening"
    """The first attach was told that there is no guest session: a new socket, once."""
    JOINING = "joining"
    """Attaching beside a predecessor that still holds its link."""
    OVERLAPPING = "overlapping"
    """Attached beside a predecessor; what it has not logged yet may still be missing."""
    DETACHED = "detached"
    """A guest session exists and no link is wanted now."""
    RESUMING = "resuming"
    """Attaching to a guest session that was let go on purpose."""
    CATCHING_UP = "catchingUp"
    """Attached; what was missed is being read from history."""
    LIVE = "live"
    """Attached and caught up."""
    DORMANT = "dormant"
    """A guest session exists that has been quiet for long: it is looked at now and then."""
    PEEKING = "peeking"
    """Attaching to a dormant session, to see what was said meanwhile."""
    PEEKED = "peeked"
    """Attached to a dormant session; what was said meanwhile is being read from history."""
    LOST = "lost"
    """The link broke; the next attach waits for its time."""
    REATTACHING = "reattaching"
    """Attaching with the same client id after a loss."""
    RETRYING = "retrying"
    """Told that the guest session is gone: a new socket, the same client id, once."""
    VERIFYING = "verifying"
    """Attached again after a loss; history must show that it is still the same guest session."""
    RENEWING = "renewing"
    """Attaching with a new client id that was committed before the wire saw it."""
    READ_ONLY = "readOnly"
    """The contact centre ended the chat; no link is wanted."""
    READING = "reading"
    """Attaching, or attached, to a read-only guest session to read its history."""
    RESTARTING = "restarting"
    """Leaving read-only: closeSession and startNew, same client id, committed beforehand."""
    CLEARING = "clearing"
    """Asked to clear the history and go on, committed beforehand."""
    ENDING = "ending"
    """Asked to clear and end, or to sign the guest out, committed beforehand."""
    ENDED = "ended"
    FAILED = "failed"
    ERASED = "erased"


class PublicState(StrEnum):
    """What callers see."""

    OPENING = "opening"
    ACTIVE = "active"
    RECOVERING = "recovering"
    READ_ONLY = "readOnly"
    ENDED = "ended"
    FAILED = "failed"


def public_state(state: State) -> PublicState:
    """The one total map from the table's states to the public ones."""
    match state:
        case State.CREATED | State.OPENING | State.REOPENING:
            return PublicState.OPENING
        case State.DETACHED | State.RESUMING | State.CATCHING_UP | State.LIVE:
            return PublicState.ACTIVE
        case (
            State.DORMANT
            | State.PEEKING
            | State.PEEKED
            | State.JOINING
            | State.OVERLAPPING
            | State.CLEARING
            | State.ENDING
        ):
            return PublicState.ACTIVE
        case State.LOST | State.REATTACHING | State.RETRYING | State.VERIFYING | State.RENEWING:
            return PublicState.RECOVERING
        case State.READ_ONLY | State.READING | State.RESTARTING:
            return PublicState.READ_ONLY
        case State.ENDED | State.ERASED:
            return PublicState.ENDED
        case State.FAILED:
            return PublicState.FAILED
        case _:
            assert_never(state)


_AT_REST: Final = {
    State.OPENING: State.CREATED,
    State.REOPENING: State.CREATED,
    State.JOINING: State.DETACHED,
    State.OVERLAPPING: State.DETACHED,
    State.RESUMING: State.DETACHED,
    State.CATCHING_UP: State.DETACHED,
    State.LIVE: State.DETACHED,
    State.PEEKING: State.DORMANT,
    State.PEEKED: State.DORMANT,
    State.REATTACHING: State.LOST,
    State.RETRYING: State.LOST,
    State.VERIFYING: State.LOST,
    State.READING: State.READ_ONLY,
}


def at_rest(state: State) -> State:
    """The state that is kept in the table: what remains true when the process that is at work dies.

    A link lives in one process, so a state that needs a link is never kept.
    """
    return _AT_REST.get(state, state)


FINAL_STATES: Final = frozenset({State.ENDED, State.ERASED})
SETTLED_STATES: Final = frozenset({State.ENDED, State.FAILED, State.ERASED})
"""States in which no send may stay open."""


class EndedBy(StrEnum):
    """Who or what ended a session."""

    AGENT = "agent"
    BOT = "bot"
    GUEST = "guest"
    CALLER = "caller"
    EXPIRED = "expired"
    CLEARED = "cleared"
    EVICTED = "evicted"
    UNKNOWN = "unknown"


class Cause(StrEnum):
    """What started a recovery or a replacement."""

    LINK_LOST = "link_lost"
    SESSION_NOT_FOUND = "session_not_found"
    SESSION_EXPIRED = "session_expired"
    NEW_SESSION = "new_session"
    CLIENT_ID_DEAD = "client_id_dead"
    READ_ONLY = "read_only"
    CLEARED = "cleared"
    EVICTED = "evicted"
    REQUESTED = "requested"


class EndMode(StrEnum):
    """How a caller ends a session: `clear` erases the history at Genesys, `leave` only lets go."""

    CLEAR = "clear"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """What started the recovery that is under way. The first cause stays, whatever follows it."""

    cause: Cause
    code: str | None
    last_good_at: float
    attempts: int = 0
    """Attaches that failed in a row."""
    retry_at: float | None = None
    """The next attach not before then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The one normal form of an end."""

    by: EndedBy
    resumable: bool
    at: float
    mode: EndMode | None = None
    verified: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureReason:
    """Why the session failed, in plain words."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A guest session that came before, kept for receipts and for the transcript's boundaries."""

    incarnation: int
    client_id_hash: str
    conversation_id: str | None
    participant_id: str | None
    replaced_at: float
    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """A visit on demand is at work until then; only who has the token may change the session."""

    token: str
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Farewell:
    """The last word of a predecessor, to whom the shard's fence was given."""

    fence: int
    drained: bool
    """All that its link ever brought is logged; otherwise only history can tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One session as its table item says. Everything that changes a session changes `version`."""

    id: SessionId
    tenant: TenantName
    deployment: DeploymentName
    external_id: str | None
    shard: int
    state: State
    version: int
    incarnation: int
    client_id: ClientId = field(repr=False)
    """Kept encrypted; in the clear only in memory."""
    next_client_id: ClientId | None = field(default=None, repr=False)
    """The client id of the intent to renew: committed here before the wire sees it."""
    custom_attributes: Mapping[str, str] = field(default_factory=dict, repr=False)
    attributes_version: int = 0
    """How often the caller changed the attributes: each version goes out with the next message."""
    introduced: str | None = None
    """The context that Genesys is known to have; written with whatever is written next."""
    max_custom_data_bytes: int | None = None
    """The guest session's own limit of attributes; None: the usual one."""
    journey_context: Mapping[str, Any] | None = field(default=None, repr=False)
    """What each configure tells of the customer's journey."""
    metadata: Mapping[str, Any] | None = field(default=None, repr=False)
    on_read_only: OnReadOnly | None = None
    """The caller's own choice; None: that of the deployment."""
    conversation_id: str | None = None
    participant_id: str | None = None
    former_conversations: Sequence[str] = ()
    """Conversations that ended while their guest session went on."""
    identified_at: int = 0
    """The place in the log up to which the two ids are known to be right."""
    duration_seconds: float | None = None
    expires_at: float | None = None
    warned_expiry_at: float | None = None
    """The expiry that `session.expiring` was already written for."""
    last_good_at: float | None = None
    """When the link was last known to be good, refreshed lazily."""
    held_by: str | None = None
    """The listener that holds a link, written once when it takes hold."""
    evictions: int = 0
    """How often in a row the link was pushed out; over once it is let go or left alone for long."""
    outage: Outage | None = None
    ended: Ended | None = None
    failure: FailureReason | None = None
    segments: Sequence[Segment] = ()
    joined: bool = False
    """Whether this incarnation's Join was committed as a pending send, or is not wanted."""
    carry: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Context of the incarnation before, as custom attributes for the first send of this one."""
    sign_in: SignIn | None = None
    """How the guest is signed in; None: anonymous. Kept encrypted."""
    opened_at: float | None = None
    """When the first guest session was opened; None until then."""
    trace: Trace | None = None
    """That of the request whose wish is under way; the event that tells of its end carries it."""
    created_at: float
    updated_at: float
    look_at: float | None = None
    """The work mark: somebody may be at work until then. Kept outside `version`."""
    wake_at: float | None = None
    """When somebody should look without any work being marked. Kept outside `version`."""
    lock: Lock | None = None
    """The lock of a visit on demand. Kept outside `version`."""
    attachments_at: float | None = None
    """When a caller last asked something of an attachment; None where there never was one. Kept
    outside `version`.
    """
    farewell: Farewell | None = None
    """The last word of the listener that gave the shard away. Kept outside `version`."""
    unanswered_after: int = 0
    """The log's end when a visit last left and what came of its attach was unknown, or not stored:
    it may have made another guest session. Kept outside `version`.
    """

    @property
    def conversations(self) -> frozenset[str]:
        """Every conversation by which it is found."""
        segments = (segment.conversation_id for segment in self.segments)
        known = (self.conversation_id, *segments, *self.former_conversations)
        return frozenset(name for name in known if name is not None)

    @property
    def authenticated(self) -> bool:
        """Whether it is a signed-in guest's session, as far as anybody here knows."""
        return self.sign_in is not None and not self.sign_in.stepping_up

    @property
    def public(self) -> PublicState:
        """What callers see of the state."""
        return public_state(self.state)

    @property
    def context(self) -> str:
        """Names what the agent should know now: the attributes of this guest session."""
        return f"{self.incarnation}.{self.attributes_version}"

    @property
    def attribute_limit(self) -> int:
        """How many bytes of custom attributes one message may carry."""
        limit = self.max_custom_data_bytes
        return ATTRIBUTE_BYTES_MAX if limit is None else limit
